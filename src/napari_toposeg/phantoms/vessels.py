"""Vessel trees in lung-like CT, each of them a tree in the topological sense.

The one idea: a branch is accepted only if it keeps two voxels of distance from all that stands
beyond its own joint and leaves the Euler characteristic as it is; so every tree stays one component
without loops or cavities, which is checked once more at the end.

References
----------
Murray 1926, doi:10.1073/pnas.12.3.207 (the radii of a bifurcation: r^3 = r1^3 + r2^3).
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.phantoms._tubes import draw_tube
from napari_toposeg.phantoms.lungs import (
    Side,
    draw_parenchyma,
    draw_side,
    draw_wall,
    lay_wall,
    smooth_field,
)
from napari_toposeg.phantoms.phantom import (
    Field,
    Phantom,
    Shape,
    make_phantom,
    require_settings,
    scan,
)
from napari_toposeg.topology import BettiNumbers, betti_numbers, euler_characteristic
from napari_toposeg.volume import Spacing

VESSEL_HU = 30.0
GAP = 2
WALL = -1
REDRAWS = 20
TRIES = 4
Vector = NDArray[np.float64]


@dataclass(frozen=True, order=True)
class Tip:
    """An end from which a tree may grow; thick tips grow first."""

    priority: float
    tree: int = field(compare=False)
    place: Vector = field(compare=False)
    direction: Vector = field(compare=False)
    radius: float = field(compare=False)
    parent_radius: float = field(compare=False)


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees while they grow, on a grid.

    ``truth`` are their voxels, ``fraction`` the share of each voxel that they fill, ``claims`` the
    number of the tree that owns a voxel or stands less than the gap away, WALL outside of the lung.
    """

    truth: NDArray[np.bool_]
    fraction: Field
    claims: NDArray[np.int16]
    spacing: Vector
    random: np.random.Generator


def vessel_tree(
    shape: Sequence[int] = (64, 64, 64),
    *,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    seed: int = 0,
    noise: float = 40.0,
    blur: float = 0.6,
    trees: int | None = None,
    radius: tuple[float, float] | None = None,
    texture: float = 35.0,
    variation: float = 0.3,
    blobs: float = 300.0,
    wall: float = 0.0,
) -> Phantom:
    """Grow vessel trees in lung-like CT; the truth's Betti numbers are (trees, 0, 0).

    Parameters
    ----------
    shape
        Voxels along ``(z, y, x)``.
    spacing
        Voxel size in mm, in the same axis order.
    seed
        Of everything that is drawn.
    noise
        Standard deviation of white noise, in HU.
    blur
        Sigma of the Gaussian blur, in mm.
    trees
        Number of trees; by default one for each 16,000 voxels, at least one.
    radius
        Smallest and largest radius of a vessel, in mm; by default from 0.45 of a voxel (its edge,
        geometric mean) to 2.6 voxels, less in a small volume.
    texture
        Deviation of the lung's mottle, in HU.
    variation
        How much a vessel's contrast varies along it, as a share of it (0: not at all).
    blobs
        Height of smooth bright patches in the lung, in HU, that are no vessels.
    wall
        Thickness, in voxels, of soft tissue along one face, no vessel either.

    Raises
    ------
    InvalidConfig
        If a setting cannot be, or so many trees do not fit.
    """
    grid, steps = require_settings(
        shape,
        spacing,
        noise=noise,
        blur=blur,
        texture=texture,
        variation=variation,
        blobs=blobs,
        wall=wall,
    )
    thin, thick = require_radii(radius, grid, steps)
    count = max(1, round(np.prod(grid) / 16_000)) if trees is None else trees
    if count < 1:
        raise InvalidConfig(f"trees {count} must be at least 1")
    for redraw in range(REDRAWS):
        random = np.random.default_rng([seed, redraw])
        side = draw_side(random)
        soft = draw_wall(grid, wall, side, random)
        forest = grow_forest(soft, count, (thin, thick), steps, side, random)
        if betti_numbers(forest.truth) == (count, 0, 0):
            break
    else:
        raise InvalidConfig(
            f"{count} vessel trees of radius {thin:.2g} to {thick:.2g} mm do not fit in "
            f"{grid} voxels of {steps} mm; ask for fewer or thinner ones"
        )
    hu = draw_parenchyma(grid, steps, texture, blobs, random)
    hu += forest.fraction * (contrast(grid, variation, random) - hu)
    lay_wall(hu, soft, random)
    scanned = scan(hu, steps, blur=blur, noise=noise, random=random)
    return make_phantom("vessel_tree", scanned, forest.truth, BettiNumbers(count, 0, 0), steps)


def require_radii(
    radius: tuple[float, float] | None, shape: Shape, spacing: Spacing
) -> tuple[float, float]:
    """Return the smallest and the largest radius in mm, or raise InvalidConfig."""
    if radius is None:
        voxel = float(np.prod(spacing)) ** (1 / 3)
        side = min(n * step for n, step in zip(shape, spacing, strict=True))
        return 0.45 * voxel, max(0.45 * voxel, min(2.6 * voxel, side / 14))
    if not 0 < radius[0] <= radius[1]:
        raise InvalidConfig(f"radius {radius} must be (smallest, largest) in mm, above 0")
    return radius


def contrast(shape: Shape, variation: float, random: np.random.Generator) -> Field:
    """Return the HU of filled vessels, varying slowly in space and never above `VESSEL_HU`."""
    hu = np.full(shape, VESSEL_HU, np.float32)
    if variation > 0:
        dip = np.clip(np.abs(smooth_field(shape, (4.0, 4.0, 4.0), random)), 0, 2)
        hu -= np.float32(variation * 880 / 2) * dip
    return hu


