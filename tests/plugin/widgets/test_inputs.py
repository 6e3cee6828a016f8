"""What stands in an input is a plain value, and only a value that fits is put there."""

import json

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QSlider,
    QSpinBox,
    QTabWidget,
    QWidget,
)

from napari_toposeg.plugin.widgets.inputs import (
    inputs_of,
    on_change,
    set_value,
    set_values,
    value_of,
    values,
)


def combo():
    made = QComboBox()
    made.addItem("all together", None)
    made.addItem("26 (background 6)", 26)
    made.addItem("6 (background 26)", 6)
    return made


def tabs():
    made = QTabWidget()
    for name in ("first", "second"):
        made.addTab(QWidget(), name)
    return made


MAKERS = {
    "check": (QCheckBox, True),
    "combo": (combo, 6),
    "text of a combo": (combo, "all together"),
    "whole": (QSpinBox, 42),
    "decimal": (QDoubleSpinBox, 2.5),
    "line": (QLineEdit, "vessel, airway"),
    "slider": (lambda: QSlider(Qt.Orientation.Horizontal), 17),
    "tabs": (tabs, 1),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_value_that_fits_is_put_and_read_again(qtbot, kind):
    make, wanted = MAKERS[kind]
    field = make()
    qtbot.addWidget(field)
    assert set_value(field, json.loads(json.dumps(wanted)))
    assert value_of(field) == wanted


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(
    "wrong", [None, 10**9, -(10**9), float("nan"), float("inf"), [1], {}, "no such entry"]
)
def test_a_value_that_does_not_fit_changes_nothing(qtbot, kind, wrong):
    if kind == "line" and isinstance(wrong, str):
        pytest.skip("a line takes any text")
    field = MAKERS[kind][0]()
    qtbot.addWidget(field)
    before = value_of(field)
    assert not set_value(field, wrong)
    assert value_of(field) == before


@pytest.mark.parametrize("kind", ["check", "combo", "whole", "decimal", "line", "slider", "tabs"])
def test_a_change_is_told_once(qtbot, kind):
    make, wanted = MAKERS[kind]
    field = make()
    qtbot.addWidget(field)
    told = []
    on_change(field, lambda: told.append(value_of(field)))
    set_value(field, wanted)
    assert told == [wanted]


def test_inputs_are_named_by_the_attributes_that_lead_to_them(dock):
    named = inputs_of(dock)
    assert named["reconstruct.mask_ratio"] is dock.reconstruct.mask_ratio
    form = dock.topology.comparison.form
    assert named["topology.comparison.form.connectivity"] is form.connectivity
    assert len({id(field) for field in named.values()}) == len(named)


def test_the_values_of_a_dock_are_json_and_come_back(dock):
    dock.reconstruct.mask_ratio.setValue(35)
    dock.topology.comparison.form.connectivity.setCurrentIndex(1)
    dock.topology.pages.setCurrentIndex(2)
    kept = json.loads(json.dumps(values(dock)))
    dock.reconstruct.mask_ratio.setValue(60)
    dock.topology.comparison.form.connectivity.setCurrentIndex(0)
    dock.topology.pages.setCurrentIndex(0)
    refused = set_values(dock, kept | {"gone.field": 1, "reconstruct.seed": "seven"})
    assert {"gone.field", "reconstruct.seed"} <= set(refused)
    assert dock.reconstruct.mask_ratio.value() == 35
    assert dock.topology.comparison.form.connectivity.currentData() == 6
    assert dock.topology.pages.currentIndex() == 2
