"""Self-supervision of Swin UNETR (`swin-ssl`): rotation, contrast and inpainting, weights 1/1/1.

    loss = cross-entropy(rotation) + NT-Xent(two views; temperature 0.5) + mean_cut |x - x'|

Each crop is seen twice. Each view is rotated by 0, 90, 180 or 270 degrees in the plane of y and x,
and up to 30 % of its voxels are cut out in cuboids that are filled with noise. The network tells
the rotation, finds the other view of a crop, and fills in what was cut out.

What differs from the original code:

- Rotation and contrast read the mean of all the coarsest features. There rotation reads the first
  token only, and contrast the second: two corners of the crop.
- Crops are contrasted with those of all devices (`losses.contrastive`), there with those of one.
- A crop that was mirrored along y and x is one that was rotated by 180 degrees, so mirroring, which
  other objectives profit from, is undone first: with it rotation could not be learnt.
- The error counts what was cut out and is no padding, there all voxels, most of which can be seen.
  A cut-out is filled with noise only, never with another scan of the batch.
- Crops are turned about the axis z; there, in the plane of y and z.

References
----------
Tang et al. 2022, arXiv:2111.14791; Project-MONAI/research-contributions, SwinUNETR/Pretrain.
"""

# B crops, W views (2B: the first view of each crop, then the second), C channels

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from napari_toposeg.config import NetworkConfig, PretrainConfig
from napari_toposeg.errors import InvalidConfig
from napari_toposeg.learning.losses.contrastive import nt_xent
from napari_toposeg.learning.losses.masked import masked_absolute_error
from napari_toposeg.learning.networks import build_encoder
from napari_toposeg.learning.objectives.heads import (
    PixelShuffle,
    Projection,
    encoder_weights,
    pooled,
)
from napari_toposeg.learning.seeds import Purpose, random_of
from napari_toposeg.learning.task import Batch, Evaluation

ROTATIONS = 4
CUT = 0.3
TEMPERATURE = 0.5


class ThreeHeads(nn.Module):
    """An encoder under three heads."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.encoder = build_encoder(config)
        width = self.encoder.widths[-1]
        self.rotation = nn.Linear(width, ROTATIONS)
        self.project = Projection(width, 512, 512)
        self.fill = PixelShuffle(width, config.channels, self.encoder.strides[-1])

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return scores of rotations ``(W, 4)``, embeddings ``(W, 512)``, and filled views."""
        features = self.encoder(views)
        mean = pooled(features)
        filled = self.encoder.intensity(self.fill(features[-1]))
        return self.rotation(mean), self.project(mean), filled


class RotationContrastInpainting:
    """The objective: see `objective.Objective`."""

    def __init__(self, network: NetworkConfig, config: PretrainConfig) -> None:
        self.config, self.built = config, network
        self.heads = ThreeHeads(network)
        self.network: nn.Module = self.heads

    def prepare(self, batch: Batch, step: int) -> Batch:
        """Draw two views of each crop.

        Raises
        ------
        InvalidConfig
            If the crop is not square in the plane of y and x.
        """
        Z, Y, X = batch["image"].shape[2:]
        if Y != X:
            raise InvalidConfig(
                f"swin-ssl rotates crops in the plane of y and x, and {Y} x {X} voxels are not "
                f"square; use the crop {(Z, min(Y, X), min(Y, X))}"
            )
        image, inside = upright(batch)
        random = [random_of(self.config.seed, step, n, Purpose.VIEWS) for n in batch["samples"]]
        turns = [int(each.integers(ROTATIONS)) for _ in range(2) for each in random]
        cut = torch.from_numpy(
            np.stack([draw_cuts((Z, Y, X), each)[None] for _ in range(2) for each in random])
        )
        noise = [each.random(image.shape[1:], np.float32) for _ in range(2) for each in random]
        true, known = (quarters(torch.cat([part, part]), turns) for part in (image, inside))
        return {
            **batch,
            "true": true,
            "views": torch.where(cut & known, torch.from_numpy(np.stack(noise)), true),
            "counted": cut & known,
            "quarter": torch.tensor(turns),
        }

    def losses(self, network: nn.Module, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return the three terms."""
        return self.terms(network(batch["views"]), batch, gather=True)

    def terms(
        self, answers: tuple[Tensor, Tensor, Tensor], batch: Batch, *, gather: bool
    ) -> dict[str, Tensor]:
        """Return the three terms and their sum."""
        scores, embedded, filled = answers
        terms = {
            "rotation": F.cross_entropy(scores.float(), batch["quarter"]),
            "contrast": nt_xent(*embedded.chunk(2), temperature=TEMPERATURE, gather=gather),
            "inpainting": masked_absolute_error(filled, batch["true"], batch["counted"]),
        }
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}

    def after(self, step: int) -> None:
        """Do nothing."""

    def judge(self, network: nn.Module, batch: Batch) -> Evaluation:
        """Measure the terms, and how often the rotation is right (by chance one in four)."""
        answers = network(batch["views"])
        terms = self.terms(answers, batch, gather=False)
        right = (answers[0].argmax(1) == batch["quarter"]).float().mean()
        metrics = {name: float(term) for name, term in terms.items() if name != "loss"}
        filled = torch.where(batch["counted"], answers[2].float(), batch["true"])
        shown = {"image": batch["true"], "seen": batch["views"], "rebuilt": filled}
        return Evaluation(
            -float(terms["loss"]),
            {**metrics, "rotation_accuracy": float(right)},
            {name: part[0, 0].float().cpu().numpy() for name, part in shown.items()},
        )

    def weights(self) -> Mapping[str, Tensor]:
        """Return the encoder's: the heads serve this objective only."""
        return encoder_weights(self.heads.encoder, self.built)


def upright(batch: Batch) -> tuple[Tensor, Tensor]:
    """Return images and their insides as they lie in the volume: mirrored back."""
    mirrored_B3 = batch["place"][:, :, :3].diagonal(dim1=1, dim2=2) < 0
    axes = [[1 + axis for axis in range(3) if one[axis]] for one in mirrored_B3]
    image, inside = (
        torch.stack([each.flip(along) for each, along in zip(batch[name], axes, strict=True)])
        for name in ("image", "inside")
    )
    return image, inside


def quarters(images: Tensor, turns: list[int]) -> Tensor:
    """Rotate each image by a number of quarters in the plane of y and x."""
    return torch.stack(
        [torch.rot90(each, turn, (2, 3)) for each, turn in zip(images, turns, strict=True)]
    )


def draw_cuts(shape: tuple[int, int, int], random: np.random.Generator) -> NDArray[np.bool_]:
    """Draw cuboids ``(Z, Y, X)``, True = cut out, until a share of at most 30 % is reached.

    A cuboid has between an eighth and a half of each edge; at least one is drawn.
    """
    cut, most = np.zeros(shape, bool), CUT * np.prod(shape)
    while True:
        size = [int(random.integers(max(1, edge // 8), max(2, edge // 2 + 1))) for edge in shape]
        start = [int(random.integers(edge - n + 1)) for edge, n in zip(shape, size, strict=True)]
        more = cut.copy()
        more[tuple(slice(s, s + n) for s, n in zip(start, size, strict=True))] = True
        if more.sum() > most:
            return cut
        cut = more
