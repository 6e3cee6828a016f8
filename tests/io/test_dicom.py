"""DICOM: position decides, values are in the scan's unit, and the patient stays in the file."""

import shutil

import numpy as np
import pytest

from napari_toposeg.errors import ChoiceNeeded, InvalidVolume, UnreadableFile
from napari_toposeg.io import list_cases, list_choices, read_volume, write_volume

POSITION, DIRECTIONS, PIXEL = "0020|0032", "0020|0037", "0028|0030"
SERIES, NUMBER, INSTANCE, OBJECT = "0020|000e", "0020|0011", "0020|0013", "0008|0018"
SLOPE, INTERCEPT, MODALITY = "0028|1053", "0028|1052", "0008|0060"
NAME, PATIENT, BIRTH, DESCRIPTION = "0010|0010", "0010|0020", "0010|0030", "0008|103e"


def planes(count=5, rows=3, columns=4, dtype=np.int16):
    return np.arange(count * rows * columns).reshape(count, rows, columns).astype(dtype)


@pytest.fixture
def write_series(write_slice):
    """Write slices at ``positions``; file names run against the order of the positions."""

    def write(folder, pixels, positions=None, *, uid="1.2.826.0.1.3", tags=()):
        for k, plane in enumerate(pixels):
            position = (10.0, 20.0, 2.5 * k) if positions is None else positions[k]
            own = {
                POSITION: position,
                INSTANCE: str(k + 1),
                SERIES: uid,
                OBJECT: f"{uid}.{k + 1}",
            }
            name = f"{uid.rpartition('.')[2]}-{len(pixels) - k:03d}.dcm"
            write_slice(folder / name, plane, own | dict(tags))
        return folder

    return write


def test_slices_are_sorted_by_position_not_by_name_or_number(tmp_path, write_series):
    pixels = planes()
    heights = [4.0, -1.0, 1.5, 9.0, 6.5]
    folder = write_series(tmp_path / "ct", pixels, [(10.0, 20.0, z) for z in heights])
    volume = read_volume(folder)
    assert np.array_equal(volume.voxels, pixels[np.argsort(heights)])
    assert volume.spacing == pytest.approx((2.5, 0.8, 0.5))
    assert np.allclose(volume.affine @ [0, 0, 0, 1], [-10, -20, -1, 1])
    assert (volume.modality, volume.orientation, volume.name) == ("CT", "LPS", "ct")
    assert volume.notes == ()


@pytest.mark.parametrize(
    "directions", [(0, 1, 0, 0, 0, -1), (-1, 0, 0, 0, -1, 0), (0.8, 0.6, 0, 0, 0, 1)]
)
def test_sagittal_flipped_and_oblique_slices_lie_where_they_say(tmp_path, write_series, directions):
    x, y = np.reshape(directions, (2, 3)).astype(float)
    normal = np.cross(x, y)
    positions = [np.array([5.0, 6, 7]) - 3.0 * k * normal for k in range(5)]
    pixels = planes()
    folder = write_series(tmp_path / "mr", pixels, positions, tags={DIRECTIONS: directions})
    volume = read_volume(folder)
    for k, row, column in [(0, 0, 0), (4, 2, 3), (2, 1, 0), (1, 0, 2)]:
        ((z_index, y_index, x_index),) = np.argwhere(volume.voxels == pixels[k, row, column])
        place = positions[k] + column * 0.5 * x + row * 0.8 * y
        found = volume.affine @ [x_index, y_index, z_index, 1]
        assert np.allclose(found[:3] * [-1, -1, 1], place, atol=1e-4)


