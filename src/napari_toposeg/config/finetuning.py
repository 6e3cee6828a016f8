"""The settings of fine-tuning."""

import math
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from napari_toposeg.config.network import NetworkName, SizeName
from napari_toposeg.config.run import ClassNames, Flips, PositiveInt, Size3, Spacing3, Window, Words
from napari_toposeg.config.terms import Term, term_in
from napari_toposeg.config.training import AugmentationName, Level, LossName, TopologyConfig


class FinetuneConfig(TopologyConfig):
    """Supervised training of a segmentation model on few labelled volumes."""

    checkpoint: str = Field(
        description="model name, run folder or file to start from; 'none': from scratch"
    )
    data: Path | None = Field(
        None,
        description="store made by prepare with labels, or public dataset in its own folders, in "
        "place of --images and --labels",
    )
    images: Path | None = Field(None, description="folder of images")
    labels: Path | None = Field(
        None, description="folder of label maps with the same file names as their images"
    )
    annotated: bool = Field(
        False,
        description="label maps of --labels are annotations, as the dock writes them: 0 is "
        "unlabelled and counts nowhere, 255 is background",
    )
    ids: Path | None = Field(
        None, description="text file, one case name a line: the only labels that may be used"
    )
    validation: Path | None = Field(
        None, description="text file, one case name a line: cases that choose the best model"
    )
    classes: ClassNames | None = Field(
        None,
        description="names of the labels 1, 2, ... in order; default: the dataset's, else the "
        "checkpoint's where it tells as many apart",
    )
    network: NetworkName | None = Field(
        None, description="architecture; default: the checkpoint's, from scratch vit"
    )
    size: SizeName = Field("tiny", description="size of the network when starting from scratch")
    patch: PositiveInt = Field(
        6, description="edge of a patch of a ViT when starting from scratch, in voxels"
    )
    scales: PositiveInt | None = Field(
        None,
        description="scales of a residual U-Net when starting from scratch; default: as many of "
        "its size's as the crop has room for",
    )
    freeze: bool = Field(False, description="train the decoder alone, on a fixed encoder")
    thaw: float = Field(
        1.0,
        ge=0,
        le=1,
        description="share of the steps after which a frozen encoder learns too; 1: never",
    )
    layer_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="learning rate of a layer of the encoder (a ViT's block, another's stage) "
        "relative to that of the next; 0.75 suits large pretrained ones",
    )
    loss: LossName = Field(
        "dice-ce",
        description="segmentation loss: Dice and cross-entropy, alone or with the term named; dog "
        "and histogram are controls without topology",
    )
    terms: Words = Field(
        (),
        description="further topological terms beside that of the loss, each as NAME, NAME:WEIGHT "
        "or NAME:WEIGHT:SCHEDULE; what is left out is the topology_weight and the "
        "topology_schedule",
    )
    class_weights: Words = Field(
        ("equal",),
        min_length=1,
        description="weights of the classes in Dice and cross-entropy: equal; balanced: more for "
        "rare ones, by the root of their frequency; or a number for the background and each class",
    )
    average: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="share that each step leaves of the running mean of the weights, which is then "
        "the model; 0: no mean; 0.99 suits 500 steps, 0.999 suits 5000; default: 0.99 with a "
        "teacher, 0.95 where a model that segments already is trained on a few slices, else 0",
    )
    teacher_weight: float | None = Field(
        None,
        ge=0,
        description="weight of what the running mean (the teacher) tells of voxels without labels, "
        "against the labels' loss; 1 suits few labels and many images; 0: it tells nothing; "
        "default: 1 where a model that segments already is trained on a few slices, else 0",
    )
    teacher_certainty: float = Field(
        0.7,
        ge=0,
        le=1,
        description="least probability of the teacher's most probable class for it to count",
    )
    teacher_of: Literal["unlabelled", "all"] = Field(
        "unlabelled",
        description="voxels that the teacher tells: those without labels, or labelled ones too "
        "(self-distillation)",
    )
    mixed: Level = Field(
        0.0,
        description="share of the crops without labels into which a block of a labelled crop is "
        "put, with its labels; needs unlabelled images",
    )
    unlabelled: bool = Field(
        False,
        description="learn from the images, too, that are not named as labelled or for validation; "
        "needs a teacher",
    )
    unlabelled_ids: Path | None = Field(
        None,
        description="text file, one case name a line: the only images to learn from without labels",
    )
    flips: Flips = Field(
        "", description="axes along which crops are mirrored at random; none where sides have names"
    )
    augmentation: AugmentationName = Field(
        "standard",
        description="how far crops are changed at random: standard turns up to 15 degrees; strong "
        "up to 30, and stretches, bends, and looks through other scanners",
    )
    phantoms: int = Field(
        0,
        ge=0,
        description="synthetic vessel phantoms to train on in place of --images and --labels",
    )
    crop: Size3 | None = Field(
        None, description="crop along z y x, in voxels; default: planned from the data"
    )
    spacing: Spacing3 | None = Field(
        None,
        description="voxel size in mm along z y x that images are resampled to; default: the "
        "labelled cases' median",
    )
    intensity: Window | None = Field(
        None,
        description="HU that become 0 and 1 for the network, of CT alone; default: the "
        "checkpoint's, else -1000 1000",
    )
    learning_rate: float = Field(
        0.0,
        ge=0,
        description="peak learning rate; 0: planned, 2e-4 from a segmentation model (5e-4 with a "
        "teacher), 5e-3 for a residual U-Net, 1e-3 for others",
    )
    steps: int = Field(400, ge=0, description="optimiser steps; 0: planned by how much is labelled")
    minutes: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="time that the run may take: as many steps are planned as fit, in place of the "
        "number given; 0: any",
    )
    batch: int = Field(
        2, ge=0, description="crops a step, on all devices together; 0: planned for the device"
    )
    every: int = Field(
        50, ge=0, description="steps between validations and checkpoints; 0: ten in a run"
    )
    betti_weight: float = Field(
        0.0,
        ge=0,
        le=1,
        description="weight of the topological error, 0..1, against the mean Dice where the best "
        "checkpoint is chosen (Dice - weight x error); 0: by Dice alone",
    )
    wanted: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        None,
        description="Betti numbers wanted of classes, four numbers each: class b0 b1 b2; the "
        "topological error of such a class is its distance from them",
    )

    @field_validator("class_weights")
    @classmethod
    def require_weights(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse words that are no weights."""
        if words not in (("equal",), ("balanced",)) and not weights_in(words):
            raise ValueError("give equal, balanced, or a number above 0 for each class")
        return words

    @model_validator(mode="after")
    def require_terms(self) -> Self:
        """Refuse what is no term, and a term that is named twice."""
        names = [term.name for term in self.all_terms]
        if len(set(names)) < len(names):
            raise ValueError(f"terms: each can be named once, and the loss is {self.loss}")
        return self

    @model_validator(mode="after")
    def require_teacher(self) -> Self:
        """Refuse a teacher that is nobody, and unlabelled images that nobody tells of."""
        if self.teacher_weight and self.average == 0:
            raise ValueError(
                "teacher_weight: the teacher is the running mean of the weights, and average is 0; "
                "set average, such as 0.99"
            )
        if self.mixed and not self.unlabelled:
            raise ValueError(
                "mixed: blocks of labelled crops are put into crops without labels, and unlabelled "
                "is not set; set it too"
            )
        if self.unlabelled and self.teacher_of == "all":
            raise ValueError(
                "teacher_of: with unlabelled the teacher tells of those images, and not of the "
                "labelled crops; leave one of the two out"
            )
        if self.unlabelled and not self.teacher_weight:
            raise ValueError(
                "unlabelled: images without labels are learnt from a teacher, and teacher_weight "
                "is not set; set it, such as 1"
            )
        return self

    @model_validator(mode="after")
    def require_fours(self) -> Self:
        """Refuse wanted numbers that are not four for each class."""
        if self.wanted is not None and len(self.wanted) % 4:
            raise ValueError(
                f"wanted: four numbers for each class (class b0 b1 b2), got {len(self.wanted)}"
            )
        return self

    @property
    def all_terms(self) -> tuple[Term, ...]:
        """The topological terms beside Dice and cross-entropy, that of the loss first."""
        weight, schedule = self.topology_weight, self.topology_schedule
        named = () if self.loss == "dice-ce" else (Term(self.loss, weight, schedule),)
        return (*named, *(term_in(text, weight, schedule) for text in self.terms))

    @property
    def weights_given(self) -> tuple[float, ...]:
        """Weights of background and classes; empty where they are equal or follow from the data."""
        return weights_in(self.class_weights)

    @property
    def wanted_by_class(self) -> dict[int, tuple[int, int, int]]:
        """Wanted Betti numbers (b0, b1, b2) by class."""
        numbers = iter(self.wanted or ())
        return {k: (b0, b1, b2) for k, b0, b1, b2 in zip(*[numbers] * 4, strict=True)}


def weights_in(words: tuple[str, ...]) -> tuple[float, ...]:
    """Return the numbers that words are, if all are finite and above 0; none otherwise."""
    try:
        numbers = tuple(map(float, words))
    except ValueError:
        return ()
    return numbers if all(0 < number < math.inf for number in numbers) else ()
