"""Pinning: a label map becomes an annotation that a network can be trained on."""

from typing import Any

from napari_toposeg.plugin.canvas.lazy import is_lazy, load_run
from napari_toposeg.plugin.finetune.annotate.annotation_layer import annotation_of
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.topology.errors.reading import Labels
from napari_toposeg.plugin.translation import tr


def pin_layer(session: Session, layer: Any) -> Any:
    """Pin the label map of a layer; of one that is not in memory once it is read.

    Returns
    -------
    Labels
        The annotation; None where the label map is read first, in the background.

    Raises
    ------
    InvalidConfig
        If its labels are none that an annotation can hold.
    ToposegError
        If it has to be read and a job is running.
    """
    volume = session.volume_of(layer, read=False)
    if not is_lazy(volume.voxels):
        return pin_labels(session, layer, volume.voxels)
    session.start(
        lambda: load_run(volume),
        title=tr("Reading the label map"),
        on_result=lambda read: session.attempt(lambda: pin_labels(session, layer, read.voxels)),
    )
    return None


def pin_labels(session: Session, layer: Any, labels: Labels) -> Any:
    """Add an annotation of labels on the grid of a layer, say so, and return it."""
    made = annotation_of(session.viewer, layer, labels)
    session.say(tr("{name} can be trained on in the Fine-tune tab").format(name=made.name))
    return made
