"""How each kind of error and of edit is shown: a shape, a letter, a colour and a word.

The one idea: no kind is told by its colour alone. The shape is that of its dimension (disc for
components, triangle for loops, square for cavities, diamond for the rest), the letter tells the
kinds of one shape apart, and a word stands beside them. Against a reference, of which nobody knows
whether it is right, the words say only where something is: here, in the label map that is judged,
or there. No Qt here.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.topology.errors.comparison import Against
from napari_toposeg.plugin.topology.errors.found_defects import FoundDefects
from napari_toposeg.plugin.topology.errors.wanted_defects import APART
from napari_toposeg.plugin.translation import mark
from napari_toposeg.plugin.widgets.plotting import EDIT_COLOURS, KIND_COLOURS

Shape = Literal["disc", "triangle", "square", "diamond"]
BROWN = "#A6611A"


class KindStyle(NamedTuple):
    """How a kind is drawn and called; ``tip`` explains the word."""

    shape: Shape
    letter: str
    colour: str
    word: str
    even_word: str
    tip: str


def _style(
    kind: str, shape: Shape, letter: str, word: str, even_word: str, tip: str
) -> tuple[str, KindStyle]:
    colour = KIND_COLOURS.get(kind, BROWN)
    return kind, KindStyle(shape, letter, colour, word, even_word, tip)


STYLES = dict(
    (
        _style(
            "splits",
            "disc",
            "S",
            mark("splits"),
            mark("parted here"),
            mark("A gap parts what should be one"),
        ),
        _style(
            "merges",
            "disc",
            "M",
            mark("merges"),
            mark("joined here"),
            mark("Voxels join what should be two"),
        ),
        _style(
            "spurious",
            "disc",
            "+",
            mark("spurious"),
            mark("only here"),
            mark("A piece that should not be"),
        ),
        _style(
            "missing",
            "disc",
            "−",
            mark("missing"),
            mark("only there"),
            mark("A piece that was not found"),
        ),
        _style(
            APART,
            "disc",
            "A",
            mark("a piece apart"),
            mark("a piece apart"),
            mark("A component that is one too many"),
        ),
        _style(
            "makes a loop",
            "triangle",
            "+",
            mark("makes a loop"),
            mark("loop only here"),
            mark("A loop too many"),
        ),
        _style(
            "breaks a loop",
            "triangle",
            "−",
            mark("breaks a loop"),
            mark("loop open here"),
            mark("A ring has a gap"),
        ),
        _style(
            "fills a loop",
            "triangle",
            "F",
            mark("fills a loop"),
            mark("loop filled here"),
            mark("A hole is closed"),
        ),
        _style(
            "makes a cavity",
            "square",
            "+",
            mark("makes a cavity"),
            mark("cavity only here"),
            mark("A hole inside"),
        ),
        _style(
            "opens a cavity",
            "square",
            "−",
            mark("opens a cavity"),
            mark("cavity open here"),
            mark("A shell leaks"),
        ),
        _style(
            "fills a cavity",
            "square",
            "F",
            mark("fills a cavity"),
            mark("cavity filled here"),
            mark("The inside of a shell is filled"),
        ),
        _style(
            "mixed",
            "diamond",
            "±",
            mark("mixed"),
            mark("mixed"),
            mark("Several of the numbers change"),
        ),
        _style(
            "compensated",
            "diamond",
            "=",
            mark("compensated"),
            mark("compensated"),
            mark("Alone it changes no number, together with others it may"),
        ),
        _style(
            "harmless",
            "diamond",
            "·",
            mark("harmless"),
            mark("outline only"),
            mark("The outline is a little off"),
        ),
    )
)
"""Style of each kind, components first."""

EDIT_STYLES = {
    "adds": KindStyle(
        "square",
        "+",
        EDIT_COLOURS["adds"],
        mark("joins"),
        mark("joins"),
        mark("Voxels that join the class"),
    ),
    "removes": KindStyle(
        "disc",
        "−",
        EDIT_COLOURS["removes"],
        mark("is taken away"),
        mark("is taken away"),
        mark("Voxels that leave the class"),
    ),
    "refused": KindStyle(
        "diamond",
        "0",
        EDIT_COLOURS["refused"],
        mark("left as it was"),
        mark("left as it was"),
        mark("Edits that are not ticked"),
    ),
}
"""Style of what an edit of a repair does."""


def word_of(kind: str, against: Against) -> str:
    """Return the English word of a kind; `tr` looks it up when it is shown."""
    style = STYLES[kind]
    return style.even_word if against == "reference" else style.word


def in_order(kinds: set[str]) -> list[str]:
    """Return kinds in the order of the legend."""
    return [kind for kind in STYLES if kind in kinds]


def places_of(defects: FoundDefects, kinds: Sequence[str]) -> NDArray[np.int64]:
    """Return the place of each error's kind in a list of kinds, -1 where it is not in it."""
    present, which = defects.present
    place = {name: number for number, name in enumerate(kinds)}
    places = np.array([place.get(name, -1) for name in present.tolist()], np.int64)
    return places[which]
