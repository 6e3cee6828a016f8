"""What the Reconstruct tab does, as functions that a notebook can call on a viewer."""

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import ViewerModel

from napari_toposeg.learning.hiding import Cubes, Pattern
from napari_toposeg.plugin.answering import answering
from napari_toposeg.plugin.canvas.layers import add_volume, layer_to_volume
from napari_toposeg.plugin.canvas.lazy import load_run
from napari_toposeg.plugin.loading import load_learning
from napari_toposeg.plugin.reconstruct.contest import Contest, contest_run
from napari_toposeg.plugin.reconstruct.kept import (
    FeatureFates,
    KeptTopology,
    feature_fates,
    feature_fates_run,
    kept_topology,
    kept_topology_run,
    suggest_threshold,
)
from napari_toposeg.plugin.reconstruct.patch_grid import PatchGrid, show_patch_grid
from napari_toposeg.plugin.reconstruct.side_by_side import SideBySide
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.translation import tr
from napari_toposeg.progress import Step, finish
from napari_toposeg.volume import Volume

if TYPE_CHECKING:
    from napari_toposeg.learning.reconstruct import Reconstruction

__all__ = [
    "FeatureFates",
    "KeptTopology",
    "PatchGrid",
    "SideBySide",
    "compare_models",
    "compare_models_run",
    "feature_fates",
    "kept_topology",
    "kept_topology_run",
    "reconstruct_layer",
    "reconstruct_run",
    "show_contest",
    "show_patch_grid",
    "show_reconstruction",
    "show_side_by_side",
    "suggest_threshold",
]


def reconstruct_run(
    volume: Volume,
    model: str,
    *,
    pattern: Pattern,
    device: str,
    threads: int,
    threshold: float,
) -> Generator[Step, None, "tuple[Reconstruction, KeptTopology]"]:
    """Hide a pattern, rebuild it, and count and match the topology that was kept."""
    volume = yield from load_run(volume)
    yield from load_learning()
    from napari_toposeg.learning.devices import choose_threads
    from napari_toposeg.learning.reconstruct import reconstruct

    def rebuild() -> "Generator[Step, None, Reconstruction]":
        choose_threads(threads)
        return (yield from reconstruct(volume, model, pattern=pattern, device=device))

    result = yield from answering(rebuild())
    kept = yield from kept_topology_run(volume, result.composite, threshold)
    features = yield from feature_fates_run(volume, result.composite, result.hidden.voxels)
    return result, KeptTopology(kept.threshold, kept.scan, kept.rebuilt, features)


def compare_models_run(
    volume: Volume,
    models: Sequence[str],
    *,
    pattern: Pattern,
    device: str,
    threads: int,
) -> Generator[Step, None, Contest]:
    """Rebuild a scan with several models and judge them on the same hidden voxels."""
    yield from load_learning()
    return (yield from contest_run(volume, models, pattern, device, threads))


def show_reconstruction(
    viewer: ViewerModel, volume: Volume, reconstruction: "Reconstruction", contrast: Any = None
) -> tuple[Any, Any, Any]:
    """Add the hidden input, the reconstruction and |residual| as layers.

    Parameters
    ----------
    contrast
        Contrast limits of the first two, so that they compare with the scan as it is shown.
    """
    hidden = reconstruction.hidden.voxels.astype(bool)
    darkest = volume.voxels.min()
    visible = volume.with_voxels(np.where(hidden, darkest, volume.voxels), name=volume.name)
    same = {} if contrast is None else {"contrast_limits": contrast}
    names = [
        tr(text).format(name=volume.name)
        for text in ("{name} hidden input", "{name} reconstruction", "{name} |residual|")
    ]
    return (
        add_volume(viewer, visible, "image", name=names[0], **same),
        add_volume(viewer, reconstruction.composite, "image", name=names[1], **same),
        add_volume(viewer, reconstruction.residual, "residual", name=names[2], visible=False),
    )


def show_contest(
    viewer: ViewerModel, volume: Volume, contest: Contest, contrast: Any = None
) -> list[Any]:
    """Add the reconstruction of each compared model as a layer, hidden at first."""
    same = {} if contrast is None else {"contrast_limits": contrast}
    return [
        add_volume(
            viewer,
            each.reconstruction.composite,
            "image",
            name=tr("{name} by {model}").format(name=volume.name, model=each.name),
            visible=False,
            **same,
        )
        for each in contest.comparison.contestants
    ]


def show_side_by_side(
    viewer: ViewerModel, alike: Sequence[Any], others: Sequence[Any] = ()
) -> SideBySide:
    """Show layers side by side, linked, with all others hidden; call `end` of what is returned.

    Parameters
    ----------
    alike
        Layers of one quantity, whose contrast limits go together: scan, hidden input and
        reconstruction.
    others
        Further layers, such as the residual.
    """
    grid = SideBySide(viewer)
    grid.show(alike, others)
    return grid


def reconstruct_layer(
    viewer: ViewerModel,
    layer: Any,
    model: str,
    *,
    mask_ratio: float = 0.6,
    seed: int = 0,
    pattern: Pattern | None = None,
) -> "tuple[Reconstruction, KeptTopology]":
    """Reconstruct a layer, wait, and add the three layers of the result.

    Parameters
    ----------
    pattern
        What to hide; by default patches at random, by `mask_ratio` and `seed`.
    """
    volume = layer_to_volume(layer)
    settings = read_settings()
    result, kept = finish(
        reconstruct_run(
            volume,
            model,
            pattern=pattern or Cubes(mask_ratio, seed),
            device=settings.device,
            threads=settings.worker_threads,
            threshold=suggest_threshold(volume.voxels),
        )
    )
    show_reconstruction(viewer, volume, result, contrast=layer.contrast_limits)
    return result, kept


def compare_models(
    viewer: ViewerModel,
    layer: Any,
    models: Sequence[str],
    *,
    pattern: Pattern | None = None,
    layers: bool = False,
) -> Contest:
    """Rebuild a layer with several models on the same hidden voxels, and wait.

    Parameters
    ----------
    pattern
        What to hide; by default patches at random, as in the first model's pretraining.
    layers
        Add the reconstruction of each as a layer.
    """
    volume = layer_to_volume(layer)
    settings = read_settings()
    contest = finish(
        compare_models_run(
            volume,
            models,
            pattern=pattern or Cubes(),
            device=settings.device,
            threads=settings.worker_threads,
        )
    )
    if layers:
        show_contest(viewer, volume, contest, contrast=layer.contrast_limits)
    return contest
