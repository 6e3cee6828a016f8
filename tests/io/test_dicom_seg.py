"""DICOM-SEG: each voxel lies where its slice lies, names its concept, and tells of no patient."""

import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from napari_toposeg.errors import ChoiceNeeded, InvalidVolume, ShapeMismatch, UnreadableFile
from napari_toposeg.io import read_volume, write_volume
from napari_toposeg.io.dicom_seg import read_dicom_seg, write_dicom_seg
from napari_toposeg.io.segments import MadeBy, concept_of
from napari_toposeg.volume import Volume

SECRETS = ("Doe^Jane", "PID-4711", "19610203", "ACC-99", "STUDY-7", "20240506", "House^Gregory")


def write_ct(folder, directions=(1, 0, 0, 0, 1, 0), *, step=-3.0, count=6, **changes):
    """Write slices of 5 rows and 4 columns; names run along the steps, so against the normal."""
    folder.mkdir(parents=True, exist_ok=True)
    x, y = np.reshape(directions, (2, 3)).astype(float)
    normal = np.cross(x, y)
    series, study, frame_of_reference = generate_uid(), generate_uid(), generate_uid()
    random = np.random.default_rng(3)
    for k in range(count):
        one = pydicom.Dataset()
        one.file_meta = pydicom.dataset.FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = CTImageStorage
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        one.StudyInstanceUID, one.SeriesInstanceUID = study, series
        one.FrameOfReferenceUID, one.Modality = frame_of_reference, "CT"
        one.PatientName, one.PatientID, one.PatientBirthDate = SECRETS[:3]
        one.AccessionNumber, one.StudyID, one.StudyDate = SECRETS[3:6]
        one.ReferringPhysicianName, one.PatientSex = SECRETS[6], "F"
        one.Rows, one.Columns, one.PixelSpacing, one.SliceThickness = 5, 4, [0.8, 0.5], 3.0
        one.ImageOrientationPatient = [f"{v:.10f}" for v in np.concatenate([x, y])]
        one.ImagePositionPatient = [f"{v:.6f}" for v in (5.0, 6.0, 7.0) + step * k * normal]
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated = one.BitsStored = 16
        one.HighBit, one.PixelRepresentation = 15, 1
        one.RescaleSlope, one.RescaleIntercept, one.InstanceNumber = 1, 0, k + 1
        one.PixelData = random.integers(-1000, 1000, (5, 4)).astype(np.int16).tobytes()
        for name, value in changes.items():
            setattr(one, name, value)
        one.save_as(folder / f"{k:03d}.dcm", enforce_file_format=True)
    return folder


def labels_on(scan, values=(0, 1, 3)) -> Volume:
    voxels = np.random.default_rng(4).choice(values, scan.shape).astype(np.uint8)
    return scan.with_voxels(voxels, modality="label")


def places(volume, value):
    """Where the voxels of a label lie, in mm, in order."""
    z, y, x = np.nonzero(volume.voxels == value)
    found = (volume.affine @ np.stack([x, y, z, np.ones_like(x)]))[:3].T
    return found[np.lexsort(np.round(found, 3).T)]


TURNS = {
    "axial": (1, 0, 0, 0, 1, 0),
    "sagittal": (0, 1, 0, 0, 0, -1),
    "flipped": (-1, 0, 0, 0, -1, 0),
    "oblique": (0.8, 0.6, 0, 0, 0, -1),
}


