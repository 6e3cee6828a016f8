"""Applying a repair: written into a layer in one stroke, and counted once it is there.

The one idea: a promise is kept where it can be checked. What a proposal says of the result is held
against the Betti numbers of the layer itself. A label map that is not in memory may be a file, and
stays as it is: the repaired one becomes a layer beside it. No Qt here.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from napari.components import ViewerModel
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.lazy import finest, is_lazy
from napari_toposeg.plugin.canvas.sources import SOURCE
from napari_toposeg.plugin.topology.errors.defects_view import name_of
from napari_toposeg.plugin.topology.errors.repairing import Proposal, numbers_text
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Run
from napari_toposeg.topology import BettiNumbers, betti_numbers_by_class


def apply_edits(viewer: ViewerModel, layer: Any, proposal: Proposal) -> tuple[Any, int]:
    """Write the edits that are taken, into the layer or, if it is not in memory, into a new one.

    Returns
    -------
    Labels
        The layer that holds the repaired label map.
    int
        How many voxels changed.

    Raises
    ------
    InvalidConfig
        If the layer is not any more what the repair was proposed for.
    """
    if is_lazy(finest(layer)):
        repaired = proposal.labels
        made = add_like(viewer, layer, repaired, tr("{name} repaired").format(name=layer.name))
        return made, int(np.count_nonzero(repaired != proposal.before))
    return layer, write_edits(layer, proposal)


def add_like(viewer: ViewerModel, layer: Any, labels: NDArray[np.integer], name: str) -> Any:
    """Add a label map that looks like a Labels layer and lies where it lies, and return it."""
    _, attributes, _ = layer.as_layer_data_tuple()
    # Its voxels are no file's.
    metadata = {key: each for key, each in layer.metadata.items() if key != SOURCE}
    attributes |= {"name": name, "metadata": metadata, "multiscale": False}
    return viewer.add_labels(labels, **attributes)


def write_edits(layer: Any, proposal: Proposal) -> int:
    """Write the edits that are taken into a Labels layer, in one stroke that it can undo.

    Returns
    -------
    int
        How many voxels changed.

    Raises
    ------
    InvalidConfig
        If the layer is not any more what the repair was proposed for.
    """
    require_unchanged(layer, proposal)
    after = proposal.labels
    voxels = np.nonzero(after != proposal.before)
    if len(voxels[0]):
        layer.data_setitem(voxels, after[voxels])
    return len(voxels[0])


def require_unchanged(layer: Any, proposal: Proposal) -> None:
    """Raise InvalidConfig if a layer in memory is not any more what the repair was proposed for."""
    data = finest(layer)
    if not is_lazy(data) and not np.array_equal(data, proposal.before):
        raise InvalidConfig(
            f"{layer.name} was changed since the repair was proposed; propose it again"
        )


def check_numbers(labels: NDArray[np.integer], proposal: Proposal) -> Run[dict[int, BettiNumbers]]:
    """Count the repaired classes of a label map, whoever wrote it.

    Parameters
    ----------
    labels
        Label map ``(z, y, x)`` as it is now.
    proposal
        Says which classes, and how their voxels are joined.
    """
    repairs = proposal.found.repairs
    joined = next(iter(repairs.values())).task.foreground

    def count(report: Callable[[float], object]) -> dict[int, BettiNumbers]:
        report(0.0)
        return betti_numbers_by_class(labels, classes=sorted(repairs), connectivity=joined)

    return (yield from follow(count, "Counting what was written"))


def checked_text(
    proposal: Proposal, counted: Mapping[int, BettiNumbers], names: Mapping[int, str]
) -> str:
    """Say of each class whether the numbers counted are those that were promised."""
    lines = []
    for number, repair in sorted(proposal.found.repairs.items()):
        kept = counted[number] == repair.betti
        text = (
            tr("{name}: {numbers} written and counted, as promised ✓")
            if kept
            else tr("{name}: {numbers} counted, but {promised} was promised ✗")
        )
        lines.append(
            text.format(
                name=name_of(number, names),
                numbers=numbers_text(counted[number]),
                promised=numbers_text(repair.betti),
            )
        )
    return "\n".join(lines)
