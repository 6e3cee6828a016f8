"""DefectsView: the list of what is wrong, to sort, to filter and to step through.

The one idea: what is listed is decided here without Qt: a kind, a class, words, a least size; the
table only shows it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.plugin.topology.errors.comparison import Against
from napari_toposeg.plugin.topology.errors.found_defects import ALL, FoundDefects
from napari_toposeg.plugin.topology.errors.kind_icons import icon_of
from napari_toposeg.plugin.topology.errors.kinds import STYLES, places_of, word_of
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.column_table import Column, ColumnTable

LEAST_SHOWN = 0.01
"""Sizes and costs below are only said to be below."""


@dataclass(frozen=True)
class Filter:
    """What of a list is shown.

    Parameters
    ----------
    kinds
        Kinds that are shown; all where it is empty.
    label
        Class that is shown; every one where it is None.
    words
        All of these must be in the words of an error: its kind, its class.
    least
        Voxels that an error must have.
    quiet
        Show also errors that change no number.
    """

    kinds: frozenset[str] = field(default_factory=frozenset)
    label: int | None = None
    words: str = ""
    least: int = 1
    quiet: bool = True

    def accepts(
        self, defects: FoundDefects, names: Mapping[int, str], against: Against
    ) -> NDArray[np.bool_]:
        """Return for each error whether it is shown."""
        kept = self.all_but_kind(defects, names, against)
        if self.kinds:
            kept &= defects.is_of(self.kinds)
        return kept

    def all_but_kind(
        self, defects: FoundDefects, names: Mapping[int, str], against: Against
    ) -> NDArray[np.bool_]:
        """Return what is shown of all kinds: what the legend counts."""
        kept = defects.size >= self.least
        if not self.quiet:
            kept &= defects.is_critical
        if self.label is not None:
            kept &= defects.label == self.label
        for word in self.words.lower().split():
            kept &= has_word(word, defects, names, against)
        return kept


def has_word(
    word: str, defects: FoundDefects, names: Mapping[int, str], against: Against
) -> NDArray[np.bool_]:
    """Return for each error whether a word is part of its kind's words or of its class's name."""
    kinds = [
        kind
        for kind in defects.present[0].tolist()
        if word in kind or word in tr(word_of(kind, against)).lower()
    ]
    labels = [
        label
        for label in np.unique(defects.label).tolist()
        if word in name_of(label, names).lower()
    ]
    return np.asarray(defects.is_of(kinds) | np.isin(defects.label, labels))


def name_of(label: int, names: Mapping[int, str]) -> str:
    """Return the name of a class for a person."""
    return tr("all") if label == ALL else names.get(label, tr("label {n}").format(n=label))


class DefectsView(ColumnTable):
    """The list of errors, largest first."""

    def set_defects(
        self, defects: FoundDefects | None, names: Mapping[int, str], against: Against
    ) -> None:
        """Show other errors, or none."""
        if defects is None:
            self.set_columns(())
            return
        columns = columns_of(defects, names, against)
        self.set_columns(
            columns,
            # Of a repair the edits come first, and then the pieces that they join.
            sort=0 if against == "wanted" else 1,
            descending=against != "wanted",
            icon=lambda row: icon_of(STYLES[str(defects.kind[row])]),
            tip=lambda row: tip_of(defects, row, names, against),
        )


def columns_of(
    defects: FoundDefects, names: Mapping[int, str], against: Against
) -> tuple[Column, ...]:
    """Return the columns of a list: kind with class, size, cost, change."""
    size, volume = defects.size, defects.volume

    def what(row: int) -> str:
        word = tr(word_of(str(defects.kind[row]), against))
        label = int(defects.label[row])
        return word if label == ALL else f"{word}: {name_of(label, names)}"

    kinds = places_of(defects, list(STYLES))
    kind_and_class = kinds * (1 + int(defects.label.max(initial=0))) + defects.label
    number = tr("What mending it alone adds to the Betti numbers b0, b1, b2")
    return (
        Column(tr("Error"), tr("What the error does, and in which class"), kind_and_class, what),
        Column(
            tr("Size"),
            tr("Size of the error, in voxels"),
            size,
            lambda row: f"{size[row]:,}",
        ),
        Column(
            tr("mm³"),
            tr("Size of the error, in cubic millimetres"),
            volume,
            lambda row: short(volume[row]),
        ),
        Column(tr("Cost"), cost_tip(against), defects.cost, lambda row: short(defects.cost[row])),
        Column(
            "Δb",
            number,
            np.abs(defects.change).sum(axis=1),
            lambda row: change_text(defects.change[row]),
        ),
    )


def cost_tip(against: Against) -> str:
    """Say what a cost is."""
    if against == "wanted":
        return tr(
            "What mending it costs, as in Repair: how sure the voxels are, all together (their "
            "probability's distance from 0.5; without a probability, by the distance from the "
            "surface)"
        )
    return tr(
        "How sure the voxels are, all together: the sum of their probability's distance from 0.5; "
        "0.5 a voxel where no probability is chosen"
    )


def short(value: float) -> str:
    """Write a size or a cost in few letters."""
    if 0 < value < LEAST_SHOWN:
        return f"<{LEAST_SHOWN}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 10 else f"{value:.3g}"


def change_text(change: NDArray[np.int64]) -> str:
    """Write changes of Betti numbers, with their signs."""
    return " ".join(f"{number:+d}" if number else "0" for number in change.tolist())


def tip_of(defects: FoundDefects, row: int, names: Mapping[int, str], against: Against) -> str:
    """Say all of an error, over its row."""
    style = STYLES[str(defects.kind[row])]
    return "\n".join(
        (
            tr("{kind} in {name}").format(
                kind=tr(word_of(str(defects.kind[row]), against)),
                name=name_of(int(defects.label[row]), names),
            ),
            tr(style.tip),
            tr("at z y x {place}").format(place=" ".join(map(str, defects.centre[row].tolist()))),
        )
    )
