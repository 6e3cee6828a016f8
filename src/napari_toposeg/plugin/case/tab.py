"""The Case tab: open a scan or a sample, see how it lies, set the CT window, cut out a region."""

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QWidget,
)

from napari_toposeg.io import WINDOWS
from napari_toposeg.plugin import samples
from napari_toposeg.plugin.canvas.layers import add_layer_data, add_volume, kind_of
from napari_toposeg.plugin.canvas.regions import box_region, crop_volume, view_region
from napari_toposeg.plugin.canvas.saving import save_layer
from napari_toposeg.plugin.canvas.sources import Source, note_source
from napari_toposeg.plugin.case import actions
from napari_toposeg.plugin.readers import (
    ENDINGS,
    open_dropped_files,
    opens_dropped_files,
    read_chosen_source,
)
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.widgets.forms import button, page_layout, row, section, value
from napari_toposeg.plugin.widgets.pickers import narrow
from napari_toposeg.volume import Modality, Volume

AS_SHOWN = "as shown"
VIEW, BOX = "what the view shows", "a box about the current point"
OBLIQUE_DEGREES = 1.0
FILTER = f"Medical volumes ({' '.join(f'*{ending}' for ending in ENDINGS)});;All files (*)"
SAVE_FILTER = "NIfTI (*.nii.gz *.nii);;NRRD (*.nrrd)"
DIRECTIONS = {"R": "right", "L": "left", "A": "front", "P": "back", "S": "head", "I": "feet"}


