"""Topograph and the defect loss: what counts as a region, by what weight, and the gradient."""

import networkx as nx
import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_toposeg.learning.losses.fields import to_arrays
from napari_toposeg.learning.losses.topograph import DefectLoss, Topograph
from napari_toposeg.topology import find_defects

LOSSES = (Topograph, DefectLoss)
AGGREGATIONS = ("mean", "rms", "max", "sum")
SHAPES = [(22, 24), (10, 11, 12)]


def fields_and_targets(shape: tuple[int, ...], count: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth probabilities and like masks, wrong in many places; no probability near 0.5."""
    random = np.random.default_rng(len(shape))
    smooth = [ndimage.gaussian_filter(random.normal(size=shape), 1.0) for _ in range(2 * count)]
    masks = np.stack(smooth[:count]) > 0
    noisy = np.stack(smooth[:count]) + 0.8 * np.stack(smooth[count:])
    probability = 1 / (1 + np.exp(-8 * noisy))
    probability += np.where(probability > 0.5, 1e-3, -1e-3)
    return torch.from_numpy(probability), torch.from_numpy(masks.astype(np.float64))


def scene(text: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Read a plane: '.' right background, '#' right foreground, '+' too much, '-' missing."""
    rows = np.array([list(row) for row in text.split()])
    wrong = {"+": 0.8, "-": 0.3, "#": 0.9, ".": 0.1}
    probability = np.vectorize(wrong.get)(rows)
    return torch.from_numpy(probability)[None], torch.from_numpy(np.isin(rows, ["#", "-"]))[None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("..... .###. .....", 0.0),
        ("..... .##+. .....", 0.0),
        ("..... .##-. .....", 0.0),
        ("..... #---# .....", 0.7),
        ("..... #+++# .....", 0.8),
        ("..... .+... .....", 0.8),
        ("..... .--.. .....", 0.7),
        ("##### #.+.# #####", 0.8),
        ("###.# #.#.# +####", 0.0),
        ("##### #+++# #####", 0.8),
        ("##### #.-.# #####", 0.7),
        ("+.... ...#- -....", 0.8 + 0.7),
    ],
)
def test_scenes_of_the_plane(text, expected):
    for loss in (Topograph(), DefectLoss()):
        assert loss(*scene(text)).item() == pytest.approx(expected)


def test_mean_max_sum_and_root_mean_square_of_a_region():
    field, target = scene("....... .#---#. .......")
    field[0, 1, 3] = 0.1
    wrong = np.array([0.7, 0.9, 0.7])
    expected = {
        "mean": wrong.mean(),
        "max": wrong.max(),
        "sum": wrong.sum(),
        "rms": np.sqrt((wrong**2).mean()),
    }
    for aggregation in AGGREGATIONS:
        found = Topograph(aggregation)(field, target).item()
        assert found == pytest.approx(expected[aggregation])


def test_defects_weigh_the_betti_errors_they_make_and_topograph_does_not():
    # One bar across three closes two loops: three rows become one, with two holes more or less.
    target = torch.zeros(1, 9, 9)
    target[:, :, ::4] = 1.0
    field = 0.1 + 0.8 * target
    field[:, 2] = 0.9
    field[:, 6, :4] = 0.9
    change = find_defects(field[0].numpy() > 0.5, target[0].numpy()).change
    weight = np.abs(change).sum(axis=1)
    assert DefectLoss()(field, target).item() == pytest.approx(0.9 * weight.sum())
    joined = torch.zeros(1, 5, 9)
    joined[:, :, ::4] = 1.0
    bridge = 0.1 + 0.8 * joined
    bridge[:, 2] = torch.where(joined[:, 2] > 0, 0.9, 0.8)
    merged = find_defects(bridge[0].numpy() > 0.5, joined[0].numpy())
    assert DefectLoss()(bridge, joined).item() == pytest.approx(0.8 * len(merged))


def test_a_voxel_that_joins_three_counts_twice_as_a_defect_and_once_in_topograph():
    field, target = scene("#...# .#.#. ..+.. ..#.. ..#..")
    assert find_defects(field[0].numpy() > 0.5, target[0].numpy()).change.tolist() == [[2, 0, 0]]
    assert DefectLoss()(field, target).item() == pytest.approx(1.6)
    assert Topograph()(field, target).item() == pytest.approx(0.8)


