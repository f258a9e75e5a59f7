"""The list of earlier conversations: open one, or delete it."""

from collections.abc import Sequence

from PySide6.QtCore import QDateTime, QLocale, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QLineEdit, QListWidget, QListWidgetItem, QWidget

from app.chat.archive import Entry
from app.ui.buttons import push
from app.ui.i18n import isolated, say, shown
from app.ui.sheets import SmallWindow
from app.wording import Wording

_KEY = Qt.ItemDataRole.UserRole


class HistorySheet(SmallWindow):
    """chosen: the key of a conversation to open. deleted: of one that is to go."""

    chosen = Signal(str)
    deleted = Signal(str)

    def __init__(self, entries: Sequence[Entry], current: str, parent: QWidget) -> None:
        """current: the key of the conversation that is shown now."""
        super().__init__(Wording("Earlier conversations"), parent)
        self._sure = False
        self._find = QLineEdit()
        say(self._find.setPlaceholderText, Wording("Find by the first question"))
        say(self._find.setAccessibleName, Wording("Find by the first question"))
        self._find.textChanged.connect(self._filter)
        self.list = QListWidget()
        self.list.setObjectName("history")
        say(self.list.setAccessibleName, Wording("Earlier conversations"))
        self.list.itemActivated.connect(self._choose)
        self.list.currentRowChanged.connect(self._on_row)
        self._empty = QLabel()
        say(self._empty.setText, Wording("No earlier conversation is kept."))
        self._empty.setObjectName("soft")
        for widget in (self._find, self._empty, self.list):
            self.column.addWidget(widget, int(widget is self.list))
        self._delete = push(Wording("Delete"), self._delete_current)
        QShortcut(QKeySequence.StandardKey.Delete, self.list, self._delete_current)
        self._open = push(Wording("Open"), self._choose, "primary")
        for entry in entries:
            self._add(entry, entry.key == current)
        self.list.setCurrentRow(0)
        self._filter("")
        self.finish(self._delete, self._open, focus=self.list)
        self.resize(min(560, parent.width()), min(560, max(360, parent.height())))

    def _add(self, entry: Entry, current: bool) -> None:
        when = QLocale().toString(QDateTime.fromSecsSinceEpoch(int(entry.changed)), QLocale.FormatType.ShortFormat)
        about = shown(Wording("{when}, shown now", when=Wording(when))) if current else when
        item = QListWidgetItem(f"{isolated(entry.title)}\n{about}")
        item.setData(_KEY, entry.key)
        self.list.addItem(item)

    def _choose(self) -> None:
        item = self.list.currentItem()
        if item is not None and not item.isHidden():
            self.chosen.emit(item.data(_KEY))
            self.accept()

    def _delete_current(self) -> None:
        """The first press asks, the second does it: a conversation cannot be brought back."""
        item = self.list.currentItem()
        if item is None or item.isHidden():
            return
        if self._sure:
            self.list.takeItem(self.list.row(item))
            self.deleted.emit(item.data(_KEY))
            self._filter(self._find.text())
        else:
            self._ask_first(False)

    def _on_row(self) -> None:
        self._ask_first(True)

    def _ask_first(self, ask: bool) -> None:
        self._sure = not ask
        say(self._delete.setText, Wording("Delete") if ask else Wording("Delete for good?"))

    def _filter(self, words: str) -> None:
        items = [self.list.item(row) for row in range(self.list.count())]
        for item in items:
            item.setHidden(words.casefold() not in item.text().partition("\n")[0].casefold())
        there = [item for item in items if not item.isHidden()]
        if there and (self.list.currentItem() is None or self.list.currentItem().isHidden()):
            self.list.setCurrentItem(there[0])
        self._empty.setVisible(not items)
        self.list.setVisible(bool(items))
        self._find.setVisible(len(items) > 1)
        for button in (self._open, self._delete):
            button.setEnabled(bool(there))
        self._ask_first(True)
