"""The table of classes: edited in place, wishes that are counts, and no gap in the labels."""

import pytest
from qtpy.QtWidgets import QComboBox

from napari_toposeg.plugin.finetune.annotate.class_table import WANTED, ClassTable
from napari_toposeg.plugin.finetune.annotate.classes import as_classes
from napari_toposeg.plugin.widgets.wish_delegate import meaning


@pytest.fixture
def table(qtbot):
    made = ClassTable()
    qtbot.addWidget(made)
    made.show_classes(as_classes(["vessel", "airway"]))
    made.show()
    return made


def test_a_wish_is_three_counts_or_nothing(table, qtbot):
    with qtbot.waitSignal(table.edited):
        table.item(0, WANTED).setText("1, 2 0")
    assert [each.wanted for each in table.classes] == [(1, 2, 0), None]
    with qtbot.waitSignal(table.edited):
        table.item(0, WANTED).setText(" ")
    assert table.classes[0].wanted is None


@pytest.mark.parametrize("text", ["1 0", "one", "1 0 -1", "1 0 0 0", "1.5 0 0"])
def test_another_wish_is_refused_and_the_one_before_stays(table, qtbot, text):
    table.item(1, WANTED).setText("1 0 0")
    with qtbot.waitSignal(table.refused) as refused, qtbot.assertNotEmitted(table.edited):
        table.item(1, WANTED).setText(text)
    assert "airway" in str(refused.args[0])
    assert table.item(1, WANTED).text() == "1 0 0"


def test_an_empty_name_is_no_name(table):
    table.item(0, 1).setText("  ")
    assert table.classes[0].name == table.item(0, 1).text() == "vessel"


def test_usual_wishes_are_offered_and_others_can_be_written(table):
    table.setCurrentCell(0, WANTED)
    table.editItem(table.item(0, WANTED))
    combo = table.findChild(QComboBox)
    assert "1 1 0 – one ring" in [combo.itemText(row) for row in range(combo.count())]
    combo.setCurrentIndex(combo.findData("1 1 0"))
    table.commitData(combo)
    assert table.classes[0].wanted == (1, 1, 0)
    assert table.item(0, WANTED).toolTip() == "one ring"
    assert meaning("3 2 1") == "components 3, loops 2, cavities 1"


def test_classes_come_and_go_at_the_end(table, qtbot):
    with qtbot.waitSignal(table.label_chosen) as chosen:
        table.add_class()
    assert chosen.args == [3] and [each.name for each in table.classes][2] == "class 3"
    table.remove_last()
    table.remove_last()
    assert [each.name for each in table.classes] == ["vessel"]
    table.remove_last()
    table.remove_last()
    assert table.classes == () and table.rowCount() == 0
