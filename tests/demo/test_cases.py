"""The scans that a demo opens, and a truth brought onto their grid."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_toposeg.demo.cases import open_case
from napari_toposeg.demo.settings import DemoConfig
from napari_toposeg.errors import ChoiceNeeded, ShapeMismatch


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


def test_a_4d_file_says_by_which_flag_to_choose() -> None:
    path = Path(nib.__file__).parent / "tests" / "data" / "example4d.nii.gz"
    with pytest.raises(ChoiceNeeded, match="--frame") as error:
        open_case(DemoConfig(path=path))
    assert len(error.value.choices) == 2
    assert open_case(DemoConfig(path=path, frame=1)).image.voxels.ndim == 3
