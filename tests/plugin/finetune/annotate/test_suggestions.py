"""Suggested slices: doubt is where the topology hangs, and no two neighbours are suggested."""

import numpy as np
import pytest

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.plugin.finetune.annotate.doubts import KINDS, find_doubts
from napari_toposeg.plugin.finetune.annotate.suggestions import (
    choose,
    explain,
    suggest_by_doubt,
    suggest_run,
)
from napari_toposeg.progress import finish

SPACING = (2.0, 1.0, 1.0)


def bar(bridge: float) -> np.ndarray:
    """A bar along z, sure but for one voxel in slice 21."""
    probability = np.zeros((40, 16, 16), np.float32)
    probability[4:36, 6:9, 6:9] = 0.95
    probability[21, 6:9, 6:9] = 0.05
    probability[21, 7, 7] = bridge
    return probability


@pytest.mark.parametrize("bridge", [0.45, 0.55])
def test_a_bridge_near_the_threshold_is_the_doubt_whichever_side_it_lies_on(bridge) -> None:
    doubts = find_doubts(bar(bridge))
    heaviest = int(np.argmax(doubts.weights))
    assert doubts.voxels[heaviest].tolist() == [21, 7, 7]
    assert KINDS[doubts.kinds[heaviest]] == "gap or bridge"


@pytest.mark.parametrize("bridge", [0.05, 0.95])
def test_what_is_sure_is_in_no_doubt(bridge) -> None:
    assert len(find_doubts(bar(bridge))) == 0


def test_a_hollow_that_may_be_filled_is_a_cavity() -> None:
    probability = np.zeros((20, 20, 20), np.float32)
    probability[5:15, 5:15, 5:15] = 0.95
    probability[9:11, 9:11, 9:11] = 0.45
    doubts = find_doubts(probability)
    assert {KINDS[kind] for kind in doubts.kinds} == {"cavity"}
    assert (np.abs(doubts.voxels - 9.5) < 1).all()


def test_a_spot_that_may_be_there_is_a_speck() -> None:
    probability = np.zeros((20, 20, 20), np.float32)
    probability[3, 4, 5] = 0.55
    doubts = find_doubts(probability)
    assert [KINDS[kind] for kind in doubts.kinds] == ["speck"]
    assert doubts.voxels.tolist() == [[3, 4, 5]]


def test_slabs_find_what_the_whole_volume_has() -> None:
    probability = np.zeros((120, 12, 12), np.float32)
    probability[:, 5:8, 5:8] = 0.95
    for z in (10, 33, 61, 62, 90, 118):
        probability[z, 5:8, 5:8] = 0.05
        probability[z, 6, 6] = 0.52
    whole, parts = find_doubts(probability), find_doubts(probability, most=5 * 5 * 40)
    joins = {KINDS.index("gap or bridge")}
    assert "slabs" in parts.note and not whole.note

    def places(doubts):
        return {
            tuple(v)
            for v, k in zip(doubts.voxels.tolist(), doubts.kinds, strict=True)
            if k in joins
        }

    assert places(whole) == places(parts) != set()


def test_the_slice_on_which_the_topology_hangs_is_suggested_and_says_why() -> None:
    probability = bar(0.5)
    best = finish(suggest_run((5, 33), 0, SPACING, probability=probability))[0]
    assert (best.axis, best.index, best.distance) == (0, 21, 24.0)
    assert best.voxels.tolist() == [[21, 7, 7]]
    text = explain(best)
    assert text.startswith("z 21: 1 gap or bridge in doubt")
    assert "24 mm from the nearest" in text


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_across_any_axis_are_suggested(axis) -> None:
    turned = np.moveaxis(bar(0.5), 0, axis)
    best = finish(suggest_run((), axis, SPACING, probability=turned, count=1))[0]
    assert (best.axis, best.index, best.distance) == (axis, 21, None)


def test_no_painted_slice_and_no_neighbours_are_suggested() -> None:
    worth = np.exp(-0.5 * ((np.arange(100) - 50) / 4.0) ** 2)
    chosen = [index for index, _, _ in choose(worth, (50, 20), 1.0, 4)]
    assert not {50, 20} & set(chosen) and len(set(chosen)) == 4
    there = np.sort([*chosen, 50, 20])
    assert np.diff(there).min() >= 2


def test_fewer_are_suggested_where_there_are_fewer() -> None:
    assert len(choose(np.ones(4), (0, 2), 1.0, 9)) == 2
    assert choose(np.ones(2), (0, 1), 1.0, 3) == []


def test_without_a_probability_structure_and_gaps_decide() -> None:
    image = np.zeros((60, 32, 32), np.float32)
    image[0, 0, 0] = np.nan
    image[40:50] = np.random.default_rng(0).normal(size=(10, 32, 32))
    found = finish(suggest_run((10,), 0, SPACING, image=image, count=3))
    assert 40 <= found[0].index < 50
    assert "structure" in explain(found[0]) and found[0].unsure is None
    assert len({each.index for each in found}) == 3


def test_an_empty_probability_still_spreads_the_slices() -> None:
    found = finish(suggest_run((), 0, SPACING, probability=np.zeros((30, 8, 8), np.float32)))
    assert len({each.index for each in found}) == 5


@pytest.mark.parametrize("value", [-0.1, 1.5, np.nan])
def test_other_values_than_probabilities_are_refused(value) -> None:
    with pytest.raises(InvalidConfig, match="probability"):
        find_doubts(np.full((4, 4, 4), value, np.float32))


def test_a_broken_branch_of_a_vessel_tree_is_among_the_first_suggestions() -> None:
    """A blurred tree whose branches hang together by what is left of a cut."""
    mask = np.asarray(vessel_tree(seed=7).truth.voxels) > 0
    probability = np.where(mask, 0.95, 0.02).astype(np.float32)
    cut = int(np.argsort(mask.sum(axis=(1, 2)))[-3])
    probability[cut][mask[cut]] = 0.48
    doubts = find_doubts(probability)
    found = suggest_by_doubt(probability, doubts, (), 0, SPACING, count=3)
    assert found[0].index == cut
