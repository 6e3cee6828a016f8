"""How a scan lies, in words."""

from napari_toposeg.plugin.canvas.lazy import is_lazy
from napari_toposeg.plugin.translation import mark, tr
from napari_toposeg.volume import Volume

OBLIQUE_DEGREES = 1.0
SAVE_FILTER = "NIfTI (*.nii.gz *.nii);;NRRD (*.nrrd)"
DIRECTIONS = {
    "R": mark("to right"),
    "L": mark("to left"),
    "A": mark("to front"),
    "P": mark("to back"),
    "S": mark("to head"),
    "I": mark("to feet"),
}


def oblique_notice(degrees: float) -> str:
    """Say how far a grid is turned from the patient's axes, and what that means."""
    if degrees < OBLIQUE_DEGREES:
        return tr("along the patient's axes")
    return tr("oblique by {degrees:.1f}°: drawn upright here, saved as it lies").format(
        degrees=degrees
    )


def orientation_in_words(volume: Volume) -> str:
    """Say where the axes of the file point, in the file's own order."""
    return ", ".join(tr(DIRECTIONS.get(code, code)) for code in volume.orientation)


def shape_text(volume: Volume) -> str:
    """Say how many voxels there are, of what type, and whether they are in memory."""
    text = tr("{sizes} voxels, {type}").format(sizes=sizes(volume.shape), type=volume.voxels.dtype)
    return f"{text}, {tr('read as needed')}" if is_lazy(volume.voxels) else text


def sizes(numbers: tuple[object, ...]) -> str:
    """Write sizes along z, y, x."""
    return " × ".join(str(number) for number in numbers)
