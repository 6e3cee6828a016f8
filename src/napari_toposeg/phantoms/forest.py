"""Growth of vessel trees, each of them a tree in the topological sense.

The one idea: a branch is accepted only if it keeps two voxels of distance from all that stands
beyond its own joint and leaves the Euler characteristic as it is; so every tree stays one component
without loops or cavities.

References
----------
Murray 1926, doi:10.1073/pnas.12.3.207 (the radii of a bifurcation: r^3 = r1^3 + r2^3).
"""

import heapq
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_toposeg.phantoms._tubes import draw_tube
from napari_toposeg.phantoms.lungs import Side, draw_side
from napari_toposeg.phantoms.phantom import Field
from napari_toposeg.topology import euler_characteristic
from napari_toposeg.volume import Spacing

GAP = 2
WALL = -1
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
    add_branch(forest, tip.tree, box, inside, fraction)
    return [] if last else fork(tip, points, radii[-1], thin, forest.random)


def add_branch(
    forest: Forest,
    tree: int,
    box: tuple[slice, ...],
    inside: NDArray[np.bool_],
    fraction: Field,
) -> None:
    """Make a branch part of its tree, and claim the gap around it (in place)."""
    forest.truth[box] |= inside
    np.maximum(forest.fraction[box], fraction, out=forest.fraction[box])
    near = ndimage.maximum_filter(inside, size=2 * GAP + 1)
    claims = forest.claims[box]
    claims[near & (claims == 0)] = tree


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