def test_gantry_tilt_is_said_and_kept_as_shear(tmp_path, write_series):
    lean = np.radians(15)
    tilted = (1, 0, 0, 0, np.cos(lean), -np.sin(lean))
    positions = [(0.0, 0.0, 4.0 * k) for k in range(5)]
    folder = write_series(tmp_path / "ct", planes(), positions, tags={DIRECTIONS: tilted})
    volume = read_volume(folder)
    assert volume.notes == (
        "gantry tilt of 15.0 degrees: slices are shifted, the affine holds the shear",
    )
    for z in range(5):
        assert np.allclose(volume.affine @ [0, 0, z, 1], [0, 0, 4 * z, 1], atol=1e-6)
    assert np.allclose(volume.affine[:3, 1], [0, -0.8 * np.cos(lean), -0.8 * np.sin(lean)])
    again = read_volume(write_volume(volume, tmp_path / "a.nii"))
    assert np.allclose(again.affine, volume.affine, atol=1e-5)


@pytest.mark.parametrize("missing", [1, 3, 7])
def test_a_missing_slice_is_said_with_its_place(tmp_path, write_series, missing):
    heights = [3.0 * k for k in range(9) if k != missing]
    folder = write_series(tmp_path / "ct", planes(8), [(0.0, 0.0, z) for z in heights])
    with pytest.raises(InvalidVolume, match=f"slices {missing} and {missing + 1} of 8 are 6.00 mm"):
        read_volume(folder)


def test_a_little_unevenness_is_noted_and_rounding_is_not(tmp_path, write_series):
    uneven = write_series(tmp_path / "a", planes(), [(0.0, 0.0, z) for z in (0, 3, 6.15, 9, 12)])
    assert "0.15 mm off even" in read_volume(uneven).notes[0]
    rounded = write_series(
        tmp_path / "b", planes(), [(0.0, 0.0, z) for z in (0, 0.667, 1.333, 2, 2.667)]
    )
    assert read_volume(rounded).notes == ()


@pytest.mark.parametrize("tag", [POSITION, DIRECTIONS])
def test_slices_without_position_are_refused(tmp_path, write_series, tag):
    folder = write_series(tmp_path / "ct", planes(), tags={tag: None})
    with pytest.raises(InvalidVolume, match="where they lie"):
        read_volume(folder)


@pytest.mark.parametrize(
    ("dtype", "slope", "intercept", "expected"),
    [
        (np.uint16, 1, -1024, np.int16),
        (np.int16, 1, 0, np.int16),
        (np.uint16, 2, -1000, np.int16),
        (np.uint16, 0.25, -3.5, np.float32),
    ],
)
def test_slope_and_intercept_give_the_unit_of_the_scan(
    tmp_path, write_series, dtype, slope, intercept, expected
):
    pixels = planes(dtype=dtype)
    folder = write_series(tmp_path / "ct", pixels, tags={SLOPE: slope, INTERCEPT: intercept})
    volume = read_volume(folder)
    assert volume.voxels.dtype == expected
    assert np.array_equal(volume.voxels, pixels * float(slope) + intercept)


def test_each_slice_has_its_own_slope_as_in_pet(tmp_path, write_slice):
    pixels = planes(3)
    for k, slope in enumerate((1, 0.5, 2.25)):
        tags = {POSITION: (0.0, 0.0, 3.0 * k), SLOPE: slope, OBJECT: f"1.{k}", MODALITY: "PT"}
        write_slice(tmp_path / "pet" / f"{k}.dcm", pixels[k], tags)
    volume = read_volume(tmp_path / "pet")
    assert volume.modality == "PT"
    assert np.array_equal(volume.voxels, pixels * np.reshape([1, 0.5, 2.25], (3, 1, 1)))


def test_values_beyond_16_bits_stay_whole(tmp_path, write_series):
    pixels = np.full((2, 3, 4), 65535, np.uint16)
    volume = read_volume(write_series(tmp_path / "ct", pixels, tags={INTERCEPT: 10}))
    assert (volume.voxels == 65545).all()


