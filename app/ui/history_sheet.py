"""The list of earlier conversations: open one, or delete it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from app.ui.buttons import push
from app.ui.history_list import KEY, HistoryList, Searchable, Taken
from app.ui.i18n import say
from app.ui.sheets import SmallWindow
from app.ui.undo_bar import UndoBar
from app.wording import Wording

_NONE = Wording("No earlier conversation is kept.")
_TITLE = 40
"""Letters of a title that are said of what was deleted: enough to know it by."""
_NOT_FOUND = Wording("These words were said in no earlier conversation.")


class HistorySheet(SmallWindow):
    """chosen: the key of a conversation to open. deleted: of one that is to go, once the sheet is closed: until then it
    can be put back."""

    chosen = Signal(str)
    deleted = Signal(str)

    def __init__(self, kept: Sequence[Searchable], current: str, parent: QWidget) -> None:
        """current: the key of the conversation that is shown now."""
        super().__init__(Wording("Earlier conversations"), parent)
        self._taken: list[Taken] = []
        self._find = QLineEdit()
        say(self._find.setPlaceholderText, Wording("Find in questions and answers"))
        say(self._find.setAccessibleName, Wording("Find in questions and answers"))
        self._find.textChanged.connect(self._filter)
        self.list = HistoryList(kept, current)
        self.list.itemActivated.connect(self._choose)
        self._empty = QLabel()
        self._empty.setObjectName("soft")
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        for widget in (self._find, self._empty, self.list):
            self.column.addWidget(widget, int(widget is not self._find))
        self._undo = UndoBar(self._undo_last)
        self.column.addWidget(self._undo)
        self._delete = push(Wording("Delete"), self._delete_current)
        QShortcut(QKeySequence.StandardKey.Delete, self.list, self._delete_current, autoRepeat=False)
        QShortcut(QKeySequence.StandardKey.Undo, self.list, self._undo_last)
        self._open = push(Wording("Open"), self._choose, "primary")
        self._filter("")
        self.finish(self._delete, self._open, focus=self.list)
        self.finished.connect(self._tell_deleted)
        self.resize(min(560, parent.width()), min(560, max(360, parent.height())))

    @property
    def gone(self) -> list[str]:
        """The keys of those that go when the sheet is closed."""
        return [row.kept.entry.key for _, row in self._taken]

    def _choose(self) -> None:
        item = self.list.currentItem()
        if item is not None and not item.isHidden():
            self.chosen.emit(item.data(KEY))
            self.accept()

    def _delete_current(self) -> None:
        item = self.list.currentItem()
        if item is not None and not item.isHidden():
            self._taken.append(self.list.take(item))
            self._show_undo()

    def _undo_last(self) -> None:
        if self._taken:
            self.list.put_back(self._taken.pop())
            self._show_undo()

    def _show_undo(self) -> None:
        """Say what was deleted last, as long as it can be put back."""
        self._filter(self._find.text())
        self._undo.setVisible(bool(self._taken))
        if self._taken:
            title = self._taken[-1][1].kept.entry.title
            short = title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"
            self._undo.tell(Wording("Deleted: {title}", title=short))
        else:
            self.list.setFocus()

    def _tell_deleted(self) -> None:
        for key in self.gone:
            self.deleted.emit(key)

    def _filter(self, words: str) -> None:
        there, kept = self.list.narrow(words), self.list.count()
        say(self._empty.setText, _NOT_FOUND if kept else _NONE)
        self._empty.setVisible(not there)
        self.list.setVisible(bool(there))
        self._find.setVisible(kept > 1 or bool(words))
        for button in (self._open, self._delete):
            button.setEnabled(bool(there))
