"""The buttons of a turn: a small bar under an answer, and one beside a question. They move to where they are wanted."""

from PySide6.QtCore import QPoint, QRect, QSize, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from app.chat.conversation import State, Turn
from app.ui import icons, theme
from app.ui.buttons import below
from app.ui.i18n import say
from app.wording import Wording

_COPIED_MS = 1500


class AnswerTools(QWidget):
    """chosen: "copy", "again", "translate", "speak" or "details", and the turn."""

    chosen = Signal(str, object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("tools")
        self._turn: Turn | None = None
        self.can_speak = False
        """Whether this system can read an answer aloud."""
        self.reading: Turn | None = None
        """The turn that is being read aloud."""
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self._buttons = {
            "copy": (self._button("copy", Wording("Copy the answer")), "copy"),
            "again": (self._button("again", Wording("Answer again")), "refresh-cw"),
            "translate": (self._button("translate", Wording("Translate the answer")), "languages"),
            "speak": (self._button("speak", Wording("Read aloud")), "volume-2"),
            "details": (self._button("details", Wording("Details of the error")), "info"),
        }
        for button, _ in self._buttons.values():
            row.addWidget(button)
        self._copied = QTimer(self, singleShot=True, interval=_COPIED_MS)
        self._copied.timeout.connect(self._show_copy)
        self.hide()

    def _button(self, name: str, words: str) -> QToolButton:
        button = QToolButton(self)
        say(button.setAccessibleName, words)
        say(button.setToolTip, words)
        button.setIconSize(QSize(16, 16))
        button.clicked.connect(lambda: self.chosen.emit(name, self._turn))
        return button

    def below(self, name: str) -> QPoint:
        """The place on the screen below a button, where its menu opens."""
        return below(self._buttons[name][0])

    def has_focus(self) -> bool:
        return any(button.hasFocus() for button, _ in self._buttons.values())

    def retint(self) -> None:
        """Take on the colours of the theme that holds now."""
        for button, icon in self._buttons.values():
            button.setIcon(icons.icon(icon, theme.current().soft, size=16))
        self._show_copy()
        self._show_speech()

    def show_copied(self) -> None:
        """For a moment, show that the answer was copied."""
        self._copied.start()
        self._show_copy()

    def _show_copy(self) -> None:
        colours = theme.current()
        icon, ink = ("check", colours.accent) if self._copied.isActive() else ("copy", colours.soft)
        self._buttons["copy"][0].setIcon(icons.icon(icon, ink, size=16))

    def _show_speech(self) -> None:
        speaking = self.reading is not None and self.reading is self._turn
        icon, ink = ("circle-stop", theme.current().accent) if speaking else ("volume-2", theme.current().soft)
        button = self._buttons["speak"][0]
        button.setIcon(icons.icon(icon, ink, size=16))
        for setter in (button.setAccessibleName, button.setToolTip):
            say(setter, Wording("Stop reading" if speaking else "Read aloud"))

    def show_for(self, turn: Turn) -> None:
        """Be about `turn`, as large as its buttons need."""
        if turn is not self._turn:
            self._copied.stop()
            self._show_copy()
        self._turn = turn
        for name in ("copy", "translate"):
            self._buttons[name][0].setVisible(bool(turn.answer))
        self._buttons["again"][0].setVisible(not turn.note)
        self._buttons["speak"][0].setVisible(self.can_speak and bool(turn.answer))
        self._show_speech()
        self._buttons["details"][0].setVisible(turn.state is State.FAILED)
        self.adjustSize()
        self.show()


class EditButton(QToolButton):
    """chosen: the turn whose question is to be changed."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._turn: Turn | None = None
        self.setObjectName("edit")
        self.setIconSize(QSize(16, 16))
        for setter in (self.setAccessibleName, self.setToolTip):
            say(setter, Wording("Edit question"))
        self.clicked.connect(lambda: self.chosen.emit(self._turn))
        self.hide()

    def retint(self) -> None:
        """Take on the colours of the theme that holds now."""
        self.setIcon(icons.icon("pencil", theme.current().soft, size=16))

    def show_for(self, turn: Turn, bubble: QRect) -> QRect:
        """Be about `turn`; returns its place, before the bubble of the question."""
        self._turn = turn
        self.show()
        size = self.sizeHint()
        left = bubble.right() + 5 if self.isRightToLeft() else bubble.left() - size.width() - 4
        return QRect(QPoint(left, bubble.center().y() - size.height() // 2), size)
