"""What is said to the person outside an answer: notices on top, the line of what is being done, and screen readers."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.errors import SpyglassError
from app.ui import icons, theme
from app.ui.buttons import IconButton, push
from app.ui.i18n import say, shown
from app.ui.session import Activity
from app.ui.sheets import DetailSheet
from app.wording import Wording


def announce(source: QObject, words: str) -> None:
    """Let a screen reader say `words` without moving the focus."""
    if words and QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(source, words))


class Notice(QFrame):
    """One message above the conversation: what happened, what to do, and buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.error: SpyglassError | None = None
        """What is said is about this, unless it is a hint."""
        self.said = ""
        """What was said last, the first sentence of it as it was given."""
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 10, 6, 10)
        row.setSpacing(12)
        self._sign = QLabel()
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        self._what, self._todo = QLabel(), QLabel()
        for label, name in ((self._what, "what"), (self._todo, "todo")):
            label.setObjectName(name)
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            words.addWidget(label)
        self._button_row = QWidget()
        self._buttons = QHBoxLayout(self._button_row)
        self._buttons.setContentsMargins(0, 4, 0, 0)
        self._buttons.setSpacing(8)
        words.addWidget(self._button_row)
        words.addStretch()
        row.addLayout(words, 1)
        row.addWidget(IconButton("x", Wording("Close this message"), self.hide, size=16), 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    @property
    def words(self) -> str:
        """What is said now; empty while hidden."""
        return f"{self._what.text()} {self._todo.text()}".strip() if not self.isHidden() else ""

    def show_error(self, error: SpyglassError, button: str = "", on_button: Callable[[], object] | None = None) -> None:
        """Say what happened and what to do. button: a way out, if there is one."""
        self.error = error
        buttons = [push(button, on_button, "link")] if on_button else []
        if error.detail:
            buttons.append(push(Wording("Details"), lambda: DetailSheet(error, self.window()).open(), "link"))
        self._show("error", error.what, error.todo, buttons)

    def show_hint(
        self, what: str, todo: str = "", button: str = "", on_button: Callable[[], object] | None = None
    ) -> None:
        """Say something that is no error, quietly."""
        self.error = None
        self._show("hint", what, todo, [push(button, on_button, "link")] if on_button else [])

    def offer_back(self, back: Callable[[], object]) -> None:
        """Say that a part of the conversation is gone, and how to see it again."""
        what = Wording("The conversation as it was is among the earlier ones.")
        self.show_hint(what, button=Wording("Show it again"), on_button=back)

    def retint(self) -> None:
        """Take on the colours of the theme that holds now."""
        is_error, colours = self.property("kind") == "error", theme.current()
        name, ink = ("circle-alert", colours.danger) if is_error else ("info", colours.accent)
        self._sign.setPixmap(icons.pixmap(name, ink, 20, self.devicePixelRatioF()))

    def _show(self, kind: str, what: str, todo: str, buttons: list[QPushButton]) -> None:
        self.said = what
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        say(self._what.setText, what)
        say(self._todo.setText, todo)
        self._todo.setVisible(bool(todo))
        while item := self._buttons.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for button in buttons:
            self._buttons.addWidget(button)
        self._buttons.addStretch()
        self._button_row.setVisible(bool(buttons))
        self.retint()
        self.show()
        announce(self, f"{shown(what)} {shown(todo)}")


class ActivityLine(QStackedWidget):
    """One line above the composer: what is being done, how far it is, and Cancel; else a quiet word."""

    cancelled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._said = ""
        quiet = QLabel()
        say(quiet.setText, Wording("Runs on this machine. Answers can be wrong."))
        quiet.setObjectName("soft")
        quiet.setAlignment(Qt.AlignmentFlag.AlignCenter)
        quiet.setFont(theme.scaled(self.font(), 0.85))
        self.addWidget(quiet)
        work = QWidget()
        row = QHBoxLayout(work)
        row.setContentsMargins(4, 0, 0, 0)
        row.setSpacing(12)
        self._words = QLabel()
        self._words.setObjectName("soft")
        row.addWidget(self._words)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        say(self._bar.setAccessibleName, Wording("Progress"))
        row.addWidget(self._bar, 1)
        row.addStretch(0)
        self.cancel = push(Wording("Cancel"), self.cancelled.emit, "link")
        row.addWidget(self.cancel)
        self.addWidget(work)
        self.setFixedHeight(32)

    @property
    def words(self) -> str:
        """What is being done; empty while nothing is."""
        return self._words.text() if self.currentIndex() else ""

    def show_activity(self, activity: Activity | None) -> None:
        self.setCurrentIndex(1 if activity else 0)
        words = activity.words if activity else ""
        if words != self._said:
            self._said = words
            say(self._words.setText, words)
            announce(self, shown(words))
        if activity:
            known = activity.fraction is not None
            policy = self._bar.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            self._bar.setSizePolicy(policy)
            self._bar.setVisible(known)
            self._bar.setValue(round(1000 * (activity.fraction or 0.0)))
