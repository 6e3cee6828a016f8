"""Plain values: what a layer's attributes are in JSON, and back.

The one idea: a file that is opened may come from anywhere, so nothing is ever unpickled. What has
no plain form is refused here by name, and left out by the caller.
"""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from napari.utils.colormaps import AVAILABLE_COLORMAPS, Colormap, DirectLabelColormap


def plain(value: Any) -> Any:
    """Return a value built of what JSON knows.

    Raises
    ------
    TypeError
        If it has no plain form.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value.value if isinstance(value, Enum) else value
        case Enum():
            return plain(value.value)
        case np.generic():
            return plain(value.item())
        case np.ndarray():
            return plain(value.tolist())
        case Path():
            return str(value)
        case Mapping():
            return {str(key): plain(part) for key, part in value.items()}
        case tuple() | list():
            return [plain(part) for part in value]
    raise TypeError(f"{type(value).__name__} has no plain form")


def plain_colormap(colormap: Any) -> dict[str, Any] | None:
    """Return what makes a colormap again; None for napari's own cycle of label colours."""
    if isinstance(colormap, DirectLabelColormap):
        colours = colormap.color_dict.items()
        return {"labels": [[None if k is None else int(k), plain(v)] for k, v in colours]}
    if isinstance(colormap, Mapping) and "colors" in colormap:
        facts = {"name": str(colormap["name"])}
        if facts["name"] in AVAILABLE_COLORMAPS:
            return facts
        colours = {key: plain(np.asarray(colormap[key])) for key in ("colors", "controls")}
        return facts | colours
    return None


def colormap_of(facts: Mapping[str, Any]) -> Any:
    """Return the colormap that `plain_colormap` described."""
    if "labels" in facts:
        return DirectLabelColormap(color_dict={key: np.array(v) for key, v in facts["labels"]})
    if "colors" not in facts:
        return facts["name"]
    colours, controls = np.array(facts["colors"]), np.array(facts["controls"])
    return Colormap(colours, name=facts["name"], controls=controls)
