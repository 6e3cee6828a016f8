"""The report of a case: of one scan, with what was compared and how, whatever the forms say now."""

import numpy as np
import pytest
from tests.plugin.topology.label_maps import two_bars, two_classes

from napari_toposeg.plugin.exporting.case_report import gather_case
from napari_toposeg.plugin.topology.errors.repairing import propose
from napari_toposeg.progress import finish

MM = {"units": ("mm",) * 3}


@pytest.fixture
def bars(dock):
    """A dock with a scan, the two bars as a prediction, and their truth."""
    prediction, truth = two_bars()
    viewer = dock.session.viewer
    viewer.add_image(truth * 100.0, name="scan", **MM)
    named = {"class": ["background", "bar"]}
    labels = viewer.add_labels(prediction, name="prediction", features=named, **MM)
    return dock, labels, viewer.add_labels(truth.copy(), name="truth", **MM)


@pytest.fixture
def compared(bars, qtbot):
    """The same, the prediction compared with its truth."""
    dock, labels, truth = bars
    page = dock.topology.comparison
    page.prediction.choose(labels)
    page.truth.choose(truth)
    page.compare()
    wait(dock, qtbot)
    return dock, labels, truth


def wait(dock, qtbot):
    qtbot.waitUntil(lambda: not dock.session.busy, timeout=60_000)


def gathered(dock):
    return gather_case(dock.export._sources)


def propose_repair(dock, labels, connectivity=26):
    """Propose one component for the bars, and show it as the Repair page does."""
    proposal = finish(propose(labels.data.copy(), {1: (1, 0, 0)}, connectivity=connectivity))
    dock.topology.repair.show_proposal(proposal, labels)


def work_on_another_scan(dock):
    """Open a scan on another grid and choose it."""
    scan = dock.session.viewer.add_image(np.zeros((6, 7, 8), np.float32), name="other scan", **MM)
    dock.session.image_layer = scan
    return scan


def test_errors_are_held_against_what_was_compared_and_not_what_is_chosen_now(
    compared, qtbot, tmp_path
):
    dock, _, truth = compared
    was, viewer, page = truth.data.copy(), dock.session.viewer, dock.topology.comparison
    small = [viewer.add_labels(np.ones((3, 4, 5), np.uint8), name=name, **MM) for name in "ab"]
    page.prediction.choose(small[0])
    page.truth.choose(small[1])
    assert page.truth.layer == small[1]
    truth.data[:] = 0
    np.testing.assert_array_equal(gathered(dock).judged.other, was)
    dock.export.write("report", tmp_path / "report.html")
    wait(dock, qtbot)
    assert "Against the truth" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_nothing_is_held_against_numbers_that_are_wanted(compared, qtbot):
    dock, *_ = compared
    page = dock.topology.comparison
    page.form.against.setCurrentIndex(page.form.against.findData("wanted"))
    page.compare()
    wait(dock, qtbot)
    assert page.result.against == "wanted"
    case = gathered(dock)
    assert case.judged.other is None and "comparison: errors of" not in case.settings


def test_what_was_found_in_another_scan_is_left_out(compared, qtbot, tmp_path):
    dock, labels, _ = compared
    propose_repair(dock, labels)
    dock.topology.diagram.compute()
    wait(dock, qtbot)
    own = gathered(dock)
    assert own.judged is not None and own.diagram is not None and own.repair
    work_on_another_scan(dock)
    other = gathered(dock)
    assert other.judged is None and other.diagram is None and not other.repair
    assert not other.settings
    dock.export.write("report", tmp_path / "report.html")
    wait(dock, qtbot)
    assert (tmp_path / "report.html").exists()


def test_what_was_found_before_a_layer_got_another_shape_is_left_out(compared):
    dock, labels, _ = compared
    propose_repair(dock, labels)
    scan = work_on_another_scan(dock)
    labels.data = np.ones(scan.data.shape, np.uint8)
    dock.session.viewer.layers.selection.active = labels
    case = gathered(dock)
    assert case.labels.shape == scan.data.shape
    assert case.judged is None and not case.repair


def test_a_repair_is_told_in_the_names_of_its_own_classes(bars):
    dock, labels, truth = bars
    propose_repair(dock, labels)
    truth.features = {"class": ["background", "something else"]}
    dock.session.viewer.layers.selection.active = truth
    case = gathered(dock)
    assert case.names[1] == "something else"
    assert {row[0] for table in case.repair for row in table.rows} == {"bar"}


def test_settings_are_those_of_the_results_and_not_those_of_the_forms(compared, qtbot):
    dock, labels, _ = compared
    topology = dock.topology
    propose_repair(dock, labels)
    topology.diagram.form.layers.choose(dock.session.image_layer)
    topology.diagram.compute()
    wait(dock, qtbot)
    before = gathered(dock)
    assert before.settings == {
        "comparison: against": "truth",
        "comparison: errors of": "each",
        "comparison: foreground connectivity": 26,
        "diagram: construction": "T",
        "diagram: superlevel": True,
        "diagram: first voxel (z, y, x)": (0, 0, 0),
        "diagram: size (z, y, x)": (10, 12, 14),
        "diagram: voxels averaged (z, y, x)": (1, 1, 1),
        "repair: foreground connectivity": 26,
    }
    for combo in (
        *(topology.comparison.form.connectivity, topology.comparison.form.against),
        *(topology.repair.form.connectivity, topology.diagram.form.construction),
        *(topology.diagram.form.direction, topology.diagram.form.extent),
    ):
        combo.setCurrentIndex(1)
    assert gathered(dock).settings == before.settings


def test_the_class_that_errors_were_looked_for_in_is_told(bars, qtbot):
    dock, _, truth = bars
    page = dock.topology.comparison
    both = dock.session.viewer.add_labels(two_classes()[1], name="both", **MM)
    page.prediction.choose(both)
    page.truth.choose(truth)
    page.form.value.setCurrentIndex(page.form.value.findData(2))
    page.compare()
    page.form.value.setCurrentIndex(0)
    wait(dock, qtbot)
    assert gathered(dock).settings["comparison: errors of"] == 2


def test_a_repair_alone_is_counted_as_its_voxels_were_joined(bars):
    dock, labels, _ = bars
    propose_repair(dock, labels, connectivity=6)
    case = gathered(dock)
    assert case.repair and case.connectivity == 6


def test_a_repair_that_joins_voxels_otherwise_than_the_comparison_is_left_out(compared):
    dock, labels, _ = compared
    propose_repair(dock, labels, connectivity=6)
    case = gathered(dock)
    assert case.connectivity == 26 and not case.repair
    assert "6-connected" in case.settings["repair"]


def test_the_diagram_of_a_report_names_no_layer_but_the_scan(bars, qtbot):
    dock, labels, truth = bars
    diagram, scan = dock.topology.diagram, dock.session.image_layer
    for first, second, said in (
        (scan, None, "scan"),
        (labels, None, "a label map"),
        (labels, truth, "a label map"),
    ):
        diagram.compare(first, second)
        wait(dock, qtbot)
        case = gathered(dock)
        assert case.diagram is diagram.found.diagram
        assert case.diagram_of.startswith(f"{said}: 26-connected")
        assert not {"prediction", "truth"} & set(case.diagram_of.replace(":", " ").split())
