"""topomae: each term can be switched off, shares of a batch add up, and the term looks rightly."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from tests.learning.distributed import in_processes
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from napari_toposeg.config import PretrainConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.losses.batches import lasting_features
from napari_toposeg.learning.losses.cldice import SoftClDice, VesselClDice
from napari_toposeg.learning.losses.vesselness import vesselness
from napari_toposeg.learning.objectives import make_objective
from napari_toposeg.learning.objectives.consistency import (
    reconstruction_consistency,
    spatial_consistency,
)
from napari_toposeg.learning.planning import plan_network, plan_turning
from napari_toposeg.learning.pretraining import Pretraining
from napari_toposeg.learning.smoothing import smooth
from napari_toposeg.learning.topological_term import topological_term

CROP = (12, 12, 12)


def config(**settings) -> PretrainConfig:
    given = {
        "data": ("scans",), "output": Path("unused"), "objective": "topomae", "network": "vit",
        "size": "nano", "patch": 6, "crop": CROP, "batch": 4, "steps": 10, "topology_block": 8,
        "rotation": 15.0, "scale": 1.25,
    }  # fmt: skip
    return PretrainConfig.create(**(given | settings))


def blobs(seed: int) -> Example:
    """A smooth random volume in 0..1."""
    image = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(20, 22, 24)), 1.5)
    image = (image - image.min()) / (image.max() - image.min())
    return Example(f"blobs-{seed}", image.astype(np.float32))


def task(**settings) -> Pretraining:
    run = config(**settings)
    network = plan_network(run)
    card = Card(
        name="t", task="reconstruct", network=network, crop=run.crop, spacing=(1.0, 1.0, 1.0)
    )
    torch.manual_seed(0)
    scans = [blobs(0), blobs(1)]
    return Pretraining(make_objective(run, network), scans, scans, run, card)


def losses_of(it: Pretraining, step: int = 5, samples: range | None = None):
    batch = it.draw(step, samples or range(it.config.batch))
    return it.losses(it.network, batch, step)


@pytest.mark.parametrize(
    ("off", "left"),
    [
        ({}, {"mse", "topology", "topology_weight", "spatial"}),
        ({"topology_weight": 0.0}, {"mse", "spatial"}),
        ({"spatial_weight": 0.0}, {"mse", "topology", "topology_weight"}),
        ({"topology_weight": 0.0, "spatial_weight": 0.0}, {"mse"}),
    ],
)
def test_each_term_is_told_by_name_and_those_switched_off_are_not_there(off, left):
    assert set(losses_of(task(**off))) == {"loss", *left}


def test_the_loss_is_the_weighted_sum_of_its_terms():
    it = task(spatial_weight=0.7)
    found = {name: float(value.detach()) for name, value in losses_of(it).items()}
    assert found["loss"] == pytest.approx(
        found["mse"] + found["topology_weight"] * found["topology"] + 0.7 * found["spatial"]
    )


def test_switching_a_term_on_changes_no_other():
    whole, alone = losses_of(task()), losses_of(task(topology_weight=0.0, spatial_weight=0.0))
    assert torch.equal(whole["mse"], alone["mse"])


def gradient(it: Pretraining, shares: list[range], step: int = 5) -> torch.Tensor:
    it.network.zero_grad()
    for share in shares:
        (losses_of(it, step, share)["loss"] / len(shares)).backward()
    return torch.cat([each.grad.flatten() for each in it.network.parameters()])


@pytest.mark.parametrize("region", ["anywhere", "structures"])
def test_the_parts_of_a_batch_have_the_batch_s_terms(region):
    it = task(topology_crops=3, topology_region=region)
    whole = losses_of(it)
    parts = [losses_of(it, samples=range(n, n + 2)) for n in (0, 2)]
    for name in ("mse", "topology", "spatial"):
        mean = sum(part[name].item() for part in parts) / 2
        assert mean == pytest.approx(whole[name].item(), rel=1e-4)
    weight = sum(float(part["topology_weight"]) for part in parts) / 2
    # A part knows its own gradients only, and takes them for the others'.
    assert 0.5 < weight / float(whole["topology_weight"]) < 2


def test_a_part_without_a_drawn_crop_has_the_gradient_of_the_rest():
    it = task(topology_crops=1)
    places = [it.draw(5, range(n, n + 2))["looks"][0].place for n in (0, 2)]
    (empty,) = [n for n, place in zip((0, 2), places, strict=True) if not len(place.crops)]
    with_term = gradient(it, [range(empty, empty + 2)])
    without = gradient(task(topology_weight=0.0), [range(empty, empty + 2)])
    torch.testing.assert_close(with_term, without, atol=1e-6, rtol=1e-4)
    assert losses_of(it, samples=range(empty, empty + 2))["topology"].item() == 0


def train(objective: str, folder: Path) -> list[dict[str, float]]:
    """Train two steps of this process's share of the batch."""
    torch.set_num_threads(1)
    it = task(topology_crops=1) if objective == "one" else pair_task(topology_crops=1)
    # In double precision: a norm over the few voxels of the deepest features magnifies rounding.
    network: torch.nn.Module = it.network.double().train()
    rank, world = 0, 1
    if distributed.is_initialized():
        rank, world = distributed.get_rank(), distributed.get_world_size()
        network = DistributedDataParallel(network)
    optimiser = torch.optim.SGD(it.network.parameters(), lr=0.1)
    size = it.config.batch // world
    told = []
    for step in range(1, 3):
        batch = {
            name: part.double() if name in ("image", "points") else part
            for name, part in it.draw(step, range(rank * size, (rank + 1) * size)).items()
        }
        optimiser.zero_grad()
        losses = it.losses(network, batch, step)
        losses["loss"].backward()
        optimiser.step()
        told.append({name: value.item() for name, value in losses.items()})
    torch.save(it.network.state_dict(), folder / f"weights-{world}-{rank}.pt")
    return told


