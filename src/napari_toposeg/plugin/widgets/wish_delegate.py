"""WishDelegate: the cell in which the wanted Betti numbers of a class are chosen or written."""

from qtpy.QtCore import QAbstractItemModel, QModelIndex
from qtpy.QtWidgets import QComboBox, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from napari_toposeg.plugin.translation import tr
from napari_toposeg.plugin.widgets.wishes import PRESETS


class WishDelegate(QStyledItemDelegate):
    """Edits a wish in a combo box of usual ones, in which any other can be written."""

    def createEditor(
        self, parent: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QWidget:
        """Return the combo box."""
        combo = QComboBox(parent)
        combo.setEditable(True)
        combo.setToolTip(tr("Wanted components, loops and cavities, as in 1 0 0; empty means any"))
        for text, _ in PRESETS:
            combo.addItem(f"{text} – {meaning(text)}" if text else meaning(text), text)
        combo.view().setMinimumWidth(190)
        combo.activated.connect(lambda row: combo.setEditText(str(combo.itemData(row))))
        return combo

    def setEditorData(self, editor: QWidget | None, index: QModelIndex) -> None:
        """Show the wish that is edited."""
        assert isinstance(editor, QComboBox)
        editor.setEditText(str(index.data() or ""))

    def setModelData(
        self, editor: QWidget | None, model: QAbstractItemModel | None, index: QModelIndex
    ) -> None:
        """Take what was chosen or written."""
        assert isinstance(editor, QComboBox) and model is not None
        row = editor.findText(editor.currentText())
        model.setData(index, editor.currentText() if row < 0 else editor.itemData(row))


def meaning(text: str) -> str:
    """Say what a wish means."""
    named = dict(PRESETS).get(text)
    if named is not None:
        return tr(named)
    b0, b1, b2 = text.split()
    text = tr("components {b0}, loops {b1}, cavities {b2}")
    return text.format(b0=b0, b1=b1, b2=b2)
