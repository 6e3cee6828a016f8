"""The real scan that is on every machine: nibabel installs it as its example."""

from dataclasses import replace
from importlib.resources import as_file, files

from napari_toposeg.io.reading import read_volume
from napari_toposeg.volume import Volume


def read_example() -> Volume:
    """Read an MR scan of a head, oblique: frame 0 of nibabel's ``example4d.nii.gz`` (PDDL)."""
    with as_file(files("nibabel") / "tests" / "data" / "example4d.nii.gz") as path:
        return replace(read_volume(path, frame=0, modality="MR"), name="brain")
