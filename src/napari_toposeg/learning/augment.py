"""Random changes of a labelled crop that leave its labels true.

Each crop of a batch is turned, scaled and changed in brightness, contrast, noise and sharpness by
its own draw. Labels follow by nearest neighbour; what comes from outside of the crop is unlabelled.
How crops turn is drawn apart from the turning itself: a topological term needs the turned labels
in the loader's thread, else the device turns faster.
"""

# B batch

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.learning.losses.overlap import IGNORED
from napari_toposeg.learning.smoothing import smooth


@dataclass(frozen=True)
class Augmentation:
    """How far crops are changed.

    Parameters
    ----------
    rotation
        Largest angle about each axis, in radians.
    scale
        Largest factor by which a crop is enlarged, and shrunk.
    gamma
        Largest exponent of the contrast curve, and its inverse.
    brightness
        Largest shift, in units of the normalised range.
    noise
        Largest standard deviation of added noise, likewise.
    share
        Probability of each kind of change.
    """

    rotation: float = 0.26
    scale: float = 1.25
    gamma: float = 1.5
    brightness: float = 0.1
    noise: float = 0.06
    share: float = 0.5

    def turn(self, image: Tensor, target: Tensor, matrices: Tensor) -> tuple[Tensor, Tensor]:
        """Rotate and scale a batch ``(B, 1, Z, Y, X)`` and its target ``(B, Z, Y, X)``."""
        grid = F.affine_grid(F.pad(matrices, (0, 1)), list(image.shape), align_corners=False)
        turned = F.grid_sample(image, grid, padding_mode="border", align_corners=False)
        above_zero = (target - IGNORED).to(image.dtype)[:, None]
        labels = F.grid_sample(above_zero, grid, mode="nearest", align_corners=False)
        return turned, labels[:, 0].round().to(target.dtype) + IGNORED

    def draw_turns(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Draw ``(B, 3, 3)`` maps of grid coordinates ``(x, y, z)`` in -1..1, rigid in voxels.

        They turn and scale about the centre of each crop of an image ``(B, 1, Z, Y, X)``.
        """
        B = len(image)
        angles = self.rotation * self.symmetric((B, 3), generator) * self.chosen((B, 1), generator)
        rotation = torch.eye(3, device=image.device).expand(B, 3, 3)
        for axis in range(3):
            rotation = rotation @ rotation_about(axis, angles[:, axis])
        factor = self.scale ** (
            self.symmetric((B, 1, 1), generator) * self.chosen((B, 1, 1), generator)
        )
        edges = torch.tensor(image.shape[:1:-1], device=image.device, dtype=image.dtype)
        return rotation * factor * edges[None, None, :] / edges[None, :, None]

    def relight(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Change sharpness, contrast, brightness and noise of a batch ``(B, 1, Z, Y, X)``."""
        shape = (len(image), 1, 1, 1, 1)
        image = torch.where(
            self.chosen(shape, generator, 0.4) > 0, smooth(image[:, 0])[:, None], image
        )
        gamma = self.gamma ** (self.symmetric(shape, generator) * self.chosen(shape, generator))
        image = image.clamp(min=0.0) ** gamma
        image = image + self.brightness * self.symmetric(shape, generator) * self.chosen(
            shape, generator
        )
        amount = self.noise * self.symmetric(shape, generator).abs() * self.chosen(shape, generator)
        return image + amount * torch.randn(image.shape, generator=generator, device=image.device)

    def chosen(
        self, shape: tuple[int, ...], generator: torch.Generator, factor: float = 1.0
    ) -> Tensor:
        """Draw ones and zeros: whether a change is made."""
        drawn = torch.rand(shape, generator=generator, device=generator.device)
        return (drawn < self.share * factor).float()

    def symmetric(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Draw uniformly from -1..1."""
        return 2.0 * torch.rand(shape, generator=generator, device=generator.device) - 1.0


def rotation_about(axis: int, angle_B: Tensor) -> Tensor:
    """Return rotations ``(B, 3, 3)`` about one axis."""
    cosine, sine = angle_B.cos(), angle_B.sin()
    first, second = (other for other in range(3) if other != axis)
    matrix = torch.zeros(len(angle_B), 3, 3, device=angle_B.device)
    matrix[:, axis, axis] = 1.0
    matrix[:, first, first] = matrix[:, second, second] = cosine
    matrix[:, first, second], matrix[:, second, first] = -sine, sine
    return matrix
