"""What a repair wrote is counted, and a broken promise is told."""

import numpy as np
import pytest
from napari.layers import Labels

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.plugin.topology.errors.applying import check_numbers, checked_text, write_edits
from napari_toposeg.plugin.topology.errors.repairing import (
    COLUMNS,
    NUMBER_COLUMNS,
    Proposal,
    numbers_lines,
    propose,
)
from napari_toposeg.progress import finish


def cut_bar() -> np.ndarray:
    """Return a bar with a gap of one voxel."""
    labels = np.zeros((5, 5, 12), np.uint8)
    labels[2, 2, 1:6] = labels[2, 2, 7:11] = 1
    return labels


@pytest.fixture
def proposal() -> Proposal:
    return finish(propose(cut_bar(), {1: (1, 0, 0)}, spacing=(2.0, 1.0, 1.0)))


def test_what_is_written_has_the_numbers_promised(proposal):
    layer = Labels(cut_bar())
    assert write_edits(layer, proposal) == 1
    counted = finish(check_numbers(np.asarray(layer.data), proposal))
    assert counted == {1: (1, 0, 0)}
    assert checked_text(proposal, counted, {1: "bar"}) == (
        "bar: 1 0 0 written and counted, as promised ✓"
    )


def test_a_promise_that_was_not_kept_is_told(proposal):
    counted = finish(check_numbers(cut_bar(), proposal))
    assert checked_text(proposal, counted, {}) == "label 1: 2 0 0 counted, but 1 0 0 was promised ✗"


def test_edits_are_not_written_over_what_was_painted_since(proposal):
    painted = cut_bar()
    painted[0, 0, 0] = 1
    layer = Labels(painted)
    with pytest.raises(InvalidConfig, match="propose it again"):
        write_edits(layer, proposal)
    np.testing.assert_array_equal(layer.data, painted)


def test_a_proposal_is_a_table_of_plain_values(proposal):
    row = dict(zip(COLUMNS, next(proposal.rows({1: "bar"})), strict=True))
    assert (row["class"], row["edit"], row["taken"]) == ("bar", "joins", True)
    assert (row["voxels"], row["mm3"]) == (1, 2.0)
    assert (row["change b0"], row["z"], row["y"], row["x"]) == (-1, 2, 2, 6)
    numbers = dict(zip(NUMBER_COLUMNS, next(proposal.number_rows()), strict=True))
    assert numbers["b0 before"] == 2 and numbers["b0 after"] == numbers["b0 wanted"] == 1
    assert numbers["reached"] is True
    values = {type(value) for value in next(proposal.rows())}
    assert values <= {str, int, float, bool}


def test_numbers_and_cost_are_said_for_a_person(proposal):
    lines = numbers_lines(proposal, {1: "bar"})
    assert lines[0] == "bar: 2 0 0 → 1 0 0 ✓"
    assert lines[1].startswith("1 of 1 edits taken, 1 voxels, cost ")
    none = numbers_lines(proposal.with_answers([False]), {1: "bar"})
    assert "✗" in none[0] and none[1] == "0 of 1 edits taken, 0 voxels, cost 0"
