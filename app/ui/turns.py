"""The turns of the conversation: shown as they come, and what the person wants of one of them."""

from functools import partial

from PySide6.QtCore import QObject, QPoint, Qt, Signal

from app.chat.conversation import Turn
from app.ui import menus
from app.ui.answer_translations import AnswerTranslations
from app.ui.chat_model import ChatModel
from app.ui.chat_view import ChatView
from app.ui.notify import announce
from app.ui.read_aloud import ReadAloud
from app.ui.session import Session
from app.ui.sheets import DetailSheet
from app.ui.thumbnails import Thumbnails


class Turns(QObject):
    """taken_back: a question and its pictures, to be changed. begun: a new conversation."""

    taken_back = Signal(str, tuple)
    begun = Signal()

    def __init__(
        self,
        session: Session,
        chat: ChatModel,
        view: ChatView,
        thumbnails: Thumbnails,
        answers: AnswerTranslations,
        aloud: ReadAloud,
    ) -> None:
        super().__init__(view)
        self._session, self._chat, self._view = session, chat, view
        self._thumbnails, self._answers, self._aloud = thumbnails, answers, aloud
        session.turns.connect(self._on_turns)
        session.answer.connect(self._on_answer)
        answers.changed.connect(chat.answer_changed)
        aloud.changed.connect(view.show_reading)
        view.again.connect(self._answer_again)
        view.change.connect(self._take_back)
        view.languages.connect(self._show_languages)
        view.speak.connect(aloud.toggle)
        view.details.connect(lambda turn: DetailSheet(turn.error, view.window()).open())

    def start_anew(self) -> None:
        """Begin a new conversation."""
        self._aloud.stop()
        self._answers.stop()
        self._session.start_anew()
        self.begun.emit()

    def _on_turns(self) -> None:
        self._thumbnails.forget(self._session.conversation.shows)
        self._chat.show(self._session.conversation)
        self._view.follow()

    def _on_answer(self, turn: Turn) -> None:
        self._chat.answer_changed(turn)
        if turn.ended:
            index = self._chat.answer_index(turn) if turn in self._session.conversation.turns else None
            announce(self._view, str(index.data(Qt.ItemDataRole.AccessibleTextRole)) if index else "")

    def _answer_again(self, turn: Turn) -> None:
        self._answers.stop()
        self._session.again(turn)

    def _take_back(self, turn: Turn) -> None:
        self.taken_back.emit(*self._session.take_back(turn))

    def _show_languages(self, turn: Turn, place: QPoint) -> None:
        newest = self._session.settings["translate.to"]
        choose = partial(self._answers.translate, turn)
        menus.open_at(menus.languages(self._view.window(), newest, turn, choose), place)
