"""A line in a small window that says what was just done, with a way back."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.ui.buttons import push
from app.ui.i18n import say, shown
from app.ui.notify import announce
from app.wording import Wording


class UndoBar(QWidget):
    """Hidden until something is told."""

    def __init__(self, undo: Callable[[], object]) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._said = QLabel()
        self._said.setObjectName("soft")
        self._said.setWordWrap(True)
        self._said.setTextFormat(Qt.TextFormat.PlainText)
        row.addWidget(self._said, 1)
        self._button = push(Wording("Undo"), undo, "link")
        row.addWidget(self._button)
        self.hide()

    def tell(self, words: Wording, undoable: bool = True) -> None:
        """Show `words`, to screen readers too, and the button if there is something to undo."""
        say(self._said.setText, words)
        self._button.setVisible(undoable)
        self.show()
        announce(self, shown(words))
