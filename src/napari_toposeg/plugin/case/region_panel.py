"""The section that cuts a region out to a layer of its own."""

from functools import partial

from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QVBoxLayout, QWidget

from napari_toposeg.plugin.canvas.layers import LayerData, add_layer_data
from napari_toposeg.plugin.canvas.regions import Region, box_region, view_region
from napari_toposeg.plugin.case.cutting import cut_run
from napari_toposeg.plugin.case.words import sizes
from napari_toposeg.plugin.job import Job
from napari_toposeg.plugin.session import Session
from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.forms import button, row, section
from napari_toposeg.plugin.widgets.pickers import narrow

VIEW, BOX = "view", "box"


class RegionPanel(QWidget):
    """Which region, and the button that cuts it out."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.region = QComboBox()
        narrow(self.region)
        self.region.addItem(tr("what the view shows"), VIEW)
        self.region.addItem(tr("a box about the current point"), BOX)
        self.edge = QDoubleSpinBox()
        self.edge.setRange(1, 1000)
        self.edge.setDecimals(0)
        self.edge.setValue(64)
        self.edge.setSuffix(tr(" mm"))
        self.edge.setEnabled(False)
        self.region.currentIndexChanged.connect(
            lambda _: self.edge.setEnabled(self.region.currentData() == BOX)
        )
        self.crop_button = button(
            tr("Cut out to a new layer"),
            tr("All tabs then work on the region; the whole scan stays as it is"),
            lambda: self._session.attempt(self.crop),
        )
        self._lay_out()

    def crop(self) -> Job:
        """Make the region of interest a layer of its own in the background, and choose it."""
        layer = self._session.require_image()
        run = partial(
            cut_run,
            self._session.volume_of(layer, read=False),
            self._chosen_region(),
            name=tr("{layer} region").format(layer=layer.name),
            contrast_limits=tuple(layer.contrast_limits),
        )
        return self._session.start(run, title=tr("Cutting out"), on_result=self._show)

    def _chosen_region(self) -> Region:
        viewer, layer = self._session.viewer, self._session.require_image()
        if self.region.currentData() == VIEW:
            return view_region(viewer, layer)
        return box_region(viewer, layer, self.edge.value())

    def _show(self, data: LayerData) -> None:
        made = add_layer_data(self._session.viewer, data)
        self._session.image_layer = made
        self._session.say(tr("Cut out {sizes} voxels").format(sizes=sizes(made.data.shape)))

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        form = section(layout, tr("Region of interest"))
        row(form, tr("&Take"), self.region, tr("The region that becomes a layer of its own"))
        row(
            form,
            tr("Ed&ge"),
            self.edge,
            tr("Edge of the box, about the slice and the middle of the view"),
        )
        form.addRow(self.crop_button)
