"""Soft vesselness: how much each voxel of an image lies in a bright tube, 0..1, differentiable.

The second derivatives of a blurred image form its Hessian, with eigenvalues
``l1 >= l2 >= l3``. Across a bright tube the image bends down in two directions, so that l2 and l3
are negative, and along it hardly at all. Their pairs' sum

    S = l1 l2 + l1 l3 + l2 l3

is then ``l2 l3``, the square of Sato's measure of a line for equal weights. It is 0 in a plate,
which bends in one direction only, and where a tube ends and l1 > 0 it sinks. As an invariant of
the Hessian it is a polynomial of its entries: it needs no eigenvalues, whose gradients fail where
two are equal, as they are in a round tube.

References
----------
Sato et al. 1998, doi:10.1016/S1361-8415(98)80009-1; Frangi et al. 1998, doi:10.1007/BFb0056195
(the scale and the squashing by a half-way contrast).
"""

# N images

from torch import Tensor, cat

from napari_toposeg.learning.losses.controls import as_floats
from napari_toposeg.learning.smoothing import smooth

CONTRAST = 0.2
"""Contrast of a tube, in an image of 0..1, whose centre has a vesselness of one half."""

PAIRS = ((0, 1), (0, 2), (1, 2))
"""Of axes."""


def vesselness(images_NZYX: Tensor, scale: float = 1.5, contrast: float = CONTRAST) -> Tensor:
    """Return how much each voxel lies in a bright tube, ``S / (S + s^2)``, in 0..1.

    Parameters
    ----------
    images_NZYX
        ``(N, Z, Y, X)``, any device and floating type.
    scale
        Radius of the tubes, as the standard deviation of their profile, in voxels.
    contrast
        Of a tube of this radius to its surroundings, at which its centre is at one half.
    """
    hessian = second_derivatives(smooth(as_floats(images_NZYX), scale))
    minors = [hessian[a, a] * hessian[b, b] - hessian[a, b].square() for a, b in PAIRS]
    trace = hessian[0, 0] + hessian[1, 1] + hessian[2, 2]
    # Where the trace is 0 the sum of minors is at most 0: no jump at the edge of what bends down.
    bent = (minors[0] + minors[1] + minors[2]).clamp(min=0) * (trace < 0) * scale**4
    # A Gaussian tube of radius s and contrast c, blurred by s, bends by c / 4 s^2 in its centre.
    return bent / (bent + (contrast / 4) ** 2)


def second_derivatives(images_NZYX: Tensor) -> dict[tuple[int, int], Tensor]:
    """Return central second differences by pairs of axes, borders repeated."""
    slopes = [slope(images_NZYX, axis) for axis in (1, 2)]
    mixed = {(a, b): slope(slopes[a], b + 1) for a, b in PAIRS}
    return mixed | {(a, a): bend(images_NZYX, a + 1) for a in range(3)}


def slope(images: Tensor, axis: int) -> Tensor:
    """Return the central difference along an axis."""
    before, after = neighbours(images, axis)
    return 0.5 * (after - before)


def bend(images: Tensor, axis: int) -> Tensor:
    """Return the second difference along an axis."""
    before, after = neighbours(images, axis)
    return before + after - 2.0 * images


def neighbours(images: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Return each voxel's neighbour before and behind along an axis."""
    size = images.shape[axis]
    first, last = images.narrow(axis, 0, 1), images.narrow(axis, size - 1, 1)
    before = cat([first, images.narrow(axis, 0, size - 1)], dim=axis)
    return before, cat([images.narrow(axis, 1, size - 1), last], dim=axis)
