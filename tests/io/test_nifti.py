"""NIfTI and MGH: values are the file's own, and what is wrong is said."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from napari_toposeg.errors import ChoiceNeeded, InvalidVolume, UnreadableFile
from napari_toposeg.io import list_choices, read_volume, write_volume
from napari_toposeg.io.nifti import rescale

LPS = np.diag([-1.0, -2.0, 3.0, 1.0])


def save(path, stored, affine=LPS, **header):
    image = nib.Nifti1Image(stored, affine, dtype=stored.dtype)
    for key, value in header.items():
        image.header[key] = value
    nib.save(image, path)
    return path


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("number", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_every_number_type_keeps_its_extremes(tmp_path, number, order):
    dtype = np.dtype(order + number)
    limits = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    stored = np.array([limits.min, limits.max, 0, 1, 2, 3], dtype).reshape(1, 2, 3)
    header = nib.Nifti1Header(endianness=order)
    image = nib.Nifti1Image(stored, LPS, header, dtype=dtype)
    nib.save(image, tmp_path / "a.nii")
    volume = read_volume(tmp_path / "a.nii")
    assert volume.voxels.dtype == dtype.newbyteorder("=")
    assert volume.voxels.dtype.isnative
    assert np.array_equal(volume.voxels, stored.T)
    again = read_volume(write_volume(volume, tmp_path / "b.nii.gz"))
    assert np.array_equal(again.voxels, stored.T)


@pytest.mark.parametrize(
    ("dtype", "slope", "intercept", "expected"),
    [
        (np.uint16, 1.0, -1024.0, np.int16),
        (np.uint16, 1.0, -32768.0, np.int32),
        (np.uint8, 1.0, 0.0, np.uint8),
        (np.uint8, 400.0, 0.0, np.int32),
        (np.int16, 0.5, 0.0, np.float32),
        (np.int32, 0.1, 3.0, np.float64),
        (np.float32, 2.0, 1.0, np.float32),
    ],
)
def test_slope_and_intercept_are_applied_in_the_narrowest_type(dtype, slope, intercept, expected):
    stored = np.array([[[0, 255, 40, 130]]]).astype(dtype)
    if intercept == -32768.0:
        stored[0, 0, 0] = 65535
        stored[0, 0, 1] = 0
        intercept = -32769.0
    result = rescale(stored, slope, intercept)
    assert result.dtype == expected
    assert np.allclose(result, stored.astype(float) * slope + intercept, rtol=1e-6)


def test_scaled_file_reads_as_nibabel_reads_it(tmp_path):
    image = nib.Nifti1Image(np.arange(24, dtype=np.uint16).reshape(2, 3, 4), LPS)
    image.header.set_slope_inter(1, 0)
    nib.save(image, tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[112:120] = np.array([0.25, -7.5], "<f4").tobytes()
    (tmp_path / "a.nii").write_bytes(bytes(raw))
    expected = nib.load(tmp_path / "a.nii").get_fdata().T
    assert expected.max() == 23 * 0.25 - 7.5
    assert np.array_equal(read_volume(tmp_path / "a.nii").voxels, expected)


def test_frames_are_chosen_by_number_never_guessed(tmp_path):
    stored = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)
    path = save(tmp_path / "a.nii.gz", stored)
    assert list_choices(path) == tuple(f"frame {k} of 5" for k in range(5))
    with pytest.raises(ChoiceNeeded, match="frame=0 to frame=4, or save the one") as caught:
        read_volume(path)
    assert len(caught.value.choices) == 5
    for frame in range(5):
        volume = read_volume(path, frame=frame)
        assert np.array_equal(volume.voxels, stored[..., frame].T)
        assert volume.notes == (f"frame {frame} of 5",)
    with pytest.raises(InvalidVolume, match="no frame 5"):
        read_volume(path, frame=5)
    with pytest.raises(InvalidVolume, match="no frame -1"):
        read_volume(path, frame=-1)


def test_fifth_axis_counts_on_through_the_frames(tmp_path):
    stored = np.arange(2 * 3 * 4 * 2 * 3, dtype=np.int16).reshape(2, 3, 4, 2, 3)
    path = save(tmp_path / "a.nii", stored)
    assert len(list_choices(path)) == 6
    assert np.array_equal(read_volume(path, frame=3).voxels, stored[..., 1, 1].T)


def test_a_single_frame_needs_no_choice(tmp_path):
    path = save(tmp_path / "a.nii", np.zeros((2, 3, 4, 1), np.int16))
    assert list_choices(path) == ()
    assert read_volume(path).shape == (4, 3, 2)


def test_a_plane_is_a_volume_of_one_slice(tmp_path):
    assert read_volume(save(tmp_path / "a.nii", np.zeros((2, 3), np.int16))).shape == (1, 3, 2)


def test_colours_are_refused(tmp_path):
    colour = np.zeros((2, 3, 4), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    with pytest.raises(InvalidVolume, match="colours"):
        read_volume(save(tmp_path / "a.nii", colour))


def test_complex_numbers_are_refused(tmp_path):
    with pytest.raises(InvalidVolume, match="complex"):
        read_volume(save(tmp_path / "a.nii", np.zeros((2, 3, 4), np.complex64)))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_counted_or_replaced(tmp_path, wrong):
    stored = np.ones((2, 3, 4), np.float32)
    stored[0, 0, :2] = wrong
    path = save(tmp_path / "a.nii", stored)
    with pytest.raises(InvalidVolume, match="2 of 24 voxels"):
        read_volume(path)
    volume = read_volume(path, nan=-1024)
    assert (volume.voxels == -1024).sum() == 2
    assert volume.voxels.dtype == np.float32
    assert "replaced by -1024" in volume.notes[0]


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".mgz", ".mgh"])
@pytest.mark.parametrize("keep", [0.001, 0.01, 0.4, 0.98])
def test_truncated_files_are_said_to_be(tmp_path, ending, keep):
    voxels = np.random.default_rng(0).integers(0, 1000, (20, 20, 20)).astype(np.int16)
    image = nib.Nifti1Image(voxels, LPS)
    path = tmp_path / f"a{ending}"
    nib.save(image if "nii" in ending else nib.MGHImage(voxels, LPS), path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(UnreadableFile, match="again"):
        read_volume(path)


@pytest.mark.parametrize("content", [b"", b"no header", b"\0" * 5000, gzip.compress(b"x" * 999)])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".mgz", ".mgh", ".img", ".hdr"])
def test_files_that_are_something_else_are_refused(tmp_path, ending, content):
    path = tmp_path / f"a{ending}"
    path.write_bytes(content)
    with pytest.raises((UnreadableFile, InvalidVolume), match=r"a\.|header"):
        read_volume(path)


def test_damaged_headers_end_in_one_of_our_errors_and_in_silence(tmp_path, capfd):
    save(tmp_path / "a.nii", np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    whole = (tmp_path / "a.nii").read_bytes()
    generator = np.random.default_rng(7)
    outcomes = set()
    for _ in range(150):
        raw = bytearray(whole)
        for place in generator.integers(0, 352, 6):
            raw[place] = generator.integers(0, 256)
        (tmp_path / "b.nii").write_bytes(bytes(raw))
        try:
            outcomes.add(read_volume(tmp_path / "b.nii", frame=0).shape and "read")
        except (UnreadableFile, InvalidVolume) as error:
            outcomes.add(type(error).__name__)
    assert {"read", "UnreadableFile"} <= outcomes
    assert capfd.readouterr() == ("", "")


def test_an_affine_without_volume_is_refused(tmp_path):
    path = save(tmp_path / "a.nii", np.zeros((2, 3, 4), np.int16))
    raw = bytearray(path.read_bytes())
    raw[280:328] = bytes(48)
    path.write_bytes(bytes(raw))
    with pytest.raises(InvalidVolume, match="affine"):
        read_volume(path)


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1e3), ("micron", 1e-3), ("mm", 1.0)])
def test_lengths_are_millimetres_whatever_the_unit(tmp_path, unit, factor):
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.int16), LPS)
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "a.nii")
    volume = read_volume(tmp_path / "a.nii")
    assert np.allclose(volume.spacing, np.array([3, 2, 1]) * factor)
    assert bool(volume.notes) == (unit != "mm")


def test_headers_that_leave_the_orientation_open_are_noted(tmp_path):
    path = save(tmp_path / "a.nii", np.zeros((2, 3, 4), np.int16))
    assert read_volume(path).notes == ()
    image = nib.load(path)
    image.set_sform(None, code=0)
    image.set_qform(None, code=0)
    nib.save(image, tmp_path / "b.nii")
    assert "mirrored" in read_volume(tmp_path / "b.nii").notes[0]


def test_sform_and_qform_that_differ_are_noted_and_the_sform_wins(tmp_path):
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.int16), LPS)
    other = LPS.copy()
    other[0, 3] = 50
    image.set_qform(other, code=1)
    nib.save(image, tmp_path / "a.nii")
    volume = read_volume(tmp_path / "a.nii")
    assert "sform is used" in volume.notes[0]
    assert volume.affine[0, 3] == 0 - 0


@pytest.mark.parametrize("ending", [".mgh", ".mgz"])
@pytest.mark.parametrize("number", ["u1", "i2", "i4", "f4"])
def test_mgh_keeps_values_and_affine(tmp_path, ending, number):
    stored = np.arange(24).reshape(2, 3, 4).astype(number)
    affine = np.array([[0, 0, -1.5, 9], [2, 0, 0, 8], [0, -1, 0, 7], [0, 0, 0, 1.0]])
    nib.save(nib.MGHImage(stored, affine), tmp_path / f"a{ending}")
    volume = read_volume(tmp_path / f"a{ending}")
    assert volume.orientation == "AIL"
    again = nib.load(write_volume(volume, tmp_path / "b.nii"))
    assert np.array_equal(np.asarray(again.dataobj), stored)
    assert np.allclose(again.affine, affine, atol=1e-4)


def test_mgh_frames_are_chosen(tmp_path):
    stored = np.arange(48, dtype=np.float32).reshape(2, 3, 4, 2)
    nib.save(nib.MGHImage(stored, LPS), tmp_path / "a.mgz")
    assert np.array_equal(read_volume(tmp_path / "a.mgz", frame=1).voxels, stored[..., 1].T)


def test_texts_of_a_header_are_not_handed_on(tmp_path):
    path = save(
        tmp_path / "a.nii",
        np.zeros((2, 3, 4), np.int16),
        descrip=b"Doe^Jane", aux_file=b"Doe^Jane", db_name=b"Doe^Jane", intent_name=b"Doe^Jane",
    )  # fmt: skip
    volume = read_volume(path)
    assert "Doe" not in repr((volume.name, volume.notes))
    for ending in (".nii", ".nrrd", ".mha"):
        assert b"Doe" not in write_volume(volume, tmp_path / f"b{ending}").read_bytes()


def test_capital_endings_and_dots_in_names(tmp_path):
    path = save(tmp_path / "Scan.v2.nii.gz", np.zeros((2, 3, 4), np.int16))
    assert read_volume(path).name == "Scan.v2"
    shouted = path.rename(tmp_path / "SCAN.NII.GZ")
    assert read_volume(shouted).name == "SCAN"


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".mgh", ".mgz"])
def test_a_header_that_claims_terabytes_asks_for_no_memory(tmp_path, ending):
    voxels = np.zeros((3, 4, 5), np.int16)
    path = tmp_path / f"a{ending}"
    nib.save((nib.Nifti1Image if "nii" in ending else nib.MGHImage)(voxels, LPS), path)
    opener = gzip.open if ending in (".nii.gz", ".mgz") else open
    with opener(path, "rb") as file:
        raw = bytearray(file.read())
    if "nii" in ending:
        raw[40:50] = np.array([4, 30000, 30000, 30000, 100], "<i2").tobytes()
    else:
        raw[4:20] = np.array([30000, 30000, 30000, 100], ">i4").tobytes()
    with opener(path, "wb") as file:
        file.write(raw)
    for ask in (read_volume, list_choices):
        with pytest.raises(UnreadableFile, match="bytes of voxels"):
            ask(path)


def test_a_repaired_header_is_noted_and_not_printed(tmp_path, capfd, caplog):
    path = save(tmp_path / "a.nii", np.zeros((2, 3, 4), np.int16))
    raw = bytearray(path.read_bytes())
    raw[0:4] = np.array([340], "<i4").tobytes()
    path.write_bytes(bytes(raw))
    assert read_volume(path).notes == (
        "faulty header: sizeof_hdr should be 348; set sizeof_hdr to 348",
    )
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
