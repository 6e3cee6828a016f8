"""Cutting a region out of a scan, as a run for the background."""

from dataclasses import replace

import numpy as np

from napari_toposeg.plugin.canvas.layers import LayerData, volume_to_layer_data
from napari_toposeg.plugin.canvas.lazy import load
from napari_toposeg.plugin.canvas.regions import Region, crop_volume
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import follow
from napari_toposeg.progress import Report, Run
from napari_toposeg.volume import Volume


def cut_run(
    volume: Volume, region: Region, *, name: str, contrast_limits: tuple[float, float]
) -> Run[LayerData]:
    """Copy a part of a volume, at its place in the patient; of a lazy one only that is read.

    Parameters
    ----------
    volume
        The whole scan, in memory or not.
    region
        Which part.
    name, contrast_limits
        Of the layer that it becomes.
    """

    def cut(report: Report) -> LayerData:
        voxels = load(volume.voxels, region, report)
        part = replace(crop_volume(unread(volume), region), voxels=voxels)
        data, attributes, kind = volume_to_layer_data(part)
        return data, attributes | {"name": name, "contrast_limits": contrast_limits}, kind

    return (yield from follow(cut, tr("Cutting out")))


def unread(volume: Volume) -> Volume:
    """Return a volume's grid with voxels that take no memory."""
    return replace(volume, voxels=np.broadcast_to(np.zeros((), volume.voxels.dtype), volume.shape))
