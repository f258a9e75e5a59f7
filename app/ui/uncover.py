"""What of the original the person wants to see: the place under the pointer, or all of it while O is held."""

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent

from app.ui.canvas import Canvas


class Uncover(QObject):
    """changed: another place, or everything, or nothing is to be seen."""

    changed = Signal()

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._held = self._always = False
        self._pointer: QPointF | None = None
        canvas.installEventFilter(self)

    @property
    def everything(self) -> bool:
        """Whether nothing of the original is to be covered."""
        return self._held or self._always

    @property
    def pointer(self) -> QPointF | None:
        """Where the pointer is on the canvas, None while it is elsewhere."""
        return self._pointer

    def always(self, original: bool) -> None:
        """Show all of the original until told otherwise."""
        self._always = original
        self.changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseMove:
            self._pointer = event.position()
            self.changed.emit()
        elif event.type() == QEvent.Type.Leave:
            self._pointer = None
            self.changed.emit()
        elif isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_O and not event.isAutoRepeat():
            self._held = event.type() in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride)
            self.changed.emit()
        elif event.type() == QEvent.Type.FocusOut and self._held:
            self._held = False
            self.changed.emit()
        return super().eventFilter(watched, event)
