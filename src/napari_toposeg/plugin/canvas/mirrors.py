"""A layer shown a second time, in another viewer, over the same voxels.

The one idea: the copy holds the very array of the layer, so it takes no memory and a stroke is in
both; how it looks follows the layer by the layer's own events.
"""

from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer, Points

LOOKS = ("visible", "opacity", "blending", "scale", "translate", "name")
IMAGE_LOOKS = (*LOOKS, "contrast_limits", "gamma", "colormap")
LABEL_LOOKS = (*LOOKS, "colormap", "contour", "show_selected_label", "selected_label")
POINT_LOOKS = (*LOOKS, "size", "symbol", "face_color", "border_color")
VOXELS = ("paint", "labels_update", "set_data")
"""Events after which the voxels of a layer may be others."""


def can_be_mirrored(layer: Layer) -> bool:
    """Tell whether a layer is one that the linked views show: three axes of voxels or points."""
    return layer.ndim == 3 and isinstance(layer, Image | Labels | Points)


class Mirror:
    """A layer and its copy, which follows it until `close`."""

    def __init__(self, layer: Layer) -> None:
        self.layer: Any = layer
        self.copy: Any = Layer.create(*self._data_tuple())
        self.copy.editable = False
        self._stale = False
        for name in self._looks():
            getattr(self.layer.events, name).connect(self._on_look)
        self.layer.events.data.connect(self._on_data)
        for name in self._voxel_events():
            getattr(self.layer.events, name).connect(self._on_voxels)

    def refresh(self) -> None:
        """Draw the copy anew if the voxels may have changed."""
        if self._stale:
            self._stale = False
            self.copy.refresh(extent=False, thumbnail=False)

    def close(self) -> None:
        """Stop following."""
        for name in self._looks():
            getattr(self.layer.events, name).disconnect(self._on_look)
        self.layer.events.data.disconnect(self._on_data)
        for name in self._voxel_events():
            getattr(self.layer.events, name).disconnect(self._on_voxels)

    def _data_tuple(self) -> tuple[Any, dict[str, Any], str]:
        data, attributes, kind = self.layer.as_layer_data_tuple()
        # Text at points is drawn at the size of the canvas: it would cover a small view.
        dropped = ("text", "metadata") if kind == "points" else ("metadata",)
        return data, {name: attributes[name] for name in attributes if name not in dropped}, kind

    def _looks(self) -> tuple[str, ...]:
        wanted: tuple[str, ...]
        match self.layer:
            case Labels():
                wanted = LABEL_LOOKS
            case Image():
                wanted = IMAGE_LOOKS
            case _:
                wanted = POINT_LOOKS
        return tuple(name for name in wanted if hasattr(self.layer.events, name))

    def _voxel_events(self) -> tuple[str, ...]:
        return tuple(name for name in VOXELS if hasattr(self.layer.events, name))

    def _on_look(self, event: Any) -> None:
        # Through the tuple: attributes of a layer that a plugin is given come wrapped.
        attributes = self.layer.as_layer_data_tuple()[1]
        name = event.type
        setattr(self.copy, name, attributes.get(name, getattr(self.layer, name)))

    def _on_data(self, _: object) -> None:
        data, attributes, _kind = self._data_tuple()
        if isinstance(self.layer, Points):
            self.copy.data = np.array(data)
            for name in ("size", "symbol", "face_color", "border_color"):
                setattr(self.copy, name, attributes[name])
        else:
            self.copy.data = data

    def _on_voxels(self, _: object) -> None:
        self._stale = True
