"""Picking among very many points: what is drawn of them, what is hit, what lies inside.

The one idea: what is drawn is thinned to what the pixels can show, what is hit is looked for among
all. No Qt here.
"""

import numpy as np
from numpy.typing import NDArray
from skimage.measure import points_in_poly

Numbers = NDArray[np.float64]
Indices = NDArray[np.intp]


def thin(
    x: Numbers, y: Numbers, ranges: tuple[tuple[float, float], tuple[float, float]], cell: Numbers
) -> Indices:
    """Return the points to draw: the first one of each cell that is in view.

    Parameters
    ----------
    x, y
        ``(n,)`` places, the most important first.
    ranges
        What is in view along x and along y.
    cell
        Width and height of a cell, in the unit of the places.
    """
    (left, right), (low, high) = ranges
    width, height = (float(edge) for edge in cell)
    column = np.floor((x - left) / width)
    line = np.floor((y - low) / height)
    columns, lines = int((right - left) / width) + 1, int((high - low) / height) + 1
    inside = np.flatnonzero((column >= 0) & (column < columns) & (line >= 0) & (line < lines))
    code = (line[inside] * columns + column[inside]).astype(np.intp)
    grid = np.full(columns * lines, -1, np.intp)
    # Written from the last to the first, so that the most important one of a cell stays.
    grid[code[::-1]] = inside[::-1]
    kept: Indices = np.sort(grid[grid >= 0])
    return kept


def nearest(
    x: Numbers, y: Numbers, place: tuple[float, float], pixel: tuple[float, float], reach: float
) -> int | None:
    """Return the point nearest to a place, None if none is within a reach in pixels."""
    if not len(x):
        return None
    squared = ((x - place[0]) / pixel[0]) ** 2 + ((y - place[1]) / pixel[1]) ** 2
    best = int(np.argmin(squared))
    return best if squared[best] <= reach**2 else None


def inside(x: Numbers, y: Numbers, polygon: Numbers) -> NDArray[np.bool_]:
    """Return which points lie inside a polygon ``(n, 2)`` of x and y."""
    (left, low), (right, high) = polygon.min(axis=0), polygon.max(axis=0)
    found: NDArray[np.bool_] = (x >= left) & (x <= right) & (y >= low) & (y <= high)
    near = np.flatnonzero(found)
    # In parts of the box: the test multiplies places, whatever their unit.
    size = np.maximum([right - left, high - low], np.finfo(float).tiny)
    places = (np.column_stack([x[near], y[near]]) - (left, low)) / size
    found[near] = points_in_poly(places, (polygon - (left, low)) / size)
    return found
