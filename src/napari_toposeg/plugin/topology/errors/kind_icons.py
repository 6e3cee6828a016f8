"""Icons of kinds: a coloured shape with a letter in it, black or white, whichever reads better."""

from functools import lru_cache

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QIcon, QPainter, QPixmap, QPolygonF

from napari_toposeg.plugin.topology.errors.kinds import KindStyle, Shape

SIDE = 16
SCALE = 3
"""Drawn larger than shown, for screens of high resolution."""
LIGHT = 0.4
"""Relative luminance from which on black reads better than white."""


@lru_cache(maxsize=64)
def icon_of(style: KindStyle) -> QIcon:
    """Return the icon of a style."""
    pixmap = QPixmap(SIDE * SCALE, SIDE * SCALE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(SCALE, SCALE)
    colour = QColor(style.colour)
    painter.setBrush(colour)
    painter.setPen(QColor("#808080"))
    draw_shape(painter, style.shape)
    painter.setPen(QColor("#000000" if luminance(colour) > LIGHT else "#FFFFFF"))
    font = QFont()
    font.setBold(True)
    font.setPixelSize(9 if style.shape == "triangle" else 11)
    painter.setFont(font)
    low = 3 if style.shape == "triangle" else 0
    painter.drawText(QRectF(0, low, SIDE, SIDE - low), Qt.AlignmentFlag.AlignCenter, style.letter)
    painter.end()
    pixmap.setDevicePixelRatio(SCALE)
    return QIcon(pixmap)


def draw_shape(painter: QPainter, shape: Shape) -> None:
    """Draw a shape that fills the icon."""
    inside = QRectF(1, 1, SIDE - 2, SIDE - 2)
    half = SIDE / 2
    match shape:
        case "disc":
            painter.drawEllipse(inside)
        case "square":
            painter.drawRect(inside)
        case "triangle":
            corners = [QPointF(half, 0), QPointF(SIDE - 0.5, SIDE - 1), QPointF(0.5, SIDE - 1)]
            painter.drawPolygon(QPolygonF(corners))
        case "diamond":
            corners = [QPointF(half, 0), QPointF(SIDE, half), QPointF(half, SIDE), QPointF(0, half)]
            painter.drawPolygon(QPolygonF(corners))


def luminance(colour: QColor) -> float:
    """Return how light a colour is, in 0..1, as WCAG 2 has it."""

    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(part) for part in (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
