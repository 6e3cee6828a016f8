"""The demo: every file on the scan's own grid, every figure true, nothing said that is not so."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from napari_toposeg.cli import main
from napari_toposeg.demo import screen
from napari_toposeg.demo.analysis import MOST_VOXELS, bounded_copy, choose_model, mismatch
from napari_toposeg.demo.cases import open_case
from napari_toposeg.demo.pictures import busiest
from napari_toposeg.demo.settings import DemoConfig
from napari_toposeg.errors import InvalidCheckpoint, ShapeMismatch
from napari_toposeg.topology import betti_numbers, find_defects
from napari_toposeg.volume import Volume

FILES = {
    "hidden.nii.gz",
    "reconstruction.nii.gz",
    "segmentation.nii.gz",
    "diagrams.png",
    "slices.png",
    "report.html",
    "report.json",
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Put small untrained models into a store: the demo's own work needs no trained ones."""
    import torch

    from napari_toposeg.config import NetworkConfig
    from napari_toposeg.learning.cards import Card
    from napari_toposeg.learning.checkpoints import save_checkpoint
    from napari_toposeg.learning.networks import build

    store = tmp_path_factory.mktemp("models")
    network = NetworkConfig(size="nano", patch=6)
    torch.manual_seed(0)
    for name, task, modality, classes in (
        ("rebuilder", "reconstruct", "CT", ()),
        ("segmenter", "segment", "CT", ("vessel",)),
        ("segmenter-mr", "segment", "MR", ("left", "right")),
    ):
        card = Card(
            name=name,
            task=task,
            network=network,
            crop=(24, 24, 24),
            spacing=(4.0, 4.0, 4.0),
            modality=modality,
            classes=classes,
            mask_ratio=0.6 if task == "reconstruct" else None,
        )
        weights = build(network, task=task, classes=len(classes)).state_dict()
        save_checkpoint(store / f"{name}.safetensors", weights, card)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAPARI_TOPOSEG_MODELS", str(store))
        yield SimpleNamespace(
            words=["--model", "rebuilder", "--segment-model", "segmenter", "--device", "cpu"]
        )


