"""A training reads the images that the comparison was given, in whatever files they lie."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from tests.io.conftest import dicom_bytes

from napari_toposeg.comparison.cases import gather, linked_images
from napari_toposeg.config import CompareConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io import list_cases, read_volume, write_volume

from .conftest import EDGE

Make = Callable[..., CompareConfig]

HEADER = {
    "mhd": "ObjectType = Image\nNDims = 3\nDimSize = {edge} {edge} {edge}\n"
    "ElementType = MET_UCHAR\nElementDataFile = {data}\n",
    "nhdr": "NRRD0004\ntype: uint8\ndimension: 3\nsizes: {edge} {edge} {edge}\nencoding: raw\n"
    "data file: {data}\n",
}


def linked(config: CompareConfig, parent: Path) -> Path:
    return linked_images(gather(config), parent)


def write_apart(folder: Path, name: str, ending: str, data: str, files: list[str]) -> None:
    """Write a volume of one value as a header and files that hold equal parts of its voxels."""
    folder.mkdir(exist_ok=True)
    header = HEADER[ending].format(edge=EDGE, data=data)
    (folder / f"{name}.{ending}").write_text(header, encoding="utf-8")
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(bytes([ord(name)]) * (EDGE**3 // len(files)))


def test_images_of_another_folder_take_the_place_of_the_first_ones(
    settings: Make, scans: Path, tmp_path: Path
) -> None:
    linked(settings(), tmp_path)
    others = tmp_path / "others"
    for path in (scans / "images").iterdir():
        image = read_volume(path)
        write_volume(image.with_voxels(image.voxels * 0 + 7), others / path.name)
    folder = linked(settings(images=others), tmp_path)
    for path in list_cases(folder).values():
        assert np.unique(read_volume(path).voxels).tolist() == [7]
    # The same cases in files of another kind do not lie beside those from before.
    for path in others.iterdir():
        write_volume(read_volume(path), tmp_path / "third" / path.name.replace(".nii.gz", ".mha"))
    folder = linked(settings(images=tmp_path / "third"), tmp_path)
    assert {path.name for path in folder.iterdir()} == {f"{name}.mha" for name in "abcd"}


def test_an_image_that_is_a_link_keeps_its_own_name(
    settings: Make, scans: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for path in (scans / "images").iterdir():
        store = tmp_path / "store" / path.name.partition(".")[0]
        store.mkdir(parents=True)
        shutil.copy(path, store / "ct.nii.gz")
        (images / path.name).symlink_to(store / "ct.nii.gz")
    found = list_cases(linked(settings(images=images), tmp_path))
    assert list(found) == list("abcd")
    for name, path in found.items():
        assert path.read_bytes() == (scans / "images" / f"{name}.nii.gz").read_bytes()


def test_folders_of_patients_keep_their_numbers(settings: Make, tmp_path: Path) -> None:
    """Of six that are numbered alike, four are linked: each must stay the case that it was."""
    images, labels = tmp_path / "images", tmp_path / "labels"
    for number in range(6):
        folder = images / f"Doe-{number}"
        folder.mkdir(parents=True)
        voxels = np.full((EDGE, EDGE), number, np.int16)
        (folder / "a.dcm").write_bytes(dicom_bytes(voxels, {"0010|0010": "Doe^Jane"}))
    names = list(list_cases(images))
    assert names == ["dicom", *(f"dicom-{number}" for number in range(2, 7))]
    parts = {"test": names[:2], "pool": names[2:5], "validation": names[5:]}
    for name in names:
        truth = read_volume(list_cases(images)[name])
        write_volume(truth.with_voxels(truth.voxels % 2), labels / f"{name}.nii.gz")
    for part, held in parts.items():
        (tmp_path / f"{part}.txt").write_text("\n".join(held))
    lists = {part: tmp_path / f"{part}.txt" for part in parts}
    found = list_cases(linked(settings(images=images, labels=labels, **lists), tmp_path))
    assert {name: int(read_volume(place).voxels.max()) for name, place in found.items()} == {
        name: names.index(name) for name in names[2:]
    }


@pytest.mark.parametrize("ending", HEADER)
@pytest.mark.parametrize(
    ("data", "files"),
    [
        ("{name} all.raw", ["{name} all.raw"]),
        ("raw/{name}.raw", ["raw/{name}.raw"]),
        ("LIST\n{parts}", [f"{{name}}{number}.raw" for number in range(EDGE)]),
        (f"{{name}}%02d.raw 1 {EDGE} 1", [f"{{name}}{n:02}.raw" for n in range(1, EDGE + 1)]),
    ],
)
def test_voxels_beside_their_header_are_linked_too(
    settings: Make, tmp_path: Path, ending: str, data: str, files: list[str]
) -> None:
    images = tmp_path / "images"
    for name in "abcdef":
        own = [file.format(name=name) for file in files]
        write_apart(images, name, ending, data.format(name=name, parts="\n".join(own)), own)
    found = list_cases(linked(settings(images=images), tmp_path / "out"))
    assert list(found) == list("abcd")
    for name, path in found.items():
        image = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        assert image.size == EDGE**3 and np.unique(image).tolist() == [ord(name)]


def test_voxels_in_another_folder_than_their_header_are_refused(
    settings: Make, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    for name in "abcdef":
        write_apart(images, name, "mhd", f"../raw/{name}.raw", [f"../raw/{name}.raw"])
    with pytest.raises(InvalidConfig, match="lay the two side by side"):
        linked(settings(images=images), tmp_path / "out")


def test_images_are_copied_where_there_are_no_links(
    settings: Make, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("a privilege is not held")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    folder = linked(settings(), tmp_path)
    before = {path: path.stat().st_ino for path in folder.iterdir()}
    assert linked(settings(), tmp_path) == folder
    assert before == {path: path.stat().st_ino for path in folder.iterdir()}
    assert [path.name for path in sorted(before)] == [f"{name}.nii.gz" for name in "abcd"]
    others = tmp_path / "others"
    shutil.copytree(scans / "images", others)
    shutil.copy(others / "b.nii.gz", others / "a.nii.gz")
    linked(settings(images=others), tmp_path)
    assert (folder / "a.nii.gz").read_bytes() == (others / "b.nii.gz").read_bytes()


def test_data_is_told_by_what_all_its_files_hold(settings: Make, tmp_path: Path) -> None:
    images = tmp_path / "images"
    for name in "abcdef":
        write_apart(images, name, "mhd", f"{name}.raw", [f"{name}.raw"])
    config = settings(images=images)
    before = [gather(config).fingerprint([name], labelled=True) for name in "abcdef"]
    (images / "e.raw").write_bytes(bytes(EDGE**3))
    after = [gather(config).fingerprint([name], labelled=True) for name in "abcdef"]
    assert [old == new for old, new in zip(before, after, strict=True)] == [
        name != "e" for name in "abcdef"
    ]
