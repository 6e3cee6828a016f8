"""Betti numbers of a mask: ours on 128x512x512, the rivals' persistence on 128^3 of the same."""

import time
from collections.abc import Callable

import cripser
import gudhi
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.row import Row
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.topology import betti_numbers

SHAPE = (128, 512, 512)
MOST_SECONDS = 0.15


def rows(quick: bool) -> list[Row]:
    """Time Betti numbers, 26/6 and 6/26, of a vessel mask and of blobs, and those of rivals."""
    shape = (64, 128, 128) if quick else SHAPE
    cube = (slice(0, min(shape)),) * 3
    found = []
    for name, mask in (("vessels", vessels(shape)), ("blobs", blobs(shape))):
        for connectivity in (26, 6):
            ours = least(lambda m=mask, c=connectivity: betti_numbers(m, connectivity=c))
            what = f"Betti numbers, {name} {'x'.join(map(str, shape))}, {connectivity}-connected"
            found.append(Row(what, ours, "", None, MOST_SECONDS))
        found += [
            against(name, mask[cube], rival, run)
            for rival, run in (("gudhi", by_gudhi), ("CubicalRipser", by_cripser))
        ]
    return found


def against(
    name: str, mask: NDArray[np.bool_], rival: str, run: Callable[[NDArray[np.bool_]], object]
) -> Row:
    """Time a rival's persistence of a cube's mask beside ours, 6-connected as theirs is."""
    ours = least(lambda: betti_numbers(mask, connectivity=6))
    theirs = least(lambda: run(mask), repeats=2)
    side = len(mask)
    return Row(f"Betti numbers, {name} {side}^3, 6-connected", ours, rival, theirs, 1.0)


def vessels(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Fill a volume with vessel trees: one grown volume and its mirror images."""
    side = min(shape)
    grown = vessel_tree((side,) * 3, seed=0, trees=8).truth.voxels > 0
    mirrored = np.concatenate([grown, grown[:, ::-1]], axis=1)
    mirrored = np.concatenate([mirrored, mirrored[:, :, ::-1]], axis=2)
    copies = [-(-n // m) for n, m in zip(shape, mirrored.shape, strict=True)]
    return np.ascontiguousarray(np.tile(mirrored, copies)[tuple(slice(n) for n in shape)])


def blobs(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Half of a volume, in blobs: millions of runs, thousands of loops."""
    noise = np.random.default_rng(0).standard_normal(shape, np.float32)
    return np.asarray(ndimage.gaussian_filter(noise, 2.0) > 0)


def by_gudhi(mask: NDArray[np.bool_]) -> object:
    """Compute the diagram of the mask, voxels as vertices."""
    cells = gudhi.CubicalComplex(vertices=1.0 - mask)
    return cells.compute_persistence(homology_coeff_field=2)


def by_cripser(mask: NDArray[np.bool_]) -> object:
    """Compute the diagram of the mask, voxels as vertices."""
    return cripser.computePH(1.0 - mask, maxdim=2)


def least(call: Callable[[], object], repeats: int = 5) -> float:
    """Return the least seconds of several calls, after one that compiles."""
    call()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return min(times)