@pytest.fixture(scope="module")
def vessels(models: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a headless demo on the phantom."""
    folder = tmp_path_factory.mktemp("vessels")
    words = ["demo", "--case", "vessels", "--headless", "--output", str(folder)]
    assert main([*words, *models.words]) == 0
    return folder


@pytest.fixture
def oblique(tmp_path: Path) -> Path:
    """Write a scan whose axes are turned, flipped, and oblique."""
    turn = nib.eulerangles.euler2mat(0.2, 0.1, -0.15)
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.array([[0, 3.0, 0], [0, 0, -2.0], [-2.5, 0, 0]])
    affine[:3, 3] = 10, -20, 30
    voxels = np.random.default_rng(0).normal(100, 20, (20, 24, 28)).astype(np.float32)
    path = tmp_path / "oblique.nii.gz"
    nib.save(nib.Nifti1Image(voxels, affine), path)
    return path


def report(folder: Path) -> dict:
    """Return the figures of a demo."""
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def voxels(path: Path) -> np.ndarray:
    """Return the voxels of a file in its own order."""
    return np.asarray(nib.load(path).dataobj)


def test_every_file_is_written(vessels: Path) -> None:
    assert {path.name for path in vessels.iterdir()} == FILES | {"defects.nii.gz"}


def test_the_betti_numbers_are_those_of_the_files(vessels: Path) -> None:
    row = report(vessels)["segmentation"][0]
    assert row["class"] == "vessel"
    assert row["betti"] == list(betti_numbers(voxels(vessels / "segmentation.nii.gz") == 1))
    assert row["true_betti"] == [2, 0, 0], "the phantom has two trees"


def test_the_defects_are_those_of_the_files(vessels: Path) -> None:
    truth = open_case(DemoConfig(case="vessels")).truth
    segmentation = voxels(vessels / "segmentation.nii.gz").T
    defects = report(vessels)["defects"]
    assert len(defects) == len(find_defects(segmentation > 0, truth.voxels > 0))
    numbers = voxels(vessels / "defects.nii.gz")
    assert [int((numbers == row["number"]).sum()) for row in defects] == [
        row["voxels"] for row in defects
    ]


def test_visible_voxels_stay_as_they_are_and_hidden_ones_do_not(vessels: Path) -> None:
    scan = open_case(DemoConfig(case="vessels")).image.voxels.T
    hidden = voxels(vessels / "hidden.nii.gz")
    rebuilt = voxels(vessels / "reconstruction.nii.gz")
    assert set(np.unique(hidden)) == {0, 1}
    assert hidden.mean() == pytest.approx(0.6, abs=0.15)
    assert (rebuilt == scan)[hidden == 0].all()
    assert (rebuilt != scan)[hidden == 1].mean() > 0.9


def test_the_report_tells_no_folder_and_no_user(vessels: Path) -> None:
    page = (vessels / "report.html").read_text(encoding="utf-8")
    for text in (page, (vessels / "report.json").read_text(encoding="utf-8")):
        assert str(vessels) not in text and str(Path.home()) not in text
    assert "Research use only" in page and "26-connected" in page


def test_an_oblique_flipped_scan_keeps_its_grid(
    models: SimpleNamespace, oblique: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["demo", str(oblique), "--headless", "--output", str(out), *models.words]
    assert main(words) == 0
    scan = nib.load(oblique)
    for name in ("hidden", "reconstruction", "segmentation"):
        image = nib.load(out / f"{name}.nii.gz")
        assert image.shape == scan.shape
        np.testing.assert_allclose(image.affine, scan.affine, atol=1e-4)
    visible = voxels(out / "hidden.nii.gz") == 0
    np.testing.assert_array_equal(
        voxels(out / "reconstruction.nii.gz")[visible], voxels(oblique)[visible]
    )
    assert report(out)["defects"] is None and not (out / "defects.nii.gz").exists()


def test_the_same_seed_hides_the_same_and_another_does_not(
    models: SimpleNamespace, oblique: Path, tmp_path: Path
) -> None:
    hidden = {}
    for run, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        words = ["demo", str(oblique), "--headless", "--output", str(tmp_path / run)]
        assert main([*words, "--seed", seed, *models.words]) == 0
        hidden[run] = voxels(tmp_path / run / "hidden.nii.gz")
    assert (hidden["a"] == hidden["b"]).all() and (hidden["a"] != hidden["c"]).any()


def test_json_is_the_report(
    models: SimpleNamespace, oblique: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    words = ["demo", str(oblique), "--headless", "--output", str(tmp_path), *models.words]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == report(tmp_path)


def test_without_a_display_it_goes_headless_and_says_so(
    models: SimpleNamespace,
    oblique: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setattr(screen.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["demo", str(oblique), "--output", str(tmp_path), *models.words]) == 0
    out, err = capsys.readouterr()
    assert "there is no display" in err and "headless" in err
    assert str(tmp_path) in out and (tmp_path / "report.html").exists()


def test_a_display_that_does_not_answer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen.sys, "platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setenv("DISPLAY", ":987")
    assert "display" in str(screen.missing_screen())


def test_the_mr_case_is_nibabels_example() -> None:
    case = open_case(DemoConfig())
    assert case.image.modality == "MR"
    assert case.image.shape == (24, 96, 128)
    assert "PDDL" in case.source


def test_a_truth_on_another_grid_is_brought_onto_the_scans(oblique: Path, tmp_path: Path) -> None:
    scan = nib.load(oblique)
    truth = np.zeros((10, 12, 14), np.uint8)
    truth[3:7, 3:7, 3:7] = 1
    affine = scan.affine @ np.diag([2, 2, 2, 1.0])
    affine[:3, 3] += scan.affine[:3, :3] @ [0.5, 0.5, 0.5]
    path = tmp_path / "truth.nii.gz"
    nib.save(nib.Nifti1Image(truth, affine), path)
    case = open_case(DemoConfig(path=oblique, truth=path))
    assert case.truth.shape == case.image.shape
    assert int((case.truth.voxels > 0).sum()) == 8 * truth.sum()


def test_a_truth_of_another_patient_is_refused(oblique: Path, tmp_path: Path) -> None:
    far = nib.load(oblique).affine.copy()
    far[:3, 3] += 1000
    path = tmp_path / "truth.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((5, 5, 5), np.uint8), far), path)
    with pytest.raises(ShapeMismatch, match="does not overlap"):
        open_case(DemoConfig(path=oblique, truth=path))


def scan_of(modality: str) -> Volume:
    """Return a small scan of a kind."""
    return Volume(np.zeros((4, 4, 4)), np.eye(4), modality=modality)


def test_a_model_is_chosen_by_the_kind_of_scan(models: SimpleNamespace) -> None:
    assert choose_model("segment", scan_of("MR"), None).modality == "MR"
    assert choose_model("segment", scan_of("CT"), None).modality == "CT"
    assert choose_model("segment", scan_of("CT"), "segmenter-mr").name == "segmenter-mr"


def test_a_model_of_another_task_is_refused(models: SimpleNamespace) -> None:
    with pytest.raises(InvalidCheckpoint, match="to reconstruct, not to segment"):
        choose_model("segment", scan_of("CT"), "rebuilder")


def test_a_model_outside_of_its_kind_is_said_plainly(models: SimpleNamespace) -> None:
    card = choose_model("reconstruct", scan_of("MR"), "rebuilder")
    assert "outside of what it was trained for" in str(mismatch(card, scan_of("MR")))
    assert mismatch(card, scan_of("CT")) is None


def test_diagrams_are_computed_on_bounded_copies() -> None:
    slab = Volume(np.zeros((16, 300, 300), np.float32), np.diag([-0.7, -0.7, 2.5, 1.0]))
    copy = bounded_copy(slab)
    assert copy.voxels.size <= MOST_VOXELS
    assert copy.shape[0] == slab.shape[0], "thick slices are kept, fine pixels are not"
    np.testing.assert_allclose(
        np.multiply(copy.shape, copy.spacing), np.multiply(slab.shape, slab.spacing), rtol=0.05
    )
    small = scan_of("CT")
    assert bounded_copy(small) is small


def test_slices_pass_through_what_was_found() -> None:
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[2, 3, 5] = 1
    assert busiest(replace(scan_of("label"), voxels=labels)) == (2, 3, 5)
    assert busiest(replace(scan_of("label"), voxels=0 * labels)) == (4, 4, 4)


def test_a_real_chest_ct_is_rebuilt_and_segmented_on_its_grid(
    models: SimpleNamespace, data_folder: Path, tmp_path: Path
) -> None:
    folders = sorted(path for path in (data_folder / "chest_ct").rglob("*.dcm"))
    scan = folders[0].parent if folders else next((data_folder / "chest_ct").glob("*.nrrd"))
    words = ["demo", str(scan), "--headless", "--output", str(tmp_path), *models.words]
    assert main(words) == 0
    shape = report(tmp_path)["scan"]["shape"]
    assert voxels(tmp_path / "segmentation.nii.gz").size == np.prod(shape)
    assert report(tmp_path)["scan"]["modality"] == "CT" and report(tmp_path)["warnings"] == []


@pytest.mark.gl
def test_in_a_window_the_same_results_become_layers(
    models: SimpleNamespace, make_napari_viewer, qtbot
) -> None:
    from napari_toposeg.demo.window import start

    viewer = make_napari_viewer(show=True)
    config = DemoConfig(case="vessels", model="rebuilder", segment_model="segmenter", device="cpu")
    dock = start(viewer, config)
    comparison = dock.topology.comparison
    qtbot.waitUntil(lambda: comparison.result is not None, timeout=60_000)
    names = [layer.name for layer in viewer.layers]
    for part in ("truth", "hidden input", "reconstruction", "segmentation"):
        assert any(part in name for name in names), f"{part} is not among {names}"
    assert dock.topology.diagram.found is not None
    assert len(comparison.defects) > 0
