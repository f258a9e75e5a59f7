"""The picture itself: fitted, zoomed, moved; a rectangle drawn on it says which part a question is about."""

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.ui import theme
from app.ui.i18n import say
from app.ui.part import SMALLEST, middle, moved
from app.ui.picture_painting import paint_part, paint_picture
from app.ui.viewport import Viewport
from app.wording import Wording

MARGIN = 16
"""Pixels kept free around a fitted picture; below it more, for the controls."""

_STEP = 1.25
_PAN = 64
_RIM = 4
"""Pixels by which what is drawn around a thing may stick out of the picture."""


class Overlay(Protocol):
    """Something drawn over the picture: labels, translations."""

    def paint(self, painter: QPainter, to_view: QTransform) -> None:
        """Paint; `to_view` takes the picture's pixels to the widget's."""
        ...


class Canvas(QWidget):
    """Shows a picture as levels, each half as large as the one before, or live frames.

    part_chosen: a rectangle in the picture's pixels. part_dropped: there is none any more. zoomed: screen pixels a
    pixel of the picture takes now. moved: the picture stands elsewhere.
    """

    part_chosen = Signal(QRect)
    part_dropped = Signal()
    zoomed = Signal(float)
    moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bottom = 0
        self.overlays: list[Overlay] = []
        self._levels: Sequence[QImage] = ()
        self._view = Viewport(self._area)
        self._live = False
        self._part: QRect | None = None
        self._drag_from: QPointF | None = None
        self._pan_from: QPointF | None = None
        self._pointer = QPointF()
        self.setObjectName("canvas")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        say(self.setAccessibleName, Wording("Stage"))

    # --- what is shown ---

    def show_picture(self, levels: Sequence[QImage]) -> None:
        """Show a picture, fitted, or nothing."""
        self._levels, self._live, self._part = levels, False, None
        self._view.size = levels[0].size() if levels else QSize()
        self._drag_from = self._pan_from = None
        self.fit()
        self._set_cursor()

    def show_frame(self, frame: QImage, size: QSize) -> None:
        """Show the next frame of a camera, of `size` pixels (the image may have fewer), where the last one stood."""
        changed = not self._live or not self._levels or self._view.size != size
        self._levels, self._view.size, self._live = (frame,), size, True
        if changed:
            self._part = None
            self.fit()
            self._set_cursor()
        self.update_picture()

    def update_picture(self) -> None:
        """Paint anew what lies on the picture, and only that: the controls beside it cost more than a frame."""
        self.update(self.covered.toAlignedRect().adjusted(-_RIM, -_RIM, _RIM, _RIM))

    @property
    def covered(self) -> QRectF:
        """Where the picture stands, in the widget's pixels."""
        return self.to_view().mapRect(QRectF(QRect(QPoint(0, 0), self._view.size)))

    @property
    def filled(self) -> bool:
        """Whether a picture is shown."""
        return bool(self._levels)

    @property
    def fitted(self) -> bool:
        """Whether all of the picture is shown, and stays so."""
        return self._view.fitted

    @property
    def seen(self) -> bool:
        """Whether a person can see it, as far as the desktop tells; some tell that other windows lie above."""
        handle = self.window().windowHandle()
        uncovered = handle is None or handle.isExposed()
        return self.isVisible() and not self.window().isMinimized() and uncovered

    @property
    def part(self) -> QRect | None:
        return self._part

    def drop_part(self) -> None:
        """Be about the whole picture again."""
        if self._part is not None:
            self._part = None
            self.part_dropped.emit()
            self.update()

    def to_view(self) -> QTransform:
        """From the picture's pixels to the widget's."""
        return self._view.to_view()

    # --- zooming and moving ---

    def leave(self, bottom: int) -> None:
        """Keep so many pixels free at the bottom, for controls."""
        if bottom != self._bottom:
            self._bottom = bottom
            self._on_area()

    def fit(self) -> None:
        """Show all of it, small pictures at most twice as large."""
        self._view.fit()
        if self._levels:
            self.zoomed.emit(self._view.scale)
        self._show_moved()

    def zoom(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom by `factor`, keeping what is under `around` where it is."""
        if self._levels:
            self._view.zoom(factor, around)
            self.zoomed.emit(self._view.scale)
            self._show_moved()

    def zoom_in(self) -> None:
        self.zoom(_STEP)

    def zoom_out(self) -> None:
        self.zoom(1 / _STEP)

    def pan(self, by: QPointF) -> None:
        """Move the picture by so many pixels of the widget."""
        self._view.pan(by)
        self._show_moved()

    def _show_moved(self) -> None:
        self.update()
        self.moved.emit()

    def _area(self) -> QRect:
        return self.rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN - self._bottom)

    def _on_area(self) -> None:
        self.fit() if self._view.fitted else self._show_moved()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._on_area()

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        if not self._levels:
            return
        with QPainter(self) as painter:
            paint_picture(painter, self._levels, self._view, self._live)
            for overlay in self.overlays:
                painter.save()
                overlay.paint(painter, self.to_view())
                painter.restore()
            part = self._dragged() or self._part
            if part is not None:
                paint_part(painter, part, self._view)
            if self.hasFocus() and self.window().property("keyboard"):
                painter.setPen(QPen(QColor(theme.current().accent), 2))
                painter.drawRect(self.rect().adjusted(1, 1, -2, -2))

    # --- mouse and touchpad ---

    def _dragged(self) -> QRect | None:
        if self._drag_from is None:
            return None
        start, end = self._view.to_picture(self._drag_from), self._view.to_picture(self._pointer)
        whole = QRectF(QRect(QPoint(0, 0), self._view.size))
        part = QRectF(start, end).normalized().intersected(whole).toAlignedRect()
        least = min(SMALLEST, *(self._view.size.toTuple()))
        return part if part.width() >= least and part.height() >= least else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if not self._levels:
            return
        left = event.button() == Qt.MouseButton.LeftButton
        if self._live:
            if not self._view.fitted:
                self._pan_from = event.position()
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif left and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._drag_from = self._pointer = event.position()
        else:
            self._pan_from = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        if self._drag_from is not None:
            self.update()
        elif self._pan_from is not None:
            self.pan(event.position() - self._pan_from)
            self._pan_from = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        part, dragged = self._dragged(), self._drag_from is not None
        self._drag_from = self._pan_from = None
        self._set_cursor()
        if part is not None:
            self.choose_part(part)
        elif dragged:
            self.drop_part()

    def choose_part(self, part: QRect) -> None:
        """Be about `part` of the picture, in its pixels."""
        self._part = part
        self.part_chosen.emit(part)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: ARG002
        self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom(2 ** (event.angleDelta().y() / 360), event.position())

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom(1 + event.value(), event.position())
            return True
        return super().event(event)

    def point(self, at: bool) -> None:
        """The pointer is at something that can be clicked, or no longer."""
        if at:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self._set_cursor()

    def _set_cursor(self) -> None:
        still = bool(self._levels) and not self._live
        self.setCursor(Qt.CursorShape.CrossCursor if still else Qt.CursorShape.ArrowCursor)

    # --- keys ---

    def keyPressEvent(self, event: QKeyEvent) -> None:
        arrows = {
            Qt.Key.Key_Left: QPoint(-1, 0),
            Qt.Key.Key_Right: QPoint(1, 0),
            Qt.Key.Key_Up: QPoint(0, -1),
            Qt.Key.Key_Down: QPoint(0, 1),
        }
        if event.key() in arrows and self._levels:
            self._on_arrow(arrows[Qt.Key(event.key())], event.modifiers())
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_in()
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom_out()
        elif event.key() == Qt.Key.Key_0:
            self.fit()
        else:
            super().keyPressEvent(event)

    def _on_arrow(self, way: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        """Arrows move the view; with Shift they move a part of the picture, with Ctrl and Shift they size it."""
        if not modifiers & Qt.KeyboardModifier.ShiftModifier or self._live:
            if not self._live or not self._view.fitted:
                self.pan(QPointF(way) * -_PAN)
            return
        sizing = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        part = middle(self._view.size) if self._part is None else moved(self._part, self._view.size, way, sizing)
        if part != self._part:
            self.choose_part(part)
