"""What people are used to: labels, tab order, contrast, nothing cut off."""

import os
import subprocess
import sys
from itertools import pairwise

import pytest
from napari.utils.theme import get_theme
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractButton, QLabel, QTableView, QWidget
from tests.plugin.looking import cut_off, inputs_in, pages, texts

from napari_toposeg.plugin.case.actions import open_sample
from napari_toposeg.plugin.widgets.plotting import DIMENSIONS

THEMES = ("dark", "light")


def luminance(colour: QColor) -> float:
    """Relative luminance after WCAG 2.2."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (colour.redF(), colour.greenF(), colour.blueF())
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: QColor, other: QColor) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast(QColor("#FFFFFF"), QColor("#000000")) == pytest.approx(21)
    assert contrast(QColor("#777777"), QColor("#FFFFFF")) == pytest.approx(4.48, abs=0.01)


@pytest.fixture
def opened(dock):
    """The dock with a phantom and its truth."""
    open_sample(dock.session.viewer, "torus")
    dock.resize(320, 760)
    return dock


def test_every_input_is_named_for_those_who_do_not_see_it(opened, qapp):
    for page in pages(opened):
        qapp.processEvents()
        labelled = {id(label.buddy()) for label in opened.findChildren(QLabel) if label.buddy()}
        for field in inputs_in(opened):
            assert id(field) in labelled or field.accessibleName(), (page, field, field.toolTip())


def test_every_button_says_what_it_does(opened, qapp):
    for page in pages(opened):
        qapp.processEvents()
        for press in opened.findChildren(QAbstractButton):
            if press.isVisible() and press.focusPolicy() & Qt.FocusPolicy.TabFocus:
                assert press.text() or press.accessibleName(), (page, press)
                assert press.toolTip(), (page, press.text())


def test_the_tab_key_goes_from_top_to_bottom(opened, qapp):
    for page in pages(opened):
        qapp.processEvents()
        front = opened.tabs.currentWidget().widget()
        chain = in_focus_chain(front)
        assert len(chain) > 1, page
        for before, after in pairwise(chain):
            assert follows(front, before, after), (page, told(before), told(after))


def in_focus_chain(page: QWidget) -> list[QWidget]:
    fields = {*map(id, inputs_in(page))}
    found, widget = [], page.nextInFocusChain()
    while widget is not page:
        ours = id(widget) in fields or isinstance(widget, QAbstractButton | QTableView)
        tabs_here = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        if ours and tabs_here and widget.isVisible() and page.isAncestorOf(widget):
            found.append(widget)
        widget = widget.nextInFocusChain()
    return found


def follows(page: QWidget, before: QWidget, after: QWidget) -> bool:
    first, second = (widget.mapTo(page, QPoint(0, 0)) for widget in (before, after))
    if second.y() >= first.y() + before.height():
        return True
    same_line = second.y() + after.height() > first.y()
    return same_line and second.x() > first.x()


def told(widget: QWidget) -> str:
    return f"{type(widget).__name__} {widget.toolTip()[:50]!r}"


@pytest.mark.parametrize("theme", THEMES)
def test_words_stand_out_from_their_ground(opened, theme, qapp):
    opened.session.viewer.theme = theme
    ground = QColor(get_theme(theme).background.as_hex())
    for page in pages(opened):
        qapp.processEvents()
        for widget in opened.findChildren(QWidget):
            _, given, style = widget.styleSheet().replace(" ", "").partition("color:")
            if given and "background-color:" not in widget.styleSheet():
                colour = QColor(style.partition(";")[0].partition("}")[0])
                assert contrast(colour, ground) >= 4.5, (page, told(widget), colour.name())


@pytest.mark.parametrize("theme", THEMES)
def test_symbols_of_a_plot_stand_out_or_have_an_outline(theme):
    """What is drawn needs 3 to 1; what has less is told by its shape and its dark outline."""
    ground = QColor(get_theme(theme).background.as_hex())
    outline = QColor("#000000")
    for style in DIMENSIONS:
        colour = QColor(style.colour)
        assert max(contrast(colour, ground), contrast(outline, ground)) >= 3, style.name
    assert len({style.symbol for style in DIMENSIONS}) == len(DIMENSIONS)


def test_nothing_is_cut_off_in_the_narrowest_dock(opened, qtbot):
    for _ in pages(opened):
        # A label that wraps tells its height only after it got its width.
        qtbot.waitUntil(lambda: cut_off(opened) == [], timeout=3000)


def test_nothing_is_cut_off_on_a_screen_of_twice_the_points():
    program = """
import os
from qtpy.QtWidgets import QApplication
application = QApplication([])
from napari.components import ViewerModel
from napari_toposeg.plugin.dock import TopoSegDock
from napari_toposeg.plugin.case.actions import open_sample
from tests.plugin.looking import cut_off, pages
dock = TopoSegDock(ViewerModel())
open_sample(dock.session.viewer, "torus")
dock.resize(320, 760)
dock.show()
assert dock.devicePixelRatioF() == 2
for page in pages(dock):
    for _ in range(5):
        application.processEvents()
    assert not cut_off(dock), (page, cut_off(dock))
dock.session.close()
# Widgets that the interpreter takes apart at its end, without a running application, may crash.
os._exit(0)
"""
    environment = os.environ | {"QT_SCALE_FACTOR": "2"}
    ran = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert ran.returncode == 0, ran.stderr


def test_texts_are_found_wherever_they_stand(opened):
    """The eye of the other tests: a label, a tooltip, an entry, a heading, a tab."""
    found = {text for _, text in texts(opened)}
    assert {"&Image", "Case", "what the view shows", "b0", "idle"} <= found
