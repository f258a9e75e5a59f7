"""A picture painted as a viewport shows it, and the part of it that a question is about."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from app.ui import theme
from app.ui.viewport import Viewport

_BESIDE = QColor(0, 0, 0, 120)
"""Laid over what is not of the part."""


def paint_picture(painter: QPainter, levels: Sequence[QImage], view: Viewport, live: bool) -> None:
    """Draw from the smallest of the levels (each half as large as the one before) that has enough pixels, and of it
    only what can be seen. live: the one level was made for the very place where it is shown."""
    ratio = painter.device().devicePixelRatioF()
    level = levels[0]
    for smaller in levels[1:]:
        if smaller.width() < view.size.width() * view.scale * ratio:
            break
        level = smaller
    target = view.to_view().mapRect(QRectF(QRect(QPoint(0, 0), view.size)))
    if live and level.size() == (target.size() * ratio).toSize():
        painter.save()  # nothing is left to be scaled
        painter.scale(1 / ratio, 1 / ratio)
        painter.drawImage((target.topLeft() * ratio).toPoint(), level)
        painter.restore()
        return
    seen = target.intersected(QRectF(painter.window()))
    across, down = level.width() / target.width(), level.height() / target.height()
    source = QRectF(
        (seen.left() - target.left()) * across,
        (seen.top() - target.top()) * down,
        seen.width() * across,
        seen.height() * down,
    )
    # A picture of 1 x 20000 would be too narrow to be seen at all.
    seen.setSize(seen.size().expandedTo(QSizeF(1, 1)))
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, view.scale * ratio < 4)
    painter.drawImage(seen, level, source)


def paint_part(painter: QPainter, part: QRect, view: Viewport) -> None:
    """Darken all of the picture but `part`, in its pixels, and draw a line around that."""
    picture = view.to_view().mapRect(QRectF(QRect(QPoint(0, 0), view.size)))
    chosen = view.to_view().mapRect(QRectF(part))
    around, inside = QPainterPath(), QPainterPath()
    around.addRect(picture)
    inside.addRect(chosen)
    painter.fillPath(around - inside, _BESIDE)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor("#ffffff"), 2))
    painter.drawRect(chosen)
    painter.setPen(QPen(QColor(theme.LIGHT.accent), 2, Qt.PenStyle.DashLine))
    painter.drawRect(chosen)
