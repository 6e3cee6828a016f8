"""Temperature and uncertainty: what is fitted is found, what is sure is 0."""

import numpy as np
import pytest

from napari_toposeg.config import CalibrateConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import write_volume
from napari_toposeg.learning.calibrate import ECE, SURPRISE, calibrate
from napari_toposeg.learning.calibration import fit_temperature, surprise, tempered
from napari_toposeg.learning.cards import Card, load_card
from napari_toposeg.learning.checkpoints import read_tensors, save_checkpoint
from napari_toposeg.learning.networks import build
from napari_toposeg.learning.uncertainty import entropy
from napari_toposeg.phantoms import ball
from napari_toposeg.progress import finish


def drawn(count=40_000, classes=3, seed=0):
    """Probabilities, and truths drawn from them."""
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.full(classes, 0.5), count).T.astype(np.float32)
    truth = (random.random(count) > chances.cumsum(0)).sum(0).clip(max=classes - 1)
    return chances, truth


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_spoilt_probabilities_is_found(temperature):
    chances, truth = drawn()
    spoilt = tempered(chances, 1 / temperature)
    assert fit_temperature([spoilt], [truth]) == pytest.approx(temperature, rel=0.03)


def test_voxels_without_a_label_do_not_count():
    chances, truth = drawn()
    hidden = np.where(np.arange(len(truth)) % 2, truth, -1)
    odd = slice(1, None, 2)
    assert fit_temperature([chances], [hidden]) == fit_temperature([chances[:, odd]], [truth[odd]])


def test_surprise_is_the_mean_negative_log_likelihood():
    chances, truth = drawn(1000)
    its = chances[truth, np.arange(1000)]
    assert surprise(chances, truth) == pytest.approx(
        -np.log(np.maximum(its, 1e-7)).mean(), rel=1e-3
    )


def test_a_temperature_keeps_sums_and_the_most_probable_class():
    chances, _ = drawn(1000)
    for temperature in (0.3, 4.0):
        changed = tempered(chances, temperature)
        np.testing.assert_allclose(changed.sum(0), 1, atol=1e-5)
        np.testing.assert_array_equal(changed.argmax(0), chances.argmax(0))
        assert (changed.max(0).mean() > chances.max(0).mean()) == (temperature < 1)


def test_entropy_is_0_where_sure_and_1_where_all_are_alike():
    sure = np.eye(4, dtype=np.float32)
    np.testing.assert_allclose(entropy(sure), 0, atol=1e-6)
    np.testing.assert_allclose(entropy(np.full((4, 2), 0.25, np.float32)), 1, atol=1e-6)
    half = np.array([[0.5], [0.5], [0], [0]], np.float32)
    assert entropy(half)[0] == pytest.approx(0.5)


@pytest.fixture
def labelled(tmp_path):
    """Two balls with labels, and a model that has seen nothing."""
    for seed in (1, 2):
        phantom = ball((16, 16, 16), spacing=(2.0, 2.0, 2.0), seed=seed)
        write_volume(phantom.image, tmp_path / "images" / f"{seed}.nii.gz")
        write_volume(phantom.truth, tmp_path / "labels" / f"{seed}.nii.gz")
    card = Card(
        name="small", task="segment", network={"size": "nano"}, crop=(12, 12, 12),
        spacing=(2.0, 2.0, 2.0), classes=("ball",), quality={"validation": {"dice": 0.5}},
    )  # fmt: skip
    weights = build(card.network, task="segment", classes=1).state_dict()
    save_checkpoint(tmp_path / "run" / "best.safetensors", weights, card, extra={"step": "7"})
    return tmp_path


def settings_of(folder, **changes):
    usual = {"model": str(folder / "run"), "images": folder / "images", "device": "cpu"}
    return CalibrateConfig.create(**(usual | {"labels": folder / "labels", "threads": 1} | changes))


def test_a_model_is_calibrated_in_place_and_nothing_else_of_it_changes(labelled):
    file = labelled / "run" / "best.safetensors"
    before = read_tensors(file)
    done = finish(calibrate(settings_of(labelled)))
    assert done.after[SURPRISE] < done.before[SURPRISE] and ECE in done.after
    card = load_card(labelled / "run")
    assert card.temperature == done.temperature != 1.0
    assert card.quality["validation"] == {"dice": 0.5}
    assert card.quality["calibration"]["cases"] == 2
    after = read_tensors(file)
    assert before.keys() == after.keys()
    assert all((before[name] == after[name]).all() for name in before)
    # Calibrating again starts from temperature 1, and finds the same.
    assert finish(calibrate(settings_of(labelled))).temperature == done.temperature


def test_a_model_that_ships_stays_as_it_is(labelled):
    with pytest.raises(InvalidConfig, match="--name"):
        next(calibrate(settings_of(labelled, model="vessels-ct")))


def test_labels_that_the_model_does_not_have_are_refused(labelled):
    phantom = ball((16, 16, 16), spacing=(2.0, 2.0, 2.0), seed=1)
    odd = phantom.truth.with_voxels(phantom.truth.voxels * 3)
    write_volume(odd, labelled / "labels" / "1.nii.gz")
    with pytest.raises(InvalidConfig, match="class 3"):
        finish(calibrate(settings_of(labelled)))
