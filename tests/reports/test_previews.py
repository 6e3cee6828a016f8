"""Previews: what is seen says what happened to each voxel, and the diagrams are of the block."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from napari_toposeg.reports.previews import (
    ADDED,
    BLOCK,
    CONFUSED,
    HIDDEN,
    MISSED,
    diagram_of,
    errors,
    middle_slices,
    pictures,
    plot_preview,
)
from napari_toposeg.topology import persistence

SHAPE = (12, 16, 20)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).random(SHAPE, dtype=np.float32)


def test_the_network_did_not_see_what_is_painted_as_hidden(image: np.ndarray) -> None:
    hidden = np.zeros(SHAPE, np.float32)
    hidden[:, :8] = 1
    slices = middle_slices({"image": image, "hidden": hidden, "rebuilt": image + 0.25 * hidden})
    shown = pictures(slices[0], bright=1.0)
    assert (shown["what it saw"][:8] == to_rgb(HIDDEN)).all()
    np.testing.assert_array_equal(shown["what it saw"][8:], shown["image"][8:])
    assert len(np.unique(shown["residual"][8:])) <= 3
    assert shown["residual"][:8].mean() > shown["residual"][8:].mean()


def test_a_restored_image_stands_beside_what_was_seen_and_its_whole_residual(
    image: np.ndarray,
) -> None:
    volumes = {"image": image, "seen": np.zeros_like(image), "rebuilt": image + 0.25}
    shown = pictures(middle_slices(volumes)[0], bright=1.0)
    assert list(shown) == ["image", "what it saw", "rebuilt", "residual"]
    assert not shown["what it saw"].any()
    assert (shown["residual"] > 0).any(axis=-1).all()


def test_what_was_seen_is_shown_where_nothing_is_rebuilt(image: np.ndarray) -> None:
    slices = middle_slices({"image": image, "hidden": np.ones_like(image)})
    assert (pictures(slices[0], bright=1.0)["what it saw"] == to_rgb(HIDDEN)).all()


def test_each_kind_of_error_has_its_colour_and_unlabelled_voxels_have_none() -> None:
    truth = np.array([[1, 0, 2, 1, -1, 0]])
    prediction = np.array([[0, 1, 1, 1, 1, 0]])
    masks = errors({"image": truth, "truth": truth, "prediction": prediction})
    assert [np.flatnonzero(masks[colour]).tolist() for colour in (MISSED, ADDED, CONFUSED)] == [
        [0],
        [1],
        [2],
    ]


def test_the_slice_with_most_labels_is_shown(image: np.ndarray) -> None:
    truth = np.zeros(SHAPE, np.float32)
    truth[2, 3:6, 4] = 1
    across_z, _, across_x = middle_slices({"image": image, "truth": truth, "prediction": truth})
    np.testing.assert_array_equal(across_z["image"], image[2])
    np.testing.assert_array_equal(across_x["image"], image[:, :, 4])


def test_the_diagram_is_of_the_middle_block_and_of_bright_features() -> None:
    volume = np.random.default_rng(1).random((BLOCK + 4, 8, 8), dtype=np.float32)
    found = diagram_of(volume)
    assert found.shape == (BLOCK, 8, 8) and found.superlevel and found.construction == "T"
    whole = persistence(volume[2:-2], construction="T", superlevel=True, min_persistence=0.05)
    np.testing.assert_array_equal(found.birth, whole.birth)


@pytest.mark.parametrize("names", [("hidden", "rebuilt"), ("truth", "prediction"), ()])
def test_a_preview_is_drawn_of_every_kind_of_training(
    image: np.ndarray, tmp_path: Path, names: tuple[str, ...]
) -> None:
    volumes = {"image": image} | {name: np.round(image) for name in names}
    path = plot_preview(volumes, tmp_path / "previews" / "000001.png", title="step 1")
    height, width, _ = imread(path).shape
    assert (width > height) == bool(names)
    assert [each.name for each in path.parent.iterdir()] == ["000001.png"]