def test_one_of_several_series_is_chosen(tmp_path, write_series):
    folder = tmp_path / "study"
    write_series(folder, planes(5), uid="1.2.10", tags={NUMBER: "7"})
    write_series(folder / "more", planes(3) + 500, uid="1.2.11", tags={NUMBER: "2", MODALITY: "MR"})
    choices = list_choices(folder)
    assert choices == (
        "1: MR, series 2, 3 slices of 4 x 3, 0.50 x 0.80 mm",
        "2: CT, series 7, 5 slices of 4 x 3, 0.50 x 0.80 mm",
    )
    with pytest.raises(ChoiceNeeded, match=r"none was named; .* a folder of its own") as caught:
        read_volume(folder)
    assert caught.value.choices == choices
    for series in ("1", choices[0], "1.2.11"):
        assert np.array_equal(read_volume(folder, series=series).voxels, planes(3) + 500)
    assert read_volume(folder, series="2").shape == (5, 3, 4)
    assert list_choices(folder, series="2") == ()
    with pytest.raises(ChoiceNeeded, match="none of them is '3'"):
        read_volume(folder, series="3")


def test_a_scout_in_the_same_series_is_a_choice_of_its_own(tmp_path, write_series, write_slice):
    folder = write_series(tmp_path / "ct", planes())
    write_slice(folder / "scout.dcm", planes(1)[0], {DIRECTIONS: (1, 0, 0, 0, 0, -1), OBJECT: "9"})
    counts = [choice.split(", ")[2].split()[0] for choice in list_choices(folder)]
    assert sorted(counts) == ["1", "5"]


def test_slices_at_one_place_are_frames(tmp_path, write_series):
    pixels = planes(6)
    positions = [(0.0, 0.0, 2.0 * (k % 3)) for k in range(6)]
    folder = write_series(tmp_path / "phases", pixels, positions)
    assert list_choices(folder) == ("frame 0 of 2", "frame 1 of 2")
    with pytest.raises(ChoiceNeeded, match="2 frames"):
        read_volume(folder)
    assert np.array_equal(read_volume(folder, frame=1).voxels, pixels[3:])
    assert read_volume(folder, frame=0).notes == ("frame 0 of 2",)


def test_a_frame_that_lacks_a_slice_is_refused(tmp_path, write_series):
    positions = [(0.0, 0.0, 2.0 * (k % 3)) for k in range(5)]
    folder = write_series(tmp_path / "phases", planes(5), positions)
    with pytest.raises(InvalidVolume, match="missing or doubled"):
        read_volume(folder)


def test_second_copies_of_a_slice_are_left_out(tmp_path, write_series):
    folder = write_series(tmp_path / "ct", planes())
    for file in sorted(folder.iterdir())[:2]:
        shutil.copy(file, file.with_name(f"copy of {file.name}"))
    volume = read_volume(folder)
    assert np.array_equal(volume.voxels, planes())
    assert volume.notes == ("left out: 2 second copies of slices",)


def test_one_file_is_one_slice(tmp_path, write_slice):
    path = write_slice(tmp_path / "a.dcm", planes(1)[0], {POSITION: (1.0, 2.0, 3.0)})
    volume = read_volume(path)
    assert volume.shape == (1, 3, 4)
    assert "one DICOM slice" in volume.notes[0]
    assert np.allclose(volume.affine[:3, 3], [-1, -2, 3])
    assert volume.spacing == pytest.approx((2.0, 0.8, 0.5))


@pytest.mark.parametrize("name", ["IM0001", "a.ima", "1.2.840.113", "a.DCM"])
def test_dicom_is_known_by_its_first_bytes(tmp_path, write_slice, name):
    path = write_slice(tmp_path / name, planes(1)[0])
    assert read_volume(path).shape == (1, 3, 4)
    assert read_volume(tmp_path).shape == (1, 3, 4)


