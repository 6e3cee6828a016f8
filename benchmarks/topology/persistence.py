"""Persistence of volumes and planar images, against GUDHI and CubicalRipser.

Volumes: a smooth random field, the vessel phantom smoothed by one voxel, white noise; float32, all
dimensions, both constructions. Planar: GUDHI's fast path for 2D top cells. Times are by the wall,
with as many threads as each takes by default; notes give the processor time of both. The extra peak
memory is that of a fresh process, less the one that only makes the image.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import ndimage

from benchmarks.row import Row
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.topology import persistence

MEGABYTE = 1024
Task = Callable[[], object]

SMOOTH, VESSEL, NOISE = "smooth", "vessel map", "white noise"
# (GUDHI, CubicalRipser): the least ratios wanted.
WANTED = {SMOOTH: (55, 10), VESSEL: (55, 10), NOISE: (12, 5)}
WANTED_PLANAR = (1.5, 4)
MOST_MEMORY = 150


def rows(quick: bool) -> list[Row]:
    """Time everything; quick: smaller images, once."""
    edge, edges, repeats = (48, (256,), 1) if quick else (128, (512, 2048), 3)
    found = []
    for kind in WANTED:
        volume = image(kind, (edge,) * 3)
        for construction in ("T", "V"):
            found += volume_rows(kind, volume, construction, repeats)
    for size in edges:
        for kind in WANTED:
            found += planar_rows(kind, image(kind, (size, size)), 3 * repeats)
    if not quick:
        found += [memory_row(kind, construction) for kind in WANTED for construction in ("T", "V")]
    return found


def image(kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return a float32 image; the planar vessel map is a slice through a flat volume."""
    noise = np.random.default_rng(0).standard_normal(shape, np.float32)
    if kind == SMOOTH:
        return ndimage.gaussian_filter(noise, 2)
    if kind == NOISE:
        return noise
    solid = shape if len(shape) == 3 else (16, *shape)
    scan = np.asarray(vessel_tree(solid, seed=0).image.voxels, np.float32)
    vessels = ndimage.gaussian_filter(scan, 1)
    return np.ascontiguousarray(vessels if len(shape) == 3 else vessels[8])


def volume_rows(kind: str, volume: np.ndarray, construction: str, repeats: int) -> list[Row]:
    import cripser
    import gudhi

    name = "vertices" if construction == "V" else "top_dimensional_cells"
    ripser = cripser.computePH if construction == "V" else cripser.computePH_T

    def by_gudhi() -> None:
        cells = gudhi.CubicalComplex(**{name: volume})
        cells.compute_persistence(homology_coeff_field=2)

    rivals: list[tuple[str, Task]] = [
        ("gudhi", by_gudhi),
        ("CubicalRipser", lambda: ripser(volume.astype(np.float64), maxdim=2)),
    ]
    what = f"persistence, {kind}, {'x'.join(map(str, volume.shape))}, {construction}"
    return compare(
        what, lambda: persistence(volume, construction=construction), rivals, WANTED[kind], repeats
    )


def planar_rows(kind: str, picture: np.ndarray, repeats: int) -> list[Row]:
    import cripser

    # What gudhi.sklearn.CubicalPersistence calls, which itself needs scikit-learn.
    from gudhi._pers_cub_low_dim_ext import _persistence_on_rectangle_from_top_cells as by_gudhi

    rivals: list[tuple[str, Task]] = [
        ("gudhi, 2D top cells", lambda: by_gudhi(picture, 0.0)),
        ("CubicalRipser", lambda: cripser.computePH_T(picture.astype(np.float64), maxdim=1)),
    ]
    what = f"persistence, {kind}, {'x'.join(map(str, picture.shape))}, T"
    return compare(what, lambda: persistence(picture), rivals, WANTED_PLANAR, repeats)


def compare(
    what: str, ours: Task, rivals: list[tuple[str, Task]], wanted: tuple[float, float], repeats: int
) -> list[Row]:
    """Time us and the rivals in turn, each by its least time of the repeats."""
    ours()
    tasks = [ours, *(task for _, task in rivals)]
    wall, processor = [np.inf] * len(tasks), [np.inf] * len(tasks)
    for repeat in range(repeats):
        for i, task in enumerate(tasks):
            # A slow rival is timed once; it has no warming up to do.
            if repeat and i and wall[i] > 5:
                continue
            seconds, cycles = timed(task)
            wall[i], processor[i] = min(wall[i], seconds), min(processor[i], cycles)
    return [
        Row(
            what,
            wall[0],
            name,
            wall[i],
            wanted[i - 1],
            f"processor time {processor[0]:.3f} s and {processor[i]:.3f} s: "
            f"{processor[i] / processor[0]:.1f} times",
        )
        for i, (name, _) in enumerate(rivals, 1)
    ]


def timed(task: Task) -> tuple[float, float]:
    """Return seconds by the wall and of the processor."""
    began, cycles = time.perf_counter(), time.process_time()
    task()
    return time.perf_counter() - began, time.process_time() - cycles


def memory_row(kind: str, construction: str) -> Row:
    """Return the extra peak memory of one volume of 128^3 in a fresh process, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.npy"
        np.save(path, image(kind, (128, 128, 128)))
        extra = peak(path, construction) - peak(path, None)
    what = f"persistence, {kind}, 128x128x128, {construction}: extra memory"
    return Row(what, extra, "", None, MOST_MEMORY, "peak of a fresh process", "MB")


def peak(path: Path, construction: str | None) -> float:
    """Return the peak memory in MB of a process that loads an image and may take its diagram.

    Code is compiled or loaded for a small image in either case. ``getrusage`` would not do: a child
    inherits its parent's peak.
    """
    script = f"""
import numpy as np
from napari_toposeg.topology import persistence
persistence(np.random.default_rng(0).random((24, 24, 24), np.float32))
volume = np.load({str(path)!r})
if {construction!r}:
    persistence(volume, construction={construction!r})
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return int(answer.stdout) / MEGABYTE
