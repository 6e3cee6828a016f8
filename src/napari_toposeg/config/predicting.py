"""The settings of a prediction."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from napari_toposeg.config.run import Flips, RunConfig, Words
from napari_toposeg.config.training import PrecisionName
from napari_toposeg.errors import InvalidConfig

Numbers = tuple[int, int, int]


class PredictConfig(RunConfig):
    """Segmentation of files, and what a model's encoder sees in them."""

    model: Words = Field(
        description="model name, run folder or file; the mean of several, of the same classes",
        min_length=1,
    )
    images: tuple[Path, ...] = Field(description="image files or folders", min_length=1)
    output: Path = Field(
        description="folder that receives one label map for each image, under the image's name"
    )
    probability: bool = Field(False, description="write one probability map for each class too")
    uncertainty: bool = Field(
        False,
        description="write <image>_uncertainty too, the entropy of the probabilities in 0..1; of "
        "several models also <image>_disagreement",
    )
    repair: Words | None = Field(
        None,
        description="Betti numbers (components, loops, cavities; 26-connected) that the label maps "
        "shall have: 1,0,0 for every class, or CLASS=1,0,0 for those named",
    )
    features: bool = Field(
        False,
        description="write what the model's encoder sees, too: <image>_features.npz for each "
        "image, and features.csv; any model will do",
    )
    overwrite: bool = Field(
        False, description="replace files that are in the output folder already"
    )
    overlap: float = Field(0.25, ge=0, lt=1, description="overlap of neighbouring windows")
    flips: Flips = Field(
        "",
        description="axes along which windows are mirrored too, the mean of all views being "
        "taken; none where classes have sides",
    )
    precision: PrecisionName = Field(
        "auto",
        description="arithmetic; auto: bf16-mixed where the device has instructions for it",
    )
    batch: int = Field(0, ge=0, description="windows that the network is given at once; 0: planned")
    home: Literal["auto", "device", "cpu"] = Field(
        "auto",
        description="where volume and sums are kept; auto: on the device if they fit, else windows "
        "alone go there",
    )
    air: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="windows whose intensities, scaled to 0..1, span no more than this share one "
        "answer, as windows of one grey value always do; 0.02 is 40 HU of CT",
    )
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    threads: int = Field(
        0, ge=0, description="CPU threads for the network; 0: as many as there are cores"
    )

    @field_validator("repair")
    @classmethod
    def require_wishes(cls, words: Sequence[str] | None) -> Sequence[str] | None:
        """Refuse words that are no Betti numbers."""
        if words is not None:
            wishes(words)
        return words

    def wanted_of(self, classes: Sequence[str]) -> dict[int, Numbers]:
        """Return the wanted (b0, b1, b2) by label; empty where nothing is to be repaired.

        Parameters
        ----------
        classes
            Names of the labels 1, 2, ...

        Raises
        ------
        InvalidConfig
            If a class is named that is not among them.
        """
        labels = {str(label): label for label in range(1, len(classes) + 1)}
        labels |= {name: label for label, name in enumerate(classes, start=1)}
        asked = wishes(self.repair or ())
        unknown = [name for name in asked if name and name not in labels]
        if unknown:
            raise InvalidConfig(
                f"--repair names {', '.join(unknown)}, and the model's classes are "
                f"{', '.join(classes)}; name one of these"
            )
        every = dict.fromkeys(labels.values(), asked[""]) if "" in asked else {}
        return every | {labels[name]: numbers for name, numbers in asked.items() if name}


def wishes(words: Sequence[str]) -> Mapping[str, Numbers]:
    """Return the wanted Betti numbers by class name, "" for every class.

    Parameters
    ----------
    words
        Such as ``1,0,0`` or ``vessel=1,0,0``; or three numbers apart.
    """
    if len(words) == 3 and all(word.isdecimal() for word in words):
        words = (",".join(words),)
    found: dict[str, Numbers] = {}
    for word in words:
        name, _, text = word.rpartition("=")
        parts = text.split(",")
        if len(parts) != 3 or not all(part.strip().isdecimal() for part in parts):
            raise ValueError(
                f"{word!r} is not three counts of components, loops and cavities; give 1,0,0 or "
                "CLASS=1,0,0"
            )
        if name in found:
            raise ValueError(f"numbers are given twice for {name or 'every class'}")
        b0, b1, b2 = map(int, parts)
        if b0 == 0 and (b1 or b2):
            raise ValueError(f"{word!r} wants loops or cavities of nothing; want one component")
        found[name] = (b0, b1, b2)
    return found
