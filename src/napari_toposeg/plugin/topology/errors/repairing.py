"""Repairing: the edits that give the classes of a label map the Betti numbers that are wanted.

The one idea: what it costs to change a voxel is how sure the label map is of it. A probability
layer says how sure; without one it is the distance from the surface of the class, so that what is
thin or far out is cheapest. Classes that are not repaired keep every voxel. No Qt here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from napari_toposeg.errors import InvalidConfig, ShapeMismatch
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Report, Run, to_nobody
from napari_toposeg.topology import BettiNumbers, ClassRepairs, Edit, betti_numbers, repair_by_class

Labels = NDArray[np.integer]
DOUBT = 1e-3
"""Least that a voxel costs, as a probability's distance from one half."""
FORBIDDEN = 1e3
"""What a voxel of a class that is not repaired would cost: more than all others together do."""
PLACE = ("z", "y", "x")
CHANGE = ("change b0", "change b1", "change b2")
COLUMNS = ("class", "label", "edit", "taken", "voxels", "mm3", "cost", *CHANGE, *PLACE)
"""Headings of `Proposal.rows`."""
NUMBER_COLUMNS = (
    "class",
    *(f"b{k} {when}" for when in ("before", "after", "wanted") for k in range(3)),
    "reached",
)
"""Headings of `Proposal.number_rows`; after is with the edits that are taken."""


@dataclass(frozen=True)
class ClassEdit:
    """An edit, and the class that it adds voxels to or takes them from."""

    label: int
    edit: Edit
    centre: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Proposal:
    """A repair of some classes of a label map, with edits that can be taken or left.

    Parameters
    ----------
    before
        The label map ``(z, y, x)`` as it was.
    found
        The repairs of the classes, as they now are.
    counted
        Betti numbers of each repaired class before.
    edits
        Of all classes, the dearest first; their order stays.
    voxel_mm3
        Volume of a voxel.
    """

    before: Labels
    found: ClassRepairs
    counted: dict[int, BettiNumbers]
    edits: tuple[ClassEdit, ...]
    voxel_mm3: float = 1.0

    @property
    def accepted(self) -> tuple[bool, ...]:
        """Whether each edit is taken."""
        return tuple(each.edit.accepted for each in self.edits)

    @property
    def labels(self) -> Labels:
        """The label map with the accepted edits."""
        labels = np.where(np.isin(self.before, list(self.found.repairs)), 0, self.before)
        made = self.found.labels
        return np.where(made > 0, made, labels).astype(self.before.dtype)

    def rows(self, names: Mapping[int, str] | None = None) -> Iterator[tuple[Any, ...]]:
        """Yield the row of each edit under `COLUMNS`, as plain numbers and strings."""
        for each in self.edits:
            edit = each.edit
            yield (
                (names or {}).get(each.label, f"label {each.label}"),
                each.label,
                "joins" if edit.adds else "is taken away",
                edit.accepted,
                len(edit.voxels),
                len(edit.voxels) * self.voxel_mm3,
                edit.cost,
                *edit.change,
                *each.centre,
            )

    def number_rows(self, names: Mapping[int, str] | None = None) -> Iterator[tuple[Any, ...]]:
        """Yield the row of each repaired class under `NUMBER_COLUMNS`."""
        for number, repair in sorted(self.found.repairs.items()):
            name = (names or {}).get(number, f"label {number}")
            yield (name, *self.counted[number], *repair.betti, *repair.wanted, repair.reached)

    def with_answers(self, accepted: Sequence[bool]) -> "Proposal":
        """Return the proposal with only some of the edits, all numbers counted anew.

        Raises
        ------
        ShapeMismatch
            If there is not one answer for each edit.
        """
        if len(accepted) != len(self.edits):
            raise ShapeMismatch(
                f"{len(accepted)} answers for {len(self.edits)} edits; give one for each, in order"
            )
        answers = {id(each.edit): taken for each, taken in zip(self.edits, accepted, strict=True)}
        found = self.found
        renewed: dict[int, Edit] = {}
        for number, repair in self.found.repairs.items():
            wanted = [answers[id(edit)] for edit in repair.edits]
            if wanted != [edit.accepted for edit in repair.edits]:
                found = found.with_edits(number, wanted)
        for number, repair in self.found.repairs.items():
            its = found.repairs[number].edits
            renewed |= {id(old): new for old, new in zip(repair.edits, its, strict=True)}
        edits = tuple(replace(each, edit=renewed[id(each.edit)]) for each in self.edits)
        return replace(self, found=found, edits=edits)


