"""Finding a dataset: which of the known layouts a folder has."""

from pathlib import Path

from napari_toposeg.errors import InvalidConfig
from napari_toposeg.io.layouts import acdc, btcv, decathlon, nnssl
from napari_toposeg.io.layouts.dataset import Dataset

KNOWN = (btcv, acdc, decathlon, nnssl)


def find_dataset(root: Path) -> Dataset | None:
    """Recognise a public dataset by its folders and list its cases; None where it is none.

    Raises
    ------
    UnreadableFile
        If it is one of which files are missing.
    InvalidConfig
        If what it says of itself cannot be read.
    """
    if not root.is_dir():
        return None
    return (
        btcv.read_btcv(root)
        or acdc.read_acdc(root)
        or decathlon.read_decathlon(root)
        or nnssl.read_nnssl(root)
    )


def require_dataset(root: Path) -> Dataset:
    """Recognise a public dataset that has labels.

    Raises
    ------
    InvalidConfig
        If the folder has no known layout, or no labels.
    """
    dataset = find_dataset(root)
    if dataset is None:
        known = "; ".join(f"{layout.LAYOUT}: {layout.EXPECTED}" for layout in KNOWN)
        raise InvalidConfig(
            f"{root} is neither a store made by prepare nor a dataset in folders that are known "
            f"({known}); give its root, or --images and --labels"
        )
    if not dataset.labelled:
        raise InvalidConfig(
            f"{root} has the layout of {dataset.layout} and no labels; give a labelled dataset"
        )
    return dataset
