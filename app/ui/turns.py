"""The turns of the conversation: shown as they come, and what the person wants of one of them."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication

from app.chat.conversation import Conversation, Turn
from app.modes.translate.mode import target
from app.ui import menus
from app.ui.answer_translations import AnswerTranslations
from app.ui.chat_model import ChatModel
from app.ui.chat_view import ChatView
from app.ui.i18n import shown, tongues
from app.ui.notify import announce
from app.ui.read_aloud import ReadAloud
from app.ui.session import Session
from app.ui.sheets import DetailSheet
from app.ui.thumbnails import Thumbnails
from app.ui.turn_tools import TurnTools
from app.wording import Wording


class Turns(QObject):
    """taken_back: a question and its pictures, to be changed. begun: a new conversation. cutting: what follows a turn
    is about to be taken away."""

    taken_back = Signal(str, tuple)
    cutting = Signal()
    begun = Signal()

    def __init__(
        self,
        session: Session,
        chat: ChatModel,
        view: ChatView,
        tools: TurnTools,
        thumbnails: Thumbnails,
        answers: AnswerTranslations,
        aloud: ReadAloud,
    ) -> None:
        super().__init__(view)
        self._session, self._chat, self._view, self._tools = session, chat, view, tools
        self._thumbnails, self._answers, self._aloud = thumbnails, answers, aloud
        session.turns.connect(self._on_turns)
        session.answer.connect(self._on_answer)
        answers.changed.connect(chat.answer_changed)
        aloud.changed.connect(tools.show_reading)
        view.menu_wanted.connect(self._show_menu)
        wishes: dict[str, Callable[[Turn], object]] = {
            "copy": self._copy,
            "again": self._answer_again,
            "edit": self._take_back,
            "details": self._show_details,
            "speak": aloud.toggle,
            "translate": lambda turn: self._show_languages(turn, tools.answer.below("translate")),
        }
        tools.chosen.connect(lambda wish, turn: wishes[wish](turn))

    def start_anew(self) -> None:
        """Begin a new conversation."""
        self.show(Conversation())
        self.begun.emit()

    def show(self, conversation: Conversation) -> None:
        """Go on with another conversation."""
        self._aloud.stop()
        self._answers.stop()
        self._session.show(conversation)

    def _on_turns(self) -> None:
        self._thumbnails.forget(self._session.conversation.shows)
        self._chat.show(self._session.conversation)
        self._view.follow()

    def _on_answer(self, turn: Turn) -> None:
        self._chat.answer_changed(turn)
        if turn.ended:
            index = self._chat.answer_index(turn) if turn in self._session.conversation.turns else None
            announce(self._view, str(index.data(Qt.ItemDataRole.AccessibleTextRole)) if index else "")

    def _copy(self, turn: Turn) -> None:
        QGuiApplication.clipboard().setText(self._session.markdown(turn))
        self._tools.answer.show_copied()
        announce(self._tools, shown(Wording("Copied")))

    def _answer_again(self, turn: Turn) -> None:
        self._answers.stop()
        self._warn_of_cut(turn)
        self._session.again(turn)

    def _warn_of_cut(self, turn: Turn) -> None:
        if any(later.answer for later in self._session.conversation.after(turn)):
            self.cutting.emit()

    def _take_back(self, turn: Turn) -> None:
        self._warn_of_cut(turn)
        self.taken_back.emit(*self._session.take_back(turn))

    def _show_details(self, turn: Turn) -> None:
        if turn.error is not None:
            DetailSheet(turn.error, self._view.window()).open()

    def _show_languages(self, turn: Turn, place: QPoint) -> None:
        settings = self._session.settings
        newest = target(settings, tongues(settings["window.language"])).code
        choose = partial(self._answers.translate, turn)
        menus.open_at(menus.languages(self._view.window(), newest, turn, choose), place)

    def _show_menu(self, turn: Turn, is_answer: bool, words: str, place: QPoint) -> None:
        """What can be done with a question or an answer. words: what is copied."""
        offers: list[menus.Offer] = [(Wording("Copy"), partial(QGuiApplication.clipboard().setText, words))]
        if not is_answer:
            offers += [self._picture_offer(digest) for digest in turn.pictures]
        asked = turn.ended and not turn.note  # a wish was not meant for one picture
        if asked and not is_answer:
            offers.append((Wording("Edit question"), partial(self._take_back, turn)))
        if asked and is_answer:
            offers.append((Wording("Answer again"), partial(self._answer_again, turn)))
        if turn.ended and is_answer and turn.answer:
            if self._aloud.available:
                reading = Wording("Stop reading") if self._aloud.turn is turn else Wording("Read aloud")
                offers.append((reading, partial(self._aloud.toggle, turn)))
            offers.append((Wording("Translate the answer"), partial(self._show_languages, turn, place)))
        menus.open_at(menus.offers(self._view.window(), offers), place)

    def _picture_offer(self, digest: str) -> menus.Offer:
        picture = self._session.conversation.picture(digest)
        name = picture.name if picture is not None and picture.name else shown(Wording("Picture"))
        return Wording("Show {name}", name=name), partial(self._view.picture_wanted.emit, digest)
