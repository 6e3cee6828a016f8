"""The units that a network computes in: told by the data, kept by the settings and by models."""

from functools import partial

import numpy as np
import pytest
import torch

from napari_toposeg.config import NetworkConfig, PretrainConfig
from napari_toposeg.learning.cards import load_card
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.networks import build_autoencoder, build_dense
from napari_toposeg.learning.objectives.masked import draw_hidden_each
from napari_toposeg.learning.pretrain import prepare, pretrain
from napari_toposeg.learning.task import Evaluation
from napari_toposeg.learning.units import LEAST_SPREAD, units_of
from napari_toposeg.progress import finish

CENTRE, SPREAD = 0.2, 0.05
NETWORKS = ("vit", "unetr", "swin", "unetr-pp", "resenc-unet", "fused")


def noise(mean: float, deviation: float, edge: int = 24) -> Example:
    random = np.random.default_rng(0)
    voxels = random.normal(mean, deviation, (edge, edge, edge)).astype(np.float32)
    return Example("noise", voxels)


def alike(build, name: str, **settings):
    """Build a network in plain units, and one of the same weights in those of dark scans."""
    config = NetworkConfig(name=name, size="nano", patch=8, **settings)
    torch.manual_seed(1)
    plain = build(config).eval()
    standard = build(config.model_copy(update={"centre": CENTRE, "spread": SPREAD})).eval()
    standard.load_state_dict(plain.state_dict())
    return plain, standard


def dark_image(edge: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return CENTRE + SPREAD * torch.randn(1, 1, edge, edge, edge, generator=random)


def test_the_units_of_data_are_mean_and_deviation_of_its_crops():
    centre, spread = units_of([noise(0.3, 0.1)], (16, 16, 16))
    assert centre == pytest.approx(0.3, abs=0.005)
    assert spread == pytest.approx(0.1, abs=0.005)


def test_the_units_do_not_count_padding():
    scan = noise(0.8, 0.02, edge=8)
    assert units_of([scan], (16, 16, 16))[0] == pytest.approx(0.8, abs=0.01)


def test_an_even_scan_has_a_spread_all_the_same():
    even = Example("even", np.full((16, 16, 16), 0.5, np.float32))
    assert units_of([even], (8, 8, 8)) == (0.5, LEAST_SPREAD)


def test_the_settings_of_a_run_show_its_units_and_repeat_them(small_run):
    prepared = prepare(small_run)
    centre, spread = prepared.config.units
    assert 0 < centre < 1
    assert 0 < spread < 1
    network = prepared.task.card(Evaluation(0.0, {})).network
    assert (network.centre, network.spread) == (centre, spread)
    read = PretrainConfig.model_validate(prepared.config.model_dump(mode="json"))
    assert read.units == (centre, spread)


def test_a_run_that_starts_from_a_model_takes_over_its_units(small_run, tmp_path):
    first = small_run.model_copy(update={"objective": "mae", "steps": 2, "units": (CENTRE, SPREAD)})
    finish(pretrain(first))
    second = first.model_copy(
        update={"units": None, "start": str(first.output), "output": tmp_path / "second"}
    )
    finish(pretrain(second))
    network = load_card(second.output).network
    assert (network.centre, network.spread) == (CENTRE, SPREAD)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_autoencoder_in_units_is_the_plain_one_on_the_standardised_image(name):
    plain, standard = alike(build_autoencoder, name)
    image, hidden = dark_image(32), draw_hidden_each(0, 0, [0], 4**3, 0.5)
    with torch.no_grad():
        expected = CENTRE + SPREAD * plain((image - CENTRE) / SPREAD, hidden).predicted_BMV
        found = standard(image, hidden).predicted_BMV
    assert float(expected.std()) > 1e-4
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_segmenter_in_units_answers_as_the_plain_one_to_the_standardised_image(name):
    plain, standard = alike(partial(build_dense, outputs=2), name)
    image = dark_image(32)
    with torch.no_grad():
        expected, found = plain((image - CENTRE) / SPREAD), standard(image)
        assert not torch.allclose(found, plain(image), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
