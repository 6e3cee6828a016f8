"""Random changes of a labelled crop that leave its labels true.

Each crop of a batch is turned, scaled and changed in brightness, contrast, noise and sharpness by
its own chance. Labels follow by nearest neighbour; what comes from outside of the crop has none.
How crops turn is drawn apart from the turning itself: a topological term needs the turned labels
in the loader's thread, else the device turns faster.

There are two strengths. The strong one turns further, in mm, stretches each axis, bends (see
`bending`), and looks through other scanners (see `appearance`). Where slices are much thicker than
their voxels, it moves nothing across them: what lies between two slices is not known.
"""

# B batch, C channels, N coefficients of a bend

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from napari_toposeg.config import AugmentationName
from napari_toposeg.learning.appearance import Scanner, curved
from napari_toposeg.learning.bending import bent_grid, cells_of, draw_bends
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.losses.overlap import IGNORED
from napari_toposeg.learning.seeds import Purpose, random_of, seeded
from napari_toposeg.learning.smoothing import smooth
from napari_toposeg.learning.turning import draw_turns, grid_of
from napari_toposeg.volume import Spacing

KINDS = np.array([0.4, 1.0, 1.0, 1.0])
"""How often crops are blurred, curved, shifted and made noisy, relative to each other."""

THICK = 3.0
"""Slices are thick where they lie so many times as far apart as their voxels, as in nnU-Net."""


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
    stretch
        Largest factor by which each axis is enlarged, and shrunk, by itself.
    bent
        Probability of an elastic deformation.
    spacing
        Voxel size along ``(z, y, x)`` in which turns are rigid; None: in voxels.
    scanner
        What the strong augmentation does to intensities; None: nothing.
    standard_units
        Whether intensities lie about 0, and not between 0 and 1.
    """

    rotation: float = 15.0
    scale: float = 1.25
    gamma: float = 1.5
    brightness: float = 0.1
    noise: float = 0.06
    share: float = 0.5
    stretch: float = 1.0
    bent: float = 0.0
    spacing: Spacing | None = None
    scanner: Scanner | None = None
    standard_units: bool = False

    def turn(self, image: Tensor, target: Tensor, turns: Tensor) -> tuple[Tensor, Tensor]:
        """Rotate, scale and bend a batch ``(B, C, Z, Y, X)`` and its target ``(B, Z, Y, X)``."""
        grid = self.grid(turns, image.shape)
        turned = F.grid_sample(image, grid, padding_mode="border", align_corners=False)
        above_zero = (target - IGNORED).to(image.dtype)[:, None]
        labels = F.grid_sample(above_zero, grid, mode="nearest", align_corners=False)
        return turned, labels[:, 0].round().to(target.dtype) + IGNORED

    def draw_turns(
        self, seed: int, step: int, samples: Sequence[int], edges: Sequence[int]
    ) -> Tensor:
        """Draw how crops turn ``(B, 3, 3)``, and after it how they bend ``(B, 3, 3 + N)``."""
        still = None if self.spacing is None else thick_axis(self.spacing)
        turns = draw_turns(
            seed,
            step,
            samples,
            edges,
            rotation=self.rotation,
            scale=self.scale,
            share=self.share,
            stretch=self.stretch,
            spacing=self.spacing or (1.0, 1.0, 1.0),
            still=still,
        )
        if not self.bent:
            return turns
        bends = draw_bends(seed, step, samples, edges, share=self.bent, still=still)
        return torch.cat([turns, bends.flatten(2)], dim=2)

    def grid(self, turns: Tensor, shape: Sequence[int]) -> Tensor:
        """Return where the voxels of changed crops ``(B, C, Z, Y, X)`` come from."""
        if turns.shape[2] == 3:
            return grid_of(turns, shape)
        edges = shape[2:]
        points = [count + 3 for count in cells_of(edges)]
        return bent_grid(turns[:, :, :3], turns[:, :, 3:].reshape(-1, 3, *points), edges)

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
        blurred, bent, shifted, noisy = random.random(4) < self.share * KINDS
        bend, shift, amount = random.uniform(-1, 1, 3)
        exponent = self.gamma**bend if bent else None
        if self.scanner is not None:
            image = self.scanner.change(image, random, exponent)
        else:
            image = smooth(image) if blurred else image
            image = image if exponent is None else self.curve(image, exponent)
        if shifted:
            image = image + self.brightness * shift
        if noisy:
            generator = seeded(seed, step, image.device, sample, Purpose.NOISE)
            noise = torch.randn(image.shape, generator=generator, device=image.device)
            image = image + self.noise * abs(amount) * noise
        return image

    def curve(self, image: Tensor, exponent: float) -> Tensor:
        """Bend the contrast between 0 and 1, or of standard units between darkest and brightest."""
        if self.standard_units:
            return curved(image, exponent)
        return image.clamp(min=0.0) ** exponent


def augmentation_of(name: AugmentationName, card: Card) -> Augmentation:
    """Return an augmentation by its name, as it suits the scans of a model's card."""
    standard_units = card.intensity == "z-score"
    match name:
        case "standard":
            return Augmentation(standard_units=standard_units)
        case "strong":
            # Only coils make an image uneven.
            unevenness = 0.0 if card.modality == "CT" else Scanner.unevenness
            return Augmentation(
                rotation=30.0,
                scale=1.4,
                stretch=1.2,
                bent=0.3,
                spacing=card.spacing,
                scanner=Scanner(unevenness=unevenness),
                standard_units=standard_units,
            )


def thick_axis(spacing: Spacing) -> int | None:
    """Return the axis across which slices are thick, if there is one."""
    axis = int(np.argmax(spacing))
    others = [size for other, size in enumerate(spacing) if other != axis]
    return axis if spacing[axis] >= THICK * max(others) else None
