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

CLASS_COLOURS = (ORANGE, BLUE, GREEN, PURPLE, YELLOW, VERMILION, NAVY)
"""Colours of the classes 1, 2, ... of an annotation, over and over."""

KIND_COLOURS = {
    "splits": VERMILION,
    "merges": BLUE,
    "spurious": YELLOW,
    "missing": NAVY,
    "makes a loop": ORANGE,
    "breaks a loop": "#8C510A",
    "fills a loop": "#F6C9A0",
    "makes a cavity": GREEN,
    "opens a cavity": "#B2DF8A",
    "fills a cavity": "#01665E",
    "mixed": PURPLE,
    "compensated": "#DFC2EB",
    "harmless": GREY,
}
"""Colour of each kind of defect; later kinds are grey."""

EDIT_COLOURS = {"adds": BLUE, "removes": VERMILION, "refused": GREY}
"""Colour of what an edit of a repair does."""


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
        axis.setStyle(tickTextOffset=3)
    plot.getPlotItem().titleLabel.setAttr("color", text)
    plot.setTitle(plot.getPlotItem().titleLabel.text or None, color=text)
