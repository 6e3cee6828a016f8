"""Classes of an annotation: the name, the colour and the wanted topology of labels 1, 2, ...

The one idea: they live in the annotation layer itself, in its features and its colours, so that
whatever keeps the layer keeps them. No Qt here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from napari.utils.colormaps import DirectLabelColormap

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.finetune.annotate.annotations import BACKGROUND
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.plotting import CLASS_COLOURS
from napari_toposeg.plugin.widgets.wishes import Wish, read_wish, write_wish

CLEAR, GREY = "#00000000", "#808080"


@dataclass(frozen=True)
class PaintedClass:
    """What one label stands for.

    Parameters
    ----------
    name
        Its name.
    wanted
        Components, loops and cavities that it should have; None for no wish.
    colour
        ``"#RRGGBB"``.
    """

    name: str
    wanted: Wish | None
    colour: str


Classes = tuple[PaintedClass, ...]


def colour_of(number: int) -> str:
    """Return the usual colour of a label."""
    return CLASS_COLOURS[(number - 1) % len(CLASS_COLOURS)]


def plain_name(number: int) -> str:
    """Return what a class is called that nobody named."""
    return tr("class {number}").format(number=number)


def plain_class(number: int, name: str = "") -> PaintedClass:
    """Return a class without a wish, in its usual colour."""
    return PaintedClass(name or plain_name(number), None, colour_of(number))


def as_classes(given: Sequence[str | PaintedClass]) -> Classes:
    """Return classes, of which some may be given by their names alone."""
    return tuple(
        each if isinstance(each, PaintedClass) else plain_class(number, each)
        for number, each in enumerate(given, start=1)
    )


def at_least(classes: Classes, count: int) -> Classes:
    """Return the classes, and plain ones up to a number of them."""
    return classes + tuple(plain_class(n) for n in range(len(classes) + 1, count + 1))


def features_of(classes: Classes) -> dict[str, list[Any]]:
    """Return the features that napari shows for the label under the cursor."""
    return {
        "index": [0, *range(1, len(classes) + 1), BACKGROUND],
        "class": ["unlabelled", *(each.name for each in classes), "background"],
        "wanted": ["", *(write_wish(each.wanted) for each in classes), ""],
    }


def colormap_of(classes: Classes) -> DirectLabelColormap:
    """Return the colours of an annotation: none for 0, grey for background, one for each class."""
    known = dict(enumerate((each.colour for each in classes), start=1))
    colours = {number: known.get(number, colour_of(number)) for number in range(1, BACKGROUND)}
    return DirectLabelColormap(color_dict={None: CLEAR, 0: CLEAR, BACKGROUND: GREY} | colours)


def classes_of_layer(layer: Any, count: int = 0) -> Classes:
    """Return the classes that a Labels layer tells of, by its features and its colours.

    Parameters
    ----------
    layer
        Any Labels layer.
    count
        Number of classes to return at least; those without a name are called by their number.
    """
    rows = _rows(layer)
    last = max((number for number in rows if number < BACKGROUND), default=0)
    return tuple(
        _class_in(layer, number, *rows.get(number, ("", "")))
        for number in range(1, max(count, last) + 1)
    )


def _rows(layer: Any) -> dict[int, tuple[str, str]]:
    """Return name and wish by label."""
    features = layer.features
    if "class" not in features:
        return {}
    count = len(features)
    index = features["index"] if "index" in features else range(count)
    wanted = features["wanted"] if "wanted" in features else [""] * count
    return {
        int(number): (str(name), str(wish))
        for number, name, wish in zip(index, features["class"], wanted, strict=True)
    }


def _class_in(layer: Any, number: int, name: str, wish: str) -> PaintedClass:
    try:
        wanted = read_wish(wish, name)
    except InvalidConfig:
        # Another program's column of that name.
        wanted = None
    return PaintedClass(name or plain_name(number), wanted, hex_colour(layer, number))


def hex_colour(layer: Any, number: int) -> str:
    """Return the colour in which a Labels layer draws a label, as ``"#RRGGBB"``."""
    drawn = layer.get_color(number)
    if drawn is None or drawn[3] == 0:
        return colour_of(number)
    return "#" + "".join(f"{round(255 * float(part)):02X}" for part in drawn[:3])


def to_plain(classes: Classes) -> list[dict[str, Any]]:
    """Return classes as values that JSON holds."""
    return [
        {"name": each.name, "wanted": write_wish(each.wanted), "colour": each.colour}
        for each in classes
    ]


def from_plain(kept: Sequence[Any]) -> Classes:
    """Return the classes that `to_plain` wrote, or an older release, which knew their names only.

    Raises
    ------
    ValueError
        If it is something else.
    """
    return tuple(_from_plain(number, each) for number, each in enumerate(kept, start=1))


def _from_plain(number: int, kept: Any) -> PaintedClass:
    if not isinstance(kept, Mapping):
        return plain_class(number, str(kept))
    name = str(kept.get("name", ""))
    colour = str(kept.get("colour", colour_of(number)))
    return PaintedClass(name, read_wish(str(kept.get("wanted", "")), name), colour)
