"""The translated picture over the original; the line under the pointer, or all while O is held, stands as it was."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from app.capture.region import Quad
from app.modes.translate.overlay import Label
from app.modes.translate.pipeline import Passage
from app.ui import theme
from app.ui.canvas import Canvas
from app.ui.translate_work import Drawn
from app.ui.uncover import Uncover

_BAND = 70
"""Opacity, of 255, of the band over a line that is not translated yet."""
_GROWN = 0.25
"""How much more than a line is uncovered, as a part of its height."""


class TranslationOverlay(QObject):
    """Paints over a canvas while it has something to paint."""

    def __init__(self, canvas: Canvas, uncover: Uncover) -> None:
        super().__init__(canvas)
        self._canvas, self._uncover = canvas, uncover
        self._drawn: Drawn | None = None
        self._uncovered: Passage | None = None
        self._waiting: tuple[Quad, ...] = ()
        canvas.overlays.append(self)
        uncover.changed.connect(self._on_uncover)

    @property
    def uncovered(self) -> Passage | None:
        """The passage whose original is shown."""
        return self._uncovered

    @property
    def shown(self) -> bool:
        """Whether the translation covers the picture now."""
        return self._drawn is not None and not self._uncover.everything

    def show(self, drawn: Drawn | None) -> None:
        """Paint this from now on, or nothing."""
        self._drawn, self._uncovered = drawn, None
        self._canvas.update()

    def show_waiting(self, quads: Sequence[Quad]) -> None:
        """Mark the lines that were found and are not translated yet."""
        self._waiting = tuple(quads)
        self._canvas.update()

    def paint(self, painter: QPainter, to_view: QTransform) -> None:
        self._paint_drawn(painter, to_view)
        painter.setClipRect(self._canvas.covered)  # a line at the edge may be guessed to go on
        self._paint_waiting(painter, to_view)

    def _paint_waiting(self, painter: QPainter, to_view: QTransform) -> None:
        """A soft band over each line, as a marker pen leaves, and a line below it: seen on any picture."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(theme.DARK.accent)
        colour.setAlpha(_BAND)
        for polygon in map(to_view.map, map(_grown, self._waiting)):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawPolygon(polygon)
            painter.setPen(QPen(QColor(theme.DARK.accent), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(polygon.at(3), polygon.at(2))

    def _paint_drawn(self, painter: QPainter, to_view: QTransform) -> None:
        if not self.shown or self._drawn is None:
            return
        sheet = self._drawn.sheet
        whole = QRectF(0, 0, sheet.picture.width, sheet.picture.height)
        target = to_view.mapRect(whole)
        if self._uncovered is not None:
            around, hole = QPainterPath(), QPainterPath()
            hole.setFillRule(Qt.FillRule.WindingFill)  # the two texts lie over each other
            around.addRect(target)
            for polygon in _polygons(self._uncovered, self._drawn.labels):
                hole.addPolygon(to_view.map(polygon))
                hole.closeSubpath()
            painter.setClipPath(around - hole)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        seen = target.width() * self._canvas.devicePixelRatioF()
        level = min(
            (one for one in sheet.levels if one.width() >= seen), key=lambda one: one.width(), default=sheet.levels[0]
        )
        painter.drawImage(target, level)

    def _on_uncover(self) -> None:
        pointer = self._uncover.pointer
        drawn = self._drawn if pointer is not None else None
        passages, labels = (drawn.translation.passages, drawn.labels) if drawn is not None else ((), ())
        inverse, _ = self._canvas.to_view().inverted()
        place = inverse.map(pointer or QPointF())
        translated = (p for p in passages if p.translation and p.translation != p.source)
        self._uncovered = next((p for p in translated if _covers(_polygons(p, labels), place)), None)
        if self._drawn is not None:
            self._canvas.update()


def _polygons(passage: Passage, labels: Sequence[Label]) -> list[QPolygonF]:
    """The lines of a passage in the picture's pixels, and what is written over them, often longer; grown a little."""
    own = {id(quad) for quad in passage.quads}
    return [_grown(quad) for quad in (*passage.quads, *(label.ink for label in labels if id(label.over) in own))]


def _covers(polygons: Sequence[QPolygonF], place: QPointF) -> bool:
    return any(polygon.containsPoint(place, Qt.FillRule.OddEvenFill) for polygon in polygons)


def _grown(quad: Quad) -> QPolygonF:
    down = (quad[3] - quad[0] + quad[2] - quad[1]) * _GROWN / 2
    across = (quad[1] - quad[0]) / max(float(((quad[1] - quad[0]) ** 2).sum()) ** 0.5, 1.0)
    side = across * float((down**2).sum()) ** 0.5
    corners = (quad[0] - down - side, quad[1] - down + side, quad[2] + down + side, quad[3] + down - side)
    return QPolygonF([QPointF(float(x), float(y)) for x, y in corners])
