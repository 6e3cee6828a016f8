"""Random images of every sort: our persistence against GUDHI's, value by value."""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "tests" / "topology"))

from oracles.persistence import draw_image, draw_kind, gudhi_diagram, in_order

from napari_toposeg.topology import persistence

VARIANTS = [(construction, below) for construction in "TV" for below in (False, True)]


def check(count: int = 10_000, seed: int = 0, *, most_2d: int = 64, most_3d: int = 16) -> int:
    """Compare so many images, each in both constructions and directions; return their number."""
    for number in range(count):
        kind, image = draw_image(np.random.default_rng([seed, number]), most_2d, most_3d)
        for construction, superlevel in VARIANTS:
            compare(image, construction, superlevel, f"seed {[seed, number]}, {kind}")
    return count


def check_large(count: int = 100, seed: int = 0) -> int:
    """Compare so many volumes of 48^3 to 96^3, each in one variant; return their number."""
    kinds = ("smooth", "float32", "uint8 ties", "smooth float64", "binary")
    for number in range(count):
        random = np.random.default_rng([seed, number])
        shape = tuple(int(n) for n in random.integers(48, 97, 3))
        kind = kinds[number % len(kinds)]
        construction, superlevel = VARIANTS[number % len(VARIANTS)]
        image = draw_kind(kind, shape, random)
        compare(image, construction, superlevel, f"seed {[seed, number]}, {kind}")
    return count


def compare(image: np.ndarray, construction: str, superlevel: bool, name: str) -> None:
    """Raise AssertionError unless our values are GUDHI's and stand at their voxels."""
    name = f"{name} {image.dtype} {image.shape}, {construction}, superlevel {superlevel}"
    threads = 1 + image.size % 2
    diagram = persistence(image, construction=construction, superlevel=superlevel, threads=threads)
    want = gudhi_diagram(image, construction, superlevel)
    for dimension, pairs in enumerate(want):
        rows = diagram.select(dimension)
        got = in_order(np.stack([rows.birth, rows.death], axis=1), False)
        same = got.shape == pairs.shape and (got == in_order(pairs, False)).all()
        assert same, f"dimension {dimension} differs: {name}"
    finite = ~diagram.is_essential
    assert (image.flat[diagram.birth_voxel] == diagram.birth).all(), f"birth voxel: {name}"
    assert (image.flat[diagram.death_voxel[finite]] == diagram.death[finite]).all(), (
        f"death voxel: {name}"
    )
