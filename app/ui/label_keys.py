"""The names on a still picture for keyboard and screen reader: a button, itself unseen, wherever one is painted."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.modes.labels import Label
from app.ui.canvas import MARGIN, Canvas
from app.ui.i18n import say
from app.ui.overlay import LabelOverlay, caption
from app.wording import Wording

_STEPS = {
    Qt.Key.Key_Left: (QPointF.x, -1),
    Qt.Key.Key_Right: (QPointF.x, 1),
    Qt.Key.Key_Up: (QPointF.y, -1),
    Qt.Key.Key_Down: (QPointF.y, 1),
}
"""Across or down, and which way."""


class _Name(QAbstractButton):
    """The overlay paints it, and the canvas takes its clicks. walked: a step as in `_STEPS`. held: the keyboard came
    or went."""

    walked = Signal(object)
    held = Signal(bool)

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        say(self.setAccessibleDescription, Wording("Ask about this"))
        self.area = QRectF()

    def become(self, label: Label) -> None:
        self.label = label
        self.setAccessibleName(caption(label))

    def put(self, area: QRectF) -> None:
        self.area = area
        self.setGeometry(area.toAlignedRect())
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        pass

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if plain and event.key() in _STEPS:
            self.walked.emit(_STEPS[Qt.Key(event.key())])
        elif plain and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() in _STEPS:
            event.ignore()  # with Shift they choose a part; by itself a button would go to the next one
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.held.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.held.emit(False)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.setAccessibleName(caption(self.label))


class LabelKeys(QObject):
    """Tab goes from the picture to one of its names, arrows to the next one that way, Enter or Space chooses it.

    chosen: a Label.
    """

    chosen = Signal(object)

    def __init__(self, canvas: Canvas, overlay: LabelOverlay) -> None:
        super().__init__(canvas)
        self._canvas, self._overlay = canvas, overlay
        self._names: list[_Name] = []
        canvas.moved.connect(self._place)

    def follow(self) -> None:
        """The overlay shows other labels."""
        labels = self._overlay.labels
        for name in self._names[len(labels) :]:
            self._drop(name)
        del self._names[len(labels) :]
        while len(self._names) < len(labels):
            self._names.append(self._make())
        for name, label in zip(self._names, labels, strict=True):
            name.become(label)
        self._place()
        if self._names and not any(name.focusPolicy() & Qt.FocusPolicy.TabFocus for name in self._names):
            self._stop_at(min(self._names, key=lambda name: name.area.center().x()))

    def _make(self) -> _Name:
        name = _Name(self._canvas)
        name.walked.connect(lambda step: self._walk(name, *step))
        name.held.connect(lambda held: self._on_held(name, held))
        name.clicked.connect(lambda: self.chosen.emit(name.label))
        QWidget.setTabOrder(self._names[-1] if self._names else self._canvas, name)
        return name

    def _drop(self, name: _Name) -> None:
        if name.hasFocus():
            self._canvas.setFocus()  # else it would go wherever Qt finds it a place
        name.hide()
        name.deleteLater()

    def _place(self) -> None:
        for name, area in zip(self._names, self._overlay.areas(self._canvas), strict=False):
            name.put(area)

    def _walk(self, start: _Name, way: Callable[[QPointF], float], by: int) -> None:
        """To the next name that way; along either way one comes by all of them."""
        order = sorted(self._names, key=lambda name: way(name.area.center()))
        next_one = order.index(start) + by
        if 0 <= next_one < len(order):
            order[next_one].setFocus()

    def _stop_at(self, one: _Name) -> None:
        """Let Tab come to this one: all of them would be many stops."""
        for name in self._names:
            name.setFocusPolicy(Qt.FocusPolicy.StrongFocus if name is one else Qt.FocusPolicy.ClickFocus)

    def _on_held(self, name: _Name, held: bool) -> None:
        self._overlay.hold(name.label if held else None)
        if held:
            self._stop_at(name)
            self._bring_into_view(name)
        self._canvas.update()

    def _bring_into_view(self, name: _Name) -> None:
        view = QRectF(self._canvas.rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        if not view.intersects(name.area):
            self._canvas.pan(view.center() - name.area.center())
