"""Where the buttons of the turns stand: under one answer, and beside one question."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QObject, QPoint, Signal
from PySide6.QtWidgets import QWidget

from app.ui.answer_tools import AnswerTools, EditButton
from app.ui.chat_model import IS_ANSWER, TURN
from app.ui.chat_rows import TOOLS, QuestionRow, side_margin
from app.ui.chat_selection import Rows


class TurnTools(QObject):
    """chosen: what the person wants ("edit", or as AnswerTools says), and of which turn."""

    chosen = Signal(str, object)

    def __init__(self, rows: Rows, room: QWidget) -> None:
        """room: what the buttons stand on, where the rows are."""
        super().__init__(room)
        self._rows, self._room = rows, room
        self.answer = AnswerTools(room)
        self.answer.chosen.connect(self.chosen)
        self.question = EditButton(room)
        self.question.chosen.connect(lambda turn: self.chosen.emit("edit", turn))

    def has_focus(self) -> bool:
        return self.answer.has_focus() or self.question.hasFocus()

    def retint(self) -> None:
        """Take on the colours of the theme that holds now."""
        self.answer.retint()
        self.question.retint()

    def place(self, at: Sequence[QModelIndex]) -> None:
        """Stand at the last answer and the last question of these rows that have ended."""
        ended = [index for index in reversed(at) if index.isValid() and index.data(TURN).ended]
        answer = next((index for index in ended if index.data(IS_ANSWER)), None)
        self.answer.setVisible(answer is not None)
        if answer is not None:
            left, bottom = side_margin(self._room.width()) - 6, self._rows.visualRect(answer).bottom()
            self.answer.show_for(answer.data(TURN), QPoint(left, bottom - TOOLS + 2))
        # A note of a watch is about no question that could be asked in other words.
        question = next((i for i in ended if not i.data(IS_ANSWER) and not i.data(TURN).note), None)
        row = self._rows.row(question) if question is not None else None
        self.question.setVisible(question is not None)
        if question is not None and isinstance(row, QuestionRow):
            self.question.show_for(row.turn, row.bubble.translated(self._rows.visualRect(question).topLeft()))
