"""Topology- and spatiality-aware masked reconstruction (`topomae`).

Hidden cubes are rebuilt; a topological term looks at the composite, visible voxels as they are and
hidden ones rebuilt, since structures cross the borders of cubes; and a head tells where in its
volume the crop lies. Two networks can be trained side by side, a ViT and a UNETR++, that are to
agree in both. A term of weight 0 is neither built nor computed.

References
----------
Gu et al. 2024, arXiv:2406.10519, whose topological term is the choice ``wasserstein``; the default
sees place (see `losses.critical_voxel`).
"""

# B batch, C channels, M hidden cubes, V voxels in a cube

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from napari_toposeg.config import PretrainConfig
from napari_toposeg.learning.losses.joined import Answer
from napari_toposeg.learning.losses.masked import masked_squared_error
from napari_toposeg.learning.networks.masked_autoencoder import (
    Autoencoder,
    Rebuilt,
    composite_of,
    hidden_values,
)
from napari_toposeg.learning.objectives.consistency import (
    reconstruction_consistency,
    spatial_consistency,
)
from napari_toposeg.learning.objectives.masked import draw_hidden_for, judge_rebuilt
from napari_toposeg.learning.objectives.spatial import (
    PlacedAutoencoder,
    Seen,
    points_of,
    spatial_error,
    spatial_loss,
)
from napari_toposeg.learning.seeds import Purpose, random_of
from napari_toposeg.learning.task import Batch, Evaluation
from napari_toposeg.learning.term_places import Look, Place
from napari_toposeg.learning.topological_term import topological_term


