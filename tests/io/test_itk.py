"""NRRD and MetaImage: spaces, frames, colours, damage."""

import gzip

import numpy as np
import pytest
import SimpleITK as sitk

from napari_toposeg.errors import ChoiceNeeded, InvalidVolume, UnreadableFile
from napari_toposeg.io import list_choices, read_volume, write_volume
from napari_toposeg.volume import Volume


def nrrd(path, stored, fields, encoding="raw"):
    """Write an NRRD by hand: ``stored`` is in file order, first axis fastest."""
    kinds = {"i2": "int16", "u1": "uint8", "f4": "float", "u2": "uint16"}
    data = np.asarray(stored).tobytes(order="F")
    lines = [
        "NRRD0005",
        f"type: {kinds[np.asarray(stored).dtype.str[1:]]}",
        f"dimension: {np.ndim(stored)}",
        f"sizes: {' '.join(map(str, np.shape(stored)))}",
        "endian: little",
        f"encoding: {encoding}",
        *fields,
    ]
    body = gzip.compress(data) if encoding == "gzip" else data
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + body)
    return path


LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
STORED = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
DIRECTIONS = "space directions: (0,2,0) (3,0,0) (0,0,-4)"
ORIGIN = "space origin: (10,20,30)"


@pytest.mark.parametrize(
    ("space", "to_ras"),
    [
        ("left-posterior-superior", (-1, -1, 1)),
        ("right-anterior-superior", (1, 1, 1)),
        ("left-anterior-superior", (-1, 1, 1)),
        ("LPS", (-1, -1, 1)),
        ("RAS", (1, 1, 1)),
    ],
)
def test_every_patient_space_gives_the_same_millimetres(tmp_path, space, to_ras):
    volume = read_volume(nrrd(tmp_path / "a.nrrd", STORED, [f"space: {space}", DIRECTIONS, ORIGIN]))
    assert volume.notes == ()
    for i, j, k in [(0, 0, 0), (1, 2, 3), (1, 0, 2)]:
        (z,), (y,), (x,) = np.nonzero(volume.voxels == STORED[i, j, k])
        file_place = np.array([10 + 3 * j, 20 + 2 * i, 30 - 4 * k])
        assert np.allclose((volume.affine @ [x, y, z, 1])[:3], file_place * to_ras)


@pytest.mark.parametrize(
    "fields", [["spacings: 1 2 3"], ["space dimension: 3", DIRECTIONS, ORIGIN]]
)
def test_a_header_without_patient_space_is_noted(tmp_path, fields, capfd):
    volume = read_volume(nrrd(tmp_path / "a.nrrd", STORED, fields))
    assert "assumed" in volume.notes[0]
    assert capfd.readouterr() == ("", "")


def test_unknown_space_is_noted_and_silent(tmp_path, capfd):
    volume = read_volume(
        nrrd(tmp_path / "a.nrrd", STORED, ["space: scanner-xyz", DIRECTIONS, ORIGIN])
    )
    assert "assumed" in volume.notes[0]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("last", [True, False])
def test_frames_of_a_sequence_are_chosen(tmp_path, last):
    frames = np.stack([STORED, STORED + 100], axis=3 if last else 0)
    names = ["domain"] * 3
    names.insert(3 if last else 0, "list")
    directions = ["(1,0,0)", "(0,1,0)", "(0,0,2)"]
    directions.insert(3 if last else 0, "none")
    path = nrrd(
        tmp_path / "a.nrrd",
        frames,
        [
            "space: left-posterior-superior",
            f"kinds: {' '.join(names)}",
            f"space directions: {' '.join(directions)}",
            "space origin: (0,0,5)",
        ],
    )
    assert len(list_choices(path)) == 2
    with pytest.raises(ChoiceNeeded, match="2 frames"):
        read_volume(path)
    volume = read_volume(path, frame=1)
    assert np.array_equal(volume.voxels, (STORED + 100).T)
    assert volume.spacing == (2, 1, 1)
    assert volume.affine[2, 3] == 5
    assert "frame 1 of 2" in volume.notes


