"""How high the rows of a long conversation are: exact where the person looks, guessed elsewhere until there is time."""

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from app.ui.chat_rows import Row

NEAR = 12
"""Rows at the end that are always exact: a conversation opens there."""

_SLICE_S = 0.008
_TELL_S = 0.1


class RowHeights(QObject):
    """Laying out text takes a millisecond a row; a thousand rows at once would hold the window up for a second.

    better: some heights are known better than when they were told.
    """

    better = Signal()

    def __init__(self, row: Callable[[int], Row], count: Callable[[], int], parent: QObject) -> None:
        super().__init__(parent)
        self._row, self._count = row, count
        self._seen = range(0)
        self._width = 0
        self._told: dict[Row, int] = {}
        self._pending: list[int] = []
        self._wrong = False
        self._last_told = 0.0
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._measure_some)

    def look_at(self, seen: range) -> None:
        """These rows are in view; they are to be exact."""
        self._seen = seen

    def height(self, number: int, width: int) -> int:
        """The height of a row, as good as it can be told at once."""
        row = self._row(number)
        if row.is_measured(width) or number in self._seen or number >= self._count() - NEAR:
            height = row.height(width)
        else:
            height = row.guess(width)
            self._begin(width)
        self._told[row] = height
        return height

    def forget(self) -> None:
        """Rows came or went."""
        self._told.clear()
        self._pending.clear()
        self._timer.stop()

    def _begin(self, width: int) -> None:
        if not self._timer.isActive() or width != self._width:
            self._width = width
            self._pending = []
            self._timer.start()

    def _measure_some(self) -> None:
        """Measure for a few milliseconds, from the end upwards."""
        self._pending = self._pending or [n for n in range(self._count()) if not self._row(n).is_measured(self._width)]
        end = time.perf_counter() + _SLICE_S
        while self._pending and time.perf_counter() < end:
            number = self._pending.pop()
            row = self._row(number) if number < self._count() else None
            if row is not None and row.height(self._width) != self._told.get(row):
                self._wrong = True
        if not self._pending:
            self._timer.stop()
        if self._wrong and (not self._pending or end - self._last_told > _TELL_S):
            self._wrong, self._last_told = False, end
            self.better.emit()
