"""The task of fine-tuning: labelled crops, a segmentation network, and how it is judged."""

import math
from collections.abc import Generator, Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_toposeg.config import FinetuneConfig
from napari_toposeg.learning.answers import planned_batch
from napari_toposeg.learning.augment import augmentation_of
from napari_toposeg.learning.cards import Card
from napari_toposeg.learning.class_weights import weights_of
from napari_toposeg.learning.crops import Crop, axes_of, draw_labelled
from napari_toposeg.learning.examples import Example, with_channels
from napari_toposeg.learning.judging import MOST_SLICES, Judgement, judge, pieces_to_judge
from napari_toposeg.learning.layer_rates import parameter_groups
from napari_toposeg.learning.losses.joined import Answer
from napari_toposeg.learning.losses.overlap import IGNORED, dice_cross_entropy
from napari_toposeg.learning.losses.scales import coarse_loss
from napari_toposeg.learning.mixed_terms import Looks, mixed_terms
from napari_toposeg.learning.networks.encoder import EncoderDecoder
from napari_toposeg.learning.seeds import Purpose, random_of
from napari_toposeg.learning.self_training import RAMP, SelfTraining, UnlabelledCrops
from napari_toposeg.learning.task import Batch, Evaluation
from napari_toposeg.learning.teacher import Taught
from napari_toposeg.learning.windows import slide, strides
from napari_toposeg.progress import Step

VALIDATION_OVERLAP = 0.25


class Segmentation:
    """The task of a segmentation network: see `task.Task`."""

    def __init__(
        self,
        network: EncoderDecoder,
        examples: Sequence[Example],
        validation: Sequence[Example],
        config: FinetuneConfig,
        card: Card,
        *,
        judged_first: bool = False,
        unlabelled: Sequence[Example] = (),
    ) -> None:
        self.network: nn.Module = network
        self.taught: Taught | None = None
        if config.average:
            self.network = self.taught = Taught(network, config.average, knows=judged_first)
        self.judged_first = judged_first and bool(validation)
        self.examples = examples
        self.scale_weights = network.scale_weights
        self.validation = [pieces_to_judge(each, card.crop, config.seed) for each in validation]
        self.config, self.described = config, card
        self.augmentation = augmentation_of(config.augmentation, card)
        self.flips = axes_of(config.flips)
        weights = weights_of(config, examples, len(card.classes))
        self.class_weights = torch.tensor(weights) if weights else None
        self.self_training = self.with_teacher(unlabelled, knows=judged_first)
        self.terms = mixed_terms(config)

    def with_teacher(self, unlabelled: Sequence[Example], *, knows: bool) -> SelfTraining | None:
        """Return what the teacher's answers add, if anything."""
        config, crops = self.config, None
        if not config.teacher_weight or (config.unlabelled and not unlabelled):
            return None
        if config.unlabelled:
            crop = self.described.crop
            crops = UnlabelledCrops(
                unlabelled,
                crop,
                self.augmentation,
                config.seed,
                flips=self.flips,
                mixed=config.mixed,
            )
        return SelfTraining(
            config.teacher_weight,
            config.teacher_certainty,
            ramp=0.0 if knows else RAMP * config.steps,
            everywhere=config.teacher_of == "all",
            unlabelled=crops,
        )

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return what is trained, early layers at lower rates or later where wanted."""
        config = self.config
        thawed = round(config.thaw * config.steps) if config.freeze else 0
        return parameter_groups(self.network, config.layer_decay, thawed=thawed)

    def draw(self, step: int, samples: range) -> Batch:
        """Draw crops around labelled voxels, each from a case chosen at random."""
        batch = collate([self.draw_crop(step, sample) for sample in samples])
        batch |= {"samples": list(samples)}
        if self.self_training and self.self_training.unlabelled:
            batch |= self.self_training.unlabelled.draw(step, samples)
        turns = self.augmentation.draw_turns(self.config.seed, step, samples, self.described.crop)
        if self.terms is None:
            return batch | {"turns": turns}
        image, target = self.augmentation.turn(batch["image"], batch["target"], turns)
        looks = self.look(target, step, samples)
        return batch | {"image": image, "target": target, "looks": looks}

    def draw_crop(self, step: int, sample: int) -> Crop:
        """Draw one crop."""
        random = random_of(self.config.seed, step, sample, Purpose.CROP)
        example = self.examples[int(random.integers(len(self.examples)))]
        return draw_labelled(example, self.described.crop, random, flips=self.flips)

    def look(self, target: Tensor, step: int, samples: range) -> Looks:
        """Prepare the classes of a target ``(B, Z, Y, X)`` for the topological terms."""
        assert self.terms is not None
        classes = len(self.described.classes or ())
        shape = (self.config.batch, classes, *target.shape[1:])
        chance = random_of(self.config.seed, step, Purpose.TOPOLOGY)
        place = self.terms.choose(shape, chance, samples)
        labels = place.cut_out(target[place.crops])
        return self.terms.look(place, place.is_class(labels), labels != IGNORED)

    def losses(self, network: nn.Module, batch: Batch, step: int) -> dict[str, Tensor]:
        """Return the loss on augmented crops, and its terms: of the labels, and of the teacher."""
        image, target = batch["image"], batch["target"]
        if "turns" in batch:
            image, target = self.augmentation.turn(image, target, batch["turns"])
        relit = self.augmentation.relight(image, self.config.seed, step, batch["samples"])
        answers: list[Tensor] = network(relit, all_scales=True)
        losses = self.losses_of_labels(answers, target, batch, step)
        if self.self_training is None:
            return losses
        taught = cast(Taught, network)
        told = (
            self.self_training.of_unlabelled(taught, batch, step, (relit, target))
            if self.self_training.unlabelled
            else self.self_training.of_labelled(taught, image, target, answers, step)
        )
        return losses | told | {"loss": losses["loss"] + told["told"]}

    def losses_of_labels(
        self, answers: list[Tensor], target: Tensor, batch: Batch, step: int
    ) -> dict[str, Tensor]:
        """Return soft Dice, cross-entropy, the topological terms if any, and their sum."""
        weights = None if self.class_weights is None else self.class_weights.to(target.device)
        coarse = coarse_loss(answers, target, self.scale_weights, weights)
        weight = self.scale_weights[0]
        if self.terms is None:
            terms = dice_cross_entropy(answers[0], target, weights)
            loss = weight * (terms.dice_loss + terms.cross_entropy) + coarse
            return {"loss": loss, **terms._asdict()}
        answer, looks = Answer.of(answers[0]), batch["looks"]
        terms = dice_cross_entropy(answer.loose, target, weights)
        place = self.terms.place(looks)
        drawn = answer.loose[place.crops.to(target.device)]
        found = self.terms(drawn.float().softmax(1)[:, 1:], looks)
        main = weight * (terms.dice_loss + terms.cross_entropy)
        joined = self.terms.join(main, found, [answer], place.share, step)
        return terms._asdict() | joined | {"loss": joined["loss"] + coarse}

    def after(self, step: int) -> None:
        """Move the running mean of the weights."""
        if self.taught:
            self.taught.follow(step)

    def weights(self) -> Mapping[str, Tensor]:
        """Return all weights: the running mean's, if there is one."""
        return (self.taught.teacher if self.taught else self.network).state_dict()

    def evaluate(self, network: nn.Module) -> Generator[Step, None, Evaluation]:
        """Predict the labelled part of each validation case; without any, the newest is best."""
        if not self.validation:
            return Evaluation(0.0, {})
        classes, wanted = len(self.described.classes), self.config.wanted_by_class
        judged: list[Judgement] = []
        preview: dict[str, NDArray[np.float32]] = {}
        for pieces in self.validation:
            found = []
            for piece in pieces:
                found.append((yield from self.predict(network, piece)).numpy())
                preview = preview or {
                    "image": with_channels(np.asarray(piece.image))[0],
                    "truth": np.asarray(piece.target, np.float32),
                    "prediction": found[-1].astype(np.float32),
                }
            judged.append(judge(pieces, found, classes, wanted))
        return evaluation_of(judged, self.described.classes, self.config.betti_weight, preview)

    def predict(self, network: nn.Module, example: Example) -> Generator[Step, None, Tensor]:
        """Predict class numbers of an example, ``(z, y, x)`` on the CPU."""
        device = next(network.parameters()).device
        whole = with_channels(np.ascontiguousarray(example.image))
        image = torch.from_numpy(whole).to(device)[None]
        crop = self.described.crop
        logits = yield from slide(
            image,
            crop,
            network,
            stride=strides(crop, VALIDATION_OVERLAP),
            message="validating",
            batch=planned_batch(0, str(device)),
        )
        return logits.argmax(0).cpu()

    def card(self, evaluation: Evaluation) -> Card:
        """Return the model's card with what was measured last."""
        quality = {"validation": dict(evaluation.metrics)} if evaluation.metrics else {}
        return self.described.model_copy(update={"quality": quality})


