"""Random maps to be repaired, how many components a grid has room for, and what must hold."""

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from napari_toposeg.topology import Repair, betti_numbers, repair


def maps(count: int, seed: int) -> Iterator[tuple[np.ndarray, int]]:
    """Maps in [0, 1] of 1 to 9 (3D) or 15 (2D) voxels a side: noise, smooth, with ties; and a
    connectivity."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        ndim = int(random.integers(2, 4))
        shape = random.integers(1, 10 if ndim == 3 else 16, ndim)
        field = random.random(shape)
        sigma = random.choice([0, 0.6, 1.0])
        if sigma:
            field = ndimage.gaussian_filter(field, sigma)
            field = (field - field.min()) / (np.ptp(field) or 1)
        if random.random() < 0.3:
            field = np.round(4 * field) / 4
        yield field, int(random.choice([26, 6] if ndim == 3 else [8, 4]))


def fields(count: int, seed: int) -> Iterator[tuple[np.ndarray, int]]:
    """Smooth 3D maps of 16 to 39 voxels a side with loops and cavities, and a connectivity."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        side, sigma = int(random.integers(16, 40)), random.uniform(0.7, 2.5)
        field = ndimage.gaussian_filter(random.standard_normal((side,) * 3), sigma, mode="wrap")
        level = np.quantile(field, random.uniform(0.3, 0.9))
        yield 0.5 + 0.2 * (field - level) / field.std(), int(random.choice([26, 6]))


def room(shape: tuple[int, ...], connectivity: int) -> int:
    """The most components that a grid holds: every second voxel along each axis, or a chequer."""
    if connectivity in (4, 6):
        return (int(np.prod(shape)) + 1) // 2
    return int(np.prod([(side + 1) // 2 for side in shape]))


def check(count: int, seed: int = 0) -> int:
    """Repair so many maps to (n, 0, 0) and to part of what they have; raise at the first fault."""
    random = np.random.default_rng(seed)
    for number, (field, connectivity) in enumerate(maps(count, seed)):
        where = f"seed {seed}, case {number}, shape {field.shape}, connectivity {connectivity}"
        components = 1 if random.random() < 0.6 else int(random.integers(2, 6))
        found = repair(field, (components, 0, 0), connectivity=connectivity)
        fits = components <= room(field.shape, connectivity)
        assert found.reached == fits, f"{where}: {components} wanted, {found.reason}"
        check_edits(found, field, connectivity, random, where)
        numbers = betti_numbers(field > 0.5, connectivity=connectivity)
        if numbers.b0:
            wanted = (
                numbers.b0,
                int(random.integers(numbers.b1 + 1)),
                int(random.integers(numbers.b2 + 1)),
            )
            found = repair(field, wanted, connectivity=connectivity)
            assert found.reached, f"{where}: {wanted} of {numbers}, {found.reason}"
            check_edits(found, field, connectivity, random, where)
    return count


def check_edits(
    found: Repair, field: np.ndarray, connectivity: int, random: np.random.Generator, where: str
) -> None:
    """Compare numbers, costs and changes of edits with the masks themselves."""
    start = field > 0.5
    before = np.array(betti_numbers(start, connectivity=connectivity))
    assert found.betti == betti_numbers(found.mask, connectivity=connectivity), where
    cost = np.abs(field - 0.5)[start != found.mask].sum()
    assert np.isclose(found.cost, cost), f"{where}: cost {found.cost} is not {cost}"
    assert np.array_equal(found.with_edits([True] * len(found.edits)).mask, found.mask), where
    for place in random.permutation(len(found.edits))[:3]:
        alone = found.with_edits(np.arange(len(found.edits)) == place)
        edit = alone.edits[place]
        assert np.array_equal(np.flatnonzero(alone.mask != start), edit.voxels), where
        assert (alone.mask.ravel()[edit.voxels] == edit.adds).all(), where
        assert tuple(before + edit.change) == alone.betti, f"{where}: {edit.change}"
