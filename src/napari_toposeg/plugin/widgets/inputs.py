"""Inputs: the fields of the dock by name, and what stands in them as plain JSON values.

The one idea: an input is named by the attributes that lead to it, as in
``segment.overlap``. So no panel has to name anything twice, and a name is the same
in every language.
"""

from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any, TypeAlias

from qtpy.QtCore import QObject
from qtpy.QtWidgets import (
    QAbstractSlider,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QSpinBox,
    QTabWidget,
    QWidget,
)

Value = bool | int | float | str
Input: TypeAlias = (
    QCheckBox | QComboBox | QDoubleSpinBox | QSpinBox | QLineEdit | QAbstractSlider | QTabWidget
)
PACKAGE = __name__.partition(".")[0]


def inputs_of(root: QWidget) -> dict[str, Input]:
    """Return the inputs of a panel and of the panels in it, by the attributes that lead to them.

    Attributes that begin with an underscore are left out.
    """
    return dict(_walk(root, (), set()))


def _walk(panel: object, path: tuple[str, ...], seen: set[int]) -> Iterator[tuple[str, Input]]:
    seen.add(id(panel))
    for name, value in list(vars(panel).items()):
        if name.startswith("_"):
            continue
        several = isinstance(value, list | tuple)
        for number, each in enumerate(value if several else [value]):
            if id(each) in seen:
                continue
            here = (*path, f"{name}-{number}" if several else name)
            if isinstance(each, Input):
                seen.add(id(each))
                yield ".".join(here), each
            elif _is_form(each):
                yield from _walk(each, here, seen)


def _is_form(value: object) -> bool:
    """Tell whether something of ours may hold inputs: a widget, or a plain object, no signals."""
    ours = type(value).__module__.partition(".")[0] == PACKAGE and hasattr(value, "__dict__")
    return ours and (isinstance(value, QWidget) or not isinstance(value, QObject))


def values(root: QWidget) -> dict[str, Value]:
    """Return what stands in each input of a panel."""
    return {name: value_of(field) for name, field in inputs_of(root).items()}


def set_values(root: QWidget, wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """Put values into the inputs of a panel; return the names of those that were not taken.

    A name that no input has, a value of the wrong kind or out of range, and an entry that a combo
    box does not offer change nothing.
    """
    fields = inputs_of(root)
    return tuple(
        name
        for name, value in wanted.items()
        if name not in fields or not set_value(fields[name], value)
    )


def value_of(field: Input) -> Value:
    """Return what stands in an input; of a combo box its data, or its text where that is none."""
    match field:
        case QCheckBox():
            return bool(field.isChecked())
        case QComboBox():
            data = field.currentData()
            return data if isinstance(data, bool | int | float | str) else str(field.currentText())
        case QLineEdit():
            return str(field.text())
        case QTabWidget():
            return int(field.currentIndex())
        case _:
            number: int | float = field.value()
            return number


def set_value(field: Input, value: Any) -> bool:
    """Put a value into an input as a person would; return whether it was taken."""
    match field:
        case QCheckBox() if isinstance(value, bool):
            field.setChecked(value)
        case QComboBox() if isinstance(value, bool | int | float | str):
            return _choose(field, value)
        case QLineEdit() if isinstance(value, str):
            field.setText(value)
            field.editingFinished.emit()
        case QTabWidget() if _whole(value) and 0 <= value < field.count():
            field.setCurrentIndex(value)
        case QDoubleSpinBox() if _number(value) and field.minimum() <= value <= field.maximum():
            field.setValue(float(value))
        case QSpinBox() if _whole(value) and field.minimum() <= value <= field.maximum():
            field.setValue(value)
        case QAbstractSlider() if _number(value) and field.minimum() <= value <= field.maximum():
            field.setValue(value)
        case _:
            return False
    return True


def on_change(field: Input, call: Callable[[], None]) -> None:
    """Call a function whenever another value stands in an input."""
    match field:
        case QCheckBox():
            signal = field.toggled
        case QComboBox():
            signal = field.currentIndexChanged
        case QLineEdit():
            signal = field.textChanged
        case QTabWidget():
            signal = field.currentChanged
        case _:
            signal = field.valueChanged
    signal.connect(lambda _: call())


def _choose(combo: QComboBox, value: Value) -> bool:
    index = combo.findData(value)
    if index < 0 and isinstance(value, str):
        index = combo.findText(value)
    if index < 0:
        return False
    combo.setCurrentIndex(index)
    # A person's choice: pickers no longer suggest one of their own.
    combo.activated.emit(index)
    return True


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return _whole(value) or (isinstance(value, float) and isfinite(value))
