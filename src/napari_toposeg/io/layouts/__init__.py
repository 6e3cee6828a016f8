"""Layouts: public datasets in the folders that they are distributed in, read as they are."""

from napari_toposeg.io.layouts.dataset import CaseFiles, Dataset
from napari_toposeg.io.layouts.finding import find_dataset, require_dataset

__all__ = ["CaseFiles", "Dataset", "find_dataset", "require_dataset"]
