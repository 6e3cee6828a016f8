"""What the runs of several tabs begin with, and how long their counts take."""

from collections.abc import Generator

from napari_toposeg.plugin.waiting import wait_for
from napari_toposeg.progress import Step
from napari_toposeg.volume import Volume


def seconds_of(volume: Volume) -> float:
    """Return about how long the Betti numbers of two masks of a volume take."""
    return 3e-8 * volume.voxels.size


def load_learning() -> Generator[Step, None, None]:
    """Import torch, seconds long the first time, in a way that can be cancelled."""

    def load() -> None:
        import napari_toposeg.learning.predict
        import napari_toposeg.learning.reconstruct  # noqa: F401

    yield from wait_for(load, "Loading the network", seconds=8)
