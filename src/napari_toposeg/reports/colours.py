"""Colours that tell things apart for every kind of colour vision, always beside a shape or a word.

References
----------
Okabe and Ito 2008, Color Universal Design, https://jfly.uni-koeln.de/color/.
"""

from typing import NamedTuple


class Mark(NamedTuple):
    """How the features of one dimension are drawn, and what they are called."""

    shape: str
    colour: str
    label: str


BETTI_MARKS = {
    0: Mark("o", "#0072B2", "b0 components"),
    1: Mark("^", "#D55E00", "b1 loops"),
    2: Mark("s", "#009E73", "b2 cavities"),
}
"""Mark of each dimension; shapes are matplotlib's letters."""

CLASS_COLOURS = ("#56B4E9", "#E69F00", "#CC79A7", "#F0E442", "#009E73", "#D55E00", "#0072B2")
"""Colours of the classes 1, 2, ... over grey images; they repeat after the last."""


def class_colour(label: int) -> str:
    """Return the colour of a class from 1 on."""
    return CLASS_COLOURS[(label - 1) % len(CLASS_COLOURS)]
