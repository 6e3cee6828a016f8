"""Two images, their comparison, and the matching that it induces.

The one idea: everything is put into an order in which low values enter first, so the comparison is
the minimum. Where one image is a label of two values and the other lies between them, "the label's
lower voxels first, then by the other image" is an order of the label and of the comparison alike:
one barcode is that of the label and of its image in the comparison, and no third gradient is
needed.
"""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_toposeg.topology.grid import Construction
from napari_toposeg.topology.induced.image_persistence import Growing, Inclusion, grow
from napari_toposeg.topology.induced.matching import Bars, Matching, match_induced
from napari_toposeg.topology.morse.watch import Tell, Watch, run_tasks

Image = NDArray[Any]
# Beyond these, keys that set a label's voxels apart could overflow.
LARGEST_WHOLE, LARGEST_REAL = 2.0**60, 1e30
BARCODES = (0.15, 0.95)
"""Which part of the work the barcodes are, about; the gradients come before, the matching after."""


def entry_keys(prediction: Image, truth: Image, superlevel: bool) -> tuple[Image, Image]:
    """Return both images in one type, such that low values enter first."""
    kind = np.result_type(prediction, truth)
    kind = np.dtype(np.uint8) if kind == np.bool_ else kind
    first, second = (np.ascontiguousarray(image, kind) for image in (prediction, truth))
    if not superlevel:
        return first, second
    # The complement of an integer reverses the order and cannot overflow.
    return (-first, -second) if kind.kind == "f" else (~first, ~second)


def order_with_label(image: Image, label: Image) -> Image | None:
    """Return keys that order both a two-valued label and its comparison with the image.

    None where the label has other values, or the image leaves their range.
    """
    low, high = label.min(), label.max()
    inside = label == low
    two_valued = np.count_nonzero(inside) + np.count_nonzero(label == high) == label.size
    if low == high or not two_valued or image.min() < low or image.max() > high:
        return None
    whole = image.dtype.kind in "ui"
    if max(abs(float(low)), abs(float(high))) > (LARGEST_WHOLE if whole else LARGEST_REAL):
        return None
    wide = np.dtype(np.int64) if whole else np.result_type(image, np.float32)
    below = inside.view(np.uint8) * wide.type(2 * (float(high) - float(low)))
    return np.asarray(image.astype(wide) - below)


def match_in_comparison(
    first: Image,
    second: Image,
    construction: Construction,
    wanted: frozenset[int],
    threads: int,
    watch: Watch,
) -> dict[int, Matching]:
    """Return the induced matching by dimension; low values enter first."""
    together = order_with_label(first, second)
    tells = [watch.part(k / 20, (k + 1) / 20) for k in range(3)]
    one = grow(first, construction, threads, tells[0])
    if together is None:
        other = grow(second, construction, threads, tells[1])
        comparison = grow(np.minimum(first, second), construction, threads, tells[2])
        barcodes = bars_of_both(one, other, comparison, wanted, threads, watch)
    else:
        other = comparison = grow(together, construction, threads, tells[1])
        inclusion = Inclusion(one, comparison, threads, watch.part(*BARCODES))
        label = inclusion.own_bars(comparison, wanted)
        barcodes = [Barcodes.of(inclusion, wanted), Barcodes(label, label)]
    values = first.ravel(), second.ravel()
    times = one.time, other.time, comparison.time

    def matching(k: int) -> Matching:
        watch.tell(BARCODES[1])
        bars = [lasting(b.own[k], v, v) for b, v in zip(barcodes, values, strict=True)]
        images = [lasting(b.image[k], v, *values) for b, v in zip(barcodes, values, strict=True)]
        return match_induced(bars[0], bars[1], (images[0], images[1]), times)

    return {k: matching(k) for k in wanted}


class Barcodes(NamedTuple):
    """The bars of an image, and those of its image in the comparison, by dimension."""

    own: dict[int, Bars]
    image: dict[int, Bars]

    @classmethod
    def of(cls, inclusion: Inclusion, wanted: frozenset[int]) -> "Barcodes":
        """Return the barcodes of the smaller image of an inclusion."""
        return cls(inclusion.own_bars(inclusion.smaller, wanted), inclusion.image_bars(wanted))


def bars_of_both(
    one: Growing,
    other: Growing,
    comparison: Growing,
    wanted: frozenset[int],
    threads: int,
    watch: Watch,
) -> list[Barcodes]:
    """Return the barcodes of two images in their comparison, each in a thread if there are two."""
    found: dict[int, Barcodes] = {}
    low, high = BARCODES
    # Of two threads only this one, which has the second image, is heard.
    middle = (low + high) / 2 if threads < 2 else low

    def work(side: int, image: Growing, tell: Tell) -> None:
        found[side] = Barcodes.of(Inclusion(image, comparison, tell=tell), wanted)

    tasks = [
        partial(work, 0, one, watch.part(low, middle)),
        partial(work, 1, other, watch.part(middle, high)),
    ]
    run_tasks(tasks, threads, watch.tell)
    return [found[0], found[1]]


def lasting(bars: Bars, births: Image, *deaths: Image) -> Bars:
    """Return the bars born, by value, before they die; the least of several images counts."""
    death = np.minimum.reduce([image[bars.death] for image in deaths])
    return bars.rows(births[bars.birth] < death)