def evaluation_of(
    judged: Sequence[Judgement],
    classes: Sequence[str],
    betti_weight: float,
    preview: Mapping[str, NDArray[np.float32]],
) -> Evaluation:
    """Return the means over cases of what was judged.

    The score is the mean Dice, less the mean topological error times its weight.
    """
    dice = mean_where_known([case.dice for case in judged])
    betti = np.mean([case.betti_error for case in judged], axis=0)
    mean = mean_where_known(dice)
    metrics = {"dice": float(mean), "betti error": float(betti.mean())}
    for name, overlap, error in zip(classes, dice, betti, strict=True):
        metrics |= {f"dice {name}": float(overlap), f"betti error {name}": float(error)}
    score = float(mean) if math.isfinite(mean) else 0.0
    if betti_weight > 0:
        score -= betti_weight * float(np.mean([case.topological_error for case in judged]))
    slices = tuple(each for case in judged for each in case.slices)[:MOST_SLICES]
    return Evaluation(score, metrics, preview, slices)


def mean_where_known(values: Any) -> Any:
    """Return means over the first axis of what is not NaN; NaN where all is."""
    values = np.asarray(values)
    known = np.isfinite(values)
    counts = known.sum(0)
    sums = np.where(known, values, 0.0).sum(0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def collate(crops: Sequence[Crop]) -> dict[str, Any]:
    """Stack crops into an image ``(B, C, Z, Y, X)`` and a target ``(B, Z, Y, X)``."""
    return {
        "image": torch.from_numpy(np.stack([with_channels(crop.image) for crop in crops])),
        "target": torch.from_numpy(np.stack([labels_of(crop) for crop in crops])),
    }


def labels_of(crop: Crop | Example) -> NDArray[np.int64]:
    """Return the class numbers of a labelled crop or example."""
    assert crop.target is not None
    return np.asarray(crop.target).astype(np.int64)
