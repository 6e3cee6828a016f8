"""Time the opening of a chest CT beside the bare libraries; write the table of docs/volumes.md.

    python -m benchmarks.opening [--slices 600] [--write]

A CT of 512 x 512 voxels a slice is made in a temporary folder, as NIfTI in two orientations, NRRD,
MetaImage and DICOM slices. Both sides read it from the page cache in the same process, in
alternation, and the least of several repeats counts. ``add`` is what the window's own thread has to
do once the voxels are there: the layer is made and its first slice is taken.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

REPEATS = 5
PAGE = Path(__file__).parents[1] / "docs" / "volumes.md"
EDGE = 512


def main() -> int:
    """Make the CT, time each format, print the rows and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=600, help="slices of the CT")
    parser.add_argument("--write", action="store_true", help="replace the table of docs/volumes.md")
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from benchmarks.tables import write

    lines = [
        "| file | MB on disk | bare library | its time | ours | ratio | add |",
        "|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for line in rows(Path(folder), asked.slices):
            print(line, flush=True)
            lines.append(line)
    if asked.write:
        write("opening", "\n".join(lines), PAGE)
    return 0


def rows(folder: Path, slices: int) -> Iterator[str]:
    """Yield a line for each format."""
    from napari_toposeg.io import read_volume

    for name, path, library, bare in cases(folder, slices):
        theirs, ours = [], []
        for _ in range(REPEATS):
            theirs.append(seconds(partial(bare, path)))
            ours.append(seconds(partial(read_volume, path)))
        best, rival = min(ours), min(theirs)
        size = sum(file.stat().st_size for file in files(path)) / 1e6
        yield (
            f"| {name} | {size:.0f} | {library} | {rival:.2f} s | {best:.2f} s "
            f"| {best / rival:.2f} | {1000 * adding(path):.0f} ms |"
        )


def cases(folder: Path, slices: int) -> Iterator[tuple[str, Path, str, Callable[[Path], object]]]:
    """Yield name, path, library and its call, each file made just before it is read."""
    import nibabel as nib
    import numpy as np
    import SimpleITK as sitk

    voxels = chest(slices)
    for codes, flips in (("LPS", 1), ("RAS", -1)):
        affine = np.diag([-0.7 * flips, -0.7 * flips, 1.0, 1.0])
        image = nib.Nifti1Image(voxels.T[::flips, ::flips], affine)
        image.header.set_xyzt_units("mm")
        for ending in (".nii", ".nii.gz"):
            path = folder / f"ct-{codes}{ending}"
            nib.save(image, path)
            yield f"NIfTI {ending}, {codes}", path, "nibabel", read_nibabel
            path.unlink()
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((0.7, 0.7, 1.0))
    for name, ending, compressed in (("NRRD, gzip", ".nrrd", True), ("MetaImage", ".mha", False)):
        path = folder / f"ct{ending}"
        sitk.WriteImage(image, str(path), useCompression=compressed)
        yield name, path, "SimpleITK", read_itk
        path.unlink()
    write_dicom(image, folder / "dicom")
    yield f"DICOM, {slices} files", folder / "dicom", "SimpleITK (GDCM)", read_series


def chest(slices: int) -> "np.ndarray":  # noqa: F821
    """Make a body with two lungs and the noise of a scanner, in HU."""
    import numpy as np

    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1 : 1 : EDGE * 1j, -1 : 1 : EDGE * 1j]
    body = (x / 0.85) ** 2 + (y / 0.6) ** 2 < 1
    lungs = ((np.abs(x) - 0.4) / 0.28) ** 2 + (y / 0.4) ** 2 < 1
    still = np.where(lungs, -850, np.where(body, 40, -1000)).astype(np.int16)
    noise = rng.normal(0, 18, (32, EDGE, EDGE)).round().astype(np.int16)
    voxels = np.empty((slices, EDGE, EDGE), np.int16)
    for z in range(slices):
        voxels[z] = np.maximum(still + np.roll(noise[z % 32], (7 * z, 11 * z), (0, 1)), -1024)
    return voxels


def write_dicom(image: "sitk.Image", folder: Path) -> None:  # noqa: F821
    """Write a CT series, a file a slice."""
    import SimpleITK as sitk

    folder.mkdir()
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    common = {
        "0008|0060": "CT",
        "0008|0016": "1.2.840.10008.5.1.4.1.1.2",
        "0020|000d": "1.2.3",
        "0020|000e": "1.2.3.4",
        "0020|0037": "1\\0\\0\\0\\1\\0",
        "0028|1052": "-1024",
        "0028|1053": "1",
    }
    for z in range(image.GetDepth()):
        one = image[:, :, z]
        own = {"0008|0018": f"1.2.3.4.{z + 1}", "0020|0032": f"0\\0\\{z}", "0020|0013": str(z + 1)}
        for tag, value in (common | own).items():
            one.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{z:04d}.dcm"))
        writer.Execute(one)


def read_nibabel(path: Path) -> object:
    """Read voxels as nibabel gives them, into memory."""
    import nibabel as nib
    import numpy as np

    return np.asanyarray(nib.load(path, mmap=False).dataobj)


def read_itk(path: Path) -> object:
    """Read an image as ITK gives it."""
    import SimpleITK as sitk

    return sitk.ReadImage(str(path))


def read_series(path: Path) -> object:
    """Find the series of a folder and read it, as ITK's own example does."""
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(path)))
    return reader.Execute()


def adding(path: Path) -> float:
    """Return the seconds that the window's thread takes for what was read."""
    from napari.components import ViewerModel

    from napari_toposeg.plugin.canvas.layers import add_layer_data
    from napari_toposeg.plugin.opening import Wanted, find

    # Reads what napari loads the first time, such as colour maps.
    viewer = ViewerModel()
    data = find(Wanted(path))
    add_layer_data(viewer, data)
    return seconds(lambda: add_layer_data(viewer, data))


def seconds(call: Callable[[], object]) -> float:
    """Return the time of a call; what it returns is dropped afterwards."""
    begun = time.perf_counter()
    kept = call()
    ended = time.perf_counter()
    del kept
    return ended - begun


def files(path: Path) -> list[Path]:
    """Return a file, or the files of a folder."""
    return [path] if path.is_file() else list(path.iterdir())


if __name__ == "__main__":
    sys.exit(main())
