"""Part of the screen as a picture: the screen stands still, a rectangle is drawn on it."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QScreen,
)
from PySide6.QtWidgets import QWidget

from app.errors import PictureError

_SETTLE_MS = 250
"""Until the desktop has painted what was behind the window."""
_SMALLEST = 8
_BESIDE = 20
"""Pixels free around the words."""


class Region(QWidget):
    """A still image of one screen; the person draws a rectangle on it. chosen: the image inside. dismissed: Escape."""

    chosen = Signal(QImage)
    dismissed = Signal()

    def __init__(self, screen: QScreen, image: QPixmap) -> None:
        super().__init__(None, Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnTopHint)
        self._image = image
        self._from: QPointF | None = None
        self._to = QPointF()
        self.setGeometry(screen.geometry())
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName(self.tr("Draw a rectangle around the part of the screen; Escape to give up"))

    def _rectangle(self) -> QRect:
        return QRectF(self._from, self._to).normalized().toAlignedRect() if self._from is not None else QRect()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._from = self._to = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._to = event.position()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._to = event.position()
        part = self._rectangle().intersected(self.rect())
        self._from = None
        if part.width() >= _SMALLEST and part.height() >= _SMALLEST:
            ratio = self._image.devicePixelRatio()
            pixels = QRectF(part.x() * ratio, part.y() * ratio, part.width() * ratio, part.height() * ratio)
            self.chosen.emit(self._image.copy(pixels.toAlignedRect()).toImage())
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismissed.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self._image.toImage())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        with QPainter(self) as painter:
            painter.drawPixmap(0, 0, self._image)
            painter.fillRect(self.rect(), QColor(0, 0, 0, 110))
            part = self._rectangle()
            if self._from is None:
                self._paint_words(painter)
            if not part.isEmpty():
                painter.setClipRect(part)
                painter.drawPixmap(0, 0, self._image)
                painter.setClipping(False)
                painter.setPen(QPen(QColor("#ffffff"), 2))
                painter.drawRect(part)

    def _paint_words(self, painter: QPainter) -> None:
        """Say what is wanted here: a screen that only gets darker looks broken."""
        words = self.accessibleName()
        size = self.fontMetrics().size(0, words) + QSize(2 * _BESIDE, _BESIDE)
        box = QRect(QPoint((self.width() - size.width()) // 2, self.height() // 8), size)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor("#ffffff"), 1))
        painter.setBrush(QColor(16, 22, 22, 230))
        painter.drawRoundedRect(box, _BESIDE // 2, _BESIDE // 2)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)


class ScreenPicker(QObject):
    """Hides a window, lets the person choose a part of what is behind it, and shows the window again."""

    def __init__(
        self, window: QWidget, chosen: Callable[[QImage], None], failed: Callable[[PictureError], None]
    ) -> None:
        super().__init__(window)
        self._window = window
        self._chosen = chosen
        self._failed = failed
        self._regions: list[Region] = []

    def start(self) -> None:
        """Begin. On Wayland, where no program may look at the screen by itself, it ends in an error that says how."""
        if QGuiApplication.platformName().startswith("wayland"):
            self._failed(
                PictureError(
                    "This desktop lets no program look at the screen by itself.",
                    "Take a screenshot with the desktop's own key and paste it here.",
                )
            )
            return
        self._window.hide()
        QTimer.singleShot(_SETTLE_MS, self, self._grab)

    def _grab(self) -> None:
        for screen in QGuiApplication.screens():
            image = screen.grabWindow(0)
            if image.isNull():
                continue
            region = Region(screen, image)
            region.chosen.connect(self._on_chosen)
            region.dismissed.connect(self._end)
            self._regions.append(region)
            region.showFullScreen()
            region.activateWindow()
        if not self._regions:
            self._end()
            self._failed(PictureError("The screen cannot be seen.", "Take a screenshot and paste it here."))

    def _on_chosen(self, image: QImage) -> None:
        self._end()
        self._chosen(image)

    def _end(self) -> None:
        for region in self._regions:
            region.close()
            region.deleteLater()
        self._regions.clear()
        self._window.show()
        self._window.activateWindow()
