"""Reading label maps and a probability before they are compared or repaired, as one run.

The one idea: what is in memory is taken as it is when a person presses the button, what is not is
read in the background, so that the reading has its progress and can be cancelled. No Qt here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.canvas.lazy import is_lazy, load_run
from napari_toposeg.plugin.topology.errors.comparison import (
    Comparison,
    compare_labels,
    compare_with_wanted,
)
from napari_toposeg.plugin.topology.errors.repairing import Proposal, propose
from napari_toposeg.progress import Run
from napari_toposeg.volume import Volume

Labels = NDArray[np.integer]
Wanted = Mapping[int, Sequence[int]]


def still(volume: Volume) -> Volume:
    """Return a copy of what is in memory: a person may go on painting while a run works on it."""
    return volume if is_lazy(volume.voxels) else volume.with_voxels(volume.voxels.copy())


def compare_run(
    judged: Volume,
    other: Volume | None = None,
    probability: Volume | None = None,
    *,
    wanted: Wanted | None = None,
    connectivity: int = 26,
    names: Mapping[int, str] | None = None,
    **choices: Any,
) -> Run[tuple[Comparison, Labels]]:
    """Read what is compared and compare it, with another label map or with wanted numbers.

    Parameters
    ----------
    judged, other, probability
        Volumes, in memory or not.
    wanted
        Betti numbers ``(b0, b1, b2)`` by class; they take the place of the other label map.
    choices
        Of `compare_labels`: ``value``, ``together``, ``against``.

    Returns
    -------
    Comparison
        What is wrong.
    Labels
        The label map that was judged, in memory.

    Raises
    ------
    InvalidConfig
        If the probability is none.
    ShapeMismatch
        If the arrays differ in shape.
    """
    labels = (yield from load_run(judged)).voxels
    sure = yield from probability_run(probability)
    how: dict[str, Any] = {"connectivity": connectivity, "names": names, "probability": sure}
    how["spacing"] = judged.spacing
    if wanted:
        return (yield from compare_with_wanted(labels, wanted, **how)), labels
    truth = None if other is None else (yield from load_run(other)).voxels
    return (yield from compare_labels(labels, truth, **how, **choices)), labels


def propose_run(
    labels: Volume, wanted: Wanted, probability: Volume | None = None, *, connectivity: int = 26
) -> Run[Proposal]:
    """Read a label map and look for its repair; see `propose`.

    Raises
    ------
    InvalidConfig
        If the probability is none, or as `propose`.
    """
    read = yield from load_run(labels)
    sure = yield from probability_run(probability)
    return (
        yield from propose(
            read.voxels,
            wanted,
            probability=sure,
            connectivity=connectivity,
            spacing=labels.spacing,
        )
    )


def probability_run(probability: Volume | None) -> Run[NDArray[np.floating] | None]:
    """Return the voxels of a probability, read if they were not; None where there is none.

    Raises
    ------
    InvalidConfig
        If its values do not lie in 0..1.
    """
    if probability is None:
        return None
    voxels: NDArray[np.floating] = (yield from load_run(probability)).voxels
    low, high = voxels.min(), voxels.max()
    if not (low >= 0 and high <= 1):
        raise InvalidConfig(
            f"{probability.name} has values from {low:.3g} to {high:.3g}; "
            "choose a probability, which lies in 0..1, or none"
        )
    return voxels