class TopologicalReconstruction:
    """The objective of one masked autoencoder, or of two: see `objective.Objective`.

    Parameters
    ----------
    autoencoder
        One, or the pair of a ViT and a UNETR++.
    """

    def __init__(self, autoencoder: Autoencoder, config: PretrainConfig) -> None:
        self.network = PlacedAutoencoder(autoencoder, spatial=config.spatial_weight > 0)
        self.config, self.cube = config, autoencoder.cube
        self.term = topological_term(config.topology, config, vessel_scale=config.topology_scale)
        self.weighted = {
            "spatial": config.spatial_weight,
            "spatial_consistency": config.spatial_consistency_weight,
            "reconstruction_consistency": config.reconstruction_consistency_weight,
        }

    def prepare(self, batch: Batch, step: int) -> Batch:
        """Draw what is hidden and what the term looks at, and tell the points of the crops."""
        batch = draw_hidden_for(batch, step, self.config, self.cube)
        if self.config.spatial_weight:
            batch = {**batch, "points": points_of(batch["place"], batch["image"].shape[2:])}
        if self.term is None or self.term.ratio(step) == 0:
            return batch
        return {**batch, "looks": self.looks(batch, step)}

    def looks(self, batch: Batch, step: int) -> list[Look]:
        """Prepare the places that the term looks at: one, or one for each field."""
        assert self.term is not None
        image, samples = batch["image"], batch["samples"]
        shape = (self.config.batch, *image.shape[1:])
        chance = random_of(self.config.seed, step, Purpose.TOPOLOGY)
        place = self.term.choose(shape, chance, samples)
        places = [place]
        if self.config.topology_region == "structures" and len(place.crops):
            places = self.at_structures(place, image, samples, step)
        inside = batch["inside"].expand_as(image)
        return [
            self.term.look(each, *(each.take(part[each.crops]) for part in (image, inside)))
            for each in places
        ]

    def at_structures(
        self, place: Place, image: Tensor, samples: Sequence[int], step: int
    ) -> list[Place]:
        """Draw for each field a block where its structures are."""
        assert self.term is not None
        fields = list(zip(place.crops.tolist(), place.classes.tolist(), strict=True))
        randoms = [
            random_of(self.config.seed, step, samples[crop], Purpose.TOPOLOGY, channel)
            for crop, channel in fields
        ]
        images = image[place.crops, place.classes]
        return self.term.blocks.at_structures(place, images, self.config.topology_scale, randoms)

    def losses(self, network: nn.Module, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return all terms; each is a mean over samples, and over the networks."""
        seen: list[Seen] = network(batch["image"], batch["hidden"])
        counted = self.counted(batch)
        rebuilding = self.rebuilding([each.rebuilt for each in seen], counted, batch, step)
        extra = self.spatial(seen, batch) | self.agreement(seen, counted)
        total = rebuilding.pop("loss")
        for name, value in extra.items():
            total = total + self.weighted[name] * value
        return {"loss": total, **rebuilding, **extra}

    def counted(self, batch: Batch) -> Tensor:
        """Tell which hidden voxels are no padding, ``(B, M, V)``."""
        inside = batch["inside"].expand_as(batch["image"])
        return hidden_values(inside, batch["hidden"], self.cube)

    def rebuilding(
        self, rebuilt: Sequence[Rebuilt], counted_BMV: Tensor, batch: Batch, step: int
    ) -> dict[str, Tensor]:
        """Return the squared error, the topological term and their weighted sum."""
        if "looks" not in batch:
            predicted = [each.predicted_BMV for each in rebuilt]
            errors = self.errors(predicted, rebuilt, counted_BMV)
            return {"loss": errors["mse"], **errors}
        assert self.term is not None
        answers = [Answer.of(each.predicted_BMV) for each in rebuilt]
        errors = self.errors([each.loose for each in answers], rebuilt, counted_BMV)
        terms = [
            self.topology(look, each, answer.loose, batch["image"])
            for look in batch["looks"]
            for each, answer in zip(rebuilt, answers, strict=True)
        ]
        # Fields add up to their mean; networks do not.
        term = torch.stack(terms).sum() / len(rebuilt)
        share = batch["looks"][0].place.share
        joined = self.term.join(errors["mse"], term, answers, share, step)
        return {**errors, **joined}

    def errors(
        self, predicted: Sequence[Tensor], rebuilt: Sequence[Rebuilt], counted_BMV: Tensor
    ) -> dict[str, Tensor]:
        """Return the mean of the networks' squared errors, and of several each one's."""
        found = [
            masked_squared_error(one, each.true_BMV, counted_BMV)
            for one, each in zip(predicted, rebuilt, strict=True)
        ]
        single = dict(zip(self.network.names, found, strict=True)) if len(found) > 1 else {}
        return {"mse": torch.stack(found).mean()} | {
            f"mse_{name}": error for name, error in single.items()
        }

    def topology(
        self, look: Look, rebuilt: Rebuilt, predicted_BMV: Tensor, image: Tensor
    ) -> Tensor:
        """Compute the topological term of the composite, of which no more is made than it sees."""
        assert self.term is not None
        cube = self.cube
        drawn = look.place.crops.to(predicted_BMV.device)
        if not len(drawn):
            return predicted_BMV[drawn].sum()
        box = tuple(slice(cut.start // cube, -(-cut.stop // cube)) for cut in look.place.cut)
        composite = composite_of(
            image[drawn], predicted_BMV[drawn], rebuilt.hidden_BN[drawn], cube, box
        )
        return self.term(composite, look.from_corner([cube * cut.start for cut in box]))

    def spatial(self, seen: Sequence[Seen], batch: Batch) -> dict[str, Tensor]:
        """Return the losses of the spatial pretext, and take the points into their mean."""
        if self.network.mean is None:
            return {}
        points = batch["points"]
        self.network.mean.add(points)
        told = told_of(seen)
        losses = [spatial_loss(each, points) for each in told]
        found = {"spatial": torch.stack(losses).mean()}
        if len(told) == 2 and self.weighted["spatial_consistency"]:
            found["spatial_consistency"] = spatial_consistency(told[0], told[1])
        return found

    def agreement(self, seen: Sequence[Seen], counted_BMV: Tensor) -> dict[str, Tensor]:
        """Return how far two networks differ in what they rebuild."""
        if len(seen) < 2 or not self.weighted["reconstruction_consistency"]:
            return {}
        first, second = (each.rebuilt.predicted_BMV for each in seen)
        found = reconstruction_consistency(first, second, counted_BMV)
        return {"reconstruction_consistency": found}

    def after(self, step: int) -> None:
        """Do nothing."""

    def judge(self, network: nn.Module, batch: Batch) -> Evaluation:
        """Measure the error of hidden voxels and of the points, beside the simple predictors."""
        seen: list[Seen] = network(batch["image"], batch["hidden"])
        counted = self.counted(batch)
        shown = judge_rebuilt(seen[0].rebuilt, counted, batch, self.cube)
        rebuilt = [each.rebuilt for each in seen]
        errors = self.errors([each.predicted_BMV for each in rebuilt], rebuilt, counted)
        metrics = {**shown.metrics, **{name: float(error) for name, error in errors.items()}}
        if self.network.mean is not None:
            points = batch["points"]
            told = torch.stack(told_of(seen))
            metrics["spatial_error"] = spatial_error(told, points.expand_as(told))
            constant = self.network.mean.mean.expand_as(points)
            metrics["spatial_error_mean"] = spatial_error(constant, points)
        return Evaluation(-metrics["mse"], metrics, shown.preview)

    def weights(self) -> Mapping[str, Tensor]:
        """Return those of the autoencoder: the heads are for this objective alone."""
        return self.network.autoencoder.state_dict()


def told_of(seen: Sequence[Seen]) -> list[Tensor]:
    """Return the points that the networks tell."""
    return [each.told_B93 for each in seen if each.told_B93 is not None]