@pytest.mark.parametrize("step", [3.0, -3.0])
@pytest.mark.parametrize("turn", TURNS)
def test_each_voxel_lies_where_its_slice_says(tmp_path, turn, step):
    folder = write_ct(tmp_path / "ct", TURNS[turn], step=step)
    labels = labels_on(read_volume(folder))
    path = write_dicom_seg(labels, folder, tmp_path / "seg.dcm")
    slices = {one.SOPInstanceUID: one for one in map(pydicom.dcmread, folder.iterdir())}
    found = {1: [], 2: []}
    seg = pydicom.dcmread(path)
    for frame, pixels in zip(
        seg.PerFrameFunctionalGroupsSequence, seg.pixel_array.reshape(-1, 5, 4), strict=True
    ):
        (image,) = frame.DerivationImageSequence[0].SourceImageSequence
        source = slices[image.ReferencedSOPInstanceUID]
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        assert list(position) == list(source.ImagePositionPatient)
        x, y = np.reshape(np.array(source.ImageOrientationPatient, float), (2, 3))
        rows, columns = np.nonzero(pixels)
        number = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        found[number] += list(
            np.array(position, float) + 0.5 * np.outer(columns, x) + 0.8 * np.outer(rows, y)
        )
    for number, value in ((1, 1), (2, 3)):
        there = np.array(found[number]) * (-1, -1, 1)
        there = there[np.lexsort(np.round(there, 3).T)]
        np.testing.assert_allclose(there, places(labels, value), atol=1e-3)


@pytest.mark.parametrize("turn", TURNS)
def test_what_was_written_is_read_back_in_its_place(tmp_path, turn):
    folder = write_ct(tmp_path / "ct", TURNS[turn])
    labels = labels_on(read_volume(folder))
    path = write_dicom_seg(labels, folder, tmp_path / "seg.dcm", classes={1: "vessel"})
    back, names = read_dicom_seg(path)
    assert names == {1: "vessel", 2: "label 3"}
    for number, value in ((1, 1), (2, 3)):
        np.testing.assert_allclose(places(back, number), places(labels, value), atol=1e-3)
    again = read_volume(path)
    assert again.modality == "label"
    np.testing.assert_array_equal(again.voxels, back.voxels)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
def test_labels_are_numbered_in_order_whatever_their_type(tmp_path, dtype):
    folder = write_ct(tmp_path / "ct")
    large = 2**40 if dtype is np.int64 else 99
    labels = labels_on(read_volume(folder))
    voxels = np.random.default_rng(5).choice([0, 7, large], labels.shape).astype(dtype)
    if dtype is not np.uint8:
        voxels[0, 0, 0] = -1
    path = write_dicom_seg(labels.with_voxels(voxels), folder, tmp_path / "seg.dcm")
    back, _ = read_dicom_seg(path)
    wanted = np.select([voxels == 7, voxels == large], [1, 2])
    np.testing.assert_array_equal(back.voxels, wanted)


def test_a_region_of_the_scan_lands_in_its_place(tmp_path):
    folder = write_ct(tmp_path / "ct", TURNS["oblique"])
    scan = read_volume(folder)
    shift = np.eye(4)
    shift[:3, 3] = 1, 0, 2
    part = Volume(labels_on(scan).voxels[2:5, :3, 1:], scan.affine @ shift, modality="label")
    back, _ = read_dicom_seg(write_dicom_seg(part, folder, tmp_path / "seg.dcm"))
    np.testing.assert_allclose(places(back, 1), places(part, 1), atol=1e-3)


def test_nothing_of_the_patient_is_written_unless_asked_for(tmp_path):
    folder = write_ct(tmp_path / "ct")
    labels = labels_on(read_volume(folder))
    blank = write_dicom_seg(labels, folder, tmp_path / "blank.dcm").read_bytes()
    kept = write_dicom_seg(labels, folder, tmp_path / "kept.dcm", anonymous=False).read_bytes()
    for secret in SECRETS:
        assert secret.encode() not in blank and secret.encode() in kept
    study = pydicom.dcmread(next(folder.iterdir())).StudyInstanceUID
    assert study.encode() in blank, "without it the object belongs to no study"