def test_colours_are_refused(tmp_path):
    colour = np.zeros((3, 2, 3, 4), np.uint8)
    fields = ["kinds: RGB-color domain domain domain", "spacings: nan 1 1 1"]
    with pytest.raises(InvalidVolume, match="colours"):
        read_volume(nrrd(tmp_path / "a.nrrd", colour, fields))
    sitk.WriteImage(
        sitk.GetImageFromArray(np.zeros((4, 3, 2, 3), np.uint8), isVector=True),
        str(tmp_path / "a.mha"),
    )
    with pytest.raises(InvalidVolume, match="colours"):
        read_volume(tmp_path / "a.mha")


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
@pytest.mark.parametrize("keep", [0.02, 0.1, 0.6, 0.97])
def test_truncated_nrrd_is_said_to_be(tmp_path, keep, encoding, capfd):
    voxels = np.random.default_rng(0).integers(0, 999, (16, 16, 16)).astype(np.int16)
    path = nrrd(tmp_path / "a.nrrd", voxels, ["spacings: 1 1 1"], encoding)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(UnreadableFile, match="again"):
        read_volume(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("keep", [0.02, 0.6, 0.97])
def test_truncated_metaimage_is_said_to_be(tmp_path, keep, compressed, capfd):
    voxels = np.random.default_rng(0).integers(0, 999, (16, 16, 16)).astype(np.int16)
    path = tmp_path / "a.mha"
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path), useCompression=compressed)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(UnreadableFile, match="again"):
        read_volume(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("ending", [".nrrd", ".nhdr", ".mha", ".mhd"])
@pytest.mark.parametrize("content", [b"", b"no header", b"\0" * 5000])
def test_files_that_are_something_else_are_refused(tmp_path, ending, content, capfd):
    path = tmp_path / f"a{ending}"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile):
        read_volume(path)
    assert capfd.readouterr() == ("", "")


def test_header_and_voxels_in_two_files(tmp_path):
    image = sitk.GetImageFromArray(STORED.T.copy())
    for ending in (".mhd", ".nhdr"):
        sitk.WriteImage(image, str(tmp_path / f"a{ending}"))
        assert np.array_equal(read_volume(tmp_path / f"a{ending}").voxels, STORED.T)


def test_missing_voxel_file_is_an_error(tmp_path, capfd):
    sitk.WriteImage(sitk.GetImageFromArray(STORED.T.copy()), str(tmp_path / "a.mhd"))
    (tmp_path / "a.raw").unlink()
    with pytest.raises(UnreadableFile):
        read_volume(tmp_path / "a.mhd")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
@pytest.mark.parametrize("number", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_every_number_type_keeps_its_extremes(tmp_path, number, ending):
    dtype = np.dtype(number)
    limits = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    voxels = np.array([limits.min, limits.max, 0, 1, 2, 3], dtype).reshape(1, 2, 3)
    again = read_volume(write_volume(Volume(voxels, LPS), tmp_path / f"a{ending}"))
    assert again.voxels.dtype == dtype
    assert np.array_equal(again.voxels, voxels)


def test_fields_of_a_header_are_not_handed_on(tmp_path):
    path = nrrd(
        tmp_path / "a.nrrd", STORED, ["content: Doe^Jane", "spacings: 1 1 1", "name:=Doe^Jane"]
    )
    volume = read_volume(path)
    assert "Doe" not in repr((volume.name, volume.notes))
    for ending in (".nii", ".nrrd", ".mha"):
        assert b"Doe" not in write_volume(volume, tmp_path / f"b{ending}").read_bytes()


def test_a_header_that_claims_terabytes_asks_for_no_memory(tmp_path):
    fields = ["spacings: 1 1 1"]
    for encoding in ("raw", "gzip"):
        path = nrrd(tmp_path / "a.nrrd", STORED, fields, encoding)
        path.write_bytes(path.read_bytes().replace(b"sizes: 2 3 4", b"sizes: 30000 30000 30000"))
        with pytest.raises(UnreadableFile, match="bytes of voxels"):
            read_volume(path)
    text = nrrd(tmp_path / "b.nrrd", STORED, fields, "ascii").read_bytes()
    numbers = " ".join(map(str, STORED.ravel(order="F"))).encode()
    (tmp_path / "b.nrrd").write_bytes(text.partition(b"\n\n")[0] + b"\n\n" + numbers)
    assert np.array_equal(read_volume(tmp_path / "b.nrrd").voxels, STORED.T)
