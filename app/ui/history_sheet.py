"""The list of earlier conversations: open one, or delete it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from app.ui.buttons import push
from app.ui.history_list import KEY, HistoryList, Searchable
from app.ui.i18n import say
from app.ui.sheets import SmallWindow
from app.wording import Wording

_NONE = Wording("No earlier conversation is kept.")
_NOT_FOUND = Wording("These words were said in no earlier conversation.")


class HistorySheet(SmallWindow):
    """chosen: the key of a conversation to open. deleted: of one that is to go."""

    chosen = Signal(str)
    deleted = Signal(str)

    def __init__(self, kept: Sequence[Searchable], current: str, parent: QWidget) -> None:
        """current: the key of the conversation that is shown now."""
        super().__init__(Wording("Earlier conversations"), parent)
        self._sure = False
        self._find = QLineEdit()
        say(self._find.setPlaceholderText, Wording("Find in questions and answers"))
        say(self._find.setAccessibleName, Wording("Find in questions and answers"))
        self._find.textChanged.connect(self._filter)
        self.list = HistoryList(kept, current)
        self.list.itemActivated.connect(self._choose)
        self.list.currentRowChanged.connect(self._on_row)
        self._empty = QLabel()
        self._empty.setObjectName("soft")
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        for widget in (self._find, self._empty, self.list):
            self.column.addWidget(widget, int(widget is not self._find))
        self._delete = push(Wording("Delete"), self._delete_current)
        QShortcut(QKeySequence.StandardKey.Delete, self.list, self._delete_current)
        self._open = push(Wording("Open"), self._choose, "primary")
        self._filter("")
        self.finish(self._delete, self._open, focus=self.list)
        self.resize(min(560, parent.width()), min(560, max(360, parent.height())))

    def _choose(self) -> None:
        item = self.list.currentItem()
        if item is not None and not item.isHidden():
            self.chosen.emit(item.data(KEY))
            self.accept()

    def _delete_current(self) -> None:
        """The first press asks, the second does it: a conversation cannot be brought back."""
        item = self.list.currentItem()
        if item is None or item.isHidden():
            return
        if self._sure:
            self.deleted.emit(self.list.remove(item))
            self._filter(self._find.text())
        else:
            self._ask_first(False)

    def _on_row(self) -> None:
        self._ask_first(True)

    def _ask_first(self, ask: bool) -> None:
        self._sure = not ask
        say(self._delete.setText, Wording("Delete") if ask else Wording("Delete for good?"))

    def _filter(self, words: str) -> None:
        there, kept = self.list.narrow(words), self.list.count()
        say(self._empty.setText, _NOT_FOUND if kept else _NONE)
        self._empty.setVisible(not there)
        self.list.setVisible(bool(there))
        self._find.setVisible(kept > 1 or bool(words))
        for button in (self._open, self._delete):
            button.setEnabled(bool(there))
        self._ask_first(True)