def test_segments_tell_what_they_are_and_what_made_them(tmp_path):
    folder = write_ct(tmp_path / "ct")
    labels = labels_on(read_volume(folder), (0, 1, 2))
    path = write_dicom_seg(
        labels,
        folder,
        tmp_path / "seg.dcm",
        classes={1: "liver", 2: "odd thing"},
        made_by=MadeBy("my-network", "3"),
    )
    liver, odd = pydicom.dcmread(path).SegmentSequence
    assert liver.SegmentedPropertyTypeCodeSequence[0].CodeValue == "10200004"
    assert odd.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Tissue"
    assert (odd.SegmentLabel, odd.SegmentAlgorithmType) == ("odd thing", "AUTOMATIC")
    assert odd.SegmentationAlgorithmIdentificationSequence[0].AlgorithmName == "my-network"
    by_hand = pydicom.dcmread(write_dicom_seg(labels, folder, tmp_path / "hand.dcm"))
    assert by_hand.SegmentSequence[0].SegmentAlgorithmType == "MANUAL"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Liver", "10200004"),
        ("lungs", "39607008"),
        ("vessel", "59820001"),
        ("hippocampus", "5366008"),
        ("not liver", "85756007"),
        ("nodule", "27925004"),
    ],
)
def test_a_concept_is_taken_by_the_whole_name_alone(name, code):
    assert concept_of(name)[1].value == code


def test_labels_of_another_grid_are_refused(tmp_path):
    folder = write_ct(tmp_path / "ct")
    labels = labels_on(read_volume(folder))
    half = np.eye(4)
    half[:3, 3] = 0.5, 0, 0
    with pytest.raises(ShapeMismatch, match="do not lie on the grid"):
        write_dicom_seg(Volume(labels.voxels, labels.affine @ half), folder, tmp_path / "a.dcm")
    stretched = labels.affine @ np.diag([1.2, 1, 1, 1])
    with pytest.raises(ShapeMismatch, match="do not lie on the grid"):
        write_dicom_seg(Volume(labels.voxels, stretched), folder, tmp_path / "a.dcm")


def test_what_cannot_be_written_is_said(tmp_path):
    folder = write_ct(tmp_path / "ct")
    scan = read_volume(folder)
    with pytest.raises(InvalidVolume, match="empty"):
        write_dicom_seg(labels_on(scan, (0,)), folder, tmp_path / "a.dcm")
    with pytest.raises(UnreadableFile, match="does not exist"):
        write_dicom_seg(labels_on(scan), tmp_path / "gone", tmp_path / "a.dcm")
    nowhere = write_ct(tmp_path / "loose", FrameOfReferenceUID="")
    with pytest.raises(InvalidVolume, match="FrameOfReferenceUID"):
        write_dicom_seg(labels_on(read_volume(nowhere)), nowhere, tmp_path / "a.dcm")
    write_ct(folder / "second")
    with pytest.raises(ChoiceNeeded):
        write_dicom_seg(labels_on(scan), folder, tmp_path / "a.dcm")
    assert not (tmp_path / "a.dcm").exists()


def test_a_writing_that_is_stopped_leaves_no_file(tmp_path):
    folder = write_ct(tmp_path / "ct")
    told = []

    def stop(share):
        told.append(share)
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dicom_seg(labels_on(read_volume(folder)), folder, tmp_path / "a.dcm", report=stop)
    assert told == sorted(told) and not (tmp_path / "a.dcm").exists()


def test_a_damaged_segmentation_is_said_to_be(tmp_path):
    folder = write_ct(tmp_path / "ct")
    path = write_dicom_seg(labels_on(read_volume(folder)), folder, tmp_path / "seg.dcm")
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(UnreadableFile, match="damaged"):
        read_volume(path)


def test_a_segmentation_beside_its_scan_is_no_scan(tmp_path):
    folder = write_ct(tmp_path / "ct")
    scan = read_volume(folder)
    write_dicom_seg(labels_on(scan), folder, folder / "seg.dcm")
    again = read_volume(folder)
    np.testing.assert_array_equal(again.voxels, scan.voxels)
    assert again.notes == ("left out: 1 DICOM files that are no scan",)


def test_labels_that_came_from_nifti_fit_the_series_they_were_made_on(tmp_path):
    folder = write_ct(tmp_path / "ct", TURNS["oblique"])
    labels = labels_on(read_volume(folder))
    nifti = read_volume(write_volume(labels, tmp_path / "labels.nii.gz"), modality="label")
    back, _ = read_dicom_seg(write_dicom_seg(nifti, folder, tmp_path / "seg.dcm"))
    np.testing.assert_allclose(places(back, 1), places(labels, 1), atol=1e-3)
