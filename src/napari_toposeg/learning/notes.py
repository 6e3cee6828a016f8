"""Notes: what a user should know of a run before it begins, though it can begin.

Each says what is so, what it means, and what to do.
"""

import math
from collections.abc import Sequence

import numpy as np

from napari_toposeg.config import Size3, TrainingConfig
from napari_toposeg.learning.ranks import world_of

LEAST_FILLED = 0.5
"""Share of a crop that the scan should fill, on average; the rest is padding."""


def notes_on_devices(config: TrainingConfig) -> tuple[str, ...]:
    """Tell of a strategy for several devices where there is one."""
    if config.strategy == "auto" or world_of(config) > 1:
        return ()
    return (
        f"the strategy {config.strategy} is for several devices and this run has one, so it "
        "changes nothing; give --devices, or leave --strategy out",
    )


def notes_on_patience(config: TrainingConfig, judged: int) -> tuple[str, ...]:
    """Tell of a run that waits for a better score and is never judged.

    Parameters
    ----------
    judged
        Cases that it is judged on.
    """
    if not config.patience or judged:
        return ()
    return (
        f"the run is to end after {config.patience} validations without a better score, and there "
        "is no case to judge it on, so it takes all steps; name some by --validation",
    )


def notes_on_padding(grids: Sequence[Size3], crop: Size3, multiple: Size3) -> tuple[str, ...]:
    """Tell of crops that are mostly padding.

    Parameters
    ----------
    grids
        Shapes of the scans, at the spacing of the run.
    multiple
        What each edge of a crop must be a multiple of.
    """
    share = filled(grids, crop)
    if share >= LEAST_FILLED:
        return ()
    median = tuple(int(edge) for edge in np.median(grids, axis=0))
    fewer = smaller_crop(grids, crop, multiple)
    advice = (
        f"--crop {' '.join(map(str, fewer))} would be filled to {filled(grids, fewer):.0%}"
        if fewer != crop
        else f"this network takes no smaller one (multiples of {multiple}): choose another network "
        "or patch, or a finer --spacing"
    )
    return (
        f"the crop {crop} is larger than most scans, whose median is {median} voxels at the "
        f"spacing of this run: it is filled to {share:.0%} on average, and the rest is padding, "
        f"which costs time and teaches nothing; {advice}",
    )


def filled(grids: Sequence[Size3], crop: Size3) -> float:
    """Return the share of a crop that lies inside of a scan, at most, as a mean over scans."""
    shares = [
        math.prod(min(edge, size) / size for edge, size in zip(grid, crop, strict=True))
        for grid in grids
    ]
    return float(np.mean(shares))


def smaller_crop(grids: Sequence[Size3], crop: Size3, multiple: Size3) -> Size3:
    """Return the largest crop within the median scan, of two multiples an edge at least."""
    z, y, x = (
        min(size, max(2 * step, int(edge) // step * step))
        for edge, size, step in zip(np.median(grids, axis=0), crop, multiple, strict=True)
    )
    return z, y, x


def notes_on_labels(names: Sequence[str], scans: int) -> tuple[str, ...]:
    """Tell of scans that look like label maps.

    Parameters
    ----------
    names
        Theirs.
    scans
        How many scans there are.
    """
    if not names:
        return ()
    first = ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
    return (
        f"{len(names)} of {scans} scans hold a few whole numbers only, as label maps do ({first}); "
        "if they are label maps, stop the run and take them out of the data, or name the scans "
        "alone, one a line, in a file for --ids",
    )


def notes_on_unlabelled(wanted: bool, images: int) -> tuple[str, ...]:
    """Tell where images without labels are to be learnt from and there are none."""
    if not wanted or images:
        return ()
    return (
        "all images are labelled, so that there are none to learn from without labels; name the "
        "labelled ones with --ids if the others' labels are not to be used",
    )


def notes_on_classes(names: Sequence[str], voxels: Sequence[int]) -> tuple[str, ...]:
    """Tell of classes that the labels for training do not hold.

    Parameters
    ----------
    voxels
        How many voxels of each class are labelled for training.
    """
    lacking = [name for name, count in zip(names, voxels, strict=True) if not count]
    if not lacking:
        return ()
    return (
        f"no voxel for training is labelled as {', '.join(lacking)}, so that the model will not "
        "find it; label some, or leave the name out if there is no such class",
    )
