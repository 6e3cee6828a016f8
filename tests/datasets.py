"""Small datasets in the folders that the public ones are distributed in."""

import json
from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np

SHAPE = (20, 20, 20)


def write_image(path: Path, seed: int, *, channels: int = 1, ct: bool = True) -> None:
    """Write an image with a bright cube, or one with the cube brighter in each further channel."""
    voxels = np.random.default_rng(seed).normal(0, 20, SHAPE) - (400 if ct else -400)
    whole = np.repeat(voxels[..., None], channels, axis=3)
    for channel in range(channels):
        whole[6:14, 6:14, 6:14, channel] += 100 * (channel + 1)
    whole[:2] = -1000 if ct else 0
    write(path, (whole if channels > 1 else whole[..., 0]).astype(np.int16))


def write_labels(path: Path, classes: int) -> None:
    """Write labels of the cube, cut into so many classes."""
    labels = np.zeros(SHAPE, np.uint8)
    for number, part in enumerate(np.array_split(np.arange(6, 14), classes), start=1):
        labels[part, 6:14, 6:14] = number
    write(path, labels)


def write(path: Path, voxels: np.ndarray) -> None:
    """Write a file of voxels of 2 mm."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(voxels, np.diag([2.0, 2.0, 2.0, 1.0])), path)


def make_btcv(root: Path, numbers: Sequence[int] = (1, 2), tests: Sequence[int] = (61,)) -> Path:
    """The abdomen challenge as its zip file unpacks."""
    raw = root / "Abdomen" / "RawData"
    for number in numbers:
        write_image(raw / f"Training/img/img{number:04d}.nii.gz", number)
        write_labels(raw / f"Training/label/label{number:04d}.nii.gz", 3)
    for number in tests:
        write_image(raw / f"Testing/img/img{number:04d}.nii.gz", number)
    return root


def make_acdc(root: Path, patients: Sequence[tuple[str, int, int]]) -> Path:
    """ACDC; of each patient the name and the frames at end-diastole and end-systole."""
    for name, diastole, systole in patients:
        folder = root / "database" / "training" / name
        for frame in (diastole, systole):
            write_image(folder / f"{name}_frame{frame:02d}.nii.gz", frame, ct=False)
            write_labels(folder / f"{name}_frame{frame:02d}_gt.nii.gz", 3)
        write_image(folder / f"{name}_4d.nii.gz", 0, channels=2, ct=False)
        (folder / "Info.cfg").write_text(
            f"ED: {diastole}\nES: {systole}\nGroup: DCM\nHeight: 184.0\nNbFrame: 30\nWeight: 95.0\n"
        )
    (root / "database" / "testing").mkdir()
    return root


def make_decathlon(
    root: Path,
    stem: str,
    *,
    modality: dict[str, str],
    labels: dict[str, str],
    tests: Sequence[str] = ("009",),
) -> Path:
    """A task of the Medical Segmentation Decathlon, with the files that macOS left in it."""
    channels, ct = len(modality), "CT" in modality.values()
    for seed, number in enumerate(("001", "002", *tests)):
        part = "imagesTs" if number in tests else "imagesTr"
        write_image(root / part / f"{stem}_{number}.nii.gz", seed, channels=channels, ct=ct)
        (root / part / f"._{stem}_{number}.nii.gz").write_bytes(b"\0\5\x16\7")
        if number not in tests:
            write_labels(root / "labelsTr" / f"{stem}_{number}.nii.gz", len(labels) - 1)
    describe(root, modality=modality, labels=labels, tensorImageSize="4D" if channels > 1 else "3D")
    return root


def make_synapse(root: Path, numbers: Sequence[int] = (1, 2, 5, 6)) -> Path:
    """Synapse as nnFormer and UNETR++ keep it, whose test images are some of the others again."""
    for number in numbers:
        write_image(root / f"imagesTr/img{number:04d}.nii.gz", number)
        write_labels(root / f"labelsTr/label{number:04d}.nii.gz", 3)
    write_image(root / f"imagesTs/img{numbers[0]:04d}.nii.gz", numbers[0])
    names = {"0": "background", "10": "vein", "2": "kidney", "1": "spleen"}
    describe(root, modality={"0": "CT"}, labels=names)
    return root


def make_nnunet(root: Path, channels: Sequence[str] = ("CT",)) -> Path:
    """nnU-Net's raw data, a file for each channel."""
    for seed, name in enumerate(("FLARE_Tr_0001", "FLARE_Tr_0002")):
        for number, _ in enumerate(channels):
            write_image(root / f"imagesTr/{name}_{number:04d}.nii.gz", 10 * number + seed)
        write_labels(root / f"labelsTr/{name}.nii.gz", 2)
    named = {str(number): name for number, name in enumerate(channels)}
    describe(root, channel_names=named, labels={"background": 0, "liver": 1, "kidney": 2})
    return root


def make_nnssl(root: Path) -> Path:
    """Images that nnSSL lists, by each way in which it writes their paths."""
    root.mkdir(parents=True)
    ways = {"ses-1": "$nnssl_raw/" + root.name, "ses-2": "."}
    sessions = {}
    for seed, (session, start) in enumerate(ways.items()):
        write_image(root / f"sub-01/{session}/T1w.nii.gz", seed, ct=False)
        image = {"name": "T1w.nii.gz", "image_path": f"{start}/sub-01/{session}/T1w.nii.gz"}
        sessions[session] = {"session_id": session, "images": [{**image, "modality": "T1w"}]}
    subjects = {"sub-01": {"subject_id": "sub-01", "sessions": sessions}}
    datasets = {"ds000001": {"dataset_index": "ds000001", "subjects": subjects}}
    collection = {"collection_index": 745, "collection_name": root.name, "datasets": datasets}
    (root / "pretrain_data.json").write_text(json.dumps(collection))
    return root


def describe(root: Path, **said: object) -> None:
    """Write what a dataset says of itself."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset.json").write_text(json.dumps({"name": root.name, **said}))
