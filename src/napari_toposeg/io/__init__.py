"""Files to Volumes and back: NIfTI, MGH, NRRD, MetaImage and DICOM, geometry kept both ways."""

from napari_toposeg.io.cases import list_cases
from napari_toposeg.io.examples import read_example
from napari_toposeg.io.reading import list_choices, read_volume
from napari_toposeg.io.windows import WINDOWS
from napari_toposeg.io.writing import write_volume

__all__ = ["WINDOWS", "list_cases", "list_choices", "read_example", "read_volume", "write_volume"]
