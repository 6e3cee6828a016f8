"""Features made by hand: of one layer, and of two that are compared."""

import numpy as np

from napari_toposeg.plugin.topology.diagram.excerpt import Excerpt
from napari_toposeg.plugin.topology.diagram.features import Features
from napari_toposeg.plugin.topology.diagram.layer_diagram import LayerDiagram
from napari_toposeg.topology import PersistenceDiagram

SHAPE = (2, 4, 4)


def layer_diagram(dimension, birth, death, *, superlevel: bool = False) -> LayerDiagram:
    """Return features whose voxels count up from 0, births first."""
    death = np.asarray(death, float)
    count = len(death)
    diagram = PersistenceDiagram(
        dimension=np.asarray(dimension, np.int8),
        birth=np.asarray(birth, float),
        death=death,
        birth_voxel=np.arange(count) % 32,
        death_voxel=np.where(np.isfinite(death), (count + np.arange(count)) % 32, -1),
        shape=SHAPE,
        superlevel=superlevel,
    )
    whole = Excerpt(np.zeros(SHAPE), (0, 0, 0), (1, 1, 1), SHAPE, "")
    return LayerDiagram.of(diagram, whole)


def four(superlevel: bool = False) -> Features:
    """One endless component, one component, one loop, one cavity."""
    sign = -1.0 if superlevel else 1.0
    birth, death = np.array([0.0, 1, 3, 8]), np.array([np.inf, 4, 9, 10])
    return Features.of(
        layer_diagram([0, 0, 1, 2], sign * birth, sign * death, superlevel=superlevel)
    )


def two_layers() -> Features:
    """A pair of components, a short loop matched with a long one, and a loop of each alone."""
    first = layer_diagram([0, 1, 1], [0, 2, 5], [np.inf, 2.5, 6])
    second = layer_diagram([0, 1, 1], [0.5, 2, 7], [np.inf, 6, 7.5])
    return Features((first, second), np.array([3, 4, -1, 0, 1, -1]))


def many(count: int) -> Features:
    """Return a superlevel diagram of so many features at random places."""
    rng = np.random.default_rng(0)
    birth = rng.random(count)
    death = birth * rng.random(count)
    return Features.of(layer_diagram(rng.integers(0, 3, count), birth, death, superlevel=True))
