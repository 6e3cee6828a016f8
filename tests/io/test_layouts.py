"""Public datasets are read in the folders that they are distributed in."""

from pathlib import Path

import pytest
from tests import datasets
from tests.datasets import SHAPE, make_acdc, make_btcv, make_decathlon, make_nnssl, make_nnunet

from napari_toposeg.errors import InvalidConfig, ShapeMismatch, UnreadableFile
from napari_toposeg.io.channels import count_channels, read_channels
from napari_toposeg.io.layouts import CaseFiles, find_dataset, require_dataset
from napari_toposeg.io.layouts.acdc import CLASSES

SPLEEN = {"0": "background", "1": "spleen"}
SEQUENCES = {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"}
TUMOUR = {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"}


def named(cases: tuple[CaseFiles, ...]) -> list[str]:
    return [case.name for case in cases]


@pytest.mark.parametrize("below", ["", "Abdomen", "Abdomen/RawData"])
def test_btcv_is_known_from_any_of_its_folders(tmp_path: Path, below: str) -> None:
    dataset = require_dataset(make_btcv(tmp_path) / below)
    assert named(dataset.cases) == ["img0001", "img0002", "img0061"]
    assert named(dataset.labelled) == ["img0001", "img0002"]
    assert len(dataset.classes) == 13 and dataset.classes[10] == "pancreas"
    first = dataset.labelled[0]
    assert first.labels is not None and first.labels.name == "label0001.nii.gz"
    assert first.modality == "CT"


def test_missing_labels_are_named(tmp_path: Path) -> None:
    make_btcv(tmp_path)
    (tmp_path / "Abdomen/RawData/Training/label/label0002.nii.gz").unlink()
    with pytest.raises(UnreadableFile, match=r"1 of 2 cases lack .* first label0002"):
        find_dataset(tmp_path)


def test_a_case_of_acdc_is_a_frame_that_has_labels(tmp_path: Path) -> None:
    root = make_acdc(tmp_path, [("patient001", 1, 12), ("patient090", 11, 4)])
    for place in (root, root / "database", root / "database/training"):
        dataset = require_dataset(place)
        assert named(dataset.cases) == [
            "patient001_frame01",
            "patient001_frame12",
            "patient090_frame04",
            "patient090_frame11",
        ]
        assert dataset.classes == CLASSES
        assert {case.modality for case in dataset.cases} == {"MR"}


def test_a_patient_without_a_frame_is_named(tmp_path: Path) -> None:
    root = make_acdc(tmp_path, [("patient001", 1, 12)])
    folder = root / "database/training/patient001"
    (folder / "patient001_frame12_gt.nii.gz").unlink()
    with pytest.raises(UnreadableFile, match=r"patient001_frame12_gt\.nii\.gz"):
        find_dataset(root)
    (folder / "Info.cfg").write_text("Group: DCM\n")
    with pytest.raises(UnreadableFile, match="ED: 1"):
        find_dataset(root)


def test_the_decathlon_is_known_by_its_folders(tmp_path: Path) -> None:
    make_decathlon(tmp_path / "Task09_Spleen", "spleen", modality={"0": "CT"}, labels=SPLEEN)
    for root in (tmp_path, tmp_path / "Task09_Spleen"):
        dataset = require_dataset(root)
        assert named(dataset.labelled) == ["spleen_001", "spleen_002"]
        assert named(dataset.cases) == ["spleen_001", "spleen_002", "spleen_009"]
        assert dataset.classes == ("spleen",)
        assert {case.modality for case in dataset.cases} == {"CT"}
    make_decathlon(tmp_path / "Task06_Lung", "lung", modality={"0": "CT"}, labels=SPLEEN)
    with pytest.raises(InvalidConfig, match="2 tasks"):
        find_dataset(tmp_path)


def test_frames_are_channels_where_the_dataset_says_so(tmp_path: Path) -> None:
    root = make_decathlon(tmp_path, "BRATS", modality=SEQUENCES, labels=TUMOUR)
    case = require_dataset(root).labelled[0]
    channels = read_channels(case)
    assert count_channels(case) == len(channels) == 4
    assert {each.shape for each in channels} == {SHAPE} and case.modality == "MR"
    bright = [each.voxels[10, 10, 10] for each in channels]
    assert bright == sorted(bright) and bright[3] - bright[0] == 300


def test_files_of_a_case_are_channels_as_nnunet_names_them(tmp_path: Path) -> None:
    one = require_dataset(make_nnunet(tmp_path / "Dataset701_AbdomenCT"))
    two = require_dataset(make_nnunet(tmp_path / "Dataset027_Heart", ("T1", "T2")))
    for dataset, channels in ((one, 1), (two, 2)):
        assert named(dataset.labelled) == ["FLARE_Tr_0001", "FLARE_Tr_0002"]
        assert dataset.classes == ("liver", "kidney")
        assert {count_channels(case) for case in dataset.cases} == {channels}


def test_names_that_end_in_digits_are_no_channels_where_labels_bear_them(tmp_path: Path) -> None:
    root = make_decathlon(tmp_path, "case_0000", modality={"0": "CT"}, labels=SPLEEN, tests=())
    for part in ("imagesTr", "labelsTr"):
        for file in (root / part).glob("case_0000_00*.nii.gz"):
            file.rename(file.with_name(file.name.replace("0000_00", "000")))
    assert named(require_dataset(root).labelled) == ["case_0001", "case_0002"]


def test_synapse_has_labels_of_other_names_and_tests_on_its_own_cases(tmp_path: Path) -> None:
    dataset = require_dataset(datasets.make_synapse(tmp_path))
    assert named(dataset.cases) == named(dataset.labelled) == [f"img000{n}" for n in (1, 2, 5, 6)]
    assert dataset.cases[2].labels == tmp_path / "labelsTr/label0005.nii.gz"
    # Labels that are not numbered from 1 on have no order to name them in.
    assert dataset.classes == ()


def test_synapse_is_known_with_files_that_number_their_channel(tmp_path: Path) -> None:
    root = datasets.make_synapse(tmp_path / "unetr_pp_raw/unetr_pp_raw_data/Task02_Synapse")
    for file in [*root.glob("imagesT?/*.nii.gz")]:
        file.rename(file.with_name(file.name.replace(".nii", "_0000.nii")))
    dataset = require_dataset(tmp_path)
    assert named(dataset.cases) == [f"img000{n}" for n in (1, 2, 5, 6)]
    assert dataset.cases[0].labels == root / "labelsTr/label0001.nii.gz"


def test_a_list_of_images_is_read_with_every_kind_of_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_nnssl(tmp_path / "raw" / "Dataset745_OpenMind")
    monkeypatch.delenv("nnssl_raw", raising=False)
    dataset = find_dataset(root)
    assert dataset is not None and not dataset.labelled
    assert named(dataset.cases) == ["ds000001__sub-01__ses-1__T1w", "ds000001__sub-01__ses-2__T1w"]
    monkeypatch.setenv("nnssl_raw", str(tmp_path / "elsewhere"))
    with pytest.raises(UnreadableFile, match="1 of 2 cases lack their image"):
        find_dataset(root)
    with pytest.raises(InvalidConfig, match="no labels"):
        monkeypatch.delenv("nnssl_raw")
        require_dataset(root)


def test_a_damaged_description_is_told(tmp_path: Path) -> None:
    root = make_nnunet(tmp_path)
    (root / "dataset.json").write_text("{")
    with pytest.raises(InvalidConfig, match=r"dataset\.json cannot be read"):
        find_dataset(root)


def test_other_folders_are_no_dataset(tmp_path: Path) -> None:
    datasets.write_image(tmp_path / "scan.nii.gz", 0)
    assert find_dataset(tmp_path) is None and find_dataset(tmp_path / "scan.nii.gz") is None
    with pytest.raises(InvalidConfig, match="imagesTr/NAME"):
        require_dataset(tmp_path)


def test_channels_of_different_shapes_are_refused(tmp_path: Path) -> None:
    root = make_nnunet(tmp_path, ("T1", "T2"))
    datasets.write(root / "imagesTr/FLARE_Tr_0001_0001.nii.gz", datasets.np.zeros((5, 6, 7), "i2"))
    with pytest.raises(ShapeMismatch, match="FLARE_Tr_0001"):
        read_channels(require_dataset(root).labelled[0])
