"""Public weights: recognise the layout of a file, convert it, and say what became of every key.

A layout is one module with two functions: ``recognises`` and ``convert``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

from napari_toposeg import __version__
from napari_toposeg.errors import InvalidCheckpoint
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.checkpoints import load_strictly, save_checkpoint
from napari_toposeg.learning.importing import monai_swin, monai_vit, nnssl, selfmedmae
from napari_toposeg.learning.importing.converted import Converted
from napari_toposeg.learning.importing.reading import Published, read_published
from napari_toposeg.learning.model_store import new_model_path
from napari_toposeg.learning.networks import build

Layout = Literal["monai-vit", "monai-swin", "nnssl", "selfmedmae"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)


@dataclass(frozen=True)
class ImportReport:
    """What became of every key of a file of published weights.

    Parameters
    ----------
    layout
        Whose names it has.
    taken
        Published names of what the model holds, each with the model's own.
    filled
        Keys of the model that had no counterpart and change no answer, such as a bias of zeros.
    left
        Published names that the model has no use for.
    """

    layout: Layout
    taken: tuple[tuple[str, str], ...]
    filled: tuple[str, ...]
    left: tuple[str, ...]

    def summary(self) -> str:
        """Return one line of counts."""
        return (
            f"{self.layout}: {len(self.taken)} tensors taken, {len(self.filled)} filled in, "
            f"{len(self.left)} left"
        )


def import_weights(
    path: Path, name: str | None = None, *, layout: Layout | None = None
) -> tuple[Card, ImportReport]:
    """Convert a file of published weights to a model of the user's store.

    Parameters
    ----------
    name
        The model's name; the file's by default.
    layout
        Whose names the file has; recognised by default.

    Raises
    ------
    InvalidCheckpoint
        If the file cannot be read safely, its layout is unknown, or its network is none of those
        here; or if the store holds a model of this name.
    """
    target = new_model_path(name or path.name.split(".")[0])
    published = read_published(path)
    layout = layout or recognised(published, path.name)
    converted = convert(published, layout)
    network = build(converted.network, task=converted.task)
    load_strictly(network, converted.weights, source=path.name)
    card = card_of(converted, target.stem, layout, path.name)
    save_checkpoint(target, network.state_dict(), card)
    return card, report_of(converted, layout)


def recognised(published: Published, name: str) -> Layout:
    """Return the layout of published weights.

    Raises
    ------
    InvalidCheckpoint
        If it is none of those known.
    """
    for layout in LAYOUTS:
        if module_of(layout).recognises(published):
            return layout
    some = ", ".join(list(published.tensors)[:4])
    raise InvalidCheckpoint(
        f"the weights of {name} ({some}, ...) have none of the known layouts "
        f"({', '.join(LAYOUTS)}); import one of these"
    )


def convert(published: Published, layout: Layout) -> Converted:
    """Convert published weights of a layout.

    Raises
    ------
    InvalidCheckpoint
        If they do not have it.
    """
    module = module_of(layout)
    if not module.recognises(published):
        raise InvalidCheckpoint(
            f"the weights do not have the layout {layout}; leave --layout to find out which they "
            "have"
        )
    return module.convert(published)


class LayoutModule(Protocol):
    """What the module of a layout holds."""

    def recognises(self, published: Published) -> bool:
        """Tell whether published weights have the layout."""

    def convert(self, published: Published) -> Converted:
        """Convert published weights that have it."""


def module_of(layout: Layout) -> LayoutModule:
    """Return the module of a layout."""
    match layout:
        case "monai-vit":
            return monai_vit
        case "monai-swin":
            return monai_swin
        case "nnssl":
            return nnssl
        case "selfmedmae":
            return selfmedmae


def card_of(converted: Converted, name: str, layout: Layout, file: str) -> Card:
    """Write the card of an imported model."""
    return Card(
        name=name,
        task=converted.task,
        network=converted.network,
        intended_use="Research use only. A starting point for fine-tuning.",
        licence="That of the published weights; the file does not tell it.",
        recipe={"imported_from": file, "layout": layout},
        made_with=f"napari-toposeg {__version__}",
        **converted.about,
    )


def report_of(converted: Converted, layout: Layout) -> ImportReport:
    """Write down what became of every key."""
    return ImportReport(
        layout,
        taken=tuple((theirs, ours) for ours, theirs in converted.sources.items()),
        filled=tuple(name for name in converted.weights if name not in converted.sources),
        left=converted.left,
    )
