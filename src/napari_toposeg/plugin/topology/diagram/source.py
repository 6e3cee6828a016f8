"""What of a layer its features are found in: grey values, or the foreground of a label map.

The one idea: an array that is not in memory stays there until an excerpt is cut out of it.
"""

from typing import Any

import numpy as np
from napari.layers import Labels, Layer
from numpy.typing import NDArray

from napari_toposeg.plugin.canvas.layers import is_image, layer_attributes, require_plain
from napari_toposeg.plugin.canvas.lazy import finest, is_lazy
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
    data = finest(layer)
    require_plain(data, layer_attributes(layer))
    return data


class Foreground:
    """A label map that is not in memory, seen as 1 in the foreground and 0 outside, part by part.

    Parameters
    ----------
    labels
        Array ``(z, y, x)`` that gives a part when it is sliced.
    """

    dtype = np.dtype(np.uint8)
    ndim = 3

    def __init__(self, labels: Any) -> None:
        self._labels = labels
        self.shape = tuple(map(int, labels.shape))
        self.chunks = getattr(labels, "chunks", None)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: Any) -> NDArray[np.uint8]:
        """Read a part."""
        return foreground(np.asarray(self._labels[part]))


def foreground(labels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return 1 where a label map is above or below 0, and 0 elsewhere."""
    found: NDArray[np.uint8] = (labels != 0).view(np.uint8)
    return found


def values_of(data: Any, *, labels: bool) -> Any:
    """Return what features are found in: of a label map, 1 in the foreground and 0 outside."""
    if not labels:
        return data
    return Foreground(data) if is_lazy(data) else foreground(data)
