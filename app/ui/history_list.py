"""The rows of the list of earlier conversations, and finding some by any words that were said in them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QDateTime, QLocale, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPixmap, QShowEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from app.chat.archive import Entry
from app.modes.recognise import RecogniseMode, names
from app.ui import theme
from app.ui.i18n import isolated, say, shown
from app.ui.thumbnails import rounded
from app.wording import Wording

KEY = Qt.ItemDataRole.UserRole
_PREVIEW, _FRAMED = QSize(56, 42), QSize(64, 42)
_BEFORE, _BEHIND = 24, 80
"""Letters around a word that was found, to know it by."""


@dataclass(frozen=True)
class Searchable:
    """A conversation and all that was said in it; folded: with upper and lower case alike."""

    entry: Entry
    text: str = field(repr=False)
    folded: str = field(repr=False)


def searchable(entry: Entry) -> Searchable:
    """Takes a millisecond for a long conversation; for a thousand of them not on the window's thread."""
    answers = ((one.question, names(one.answer) if one.mode == RecogniseMode.id else one.answer) for one in entry.said)
    text = "\n".join(part for both in answers for part in both)
    return Searchable(entry, text, text.casefold())


class _Row(QListWidgetItem):
    """Is put into words only when it is seen: of a thousand rows few are."""

    def __init__(self, kept: Searchable, current: bool) -> None:
        super().__init__()
        self.kept = kept
        self.wanted: Sequence[str] = ()
        self._current = current
        self._preview: QIcon | None = None

    def show(self, image: QImage) -> None:
        """Show the picture that the conversation began with; an empty image: a blank in its place."""
        if image.isNull():
            image = QImage(1, 1, QImage.Format.Format_RGB32)
            image.fill(QColor(theme.current().bubble))
        framed = QPixmap(_FRAMED * 2)
        framed.setDevicePixelRatio(2)
        framed.fill(Qt.GlobalColor.transparent)
        with QPainter(framed) as painter:
            painter.drawPixmap((_FRAMED.width() - _PREVIEW.width()) // 2, 0, rounded(image, _PREVIEW))
        self._preview = QIcon(framed)
        self._preview.addPixmap(framed, QIcon.Mode.Selected)  # else the style would tint it

    def data(self, role: int) -> Any:
        if role == Qt.ItemDataRole.DecorationRole:
            there = self.listWidget()
            if self._preview is None and isinstance(there, HistoryList):
                self.show(QImage())
                there.want_picture(self)
            return self._preview
        if role == Qt.ItemDataRole.DisplayRole:
            found = self._found()
            line = f"{self._when()} · {isolated(found)}" if found else self._when()
            return f"{isolated(self.kept.entry.title)}\n{line}"
        return self.kept.entry.key if role == KEY else super().data(role)

    def _when(self) -> str:
        time = QDateTime.fromSecsSinceEpoch(int(self.kept.entry.changed))
        when = QLocale().toString(time, QLocale.FormatType.ShortFormat)
        return shown(Wording("{when}, shown now", when=Wording(when))) if self._current else when

    def _found(self) -> str:
        """What stands around the first wanted word that the title does not show."""
        title, text = self.kept.entry.title.casefold(), self.kept.text
        hidden = next((word for word in self.wanted if word.casefold() not in title), None)
        found = re.search(re.escape(hidden), text, re.IGNORECASE) if hidden else None
        if found is None:
            return ""
        start = max(0, found.start() - _BEFORE)
        words = " ".join(text[start : found.end() + _BEHIND].split())
        return f"…{words}" if start else words


Taken = tuple[int, _Row]
"""A row that was taken out of the list, and where it was."""


class HistoryList(QListWidget):
    """The conversations, that changed last first. picture_wanted: a conversation's key and the digest of its picture,
    which is in view now."""

    picture_wanted = Signal(str, str)

    def __init__(self, kept: Sequence[Searchable], current: str) -> None:
        """current: the key of the conversation that is shown now."""
        super().__init__()
        self.setObjectName("history")
        self.setUniformItemSizes(True)
        self.setIconSize(_FRAMED)
        say(self.setAccessibleName, Wording("Earlier conversations"))
        self._unseen: list[_Row] = []
        self._rows = [_Row(one, one.entry.key == current) for one in kept]
        for row in self._rows:
            self.addItem(row)
        self.setCurrentRow(0)

    def narrow(self, line: str) -> int:
        """Show those only in which every word of `line` was said, in any order; returns how many there are."""
        wanted = line.split()
        there = []
        for row in self._rows:
            row.wanted = wanted
            fits = all(word.casefold() in row.kept.folded for word in wanted)
            row.setHidden(not fits)
            if fits:
                there.append(row)
        if there and (self.currentItem() is None or self.currentItem().isHidden()):
            self.setCurrentItem(there[0])
        self.viewport().update()
        return len(there)

    def want_picture(self, row: _Row) -> None:
        """The row is in view, or measured: then its picture is wanted once the list is shown."""
        entry = row.kept.entry
        if entry.picture and self.isVisible():
            self.picture_wanted.emit(entry.key, entry.picture)
        elif entry.picture:
            self._unseen.append(row)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        unseen, self._unseen = self._unseen, []
        for row in unseen:
            self.want_picture(row)

    def show_picture(self, key: str, image: QImage) -> None:
        """Show the picture of a conversation."""
        for row in self._rows:
            if row.kept.entry.key == key:
                row.show(image)
        self.viewport().update()

    def take(self, item: QListWidgetItem) -> Taken:
        """Take one out of the list."""
        place = self.row(item)
        self.takeItem(place)
        return place, self._rows.pop(place)

    def put_back(self, taken: Taken) -> None:
        """Put the one taken last where it was."""
        place, row = taken
        self._rows.insert(place, row)
        self.insertItem(place, row)
        self.setCurrentItem(row)
