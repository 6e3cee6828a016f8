"""Random changes of a labelled crop that leave its labels true.

Each crop of a batch is turned, scaled and changed in brightness, contrast, noise and sharpness by
its own chance. Labels follow by nearest neighbour; what comes from outside of the crop has none.
How crops turn is drawn apart from the turning itself: a topological term needs the turned labels
in the loader's thread, else the device turns faster.
"""

# B batch, C channels

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.learning.losses.overlap import IGNORED
from napari_toposeg.learning.seeds import Purpose, random_of, seeded
from napari_toposeg.learning.smoothing import smooth
from napari_toposeg.learning.turning import draw_turns, grid_of

KINDS = np.array([0.4, 1.0, 1.0, 1.0])
"""How often crops are blurred, curved, shifted and made noisy, relative to each other."""


@dataclass(frozen=True)
class Augmentation:
    """How far crops are changed.

    Parameters
    ----------
    rotation
        Largest angle about each axis, in degrees.
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

    rotation: float = 15.0
    scale: float = 1.25
    gamma: float = 1.5
    brightness: float = 0.1
    noise: float = 0.06
    share: float = 0.5

    def turn(self, image: Tensor, target: Tensor, turns: Tensor) -> tuple[Tensor, Tensor]:
        """Rotate and scale a batch ``(B, C, Z, Y, X)`` and its target ``(B, Z, Y, X)``."""
        grid = grid_of(turns, image.shape)
        turned = F.grid_sample(image, grid, padding_mode="border", align_corners=False)
        above_zero = (target - IGNORED).to(image.dtype)[:, None]
        labels = F.grid_sample(above_zero, grid, mode="nearest", align_corners=False)
        return turned, labels[:, 0].round().to(target.dtype) + IGNORED

    def draw_turns(
        self, seed: int, step: int, samples: Sequence[int], edges: Sequence[int]
    ) -> Tensor:
        """Draw how crops turn: see `turning.draw_turns`."""
        return draw_turns(
            seed,
            step,
            samples,
            edges,
            rotation=self.rotation,
            scale=self.scale,
            share=self.share,
        )

    def relight(self, image: Tensor, seed: int, step: int, samples: Sequence[int]) -> Tensor:
        """Change sharpness, contrast, brightness and noise of a batch ``(B, C, Z, Y, X)``."""
        changed = [
            self.relight_one(each, seed, step, sample)
            for each, sample in zip(image, samples, strict=True)
        ]
        return torch.stack(changed)

    def relight_one(self, image: Tensor, seed: int, step: int, sample: int) -> Tensor:
        """Change one crop ``(C, Z, Y, X)`` by the chance of its sample."""
        random = random_of(seed, step, sample, Purpose.LIGHT)
        blurred, curved, shifted, noisy = random.random(4) < self.share * KINDS
        bend, shift, amount = random.uniform(-1, 1, 3)
        if blurred:
            image = smooth(image)
        if curved:
            image = image.clamp(min=0.0) ** (self.gamma**bend)
        if shifted:
            image = image + self.brightness * shift
        if noisy:
            generator = seeded(seed, step, image.device, sample, Purpose.NOISE)
            noise = torch.randn(image.shape, generator=generator, device=image.device)
            image = image + self.noise * abs(amount) * noise
        return image
