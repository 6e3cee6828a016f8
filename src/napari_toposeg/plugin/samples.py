"""Sample data: a real scan that is on the machine already, and phantoms of known topology."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from napari_toposeg.errors import ToposegError
from napari_toposeg.io import read_example
from napari_toposeg.phantoms import Phantom, make
from napari_toposeg.plugin.canvas.layers import LayerData, volume_to_layer_data
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.plugin.waiting import wait_for
from napari_toposeg.progress import Run

SECONDS = 2.0
"""What the slowest of them takes, and a phantom of `EDGE` voxels."""

EDGE = 96

TITLES = {
    "brain": mark("Brain MR (nibabel's example)"),
    "vessels": mark("Lung vessels (CT phantom with truth)"),
    "torus": mark("Torus (phantom with truth)"),
    "linked_rings": mark("Linked rings (phantom with truth)"),
}
"""Samples by name, in the order of the menus; the manifest lists the same."""


@dataclass(frozen=True)
class PhantomWish:
    """A phantom that a person asks for.

    Parameters
    ----------
    kind
        One of `napari_toposeg.phantoms.NAMES`.
    trees
        Number of vessel trees; other kinds have none.
    edge
        Voxels along each side of the cube.
    voxel
        Their size in mm.
    noise
        Standard deviation of white noise, in HU.
    seed
        Of everything that is drawn.
    """

    kind: str = "vessel_tree"
    trees: int = 12
    edge: int = EDGE
    voxel: float = 1.0
    noise: float = 40.0
    seed: int = 0


def open_sample(name: str) -> list[LayerData]:
    """Return the layers of a sample, by its name in `TITLES`.

    Raises
    ------
    ToposegError
        If there is no such sample.
    """
    match name:
        case "brain":
            return brain()
        case "vessels":
            return vessels()
        case "torus":
            return torus()
        case "linked_rings":
            return linked_rings()
    raise ToposegError(f"there is no sample {name!r}; choose one of {', '.join(TITLES)}")


def sample_run(name: str) -> Run[list[LayerData]]:
    """Make the layers of a sample in a thread of its own."""
    message = tr("Making the sample {name}").format(name=name)
    return (yield from wait_for(partial(open_sample, name), message, seconds=SECONDS))


def phantom_run(wish: PhantomWish) -> Run[list[LayerData]]:
    """Draw a phantom, and its truth as labels, in a thread of its own.

    Raises
    ------
    InvalidConfig
        If the grid is too coarse to show the phantom's topology, or too small for the trees.
    """
    settings: dict[str, Any] = {
        "shape": (wish.edge,) * 3,
        "spacing": (wish.voxel,) * 3,
        "noise": wish.noise,
        "seed": wish.seed,
    }
    if wish.kind == "vessel_tree":
        settings["trees"] = wish.trees
    draw = partial(make, wish.kind, **settings)
    seconds = SECONDS * (wish.edge / EDGE) ** 3
    return _layers((yield from wait_for(draw, tr("Drawing the phantom"), seconds=seconds)))


def brain() -> list[LayerData]:
    """Open the MR volume that nibabel installs as its example, first frame (PDDL)."""
    return [volume_to_layer_data(read_example())]


def vessels() -> list[LayerData]:
    """Make a lung-like CT with a vessel tree, and its truth as labels."""
    return _layers(make("vessel_tree", shape=(EDGE,) * 3))


def torus() -> list[LayerData]:
    """Make a torus, b = (1, 1, 0), and its truth as labels."""
    return _layers(make("torus", shape=(64, 64, 64)))


def linked_rings() -> list[LayerData]:
    """Make two rings that pass through each other, b = (2, 2, 0), and their truth as labels."""
    return _layers(make("linked_rings", shape=(64, 64, 64)))


def _layers(phantom: Phantom) -> list[LayerData]:
    return [
        volume_to_layer_data(phantom.image),
        volume_to_layer_data(phantom.truth, "labels"),
    ]
