"""Models that rebuild one scan, judged on voxels that none of them saw."""

import numpy as np
import pytest
from tests.learning.small_runs import oblique_scan

from napari_toposeg.config import NetworkConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.checkpoints import save_checkpoint
from napari_toposeg.learning.compare import compare_reconstructions
from napari_toposeg.learning.hiding import Cubes, Marked, Slabs
from napari_toposeg.learning.networks import build
from napari_toposeg.learning.reconstruct import reconstruct
from napari_toposeg.progress import finish
from napari_toposeg.volume import Volume


def untrained(folder, patch: int, crop: int):
    """A masked autoencoder with patches of some size, as a file."""
    network = NetworkConfig(name="vit", size="nano", patch=patch)
    card = Card(
        name=f"patch{patch}",
        task="reconstruct",
        network=network,
        crop=(crop,) * 3,
        spacing=(2.0, 2.0, 2.0),
        modality="CT",
        mask_ratio=0.6,
    )
    path = folder / f"patch{patch}.safetensors"
    save_checkpoint(path, build(network, task="reconstruct").state_dict(), card)
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return untrained(folder, 6, 12), untrained(folder, 4, 12)


def test_all_are_judged_on_voxels_that_none_saw(models):
    scan = oblique_scan()
    found = finish(compare_reconstructions(scan, models, Cubes(0.5), device="cpu"))
    for each in found.contestants:
        assert (each.reconstruction.hidden.voxels[found.judged] == 1).all()
        assert abs(each.reconstruction.lattice.share - 0.5) < 0.05
    # More than by chance, which were a quarter.
    assert 0.3 < found.judged.mean() <= 0.5
    assert 0 < found.mse_interpolation < found.mse_mean


def test_a_model_against_itself_is_equal(models):
    found = finish(compare_reconstructions(oblique_scan(), (models[0],) * 2, Cubes(), device="cpu"))
    first, second = found.contestants
    assert first.mse == second.mse
    np.testing.assert_array_equal(first.reconstruction.hidden.voxels == 1, found.judged)


def test_a_marked_region_is_hidden_from_every_model(models):
    scan = oblique_scan()
    mask = np.zeros(scan.shape, bool)
    mask[8:11, 10:14, 3:8] = True
    found = finish(compare_reconstructions(scan, models, Marked(mask), device="cpu"))
    assert found.judged[mask].all()


def test_a_comparison_takes_two(models):
    with pytest.raises(InvalidConfig, match="at least two"):
        finish(compare_reconstructions(oblique_scan(), models[:1], Cubes(), device="cpu"))


def test_slabs_are_hidden_across_their_axis(models):
    scan = oblique_scan()
    made = finish(reconstruct(scan, models[0], pattern=Slabs(axis=2, every=2), device="cpu"))
    hidden = made.hidden.voxels == 1
    assert (hidden == hidden[:1, :1]).all()
    assert 0.2 < hidden.mean() < 0.8


def test_nothing_is_rebuilt_where_all_windows_are_blind(models):
    scan = Volume(np.zeros((40, 40, 60), np.float32), np.diag([2.0, 2, 2, 1]), modality="CT")
    mask = np.zeros(scan.shape, bool)
    mask[:, :, :30] = True
    with pytest.raises(InvalidConfig, match="nothing to go by"):
        finish(reconstruct(scan, models[0], pattern=Marked(mask), device="cpu"))


def test_what_is_hidden_does_not_leak_through_a_blind_window(models):
    """A region as large as a window: the windows about it see something, that one does not."""
    random = np.random.default_rng(0)
    voxels = random.integers(-900, 900, (36, 36, 36)).astype(np.int16)
    scan = Volume(voxels, np.diag([2.0, 2.0, 2.0, 1.0]), modality="CT")
    mask = np.zeros(scan.shape, bool)
    mask[12:24, 12:24, 12:24] = True
    first = finish(reconstruct(scan, models[0], pattern=Marked(mask), device="cpu"))
    other = scan.with_voxels(np.where(mask, np.int16(77), voxels))
    again = finish(reconstruct(other, models[0], pattern=Marked(mask), device="cpu"))
    np.testing.assert_allclose(again.composite.voxels, first.composite.voxels, atol=1e-2)


def test_a_cube_as_large_as_the_scan_is_refused(models):
    with pytest.raises(InvalidConfig, match="smaller cube"):
        finish(reconstruct(oblique_scan(), models[0], pattern=Cubes(0.5, edge=9), device="cpu"))
