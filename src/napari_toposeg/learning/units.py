"""Units: mean and standard deviation of intensities, by which a network standardises what it sees.

A new network takes those of its data. One that starts from a model keeps the model's, for which its
weights were made; but a model from before standard units has none (0 and 1), and where its decoder
stays behind, a new one would begin far from the data.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from napari_toposeg.config import ObjectiveName, PretrainConfig, Size3
from napari_toposeg.learning.cards import Card, load_card
from napari_toposeg.learning.crops import draw_unlabelled
from napari_toposeg.learning.examples import Example
from napari_toposeg.learning.planning import task_of
from napari_toposeg.learning.seeds import random_of

CROPS = 32
LEAST_SPREAD = 1e-3

Units = tuple[float, float]
PLAIN: Units = (0.0, 1.0)
"""Those of a network that takes intensities as they are."""


class Chosen(NamedTuple):
    """The units of a run, and what a user should know of them."""

    units: Units
    notes: tuple[str, ...] = ()


def choose_units(config: PretrainConfig, examples: Sequence[Example], crop: Size3) -> Chosen:
    """Choose the units of a pretraining."""
    if config.start is None:
        return Chosen(config.units or units_of(examples, crop))
    start, of_data = load_card(config.start), units_of(examples, crop)
    own = start.network.centre, start.network.spread
    units = config.units or (own if keeps_own(start, config.objective) else of_data)
    if units == own:
        kept = f"the run keeps the model's; --units {written(of_data)} takes the data's"
        return Chosen(units, (said(start, of_data, kept),) if far(own, of_data) else ())
    if config.units:
        return Chosen(units)
    why = (
        "which bring scans to mean 0 and deviation 1, as it was trained"
        if start.intensity == "z-score"
        else "since its decoder stays behind and a new one begins at their mean"
    )
    taken = f"the run takes the data's, {why}; --units {written(own)} keeps the model's"
    return Chosen(units, (said(start, of_data, taken),))


def units_of(examples: Sequence[Example], crop: Size3) -> Units:
    """Return mean and standard deviation of the intensities of crops, to four digits."""
    crops = [
        draw_unlabelled(examples[number % len(examples)], crop, random_of(0, 0, number))
        for number in range(CROPS)
    ]
    seen = np.concatenate([each.image[each.inside] for each in crops])
    return round(float(seen.mean()), 4), max(round(float(seen.std()), 4), LEAST_SPREAD)


def keeps_own(start: Card, objective: ObjectiveName) -> bool:
    """Tell whether a run keeps the units of the model that it starts from."""
    if (start.network.centre, start.network.spread) != PLAIN:
        return True
    with_decoder = start.task == task_of(objective) == "reconstruct"
    rebuilds = objective not in ("maskfeat", "dino")
    return start.intensity != "z-score" and (with_decoder or not rebuilds)


def far(own: Units, of_data: Units) -> bool:
    """Tell whether the data looks odd in a model's units."""
    (centre, spread), (mean, deviation) = own, of_data
    return abs(centre - mean) > deviation or not 0.5 < spread / deviation < 2.0


def said(start: Card, of_data: Units, then: str) -> str:
    """Say what the units of a model and of the data are."""
    own = written((start.network.centre, start.network.spread))
    return (
        f"{start.name} computes in the units {own} (mean and deviation of intensities in 0..1), "
        f"and those of the data are {written(of_data)}: {then}"
    )


def written(units: Units) -> str:
    """Return units as they would be typed."""
    return " ".join(f"{number:g}" for number in units)
