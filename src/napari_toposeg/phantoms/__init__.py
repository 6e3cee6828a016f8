"""Synthetic CT volumes whose topology is known by construction."""

from typing import Any

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.phantoms.phantom import Phantom
from napari_toposeg.phantoms.shapes import ball, hollow_ball, linked_rings, torus
from napari_toposeg.phantoms.vessels import vessel_tree

NAMES = ("vessel_tree", "ball", "hollow_ball", "torus", "linked_rings")

__all__ = [
    "NAMES",
    "Phantom",
    "ball",
    "hollow_ball",
    "linked_rings",
    "make",
    "torus",
    "vessel_tree",
]


def make(name: str, **settings: Any) -> Phantom:
    """Make the phantom of a name, one of `NAMES`; settings are those of its function.

    Raises
    ------
    InvalidConfig
        If there is no such phantom, or a setting cannot be.
    """
    match name:
        case "vessel_tree":
            return vessel_tree(**settings)
        case "ball":
            return ball(**settings)
        case "hollow_ball":
            return hollow_ball(**settings)
        case "torus":
            return torus(**settings)
        case "linked_rings":
            return linked_rings(**settings)
    raise InvalidConfig(f"there is no phantom {name!r}; choose one of {', '.join(NAMES)}")