def grow_forest(
    soft: NDArray[np.bool_],
    trees: int,
    radii: tuple[float, float],
    spacing: Spacing,
    side: Side,
    random: np.random.Generator,
) -> Forest:
    """Plant the trees, then let the thickest tip grow next until none is left."""
    claims = np.where(ndimage.binary_dilation(soft, iterations=GAP), WALL, 0).astype(np.int16)
    forest = Forest(
        np.zeros(soft.shape, np.bool_),
        np.zeros(soft.shape, np.float32),
        claims,
        np.array(spacing),
        random,
    )
    tips: list[Tip] = []
    for tree in range(1, trees + 1):
        for _ in range(5 * TRIES):
            grown = grow(forest, plant(forest, tree, radii[1], side), radii[0])
            if grown is not None:
                tips += grown
                break
    heapq.heapify(tips)
    while tips:
        tip = heapq.heappop(tips)
        for _ in range(TRIES):
            grown = grow(forest, tip, radii[0])
            if grown is not None:
                for new in grown:
                    heapq.heappush(tips, new)
                break
    return forest


def plant(forest: Forest, tree: int, thick: float, side: Side) -> Tip:
    """Return a tip on a face other than the wall's, that looks into the volume."""
    random = forest.random
    extent = (np.array(forest.truth.shape) - 1) * forest.spacing
    face = draw_side(random)
    if face == side:
        face = Side(face.axis, not face.last)
    place = random.uniform(0.1, 0.9, 3) * extent
    place[face.axis] = extent[face.axis] if face.last else 0.0
    direction = 0.35 * random.standard_normal(3)
    direction[face.axis] = -1.0 if face.last else 1.0
    radius = thick * random.uniform(0.7, 1.0)
    return Tip(-radius, tree, place, direction / np.linalg.norm(direction), radius, 0.0)


def grow(forest: Forest, tip: Tip, thin: float) -> list[Tip] | None:
    """Try one branch from a tip; return the tips at its end, or None if there is no room for it."""
    points, radii, last = walk(forest, tip, thin)
    if len(points) < 4:
        return None
    reach = radii.max() / forest.spacing + GAP + 2
    low = np.maximum(np.floor(points.min(0) / forest.spacing - reach), 0).astype(np.int64)
    high = np.ceil(points.max(0) / forest.spacing + reach).astype(np.int64) + 1
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    inside = np.zeros(forest.truth[box].shape, np.bool_)
    fraction = np.zeros(inside.shape, np.float32)
    draw_tube(points, radii, low, forest.spacing, inside, fraction)
    if not has_room(forest, tip, box, low, inside):
        return None
    forest.truth[box] |= inside
    np.maximum(forest.fraction[box], fraction, out=forest.fraction[box])
    near = ndimage.maximum_filter(inside, size=2 * GAP + 1)
    claims = forest.claims[box]
    claims[near & (claims == 0)] = tip.tree
    return [] if last else fork(tip, points, radii[-1], thin, forest.random)


def walk(forest: Forest, tip: Tip, thin: float) -> tuple[Vector, Vector, bool]:
    """Draw the axis ``(n, 3)`` and radii of a branch, in mm, and whether it has to end there."""
    random, spacing = forest.random, forest.spacing
    voxel = float(np.prod(spacing)) ** (1 / 3)
    steps = int(random.uniform(7, 11) + 2.5 * tip.radius / voxel)
    turns = np.cumsum(0.12 * random.standard_normal((steps, 3)), axis=0) + tip.direction
    turns *= voxel / np.linalg.norm(turns, axis=1, keepdims=True)
    points = np.concatenate([tip.place[None], tip.place + np.cumsum(turns, axis=0)])
    outside = (
        (points < -spacing / 2) | (points > (np.array(forest.truth.shape) - 0.5) * spacing)
    ).any(1)
    left = bool(outside.any())
    if left:
        points = points[: int(np.argmax(outside))]
    radii = np.linspace(tip.radius, max(thin, 0.93 * tip.radius), len(points))
    return points, radii, left


def has_room(
    forest: Forest,
    tip: Tip,
    box: tuple[slice, ...],
    low: NDArray[np.int64],
    inside: NDArray[np.bool_],
) -> bool:
    """Whether the branch touches nothing but its own tree at the joint, and makes no loop there."""
    claims = forest.claims[box][inside]
    if np.any((claims != 0) & (claims != tip.tree)):
        return False
    met = np.argwhere(inside)[claims == tip.tree] + low
    from_joint = np.linalg.norm(met * forest.spacing - tip.place, axis=1)
    joint = 2.2 * tip.parent_radius + (GAP + 1) * forest.spacing.max()
    if np.any(from_joint > joint):
        return False
    before = forest.truth[box]
    is_trunk = tip.parent_radius == 0
    return euler_characteristic(before | inside) - euler_characteristic(before) == is_trunk


def fork(
    tip: Tip, points: Vector, radius: float, thin: float, random: np.random.Generator
) -> list[Tip]:
    """Return the two tips of a bifurcation that are not too thin; a vessel at its end has none."""
    heading = points[-1] - points[-3]
    heading /= np.linalg.norm(heading)
    across = np.cross(heading, random.standard_normal(3))
    across /= np.linalg.norm(across)
    share = random.uniform(0.3, 0.7)
    tips = []
    for sign, volume in ((1, share), (-1, 1 - share)):
        new = radius * volume ** (1 / 3)
        angle = np.radians(random.uniform(28, 50))
        direction = np.cos(angle) * heading + sign * np.sin(angle) * across
        if new >= thin:
            tips.append(Tip(-new, tip.tree, points[-1], direction, new, radius))
    return tips
