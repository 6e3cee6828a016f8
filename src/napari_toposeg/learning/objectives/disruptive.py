"""Disruptive autoencoder (`disruptive`): restore a crop that lost its fine detail.

    loss = mean |x - x'| + 0.03 * contrast of modalities

A crop is shrunk to a quarter of its edges and enlarged again, noise of variance 0.1 is added, and
60 % of the channels of the encoder's first features are set to zero (local masking: whole channels
of the embedding, rather than places). The network's own decoder restores every voxel.

The contrast (temperature 0.5) pulls volumes of one modality together and others apart. It is there
in steps whose batch has two modalities or more, and two volumes of one of them; with one modality
there is nothing to contrast and it is not shown. It is computed in float32, since the original
turns to NaN under mixed precision by its own account, and sees the volumes of all devices.

Detail is taken before noise is added, or the shrinking would average the noise away. Padding
counts in no loss. Networks that pass the image on to their decoder pass on the disrupted one.

References
----------
Valanarasu et al. 2023, arXiv:2307.16896; weight, temperature, noise and factor are the
defaults of Project-MONAI/research-contributions, DAE/Pretrain_full_contrast.
"""

# B batch, C channels, E channels of the embedding, D dimension of the projection

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_toposeg.config import NetworkConfig, PretrainConfig
from napari_toposeg.learning.losses.contrastive import group_contrast
from napari_toposeg.learning.losses.masked import mean_of_images
from napari_toposeg.learning.networks import build_dense
from napari_toposeg.learning.objectives.heads import Projection, encoder_weights, pooled
from napari_toposeg.learning.seeds import Purpose, random_of
from napari_toposeg.learning.task import Batch, Evaluation

NOISE = 0.1**0.5
SHRUNK = 4
ZEROED = 0.6
CONTRAST, TEMPERATURE = 0.03, 0.5


class Restorer(nn.Module):
    """A network that restores, and a projection of its coarsest features."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.dense = build_dense(config, outputs=config.channels)
        width = self.dense.encoder.widths[-1]
        self.project = Projection(width, width, 128)

    def forward(self, disrupted_BCZYX: Tensor, seeds: Sequence[int]) -> tuple[list[Tensor], Tensor]:
        """Return the restored image at all scales of the decoder, and the projections ``(B, D)``.

        Parameters
        ----------
        seeds
            Of the choice of each image's channels that are set to zero.
        """
        with channels_zeroed(self.dense.encoder.embedding, seeds):
            seen = self.dense.encoder.standard(disrupted_BCZYX)
            features = self.dense.encoder.features(seen)
        answers = [self.dense.encoder.intensity(each) for each in self.dense.decode(features, seen)]
        return answers, self.project(pooled(features))


class DisruptiveAutoencoder:
    """The objective: see `objective.Objective`."""

    def __init__(self, network: NetworkConfig, config: PretrainConfig) -> None:
        self.config, self.built = config, network
        self.restorer = Restorer(network)
        self.network: nn.Module = self.restorer

    def prepare(self, batch: Batch, step: int) -> Batch:
        """Disrupt the crops, and choose which channels of each will be zero."""
        random = [random_of(self.config.seed, step, n, Purpose.NOISE) for n in batch["samples"]]
        shape = tuple(batch["image"].shape[1:])
        noise = np.stack([each.standard_normal(shape, np.float32) for each in random])
        coarse = without_detail(batch["image"]) + NOISE * torch.from_numpy(noise)
        # Equal on all devices, which `hash` is not.
        kinds = [zlib.crc32(name.encode()) for name in batch["modality"]]
        return {
            **batch,
            "disrupted": coarse * batch["inside"],
            "seeds": [int(each.integers(2**62)) for each in random],
            "kind": torch.tensor(kinds),
        }

    def losses(self, network: nn.Module, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return the absolute error of all voxels, and the contrast where there is one."""
        answers, projected_BD = network(batch["disrupted"], batch["seeds"])
        absolute = self.restoration(answers, batch)
        contrast = group_contrast(projected_BD, batch["kind"], temperature=TEMPERATURE)
        if contrast is None:
            # Devices that share the work wait for a gradient of every parameter.
            return {"loss": absolute + 0.0 * projected_BD.sum(), "l1": absolute}
        return {"loss": absolute + CONTRAST * contrast, "l1": absolute, "contrast": contrast}

    def restoration(self, answers: Sequence[Tensor], batch: Batch) -> Tensor:
        """Return the absolute error of all voxels, over the scales of the decoder."""
        total = torch.zeros((), device=answers[0].device)
        for weight, answer in zip(self.restorer.dense.scale_weights, answers, strict=True):
            true, inside = (at_size_of(answer, batch[name]) for name in ("image", "inside"))
            total = total + weight * mean_of_images((answer.float() - true).abs(), inside > 0.5)
        return total

    def after(self, step: int) -> None:
        """Do nothing."""

    def judge(self, network: nn.Module, batch: Batch) -> Evaluation:
        """Measure the error beside that of leaving the crop as it is, and of undoing the noise."""
        image, inside, disrupted = batch["image"], batch["inside"], batch["disrupted"]
        restored = network(disrupted, batch["seeds"])[0][0].float()
        smooth = F.avg_pool3d(disrupted, 5, stride=1, padding=2, count_include_pad=False)
        metrics = {
            name: float(mean_of_images((each - image).abs(), inside.expand_as(image)))
            for name, each in {
                "l1": restored,
                "l1_disrupted": disrupted,
                "l1_smooth": smooth,
            }.items()
        }
        shown = {"image": image, "seen": disrupted, "rebuilt": restored}
        return Evaluation(
            -metrics["l1"],
            metrics,
            {name: part[0, 0].float().cpu().numpy() for name, part in shown.items()},
        )

    def weights(self) -> Mapping[str, Tensor]:
        """Return the encoder's: the decoder restores, it does not rebuild what is hidden."""
        return encoder_weights(self.restorer.dense.encoder, self.built)


def without_detail(image: Tensor) -> Tensor:
    """Return images shrunk to a quarter of their edges and enlarged again."""
    small = F.avg_pool3d(image, SHRUNK, ceil_mode=True)
    return F.interpolate(small, size=image.shape[2:], mode="trilinear")


def at_size_of(answer: Tensor, image: Tensor) -> Tensor:
    """Return an image averaged to the size of an answer."""
    z, y, x = answer.shape[2:]
    return F.adaptive_avg_pool3d(image.float(), (z, y, x))


@contextmanager
def channels_zeroed(embedding: nn.Module, seeds: Sequence[int]) -> Iterator[None]:
    """Set channels of what an embedding answers to zero, within the context, where it is called."""
    called = False

    def zero(module: nn.Module, arguments: object, features: Tensor) -> Tensor:
        nonlocal called
        called = True
        axis = 2 if features.ndim == 3 else 1
        shape = [
            len(seeds),
            *(features.shape[axis] if n == axis else 1 for n in range(1, features.ndim)),
        ]
        kept_BE = draw_kept(seeds, features.shape[axis]).to(features.device)
        return features * kept_BE.reshape(shape).to(features.dtype)

    handle = embedding.register_forward_hook(zero)
    try:
        yield
    finally:
        handle.remove()
    assert called, "the encoder does not call what it says is its embedding"


def draw_kept(seeds: Sequence[int], channels: int) -> Tensor:
    """Draw which channels are kept, ``(B, E)``; equally many of each image."""
    rank_BE = torch.stack(
        [torch.randperm(channels, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    )
    return rank_BE >= round(ZEROED * channels)
