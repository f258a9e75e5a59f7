"""The translated picture over the original; the line under the pointer, or all while O is held, stands as it was."""

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPolygonF, QTransform

from app.modes.translate.pipeline import Passage
from app.ui.canvas import Canvas
from app.ui.translate_work import Drawn

_GROWN = 0.25
"""How much more than a line is uncovered, as a part of its height."""


class TranslationOverlay(QObject):
    """Paints over a canvas while it has something to paint."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._drawn: Drawn | None = None
        self._original = self._held = False
        self._uncovered: Passage | None = None
        canvas.overlays.append(self)
        canvas.installEventFilter(self)

    @property
    def uncovered(self) -> Passage | None:
        """The passage whose original is shown."""
        return self._uncovered

    @property
    def shown(self) -> bool:
        """Whether the translation covers the picture now."""
        return self._drawn is not None and not self._original and not self._held

    def show(self, drawn: Drawn | None) -> None:
        """Paint this from now on, or nothing."""
        self._drawn, self._uncovered = drawn, None
        self._canvas.update()

    def show_original(self, original: bool) -> None:
        """Leave the picture as it is, for a while."""
        self._original = original
        self._canvas.update()

    def paint(self, painter: QPainter, to_view: QTransform) -> None:
        if not self.shown or self._drawn is None:
            return
        sheet = self._drawn.sheet
        whole = QRectF(0, 0, sheet.picture.width, sheet.picture.height)
        target = to_view.mapRect(whole)
        if self._uncovered is not None:
            around, hole = QPainterPath(), QPainterPath()
            around.addRect(target)
            for polygon in _polygons(self._uncovered):
                hole.addPolygon(to_view.map(polygon))
                hole.closeSubpath()
            painter.setClipPath(around - hole)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        seen = target.width() * self._canvas.devicePixelRatioF()
        level = min(
            (one for one in sheet.levels if one.width() >= seen), key=lambda one: one.width(), default=sheet.levels[0]
        )
        painter.drawImage(target, level)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self._drawn is not None:
            if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseMove:
                self._hover(event.position())
            elif event.type() == QEvent.Type.Leave:
                self._set_uncovered(None)
            elif isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_O and not event.isAutoRepeat():
                self._held = event.type() in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride)
                self._canvas.update()
            elif event.type() == QEvent.Type.FocusOut and self._held:
                self._held = False
                self._canvas.update()
        return super().eventFilter(watched, event)

    def _hover(self, point: QPointF) -> None:
        assert self._drawn is not None
        inverse, _ = self._canvas.to_view().inverted()
        place = inverse.map(point)
        translated = (p for p in self._drawn.translation.passages if p.translation and p.translation != p.source)
        under = (p for p in translated if any(q.containsPoint(place, Qt.FillRule.OddEvenFill) for q in _polygons(p)))
        self._set_uncovered(next(under, None))

    def _set_uncovered(self, passage: Passage | None) -> None:
        if passage is not self._uncovered:
            self._uncovered = passage
            self._canvas.update()


def _polygons(passage: Passage) -> list[QPolygonF]:
    """The lines of a passage in the picture's pixels, grown a little."""
    polygons = []
    for quad in passage.quads:
        down = (quad[3] - quad[0] + quad[2] - quad[1]) * _GROWN / 2
        across = (quad[1] - quad[0]) / max(float(((quad[1] - quad[0]) ** 2).sum()) ** 0.5, 1.0)
        side = across * float((down**2).sum()) ** 0.5
        corners = (quad[0] - down - side, quad[1] - down + side, quad[2] + down + side, quad[3] + down - side)
        polygons.append(QPolygonF([QPointF(float(x), float(y)) for x, y in corners]))
    return polygons