class CaseTab(QWidget):
    """Opens scans and describes the chosen one."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._layout = page_layout(self)
        self._build_open()
        self._build_facts()
        self._build_window()
        self._build_region()
        self._followed: Any = None
        session.image_layer_changed.connect(self.describe)
        session.layers_changed.connect(self._on_layers)
        self.describe(session.image_layer)

    def open_path(self, path: str | Path) -> None:
        """Open a file or a DICOM folder, asking where it holds several volumes."""
        found = read_chosen_source(Path(path))
        if found is not None:
            self._add(*found)

    def open_sample(self, name: str) -> None:
        """Open one of the samples of `napari_toposeg.plugin.samples`."""
        for voxels, attributes, kind in samples.open_sample(name):
            layer = add_layer_data(self._session.viewer, (voxels, attributes, kind))
            if kind == "image":
                self._session.image_layer = layer
        self._session.say(f"Opened the sample {name}")

    def save(self, path: str | Path) -> None:
        """Write the chosen image on its own grid."""
        written = save_layer(self._session.require_image(), path)
        self._session.say(f"Saved {written.name}")

    def crop(self) -> Any:
        """Make the region of interest a layer of its own, and choose it."""
        layer = self._session.require_image()
        viewer = self._session.viewer
        if self.region.currentText() == VIEW:
            region = view_region(viewer, layer)
        else:
            region = box_region(viewer, layer, self.edge.value())
        cut = crop_volume(self._session.volume_of(layer), region)
        made = add_volume(
            viewer, cut, "image", name=f"{layer.name} region", contrast_limits=layer.contrast_limits
        )
        self._session.image_layer = made
        self._session.say(f"Cut out {_sizes(cut.shape)} voxels")
        return made

    def describe(self, layer: Any) -> None:
        """Show the geometry of a layer, or nothing."""
        self._follow(layer)
        there = layer is not None
        for widget in (self.modality, self.window, self.crop_button, self.save_button):
            widget.setEnabled(there)
        if not there:
            for label in self._facts:
                label.setText("–")
            return
        volume = self._session.attempt(lambda: self._session.volume_of(layer))
        if volume is not None:
            self._show_facts(volume)

    def _show_facts(self, volume: Volume) -> None:
        self.orientation.setText(f"{volume.orientation} ({_in_words(volume.orientation)})")
        self.shape.setText(f"{_sizes(volume.shape)} voxels, {volume.voxels.dtype}")
        self.spacing.setText(f"{_sizes(tuple(f'{s:.3g}' for s in volume.spacing))} mm")
        self.tilt.setText(oblique_notice(volume.obliquity))
        self.notes.setText("\n".join(volume.notes) or "none")
        self.modality.blockSignals(True)
        self.modality.setCurrentText(volume.modality)
        self.modality.blockSignals(False)
        self.window.setEnabled(volume.modality == "CT")
        self._show_window()

    def _build_open(self) -> None:
        form = section(self._layout, "Open")
        self.file_button = button(
            "File…", "Open a NIfTI, MGH, NRRD or MetaImage file", self._ask_file
        )
        self.folder_button = button(
            "Folder…", "Open a folder of DICOM slices or of volumes", self._ask_folder
        )
        self.sample_button = QPushButton("Sample")
        self.sample_button.setToolTip("Open a scan or a phantom that comes with the plugin")
        menu = QMenu(self.sample_button)
        for name, title in samples.TITLES.items():
            action = menu.addAction(title)
            action.triggered.connect(lambda _=False, name=name: self._attempt_sample(name))
        self.sample_button.setMenu(menu)
        buttons = QHBoxLayout()
        for widget in (self.file_button, self.folder_button, self.sample_button):
            buttons.addWidget(widget)
        form.addRow(buttons)
        self.dropped = QCheckBox("Also what is dropped on the window")
        self.dropped.setToolTip(
            "Read dropped NIfTI, MGH, NRRD, MetaImage and DICOM files with their geometry, without "
            "napari's question for a reader"
        )
        self.dropped.setChecked(opens_dropped_files())
        self.dropped.toggled.connect(open_dropped_files)
        form.addRow(self.dropped)

    def _build_facts(self) -> None:
        form = section(self._layout, "This scan")
        self.modality = QComboBox()
        self.modality.addItems(["CT", "MR", "PT", "unknown"])
        narrow(self.modality)
        self.modality.currentTextChanged.connect(self._on_modality)
        self.orientation = value("Where the axes of the file point, in the file's own order")
        self.shape = value("Voxels along z, y, x as shown, and their number type")
        self.spacing = value("Voxel size along z, y, x")
        self.tilt = value("Angle between the grid and the patient's axes")
        self.notes = value("What to know of this scan, such as a gantry tilt")
        self._facts = (self.orientation, self.shape, self.spacing, self.tilt, self.notes)
        row(
            form,
            "&Modality",
            self.modality,
            "What the grey values are; correct it where it was guessed wrong",
        )
        for name, label in zip(
            ("Orientation", "Shape", "Spacing", "Grid", "Notes"), self._facts, strict=True
        ):
            row(form, name, label, label.toolTip())
        self.save_button = button("Save as…", "Write the image on its own grid", self._ask_save)
        form.addRow(self.save_button)

    def _build_window(self) -> None:
        form = section(self._layout, "CT window (HU)")
        self.window = QComboBox()
        narrow(self.window)
        self.window.addItem(AS_SHOWN)
        for name, (low, high) in WINDOWS.items():
            self.window.addItem(f"{name}  {low:.0f}…{high:.0f}", name)
        self.window.activated.connect(self._on_window)
        row(form, "Sho&w", self.window, "Hounsfield units shown as black and as white")

    def _build_region(self) -> None:
        form = section(self._layout, "Region of interest")
        self.region = QComboBox()
        narrow(self.region)
        self.region.addItems([VIEW, BOX])
        self.edge = QDoubleSpinBox()
        self.edge.setRange(1, 1000)
        self.edge.setDecimals(0)
        self.edge.setValue(64)
        self.edge.setSuffix(" mm")
        self.edge.setEnabled(False)
        self.region.currentTextChanged.connect(lambda text: self.edge.setEnabled(text == BOX))
        row(form, "&Take", self.region, "The region that becomes a layer of its own")
        row(form, "Ed&ge", self.edge, "Edge of the box, about the slice and the middle of the view")
        self.crop_button = button(
            "Cut out to a new layer",
            "All tabs then work on the region; the whole scan stays as it is",
            lambda: self._session.attempt(self.crop),
        )
        form.addRow(self.crop_button)

    def _add(self, volume: Volume, source: Source) -> None:
        layer = add_volume(self._session.viewer, volume, kind_of(volume))
        note_source(layer, source.path, series=source.series, frame=source.frame)
        if kind_of(volume) == "image":
            self._session.image_layer = layer
        self._session.say(f"Opened {volume.name}")

    def _ask_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a scan", "", FILTER)
        if path:
            self._session.attempt(lambda: self.open_path(path))

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open a folder")
        if path:
            self._session.attempt(lambda: self.open_path(path))

    def _ask_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the image", "", SAVE_FILTER)
        if path:
            self._session.attempt(lambda: self.save(path))

    def _attempt_sample(self, name: str) -> None:
        self._session.attempt(lambda: self.open_sample(name))

    def _on_modality(self, text: Modality) -> None:
        layer = self._session.image_layer
        if layer is not None:
            actions.set_modality(layer, text)
            self.describe(layer)

    def _on_window(self, index: int) -> None:
        name = self.window.itemData(index)
        if name is not None:
            actions.set_window(self._session.image_layer, name)

    def _follow(self, layer: Any) -> None:
        """Listen to the contrast of the chosen layer, and no longer to the one before."""
        if self._followed is not None:
            self._followed.events.contrast_limits.disconnect(self._show_window)
        self._followed = layer
        if layer is not None:
            layer.events.contrast_limits.connect(self._show_window)

    def _show_window(self, _: object = None) -> None:
        limits = tuple(self._followed.contrast_limits)
        names = [None, *WINDOWS]
        shown = next((name for name in WINDOWS if WINDOWS[name] == limits), None)
        self.window.setCurrentIndex(names.index(shown))

    def _on_layers(self) -> None:
        if self._session.image_layer is None:
            self.describe(None)


def oblique_notice(degrees: float) -> str:
    """Say how far a grid is turned from the patient's axes, and what that means."""
    if degrees < OBLIQUE_DEGREES:
        return "along the patient's axes"
    return f"oblique by {degrees:.1f}°: drawn upright here, saved as it lies"


def _sizes(numbers: tuple[object, ...]) -> str:
    return " × ".join(str(number) for number in numbers)


def _in_words(codes: str) -> str:
    return ", ".join(f"to {DIRECTIONS.get(code, code)}" for code in codes)
