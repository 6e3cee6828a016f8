"""What topology a reconstruction keeps: Betti numbers above a threshold, and features matched.

The one idea: Betti numbers tell how many features there are, matching tells which of the scan's
features are still there in the same place. Both look at smoothed copies, for noise has topology
too; matching at coarser ones where the scan is large. No Qt here.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.plugin.loading import seconds_of
from napari_toposeg.plugin.topology.diagram.coarser import Size3, block_means, block_size
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow, wait_for
from napari_toposeg.progress import Report, Run, to_nobody
from napari_toposeg.topology import (
    BettiNumbers,
    PersistenceDiagram,
    betti_numbers,
    match_barcodes,
)
from napari_toposeg.volume import Volume

SMOOTHING = 1.0
"""Sigma in voxels of the Gaussian before the topology of grey values is counted, against noise."""

MOST_VOXELS = 96**3
"""Larger scans are matched on coarser copies: so many voxels take a few seconds."""

FAINTEST = 0.05
"""Features that last less than this part of the scan's range are not counted."""

Counts = tuple[int, int, int]


@dataclass(frozen=True)
class FeatureFates:
    """What became of the scan's features that are born or die in hidden voxels.

    Parameters
    ----------
    kept, lost, new
        Features of dimension 0, 1 and 2 that scan and reconstruction share in the same place, that
        only the scan has, and that only the reconstruction has.
    faintest
        Features that last less, in the scan's unit, are left out.
    step
        Voxels of the scan along ``(z, y, x)`` that one voxel of the matched copies is the mean of.
    """

    kept: Counts
    lost: Counts
    new: Counts
    faintest: float
    step: Size3

    @property
    def share(self) -> float | None:
        """Share of the scan's features that was kept; None where it has none."""
        there = sum(self.kept) + sum(self.lost)
        return sum(self.kept) / there if there else None


@dataclass(frozen=True)
class KeptTopology:
    """Betti numbers of a scan and of its reconstruction above one threshold, and their features.

    Parameters
    ----------
    threshold
        In the unit of the scan; both are smoothed by a Gaussian of one voxel first.
    scan, rebuilt
        Betti numbers, foreground 26-connected, background 6-connected.
    features
        What became of the features; None where they were not matched.
    """

    threshold: float
    scan: BettiNumbers
    rebuilt: BettiNumbers
    features: FeatureFates | None = None


def kept_topology(scan: Volume, rebuilt: Volume, threshold: float) -> KeptTopology:
    """Count the topology above a threshold before and after."""
    before, after = (
        ndimage.gaussian_filter(volume.voxels.astype(np.float32), SMOOTHING) > threshold
        for volume in (scan, rebuilt)
    )
    return KeptTopology(threshold, betti_numbers(before), betti_numbers(after))


def kept_topology_run(scan: Volume, rebuilt: Volume, threshold: float) -> Run[KeptTopology]:
    """Count the same in the background."""
    count = partial(kept_topology, scan, rebuilt, threshold)
    message = tr("Counting components, loops and cavities")
    return (yield from wait_for(count, message, seconds=seconds_of(scan)))


def feature_fates(
    scan: NDArray[Any],
    rebuilt: NDArray[Any],
    hidden: NDArray[Any],
    *,
    most: int = MOST_VOXELS,
    report: Report = to_nobody,
) -> FeatureFates:
    """Match the features of a scan and its reconstruction, bright ones first.

    Parameters
    ----------
    scan, rebuilt, hidden
        Arrays ``(z, y, x)`` of equal shape; `hidden` is not 0 where it was hidden.
    most
        Voxels of the copies that are matched, at most.
    report
        Told the share of the matching that is done.
    """
    z, y, x = scan.shape
    step = block_size((z, y, x), most)
    before, after = (smooth_copy(voxels, step) for voxels in (scan, rebuilt))
    unseen = (block_means((hidden != 0).astype(np.float32), step) > 0).ravel()
    low, high = np.percentile(before, (0.5, 99.5))
    faintest = FAINTEST * float(high - low)
    matching = match_barcodes(after, before, progress=report)
    return FeatureFates(
        kept=counted(matching.matched_truth, unseen, faintest),
        lost=counted(matching.only_truth, unseen, faintest),
        new=counted(matching.only_prediction, unseen, faintest),
        faintest=faintest,
        step=step,
    )


def smooth_copy(voxels: NDArray[Any], step: Size3) -> NDArray[np.float32]:
    """Return a copy of means of blocks, smoothed by one of its voxels."""
    copy = block_means(voxels, step)
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(copy, SMOOTHING)
    return smooth


def counted(features: PersistenceDiagram, unseen: NDArray[np.bool_], faintest: float) -> Counts:
    """Count the features of each dimension that last, and are born or die in hidden voxels."""
    ends = (features.birth_voxel, features.death_voxel)
    touched = np.logical_or(*(unseen[np.maximum(end, 0)] & (end >= 0) for end in ends))
    lasting = touched & (features.persistence > faintest) & np.isfinite(features.persistence)
    b0, b1, b2 = np.bincount(features.dimension[lasting], minlength=3)[:3]
    return int(b0), int(b1), int(b2)


def feature_fates_run(
    scan: Volume, rebuilt: Volume, hidden: NDArray[Any], message: str = ""
) -> Run[FeatureFates]:
    """Match features in the background."""
    match = partial(feature_fates, scan.voxels, rebuilt.voxels, hidden)
    told = message or tr("Matching features")
    return (yield from follow(lambda report: match(report=report), told))


def sample_of(voxels: Any) -> NDArray[Any]:
    """Return at most about a million voxels; of an array that is not in memory, a slice."""
    if not isinstance(voxels, np.ndarray):
        return np.asarray(voxels[len(voxels) // 2])
    stride = max(1, int(np.ceil((voxels.size / 1e6) ** (1 / 3))))
    return voxels[::stride, ::stride, ::stride]


def suggest_threshold(voxels: Any) -> float:
    """Return Otsu's threshold of a sample of voxels ``(z, y, x)``."""
    from skimage.filters import threshold_otsu

    sample = sample_of(voxels)
    return float(threshold_otsu(sample)) if sample.min() < sample.max() else float(sample.min())
