"""Which part of a picture is seen, and how large: fitted, zoomed, moved. Geometry only; nothing is drawn here."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRect, QSize
from PySide6.QtGui import QTransform

_MOST = 16.0
"""Screen pixels a pixel of the picture may become."""
_LEAST_SIDE = 64
"""Screen pixels that remain of the longer side however far one zooms out."""
_FITTED_MOST = 2.0


class Viewport:
    """size: of the picture, in its pixels. scale: screen pixels a pixel of the picture takes. fitted: all of it is
    shown, and so it stays when the area changes."""

    def __init__(self, area: Callable[[], QRect]) -> None:
        """area: where on the widget the picture may stand now."""
        self.size = QSize()
        self._area = area
        self.scale = 1.0
        self.fitted = True
        self._middle = QPointF()

    def to_view(self) -> QTransform:
        """From the picture's pixels to the widget's."""
        middle = QPointF(self._area().center())
        transform = QTransform.fromTranslate(middle.x(), middle.y())
        transform.scale(self.scale, self.scale)
        return transform.translate(-self._middle.x(), -self._middle.y())

    def to_picture(self, point: QPointF) -> QPointF:
        """From the widget's pixels to the picture's."""
        inverse, _ = self.to_view().inverted()
        return inverse.map(point)

    def fit(self) -> None:
        """Show all of it, small pictures at most twice as large."""
        self.fitted = True
        if not self.size.isEmpty():
            area = self._area()
            scale = min(area.width() / self.size.width(), area.height() / self.size.height())
            self.scale = min(max(scale, 1e-4), _FITTED_MOST)
            self._middle = QPointF(self.size.width() / 2, self.size.height() / 2)

    def zoom(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom by `factor`, keeping what is under `around` (the middle of the area) where it is."""
        around = around if around is not None else QPointF(self._area().center())
        inside = self.to_picture(around)
        self.fitted = False
        self.scale = min(max(self.scale * factor, self._least()), _MOST)
        self._move(inside - self.to_picture(around))

    def pan(self, by: QPointF) -> None:
        """Move the picture by so many pixels of the widget."""
        self.fitted = False
        self._move(-by / self.scale)

    def _least(self) -> float:
        return min(1.0, _LEAST_SIDE / max(self.size.width(), self.size.height(), _LEAST_SIDE))

    def _move(self, by: QPointF) -> None:
        """Never so far that nothing of the picture is left in the middle."""
        middle = self._middle + by
        middle.setX(min(max(middle.x(), 0.0), float(self.size.width())))
        middle.setY(min(max(middle.y(), 0.0), float(self.size.height())))
        self._middle = middle