@pytest.mark.parametrize("objective", ["one", "pair"])
def test_two_processes_give_the_losses_and_weights_of_one(tmp_path, objective):
    """With one crop looked at a step, one of them has nothing to look at."""
    alone = train(objective, tmp_path)
    shared = in_processes(2, train, objective, tmp_path)
    for step, one in enumerate(alone):
        for name, value in one.items():
            mean = sum(share[step][name] for share in shared) / 2
            assert mean == pytest.approx(value, rel=1e-4), name
    weights = [torch.load(tmp_path / f"weights-{name}.pt") for name in ("1-0", "2-0", "2-1")]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(weights[2][name], weights[1][name])


def pair_task(**settings) -> Pretraining:
    return task(network="fused", patch=8, crop=(16, 32, 32), **settings)


def test_two_networks_are_to_agree_and_each_is_judged():
    it = pair_task(spatial_consistency_weight=0.5, reconstruction_consistency_weight=0.25)
    found = {name: value.item() for name, value in losses_of(it).items()}
    assert found["mse"] == pytest.approx((found["mse_vit"] + found["mse_upp"]) / 2)
    assert found["loss"] == pytest.approx(
        found["mse"]
        + found["topology_weight"] * found["topology"]
        + it.config.spatial_weight * found["spatial"]
        + 0.5 * found["spatial_consistency"]
        + 0.25 * found["reconstruction_consistency"]
    )
    with torch.inference_mode():
        metrics = it.objective.judge(it.network, it.validation[0]).metrics
    assert {"mse", "mse_vit", "mse_upp", "spatial_error", "spatial_error_mean"} <= set(metrics)


def test_networks_that_say_the_same_agree():
    told = torch.rand(2, 9, 3)
    assert spatial_consistency(told, told) == 0
    assert spatial_consistency(told, told + 0.1).item() == pytest.approx(0.01)
    rebuilt, counted = torch.rand(2, 3, 8), torch.ones(2, 3, 8, dtype=torch.bool)
    counted[:, 1] = False
    other = rebuilt.clone()
    other[:, 1] += 1.0
    assert reconstruction_consistency(rebuilt, other, counted) == 0
    assert reconstruction_consistency(rebuilt, other, ~counted).item() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("off", "gone"),
    [
        ({"spatial_consistency_weight": 0.0}, {"spatial_consistency"}),
        ({"reconstruction_consistency_weight": 0.0}, {"reconstruction_consistency"}),
        ({"spatial_weight": 0.0}, {"spatial", "spatial_consistency"}),
    ],
)
def test_a_consistency_can_be_switched_off(off, gone):
    assert set(losses_of(pair_task())) - set(losses_of(pair_task(**off))) == gone


def test_crops_are_turned_by_default_where_the_pretext_needs_it():
    open_ones = {"rotation": None, "scale": None}
    on, off = (plan_turning(config(spatial_weight=weight, **open_ones)) for weight in (0.1, 0.0))
    mae = plan_turning(config(objective="mae", **open_ones))
    assert (on.rotation, on.scale) == (15.0, 1.25)
    assert (off.rotation, off.scale) == (mae.rotation, mae.scale) == (0.0, 1.0)
    assert plan_turning(config(rotation=3.0, scale=None)).rotation == 3.0


@pytest.mark.parametrize(
    ("schedule", "ratios"),
    [
        ("constant", {1: 0.3, 50: 0.3, 100: 0.3}),
        ("ramp", {1: 0.03, 5: 0.15, 10: 0.3, 100: 0.3}),
        ("late", {1: 0.0, 50: 0.0, 55: 0.15, 60: 0.3, 100: 0.3}),
    ],
)
def test_the_weight_follows_the_schedule(schedule, ratios):
    run = config(topology_schedule=schedule, steps=100)
    term = topological_term("critical-voxel", run)
    assert {step: pytest.approx(term.ratio(step)) for step in ratios} == ratios
    assert term.ratio(0) == 0


