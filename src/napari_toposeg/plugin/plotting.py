"""Plotting: what the tab's plots share: colours, symbols, and napari's theme.

The one idea: a dimension is never told by colour alone. Components are blue discs, loops orange
triangles, cavities green squares; the colours are of Okabe and Ito's set, which colour-blind
readers tell apart on light and dark grounds.

References
----------
Okabe and Ito 2008, "Color Universal Design".
"""

from typing import NamedTuple

import pyqtgraph as pg
from napari.utils.theme import get_theme

BLUE, ORANGE, GREEN, VERMILION = "#56B4E9", "#E69F00", "#009E73", "#D55E00"
YELLOW, PURPLE, NAVY, GREY = "#F0E442", "#CC79A7", "#0072B2", "#999999"


class DimensionStyle(NamedTuple):
    """How features of one dimension are drawn and called."""

    name: str
    symbol: str
    glyph: str
    colour: str


DIMENSIONS = (
    DimensionStyle("components", "o", "●", BLUE),
    DimensionStyle("loops", "t1", "▲", ORANGE),
    DimensionStyle("cavities", "s", "■", GREEN),
)
"""Styles of dimension 0, 1 and 2."""


def apply_theme(plot: pg.PlotWidget, theme: str) -> None:
    """Give a plot the colours of a napari theme.

    Parameters
    ----------
    plot
        Plot to colour.
    theme
        Name of the theme, ``viewer.theme``.
    """
    colours = get_theme(theme)
    plot.setBackground(colours.background.as_hex())
    text = colours.text.as_hex()
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(text)
        axis.setTextPen(text)
        axis.setStyle(tickFont=None, tickTextOffset=3)
