"""The text of the conversation that is selected, within one row, and the link that the pointer is at."""

from typing import Protocol

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QPointF, QRect, Qt

from app.ui.blocks import Selection
from app.ui.chat_rows import Row

Index = QModelIndex | QPersistentModelIndex


class Rows(Protocol):
    """What is needed of the view. Places are counted from its upper left corner."""

    def row(self, index: Index, /) -> Row: ...
    def indexAt(self, point: QPoint, /) -> QModelIndex: ...
    def visualRect(self, index: QModelIndex, /) -> QRect: ...


class ChatSelection:
    """Begins where the pointer is pressed and ends where it is dragged to."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._selected: tuple[QPersistentModelIndex, Selection] | None = None
        self._pressed_link = ""

    def within(self, index: Index) -> Selection | None:
        """What is selected of a row."""
        return self._selected[1] if self._selected and self._selected[0] == index else None

    def text(self) -> str:
        """The words that are selected."""
        return self._rows.row(self._selected[0]).flow.text(self._selected[1]) if self._selected else ""

    def set(self, index: QModelIndex, selection: Selection) -> None:
        self._selected = (QPersistentModelIndex(index), selection)

    def forget(self) -> None:
        self._selected = None

    def press(self, point: QPointF) -> QModelIndex:
        """Begin anew at `point`; returns the row that is there."""
        self._selected = None
        index, place = self._at(point)
        if index.isValid():
            flow = self._rows.row(index).flow
            self._pressed_link = flow.link(place)
            self.set(index, Selection(flow.hit(place), flow.hit(place)))
        return index

    def drag(self, point: QPointF) -> None:
        """Select up to `point`."""
        if self._selected:
            pressed, selection = self._selected
            end = self._rows.row(pressed).flow.hit(self._inside(pressed, point))
            self._selected = (pressed, Selection(selection.anchor, end))

    def release(self, point: QPointF) -> str:
        """The link that was clicked, if one was."""
        pressed, self._pressed_link = self._pressed_link, ""
        return pressed if pressed == self._link(point) and not self.text() else ""

    def take_word(self, point: QPointF) -> None:
        """Select the word at `point`."""
        index, place = self._at(point)
        if index.isValid() and self._rows.row(index).flow.blocks:
            flow = self._rows.row(index).flow
            self.set(index, flow.word(flow.hit(place)))

    def cursor(self, point: QPointF) -> Qt.CursorShape:
        """What the pointer looks like at `point`."""
        if self._link(point):
            return Qt.CursorShape.PointingHandCursor
        index, place = self._at(point)
        flow = self._rows.row(index).flow if index.isValid() else None
        over = flow is not None and 0 <= place.y() <= flow.height and 0 <= place.x() <= flow.width
        return Qt.CursorShape.IBeamCursor if over else Qt.CursorShape.ArrowCursor

    def _link(self, point: QPointF) -> str:
        index, place = self._at(point)
        return self._rows.row(index).flow.link(place) if index.isValid() else ""

    def _at(self, point: QPointF) -> tuple[QModelIndex, QPointF]:
        """The row at `point`, and the place in its text."""
        index = self._rows.indexAt(point.toPoint())
        return index, self._inside(index, point) if index.isValid() else point

    def _inside(self, index: Index, point: QPointF) -> QPointF:
        corner = self._rows.visualRect(QModelIndex(index)).topLeft()  # type: ignore[arg-type]
        return point - QPointF(corner + self._rows.row(index).origin)
