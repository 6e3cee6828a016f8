"""What of a layer its features are found in: grey values, or the foreground of a label map.

The one idea: an array that is not in memory stays there until an excerpt is cut out of it.
"""

from typing import Any

import numpy as np
from napari.layers import Labels, Layer

from napari_toposeg.plugin.canvas.layers import is_image, layer_attributes, require_plain
from napari_toposeg.plugin.canvas.marks import role_of


def has_features(layer: Any) -> bool:
    """Tell whether features can be looked for in a layer: a 3D image or a label map.

    What the dock laid over the scan is left out.
    """
    if isinstance(layer, Labels):
        return layer.ndim == 3 and role_of(layer) is None
    return is_image(layer)


def data_of(layer: Layer) -> Any:
    """Return a layer's finest array ``(z, y, x)``, in memory or not.

    Raises
    ------
    InvalidVolume
        If the layer is not one 3D scalar array, or was rotated or sheared in the viewer.
    """
    data = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
    require_plain(data, layer_attributes(layer))
    return data


def values_of(data: Any, *, labels: bool) -> Any:
    """Return what features are found in: of a label map, 1 in the foreground and 0 outside."""
    return (np.asarray(data) != 0).view(np.uint8) if labels else data