def by_definition(prediction: np.ndarray, truth: np.ndarray) -> set[bytes]:
    """Critical regions by a graph of voxels: each a mask, as bytes; background all around."""
    category = np.pad(2 * prediction + truth, 1)
    regions, parts = nx.Graph(), (nx.Graph(), nx.Graph())
    touching = set()
    for here in np.ndindex(category.shape):
        for graph in (regions, *parts):
            graph.add_node(here)
        for step in ((0, 1), (1, 0), (1, 1), (1, -1)):
            there = here[0] + step[0], here[1] + step[1]
            if not (there[0] < category.shape[0] and 0 <= there[1] < category.shape[1]):
                continue
            a, b = category[here], category[there]
            others = {category[here[0], there[1]], category[there[0], here[1]]}
            full = 0 in step or (a * b > 0 and (3 in (a, b) or others == {0}))
            loose = full or (a == b > 0 and 0 in others)
            if full:
                touching |= {(here, there), (there, here)}
                if a == b:
                    regions.add_edge(here, there)
            for side, graph in zip((2, 1), parts, strict=True):
                if loose and a & side and b & side:
                    graph.add_edge(here, there)
    number = [
        {v: k for k, part in enumerate(nx.connected_components(graph)) for v in part}
        for graph in (regions, *parts)
    ]
    found = set()
    for region in nx.connected_components(regions):
        kind = category[next(iter(region))]
        if kind not in (1, 2):
            continue
        near = {b for a, b in touching if a in region and b not in region}
        backgrounds = {number[0][v] for v in near if category[v] == 0}
        foregrounds = {number[kind][v] for v in near if category[v] != 0}
        if len(backgrounds) != 1 or len(foregrounds) != 1:
            mask = np.zeros(category.shape, bool)
            mask[tuple(np.array(list(region)).T)] = True
            found.add(mask[1:-1, 1:-1].tobytes())
    return found


@pytest.mark.parametrize("seed", range(3))
def test_critical_regions_of_the_plane_are_those_of_the_definition(seed):
    from napari_toposeg.topology import critical_regions

    random = np.random.default_rng(seed)
    for _ in range(60):
        shape = random.integers(1, 9, 2)
        prediction = random.random(shape) < random.random()
        truth = prediction ^ (random.random(shape) < 0.6 * random.random())
        label = critical_regions(prediction, truth)
        found = {(label == number).tobytes() for number in range(1, label.max() + 1)}
        assert found == by_definition(prediction, truth)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
def test_gradient_agrees_with_finite_differences(shape, kind, aggregation):
    field, target = fields_and_targets(shape, count=2)
    field.requires_grad_()
    loss = kind(aggregation)
    loss(field, target).sum().backward()
    gradient = field.grad.flatten()
    steep = gradient.nonzero().flatten()
    flat = (gradient == 0).nonzero().flatten()
    assert len(steep) > 10
    chosen = torch.cat([steep[:: max(1, len(steep) // 15)], flat[:: len(flat) // 10]])
    for voxel in chosen:
        values = []
        for step in (1e-5, -1e-5):
            moved = field.detach().clone()
            moved.view(-1)[voxel] += step
            values.append(loss(moved, target).sum())
        slope = (values[0] - values[1]) / 2e-5
        assert slope.item() == pytest.approx(gradient[voxel].item(), abs=1e-6)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
def test_gradient_flows_to_critical_regions_only_and_towards_the_target(shape, kind):
    field, target = fields_and_targets(shape)
    field.requires_grad_()
    kind("sum")(field, target).sum().backward()
    touched = field.grad != 0
    wrong = (field > 0.5) != (target > 0.5)
    assert (wrong & touched).any()
    assert (wrong & ~touched).any()
    assert not (touched & ~wrong).any()
    assert (torch.sign(field.grad) == torch.sign(field.detach() - target))[touched].all()


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
def test_a_batch_is_its_fields_and_preparing_changes_nothing(shape, kind):
    field, target = fields_and_targets(shape)
    loss = kind()
    together = loss(field, target)
    assert together.shape == (3,)
    apart = [loss(field[n : n + 1], target[n : n + 1]).item() for n in range(3)]
    assert together.tolist() == pytest.approx(apart)
    prepared = [loss.prepare(each) for each in to_arrays(target)]
    assert torch.equal(loss(field, target, prepared), together)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("shape", SHAPES, ids=["2D", "3D"])
def test_right_topology_costs_nothing_and_still_has_a_gradient(shape, kind, aggregation):
    _, target = fields_and_targets(shape)
    field = (0.2 + 0.6 * target).requires_grad_()
    loss = kind(aggregation)(field, target)
    assert loss.tolist() == [0.0] * 3
    loss.sum().backward()
    assert not field.grad.any()


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("kind", LOSSES)
def test_precisions_agree(kind, precision):
    field, target = fields_and_targets((10, 11, 12))
    field = torch.where(field > 0.5, 0.75, 0.125).double()
    exact = kind()(field, target)
    found = kind()(field.to(precision), target.to(precision))
    assert found.dtype == torch.float32
    assert found.tolist() == pytest.approx(exact.tolist(), rel=1e-6)


def test_a_closed_loop_in_space_is_seen_though_its_neighbours_are_two():
    # A ring that a false voxel closes touches one background and one foreground, like a bump.
    target = torch.zeros(1, 5, 7, 7)
    target[:, 2, 1:6, 1:6] = 1.0
    target[:, 2, 2:5, 2:5] = 0.0
    field = 0.1 + 0.8 * target
    target[:, 2, 1, 3] = 0.0
    assert Topograph()(field, target).item() == pytest.approx(0.9)
    assert DefectLoss()(field, target).item() == pytest.approx(0.9)
