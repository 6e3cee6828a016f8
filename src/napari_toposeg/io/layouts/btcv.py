"""BTCV: the abdomen challenge "Beyond the Cranial Vault", 13 organs in CT.

As synapse.org has it (syn3193805): ``Abdomen/RawData/Training/img/img0001.nii.gz`` beside
``Training/label/label0001.nii.gz``, and ``Testing/img`` without labels.
"""

from pathlib import Path

from napari_toposeg.io.layouts.dataset import (
    ABDOMEN,
    CaseFiles,
    Dataset,
    files_of,
    joined,
    require_all,
)

PLACES = ("", "RawData", "Abdomen/RawData")
"""Where under its root the dataset may lie, as it was unpacked."""

LAYOUT = "BTCV"
EXPECTED = "[Abdomen/RawData/]Training/img/img0001.nii.gz and Training/label/label0001.nii.gz"


def read_btcv(root: Path) -> Dataset | None:
    """List the cases, if a folder has this layout.

    Raises
    ------
    UnreadableFile
        If images or labels are missing.
    """
    for place in (root / part for part in PLACES):
        images, labels = files_of(place / "Training/img"), files_of(place / "Training/label")
        if images or labels:
            wanted = {name: name.replace("img", "label", 1) for name in images}
            lacking = [label for label in wanted.values() if label not in labels]
            require_all(LAYOUT, place, lacking, len(images), "their labels in Training/label")
            lacking = sorted(labels.keys() - set(wanted.values()))
            require_all(LAYOUT, place, lacking, len(labels), "their images in Training/img")
            labelled = [
                CaseFiles(name, (path,), labels[wanted[name]], modality="CT")
                for name, path in images.items()
            ]
            others = [
                CaseFiles(name, (path,), modality="CT")
                for name, path in files_of(place / "Testing/img").items()
            ]
            return Dataset(LAYOUT, root, joined(labelled, others), ABDOMEN)
    return None
