"""Find words in the conversation."""

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit

from app.ui.blocks import Selection
from app.ui.buttons import IconButton
from app.ui.chat_view import ChatView
from app.ui.i18n import say
from app.wording import Wording


class FindBar(QFrame):
    """A line above the conversation; Enter goes to the next place, Shift+Enter to the one before."""

    closed = Signal()

    def __init__(self, view: ChatView) -> None:
        super().__init__()
        self._view = view
        self._at = -1
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(4)
        self.edit = QLineEdit()
        say(self.edit.setPlaceholderText, Wording("Find in this conversation"))
        say(self.edit.setAccessibleName, Wording("Find in this conversation"))
        self.edit.setClearButtonEnabled(False)
        self.edit.textChanged.connect(self._on_text)
        row.addWidget(self.edit, 1)
        self.count = QLabel()
        self.count.setObjectName("soft")
        row.addWidget(self.count)
        row.addWidget(IconButton("chevron-up", Wording("The place before"), lambda: self.step(-1), size=18))
        row.addWidget(IconButton("chevron-down", Wording("The next place"), lambda: self.step(1), size=18))
        row.addWidget(IconButton("x", Wording("Close"), self.close_bar, size=18))
        self.hide()

    def open(self) -> None:
        self.show()
        self.edit.setFocus()
        self.edit.selectAll()

    def close_bar(self) -> None:
        self.hide()
        self.closed.emit()

    def step(self, by: int) -> None:
        """Show another of the places found."""
        found = self._places(self.edit.text())
        if found:
            self._at = (self._at + by) % len(found)
            self._view.select(*found[self._at])
            say(self.count.setText, Wording("{place} of {places}", place=self._at + 1, places=len(found)))
        else:
            say(self.count.setText, Wording("Not found") if self.edit.text() else "")

    def _on_text(self) -> None:
        self._at = -1
        self.step(1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.step(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        else:
            super().keyPressEvent(event)

    def _places(self, needle: str) -> list[tuple[QModelIndex, Selection]]:
        """Every place where `needle` stands, from the top."""
        view, width = self._view, self._view.viewport().width()
        found = []
        for number in range(view.model().rowCount() if needle else 0):
            index = view.model().index(number, 0)
            row = view.row(index)
            row.height(width)  # an unmeasured row holds no text yet
            found += [(index, selection) for selection in row.flow.find(needle)]
        return found