def test_a_late_term_is_not_computed_before_it_begins():
    it = task(topology_schedule="late", steps=10)
    assert "topology" not in losses_of(it, step=5)
    assert "topology" in losses_of(it, step=6)


def test_between_levels_the_features_are_those_of_the_image_cut_off_there():
    """Superlevel sets at thresholds between the levels are the same."""
    low, high = 0.35, 0.7
    image = blobs(3).image
    whole, cut = (lasting_features(each, (0, 1), 0.0) for each in (image, image.clip(low, high)))
    for dimension in (0, 1):
        clipped, found = (
            np.stack([each.birth, each.death], 1)[
                (each.dimension == dimension) & np.isfinite(each.death)
            ].clip(low, high)
            for each in (whole, cut)
        )
        lasting = clipped[clipped[:, 0] > clipped[:, 1]]
        found = found[found[:, 0] > found[:, 1]]
        assert len(lasting) > 3
        np.testing.assert_allclose(np.sort(found, 0), np.sort(lasting, 0), atol=1e-6)
    seen = losses_of(task(topology_levels=(low, high)))
    assert not torch.equal(seen["topology"], losses_of(task())["topology"])


def test_levels_in_the_wrong_order_are_refused():
    with pytest.raises(InvalidConfig, match="below the second"):
        config(topology_levels=(0.6, 0.2))


def tube(axis: int = 0, radius: float = 1.5, contrast: float = 0.4) -> torch.Tensor:
    """A bright tube of Gaussian profile along an axis, ``(1, 24, 24, 24)``."""
    away = torch.arange(24.0) - 12
    first, second = (away.view([-1 if a == other else 1 for a in range(3)])
                     for other in range(3) if other != axis)  # fmt: skip
    profile = contrast * torch.exp(-(first**2 + second**2) / (2 * radius**2))
    return (0.3 + profile).expand(24, 24, 24)[None]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_centre_of_a_tube_is_a_vessel_whichever_way_it_runs(axis):
    found = vesselness(tube(axis))[0]
    assert float(found[12, 12, 12]) == pytest.approx(0.8, abs=0.05)
    assert float(found[2, 2, 2]) < 1e-3


def test_a_plate_and_a_dark_tube_are_no_vessels():
    away = torch.arange(24.0) - 12
    plate = (0.3 + 0.4 * torch.exp(-(away**2) / 4.5)).expand(1, 24, 24, 24)
    assert float(vesselness(plate).max()) < 1e-3
    assert float(vesselness(1 - tube())[0, 12, 12, 12]) == 0


def test_a_tube_of_the_contrast_named_has_a_vesselness_of_one_half():
    found = vesselness(tube(contrast=0.2), scale=1.5, contrast=0.2)
    assert float(found[0, 12, 12, 12]) == pytest.approx(0.5, abs=0.05)


def test_the_gradient_of_vesselness_agrees_with_finite_differences():
    torch.manual_seed(0)
    images = smooth(torch.rand(2, 6, 7, 5, dtype=torch.float64), 0.7).requires_grad_()
    found = vesselness(images)
    assert float((found > 0.01).double().mean()) > 0.1
    assert torch.autograd.gradcheck(vesselness, (images,), atol=1e-6)


def test_a_cut_vessel_is_missed_by_cldice_of_vesselness():
    whole = tube()
    cut = whole.clone()
    cut[:, 9:15] = 0.3
    loss = VesselClDice()
    same, missed = (float(loss(each, whole)) for each in (whole, cut))
    assert missed > same + 0.05


def test_in_pretraining_cldice_looks_at_vesselness():
    it = task(topology="cldice", topology_scale=2.0)
    assert it.objective.term.loss == VesselClDice(2.0)
    assert topological_term("cldice", config()).loss == SoftClDice()


def test_structures_draws_the_blocks_that_hold_vessels_in_proportion():
    term = topological_term("critical-voxel", config(topology_crops=1, topology_block=12))
    image = torch.full((1, 1, 24, 24, 24), 0.3)
    image[0, 0, :12, :12, :12] = tube()[0, :12, 6:18, 6:18]
    counts = np.zeros(2)
    for seed in range(40):
        random = np.random.default_rng(seed)
        place = term.choose(image.shape, random)
        (own,) = term.blocks.at_structures(place, image[place.crops, place.classes], 1.5, [random])
        start = [c.start + t.start + b.start
                 for c, t, b in zip(own.cut, own.trim, own.block, strict=True)]  # fmt: skip
        counts[0 if start == [0, 0, 0] else 1] += 1
    # Drawn alike, it would be one in eight.
    assert counts[0] > counts.sum() / 3
