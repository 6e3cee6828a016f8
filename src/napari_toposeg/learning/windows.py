"""Sliding windows over a volume, blended with a Gaussian, one window a Step.

The one idea: what a network answers depends on its window alone. So windows are asked in batches,
windows of one grey value are asked once wherever they lie, and only windows need to be on the
device: the volume and the sums stay off it where they do not fit.
"""

# B windows of a batch, C channels, K classes with background

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Literal

import torch
from monai.data.utils import compute_importance_map, dense_patch_slices
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.config import Size3
from napari_toposeg.learning.devices import is_out_of_memory
from napari_toposeg.progress import Step

CENTRE_WEIGHT = 0.125
"""Sigma of the blending Gaussian, as a share of the window."""

IMAGE_SHARE, SUMS_SHARE = 0.25, 0.8
"""An image, and then the sums, may take so much of a device's free memory."""

Place = tuple[slice, ...]
Home = Literal["auto", "device", "cpu"]
"""Where volume and sums are kept."""

Predict = Callable[[Tensor], Tensor | None]


def strides(window: Size3, overlap: float, *, multiple: int = 1) -> Size3:
    """Return the distance of neighbouring windows, a multiple of so many voxels."""
    z, y, x = (max(multiple, int(edge * (1 - overlap)) // multiple * multiple) for edge in window)
    return z, y, x


def places(shape: Sequence[int], window: Size3, stride: Size3) -> list[Place]:
    """Return where the windows lie that cover a volume; the last along each axis ends with it.

    A window may reach beyond a volume that is smaller.
    """
    padded = tuple(max(edge, size) for edge, size in zip(window, shape, strict=True))
    return list(dense_patch_slices(padded, window, stride))


def slide(
    image_BCZYX: Tensor,
    window: Size3,
    predict: Predict,
    *,
    stride: Size3,
    message: str,
    device: str | torch.device | None = None,
    batch: int = 1,
    home: Home = "auto",
    span: float = 0.0,
) -> Generator[Step, None, Tensor]:
    """Predict a whole volume window by window.

    Parameters
    ----------
    image_BCZYX
        One volume, ``(1, C, Z, Y, X)``; padded with zeros at its far ends where it is smaller than
        the window.
    predict
        From windows ``(B, C, z, y, x)`` to values ``(B, K, z, y, x)``, or None where they shall not
        count; every voxel of the volume needs a window that counts. What it answers of a window
        must depend on that window alone.
    stride
        Distance of neighbouring windows; the last along each axis ends with the volume.
    device
        Of the network; by default the image's.
    batch
        Windows that the network is given at once, fewer where the device's memory is too small.
    home
        Where the volume and the sums over windows are kept: on the device, on the CPU, or by
        ``"auto"`` on the device as far as they fit there.
    span
        See `alike`.

    Returns
    -------
    Tensor
        Blended values ``(K, Z, Y, X)`` in float32, on the CPU or the device.
    """
    shape = image_BCZYX.shape[2:]
    lacking = [max(0, edge - size) for edge, size in zip(window, shape, strict=True)]
    padded = F.pad(image_BCZYX, [n for gap in reversed(lacking) for n in (0, gap)])
    device = torch.device(device or image_BCZYX.device)
    volume = padded.to(home_of(device, home, padded.numel() * padded.itemsize, IMAGE_SHARE))
    spots = places(shape, window, stride)
    sums = Sums(padded.shape[2:], window, device, home)
    done = 0
    for group, values in answers(volume, alike(volume, spots, span), predict, device, batch):
        for place in group:
            if values is not None:
                sums.add(place, values)
            done += 1
            yield Step(step=done, total=len(spots), message=message)
    z, y, x = shape
    return sums.mean()[:, :z, :y, :x]


def alike(volume_BCZYX: Tensor, spots: Iterable[Place], span: float = 0.0) -> list[list[Place]]:
    """Return the places of windows in groups that look alike, so that one answer serves each.

    A group is a single window, or all windows in which each channel is one number: the same one in
    all of them.

    Parameters
    ----------
    span
        Windows whose values lie so near to each other count as of one number too, and those of
        about the same number as alike: no longer exact, where it is above 0.
    """
    groups: dict[tuple[float, ...] | int, list[Place]] = {}
    for number, place in enumerate(spots):
        channels = volume_BCZYX[0][(slice(None), *place)].flatten(1)
        # Most windows hold some structure, and are told from a constant by a few voxels.
        few = channels[:, :: max(1, channels.shape[1] // 64)]
        is_flat = within(few, span) and within(channels, span)
        groups.setdefault(levels(channels, span) if is_flat else number, []).append(place)
    return list(groups.values())


def within(rows: Tensor, span: float) -> bool:
    """Tell whether the numbers of each row of a matrix lie so near to each other."""
    return bool((rows.amax(1) - rows.amin(1) <= span).all())


def levels(rows: Tensor, span: float) -> tuple[float, ...]:
    """Return about what number the rows of a matrix hold, to the span."""
    numbers = (rows.amax(1) + rows.amin(1)) / 2
    return tuple((torch.round(numbers / span) if span > 0 else numbers).tolist())


def answers(
    volume: Tensor,
    groups: Sequence[list[Place]],
    predict: Predict,
    device: torch.device,
    batch: int,
) -> Generator[tuple[list[Place], Tensor | None], None, None]:
    """Yield each group of places with what is predicted there, ``(K, z, y, x)`` or None."""
    first = 0
    while first < len(groups):
        part = groups[first : first + batch]
        windows = torch.cat([volume[(slice(None), slice(None), *group[0])] for group in part])
        try:
            with torch.inference_mode():
                values = predict(windows.to(device, non_blocking=True))
        except (MemoryError, RuntimeError) as error:
            if batch == 1 or not is_out_of_memory(error):
                raise
            batch //= 2
            continue
        yield from zip(part, [None] * len(part) if values is None else values, strict=True)
        first += len(part)


class Sums:
    """Weighted sums of what windows say, and of their weights.

    Parameters
    ----------
    shape
        Of the volume, at least as large as the window.
    device
        Where the windows' values come from.
    """

    def __init__(
        self, shape: Sequence[int], window: Size3, device: torch.device, home: Home
    ) -> None:
        self.shape, self.device, self.home = tuple(shape), device, home
        self.weight = compute_importance_map(
            window, mode="gaussian", sigma_scale=CENTRE_WEIGHT, device=device
        )
        self.total: Tensor | None = None

    def add(self, place: Place, values_KZYX: Tensor) -> None:
        """Add the values of a window."""
        if self.total is None:
            self.start(len(values_KZYX))
        assert self.total is not None
        values = values_KZYX.float().to(self.total.device)
        self.total[(slice(None), *place)].addcmul_(values, self.weight)
        self.weights[place] += self.weight

    def start(self, classes: int) -> None:
        """Find room for the sums, once the network holds the memory that it works in."""
        size = (classes + 1) * torch.Size(self.shape).numel() * self.weight.itemsize
        room = home_of(self.device, self.home, size, SUMS_SHARE)
        self.weight = self.weight.to(room)
        self.total = torch.zeros((classes, *self.shape), device=room)
        self.weights = torch.zeros(self.shape, device=room)

    def mean(self) -> Tensor:
        """Return the weighted mean of the values; nothing can be added afterwards."""
        assert self.total is not None
        return self.total.div_(self.weights)


def home_of(device: torch.device, home: Home, size: int, share: float) -> torch.device:
    """Return where so many bytes are to be kept.

    Parameters
    ----------
    share
        Of the device's free memory that they may take.
    """
    if home == "auto" and device.type == "cuda":
        home = "device" if size < share * torch.cuda.mem_get_info(device)[0] else "cpu"
    return torch.device("cpu") if home == "cpu" else device
