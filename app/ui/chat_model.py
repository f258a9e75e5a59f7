"""The conversation as a Qt model: two rows a turn, the question and its answer."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt

from app.chat.conversation import Conversation, State, Turn
from app.ui import figures
from app.ui.blocks import plain
from app.ui.i18n import shown
from app.wording import Wording

TURN = Qt.ItemDataRole.UserRole
"""The Turn of a row."""
IS_ANSWER = Qt.ItemDataRole.UserRole + 1

_ROOT = QModelIndex()

Index = QModelIndex | QPersistentModelIndex


class ChatModel(QAbstractListModel):
    """Shows a conversation. Whoever changes that says so here."""

    def __init__(self, conversation: Conversation, words: Callable[[Turn], str]) -> None:
        """words: an answer as its mode shows it, in Markdown."""
        super().__init__()
        self._conversation, self._words = conversation, words
        self._shown = list(conversation.turns)

    def show(self, conversation: Conversation) -> None:
        """Show a conversation as it is now: another one, or the same with turns added or taken away at its end."""
        if conversation is self._conversation:
            self._update()
            return
        self.beginResetModel()
        self._conversation = conversation
        self._shown = list(conversation.turns)
        self.endResetModel()

    def _update(self) -> None:
        turns = self._conversation.turns
        same = sum(1 for a, b in zip(self._shown, turns, strict=False) if a is b)
        if same < len(self._shown):
            self.beginRemoveRows(_ROOT, 2 * same, 2 * len(self._shown) - 1)
            del self._shown[same:]
            self.endRemoveRows()
        if same < len(turns):
            self.beginInsertRows(_ROOT, 2 * same, 2 * len(turns) - 1)
            self._shown += turns[same:]
            self.endInsertRows()

    def answer_changed(self, turn: Turn) -> None:
        """The answer of `turn` says something new."""
        if turn in self._shown:
            index = self.answer_index(turn)
            self.dataChanged.emit(index, index)

    def answer_index(self, turn: Turn) -> QModelIndex:
        return self.index(2 * self._shown.index(turn) + 1)

    def entry(self, row: int) -> tuple[Turn, bool]:
        """The turn of a row, and whether the row is its answer."""
        return self._shown[row // 2], bool(row % 2)

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else 2 * len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        turn, is_answer = self.entry(index.row())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._words(turn) if is_answer else turn.question
            case Qt.ItemDataRole.AccessibleTextRole:
                return self._spoken_answer(turn) if is_answer else self._spoken_question(turn)
            case Qt.ItemDataRole.ToolTipRole:
                return (
                    figures.all_figures(turn.stats)
                    if is_answer and turn.state is State.FINISHED and turn.stats
                    else None
                )
            case _ if role == TURN:
                return turn
            case _ if role == IS_ANSWER:
                return is_answer
        return None

    def _spoken_question(self, turn: Turn) -> str:
        if turn.pictures:
            if len(turn.pictures) > 1:
                return shown(Wording("You asked, with several pictures: {question}", question=turn.question))
            return shown(Wording("You asked, with a picture: {question}", question=turn.question))
        return shown(Wording("You asked: {question}", question=turn.question))

    def _spoken_answer(self, turn: Turn) -> str:
        parts = [shown(Wording("Answer: {answer}", answer=plain(self._words(turn))))]
        if turn.error:
            parts.append(shown(turn.error.whole))
        elif not turn.ended:
            parts.append(shown(figures.stage(turn)[0]))
        elif turn.stats and turn.state is State.FINISHED:
            parts += [shown(figures.sure_words(turn.stats.probability)), figures.figures(turn.stats)]
        elif turn.state is State.STOPPED:
            parts.append(shown(Wording("Stopped")))
        return " ".join(parts)