def propose(
    labels: Labels,
    wanted: Mapping[int, Sequence[int]],
    *,
    probability: NDArray[np.floating] | None = None,
    connectivity: int = 26,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
) -> Run[Proposal]:
    """Find the cheapest edits found that give classes the wanted Betti numbers.

    Parameters
    ----------
    labels
        Label map ``(z, y, x)``, 0 background.
    wanted
        Betti numbers ``(b0, b1, b2)`` by class; other classes are left as they are.
    probability
        Probability of foreground ``(z, y, x)`` in 0..1; by default the distance from the surface
        says what an edit costs.
    connectivity
        Connectivity of the foreground: 26 or 6.
    spacing
        Of the voxels, in millimetres along ``(z, y, x)``.

    Raises
    ------
    InvalidConfig
        If no class is to be repaired, if one is not in the map, or if numbers cannot be.
    ShapeMismatch
        If the probability has another shape.
    """
    require_classes(labels, wanted)
    if probability is not None and probability.shape != labels.shape:
        raise ShapeMismatch(
            f"labels {labels.shape} and probability {probability.shape} differ; choose the "
            "probability that belongs to the labels, or none"
        )
    work = partial(find_proposal, labels, wanted, probability, connectivity, spacing)
    return (yield from follow(work, "Looking for the cheapest repair"))


def require_classes(labels: Labels, wanted: Mapping[int, Sequence[int]]) -> None:
    """Raise InvalidConfig unless there is a class to be repaired, and every one is in the map."""
    if not wanted:
        raise InvalidConfig("no class is to be repaired; write the numbers wanted of at least one")
    missing = [number for number in wanted if not (labels == number).any()]
    if missing:
        raise InvalidConfig(
            f"label {', '.join(map(str, missing))} is not in the label map; "
            "want numbers of classes that are"
        )


def find_proposal(
    labels: Labels,
    wanted: Mapping[int, Sequence[int]],
    probability: NDArray[np.floating] | None,
    connectivity: int,
    spacing: Sequence[float],
    report: Report,
) -> Proposal:
    """Find the edits, and the numbers before them."""
    maps, counted = {}, {}
    for number in wanted:
        report(0.0)
        maps[number] = evidence(labels, number, wanted, probability, spacing, report)
        report(0.0)
        counted[number] = betti_numbers(labels == number, connectivity=connectivity)
    found = repair_by_class(maps, dict(wanted), connectivity=connectivity, progress=report)
    edits = [
        ClassEdit(number, edit, centre_of(edit, labels.shape))
        for number, repair in found.repairs.items()
        for edit in repair.edits
    ]
    dearest = sorted(edits, key=lambda each: -each.edit.cost)
    return Proposal(labels, found, counted, tuple(dearest), float(np.prod(spacing)))


def evidence(
    labels: Labels,
    number: int,
    repaired: Mapping[int, Sequence[int]],
    probability: NDArray[np.floating] | None,
    spacing: Sequence[float],
    report: Report = to_nobody,
) -> NDArray[np.float32]:
    """Return a map of a class that lies above one half exactly where the class is."""
    mask = labels == number
    if probability is not None:
        sure = np.maximum(np.abs(probability - 0.5), DOUBT)
    else:
        distance = distance_transform_edt(mask, spacing)
        # Where a person cancels, it ends here: each of the two takes seconds of a large map.
        report(0.0)
        distance += distance_transform_edt(~mask, spacing)
        sure = 0.5 * distance / (distance + np.mean(spacing))
    spared = ~mask & (labels > 0) & ~np.isin(labels, list(repaired))
    sure = np.where(spared, FORBIDDEN, sure)
    return (0.5 + np.where(mask, sure, -sure)).astype(np.float32)


def centre_of(edit: Edit, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return the voxel of an edit that lies nearest to its centre."""
    return nearest_to_centre(np.stack(np.unravel_index(edit.voxels, shape), axis=1))


def nearest_to_centre(voxels: NDArray[np.integer]) -> tuple[int, int, int]:
    """Return the one of some voxels ``(n, 3)`` that lies nearest to their centre."""
    nearest = np.square(voxels - voxels.mean(axis=0)).sum(axis=1).argmin()
    z, y, x = map(int, voxels[nearest])
    return z, y, x


def numbers_text(numbers: BettiNumbers) -> str:
    """Write Betti numbers for a person."""
    return " ".join(map(str, numbers))


def numbers_lines(proposal: Proposal, names: Mapping[int, str]) -> list[str]:
    """Say for a person what becomes of each class with the edits that are taken, and their cost."""
    lines = [
        f"{names.get(number, tr('label {n}').format(n=number))}: "
        f"{numbers_text(proposal.counted[number])} → {numbers_text(repair.betti)} "
        f"{'✓' if repair.reached else '✗ ' + repair.reason}"
        for number, repair in sorted(proposal.found.repairs.items())
    ]
    if not proposal.edits:
        return [*lines, tr("There is nothing to repair.")]
    taken = [each for each in proposal.edits if each.edit.accepted]
    text = tr("{taken} of {all} edits taken, {voxels} voxels, cost {cost}")
    return [
        *lines,
        text.format(
            taken=len(taken),
            all=len(proposal.edits),
            voxels=f"{sum(len(each.edit.voxels) for each in taken):,}",
            cost=f"{sum(each.edit.cost for each in taken):.3g}",
        ),
    ]
