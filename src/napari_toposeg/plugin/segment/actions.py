"""What the Segment tab does, as functions that a notebook can call on a viewer."""

from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.components import ViewerModel
from napari.utils.colormaps import DirectLabelColormap

from napari_toposeg.metrics import ClassTopology, class_topology
from napari_toposeg.plugin.answering import answering
from napari_toposeg.plugin.canvas.layers import add_volume, layer_to_volume
from napari_toposeg.plugin.canvas.lazy import load_run
from napari_toposeg.plugin.canvas.sources import note_model
from napari_toposeg.plugin.loading import load_learning, seconds_of
from napari_toposeg.plugin.segment.duel import Duel, duel_run
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.waiting import wait_for
from napari_toposeg.plugin.widgets.plotting import CLASS_COLOURS
from napari_toposeg.progress import Step, finish
from napari_toposeg.volume import Volume

if TYPE_CHECKING:
    from napari_toposeg.learning.predict import Segmentation


def segment_run(
    volume: Volume, model: str, *, device: str, overlap: float, threads: int
) -> Generator[Step, None, "tuple[Segmentation, tuple[ClassTopology, ...]]"]:
    """Segment a volume, and count the topology of each class."""
    volume = yield from load_run(volume)
    yield from load_learning()
    from napari_toposeg.learning.devices import choose_threads
    from napari_toposeg.learning.predict import segment

    def labelled() -> "Generator[Step, None, Segmentation]":
        choose_threads(threads)
        return (yield from segment(volume, model, device=device, overlap=overlap))

    result = yield from answering(labelled())
    table = []
    for label, name in enumerate(result.classes, start=1):
        count = partial(class_topology, result.labels, label, name)
        message = tr("Counting the topology of {name}").format(name=name)
        table.append((yield from wait_for(count, message, seconds=seconds_of(volume))))
    return result, tuple(table)


def show_segmentation(
    viewer: ViewerModel, volume: Volume, segmentation: "Segmentation"
) -> tuple[Any, Any]:
    """Add the labels and, hidden, the probability of foreground as layers; return both."""
    probability = add_volume(
        viewer,
        segmentation.probability,
        "probability",
        name=tr("{name} probability").format(name=volume.name),
        visible=False,
    )
    labels = add_volume(
        viewer,
        segmentation.labels,
        "labels",
        name=tr("{name} segmentation").format(name=volume.name),
        colormap=class_colormap(len(segmentation.classes)),
        features={"class": ["background", *segmentation.classes]},
    )
    return labels, probability


def compare_segmentations_run(
    volume: Volume, models: tuple[str, str], *, device: str, overlap: float, threads: int
) -> Generator[Step, None, Duel]:
    """Segment a volume with two models, and compare what they find."""
    yield from load_learning()
    return (yield from duel_run(volume, models, device=device, overlap=overlap, threads=threads))


def show_duel(viewer: ViewerModel, volume: Volume, duel: Duel) -> list[Any]:
    """Add the labels of both models as layers; the second is drawn as outlines."""
    layers = [
        add_volume(
            viewer,
            made.labels,
            "labels",
            name=tr("{name} by {model}").format(name=volume.name, model=model),
            colormap=class_colormap(len(made.classes)),
            features={"class": ["background", *made.classes]},
        )
        for model, made in zip(duel.models, duel.segmentations, strict=True)
    ]
    for layer, model in zip(layers, duel.models, strict=True):
        note_model(layer, model)
    layers[1].contour = 1
    layers[1].opacity = 1.0
    return layers


def class_colormap(classes: int) -> DirectLabelColormap:
    """Return the colours of the labels 1..K, the same as in an annotation; 0 is clear."""
    colours = {
        number: CLASS_COLOURS[(number - 1) % len(CLASS_COLOURS)] for number in range(1, classes + 1)
    }
    return DirectLabelColormap(color_dict={None: "#00000000", 0: "#00000000"} | colours)


def segment_layer(
    viewer: ViewerModel, layer: Any, model: str, *, overlap: float = 0.25
) -> "tuple[Segmentation, tuple[ClassTopology, ...]]":
    """Segment a layer, wait, and add labels and probability as layers."""
    volume = layer_to_volume(layer)
    settings = read_settings()
    result, table = finish(
        segment_run(
            volume,
            model,
            device=settings.device,
            overlap=overlap,
            threads=settings.worker_threads,
        )
    )
    labels, _ = show_segmentation(viewer, volume, result)
    note_model(labels, model)
    return result, table


def compare_segmentations(
    viewer: ViewerModel, layer: Any, models: tuple[str, str], *, overlap: float = 0.25
) -> Duel:
    """Segment a layer with two models, wait, and add the labels of both as layers."""
    volume = layer_to_volume(layer)
    settings = read_settings()
    duel = finish(
        compare_segmentations_run(
            volume,
            models,
            device=settings.device,
            overlap=overlap,
            threads=settings.worker_threads,
        )
    )
    show_duel(viewer, volume, duel)
    return duel
