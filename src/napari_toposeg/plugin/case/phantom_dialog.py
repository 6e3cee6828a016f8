"""The dialog that asks which phantom to draw: its kind, its grid, its noise.

The one idea: a phantom's Betti numbers are known before anything is measured, so the kinds are
offered with theirs. What was asked for last stands there the next time.
"""

from contextlib import suppress

from magicgui.widgets import ComboBox, Dialog, FloatSpinBox, SpinBox, Widget
from qtpy.QtWidgets import QWidget

from napari_toposeg.plugin.remembered import Choices
from napari_toposeg.plugin.samples import PhantomWish
from napari_toposeg.plugin.settings import read_settings
from napari_toposeg.plugin.translation import mark, tr

KINDS = {
    "vessel_tree": mark("Vessel trees: no loop, no cavity"),
    "ball": mark("Ball: b = (1, 0, 0)"),
    "hollow_ball": mark("Hollow ball: b = (1, 0, 1)"),
    "torus": mark("Torus: b = (1, 1, 0)"),
    "linked_rings": mark("Linked rings: b = (2, 2, 0)"),
}
"""Phantoms with the Betti numbers (b0, b1, b2; 26-connected) of their truth."""

LARGEST_EDGE = 256
MOST_TREES = 300


def phantom_dialog(parent: QWidget | None = None) -> Dialog:
    """Return the dialog with its defaults; the fields are named as those of a `PhantomWish`."""
    wish = PhantomWish()
    dialog = Dialog(parent=parent)
    # magicgui gives labels one width, but measures them without the window's style.
    dialog.native.setStyleSheet("QLabel { min-width: 7em; }")
    dialog.extend(_fields(wish))
    dialog.native.setWindowTitle(tr("Make a phantom"))
    dialog["kind"].changed.connect(lambda kind: _offer_trees(dialog, kind))
    _offer_trees(dialog, wish.kind)
    return dialog


def ask_for_phantom(parent: QWidget | None = None) -> PhantomWish | None:
    """Ask the user; None if the dialog was left."""
    dialog, remember = phantom_dialog(parent), read_settings().remember
    choices = Choices()
    if remember:
        recall(dialog, choices)
    accepted, answer = dialog.exec(), dialog.asdict()
    dialog.native.deleteLater()
    if not accepted:
        return None
    if remember:
        for name, value in answer.items():
            choices.note(f"phantom.{name}", value)
        choices.write_now()
    return PhantomWish(**answer)


def recall(dialog: Dialog, choices: Choices) -> None:
    """Put what was asked for last into the fields; what a field does not take is passed over."""
    for field in dialog:
        kept = choices.value(f"phantom.{field.name}")
        with suppress(TypeError, ValueError):
            field.value = field.value if kept is None else kept


def _offer_trees(dialog: Dialog, kind: str) -> None:
    dialog["trees"].enabled = kind == "vessel_tree"


def _fields(wish: PhantomWish) -> list[Widget]:
    kinds = [(tr(title), kind) for kind, title in KINDS.items()]
    return [
        ComboBox(
            name="kind",
            label=tr("Phantom"),
            choices=kinds,
            value=wish.kind,
            tooltip=tr("What is drawn; b: its components, loops and cavities, 26-connected"),
        ),
        SpinBox(
            name="trees",
            label=tr("Trees"),
            min=1,
            max=MOST_TREES,
            value=wish.trees,
            tooltip=tr("How many vessel trees: the b0 of the truth"),
        ),
        SpinBox(
            name="edge",
            label=tr("Edge (voxels)"),
            min=16,
            max=LARGEST_EDGE,
            value=wish.edge,
            tooltip=tr("Voxels along each side of the cube"),
        ),
        FloatSpinBox(
            name="voxel",
            label=tr("Voxel (mm)"),
            min=0.1,
            max=10.0,
            step=0.1,
            value=wish.voxel,
            tooltip=tr("Length of a voxel's edge; finer voxels show the same thing smaller"),
        ),
        FloatSpinBox(
            name="noise",
            label=tr("Noise (HU)"),
            min=0.0,
            max=500.0,
            step=10.0,
            value=wish.noise,
            tooltip=tr("Standard deviation of the scanner's noise"),
        ),
        SpinBox(
            name="seed",
            label=tr("Seed"),
            min=0,
            max=2**31 - 1,
            value=wish.seed,
            tooltip=tr("The same number draws the same phantom again"),
        ),
    ]