def test_other_files_in_the_folder_do_no_harm(tmp_path, write_series, write_slice):
    folder = write_series(tmp_path / "ct", planes())
    (folder / "README.txt").write_text("notes")
    (folder / "LICENSE").write_text("notes")
    (folder / ".hidden.dcm").write_bytes(b"junk")
    (folder / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    report = {"0008|0016": "1.2.840.10008.5.1.4.1.1.88.11", "7fe0|0010": None, MODALITY: "SR"}
    report |= {"0028|0010": None, "0028|0011": None, OBJECT: "5"}
    write_slice(folder / "report.dcm", planes(1)[0], report)
    (folder / "report.dcm").rename(folder / "0.dcm")
    volume = read_volume(folder)
    assert np.array_equal(volume.voxels, planes())
    assert volume.notes == ("left out: 1 DICOM files that are no scan",)
    assert list_cases(folder) == {"ct": folder}


def test_colours_are_refused_alone_and_left_out_beside_a_scan(tmp_path, write_series, write_slice):
    colour = np.zeros((3, 4, 3), np.uint8)
    path = write_slice(tmp_path / "rgb" / "a.dcm", colour, {OBJECT: "4", SERIES: "1.9"})
    with pytest.raises(InvalidVolume, match="colours"):
        read_volume(path)
    folder = write_series(tmp_path / "ct", planes())
    shutil.copy(path, folder / "z.dcm")
    assert read_volume(folder).notes == ("left out: 1 series of colour pictures",)


@pytest.mark.parametrize("keep", [0, 0.25, 0.5, 0.9, 0.99])
def test_a_damaged_slice_is_named(tmp_path, write_series, keep, capfd):
    folder = write_series(tmp_path / "ct", planes(5, 30, 30))
    victim = sorted(folder.iterdir())[-1]
    victim.write_bytes(victim.read_bytes()[: int(victim.stat().st_size * keep)])
    with pytest.raises(UnreadableFile, match=f"{victim.name} is (a damaged DICOM|an empty) file"):
        read_volume(folder)
    assert capfd.readouterr() == ("", "")


def test_folders_without_a_scan_say_what_they_hold(tmp_path, write_slice):
    with pytest.raises(UnreadableFile, match="no DICOM file"):
        read_volume(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UnreadableFile, match="no DICOM file"):
        list_choices(tmp_path)
    write_slice(
        tmp_path / "a.dcm",
        planes(1)[0],
        {"0008|0016": "1.2.840.10008.5.1.4.1.1.88.11", "7fe0|0010": None, "0028|0010": None},
    )
    for ask in (read_volume, list_cases):
        with pytest.raises(UnreadableFile, match="1 DICOM files, none of them a scan"):
            ask(tmp_path)


def test_a_multi_frame_file_is_read_as_a_stack(tmp_path, write_slice):
    pixels = planes(5)
    path = write_slice(
        tmp_path / "a.dcm", pixels.reshape(15, 4), {"0028|0008": "5", "0028|0010": 3}
    )
    volume = read_volume(path)
    assert np.array_equal(volume.voxels, pixels)
    assert "multi-frame" in volume.notes[0]


IDENTITY = {NAME: "Doe^Jane", PATIENT: "4711815", BIRTH: "19700102", DESCRIPTION: "Doe thorax"}


@pytest.mark.parametrize("folder_name", ["DOE_JANE", "ct 4711815", "jane", "DoeJane01"])
def test_nothing_of_the_patient_leaves_the_files(tmp_path, write_series, folder_name):
    folder = write_series(
        tmp_path / folder_name, planes(), tags=IDENTITY | {NUMBER: IDENTITY[PATIENT]}
    )
    write_series(folder, planes(), uid="1.2.12", tags=IDENTITY)
    volume = read_volume(folder, series="1")
    assert volume.name == "dicom"
    assert list(list_cases(folder)) == ["dicom"]
    seen = " ".join((volume.name, *volume.notes, *list_choices(folder))).lower()
    for ending in (".nii", ".nrrd", ".mha"):
        seen += (
            write_volume(volume, tmp_path / f"out{ending}").read_bytes().decode("latin1").lower()
        )
    for secret in ("doe", "jane", "4711815", "19700102", "thorax"):
        assert secret not in seen


def test_a_harmless_folder_name_is_the_name(tmp_path, write_series):
    folder = write_series(tmp_path / "chest-a", planes(), tags=IDENTITY)
    assert read_volume(folder).name == "chest-a"
    assert list_cases(folder) == {"chest-a": folder}
