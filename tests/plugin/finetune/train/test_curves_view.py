"""The curves are those of the Steps."""

import numpy as np
import pytest

from napari_toposeg.plugin.finetune.train.curves_view import CurvesView, RunningMean
from napari_toposeg.progress import Step


@pytest.fixture
def curves(qtbot) -> CurvesView:
    curves = CurvesView()
    qtbot.addWidget(curves)
    return curves


def test_losses_and_dice_are_drawn_at_their_steps(curves) -> None:
    curves.add(Step(1, 3, losses={"loss": 2.0}))
    curves.add(Step(2, 3, losses={"loss": 1.0}, metrics={"dice": 0.7}))
    curves.add(Step(3, 3, message="saving"))
    x, y = curves._raw.getData()
    assert (list(x), list(y)) == ([1, 2], [2.0, 1.0])
    x, y = curves._measures["dice"]._curves[""].getData()
    assert (list(x), list(y)) == ([2], [0.7])


def test_clearing_forgets_the_run_before(curves) -> None:
    curves.add(Step(1, 3, losses={"loss": 2.0}, metrics={"dice": 0.7}))
    curves.clear()
    assert not curves.losses
    assert not curves.dice
    assert curves._raw.getData()[0] is None or not len(curves._raw.getData()[0])


def test_the_running_mean_of_a_constant_is_the_constant() -> None:
    constant, falling = RunningMean(), RunningMean()
    for value in [3.0] * 20:
        constant.add(value)
    for value in (1.0, 0.0):
        falling.add(value)
    np.testing.assert_allclose(constant.means, 3.0)
    assert falling.means[1] == pytest.approx(0.9 / 1.9)


def test_each_class_has_a_curve_of_its_own_and_a_symbol_in_the_legend(curves) -> None:
    metrics = {"dice": 0.5, "dice airway": 0.4, "dice a<b": 0.6}
    metrics |= {"betti error": 2.0, "betti error airway": 1.0, "betti error a<b": 3.0}
    curves.add(Step(5, 9, losses={"loss": 1.0}, metrics=metrics))
    assert curves.betti == [2.0]
    drawn = curves._measures["betti error"]._curves
    assert {name: list(curve.getData()[1]) for name, curve in drawn.items()} == {
        "airway": [1.0],
        "a<b": [3.0],
        "": [2.0],
    }
    assert len({curve.opts["symbol"] for curve in drawn.values()}) == 3
    assert "a&lt;b" in curves.legend.text()
    curves.clear()
    assert not curves._measures["betti error"]._curves


def test_curves_are_hidden_until_there_is_one(curves) -> None:
    assert curves.isHidden()
    curves.add(Step(1, 3, losses={"loss": 2.0}))
    assert not curves.isHidden()
