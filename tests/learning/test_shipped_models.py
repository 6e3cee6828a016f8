"""The models inside the package keep what their cards promise, on cases that they did not see."""

from pathlib import Path

import numpy as np
import pytest

from napari_toposeg.io import read_volume
from napari_toposeg.learning.cards import is_shipped, list_models, load_card, shipped_folder
from napari_toposeg.learning.predict import segment
from napari_toposeg.learning.reconstruct import reconstruct
from napari_toposeg.metrics import dice
from napari_toposeg.phantoms import vessel_tree
from napari_toposeg.progress import finish

SHIPPED = {
    "topomae-ct": "reconstruct",
    "topomae-ct-unet": "reconstruct",
    "vessels-ct": "segment",
    "hippocampus-mr": "segment",
}
TEST_CASES = Path(__file__).parents[2] / "benchmarks" / "recipes" / "hippocampus-test.txt"


def test_the_models_are_listed_and_together_at_most_15_megabytes():
    assert {card.name: card.task for card in list_models() if is_shipped(card.name)} == SHIPPED
    assert sum(path.stat().st_size for path in shipped_folder().glob("*.safetensors")) <= 15e6


@pytest.mark.parametrize("name", SHIPPED)
def test_each_card_says_what_the_model_is_for_and_whose_data_it_saw(name):
    card = load_card(name)
    assert "Research use only" in card.intended_use
    assert card.licence and card.data and card.recipe and card.quality


@pytest.mark.parametrize("name", ["topomae-ct", "topomae-ct-unet"])
def test_hidden_patches_of_an_unseen_chest_ct_are_rebuilt(data_folder, name):
    scan = read_volume(data_folder / "chest_ct" / "ct-64.nrrd")
    rebuilt = finish(reconstruct(scan, name, device="cpu"))
    assert rebuilt.mse < 0.5 * rebuilt.mse_mean
    assert rebuilt.mse < 0.8 * rebuilt.mse_interpolation
    hidden = rebuilt.hidden.voxels == 1
    image = scan.voxels.astype(float)
    fill = np.square(image[hidden] - image[~hidden].mean()).mean()
    assert np.square(rebuilt.residual.voxels[hidden]).mean() < 0.5 * fill


def test_hippocampus_dice_on_unseen_cases_is_at_least_0_82(data_folder):
    folder = data_folder / "hippocampus"
    scores = []
    for name in TEST_CASES.read_text(encoding="utf-8").split()[::5]:
        image = read_volume(folder / "images" / f"{name}.nii.gz")
        truth = read_volume(folder / "labels" / f"{name}.nii.gz", modality="label").voxels
        found = finish(segment(image, "hippocampus-mr", device="cpu")).labels.voxels
        scores += [dice(found == number, truth == number) for number in (1, 2)]
    assert len(scores) == 16
    assert np.mean(scores) >= 0.82


@pytest.mark.parametrize("wall", [0.0, 8.0])
def test_vessels_of_an_unseen_phantom_are_found_better_than_by_the_best_threshold(wall):
    phantom = vessel_tree((48, 48, 48), seed=3_000_000, wall=wall)
    truth = phantom.truth.voxels > 0
    found = finish(segment(phantom.image, "vessels-ct", device="cpu")).labels.voxels > 0
    levels = np.percentile(phantom.image.voxels, np.linspace(50, 99.9, 60))
    assert dice(found, truth) > max(dice(phantom.image.voxels > level, truth) for level in levels)
