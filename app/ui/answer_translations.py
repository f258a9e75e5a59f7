"""Translating an answer of the conversation: one at a time, shown below the answer as it is written."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.chat.conversation import Translated, Turn
from app.modes.translate.languages import LANGUAGES
from app.modes.translate.pipeline import Translation, Wish
from app.ui.bridge import Background, Engine
from app.ui.i18n import shown
from app.ui.session import Activity
from app.ui.translate_work import TranslateWork
from app.wording import Wording


class AnswerTranslations(QObject):
    """changed: a Turn whose translation says something new. activity: an Activity or None. busy: whether an answer is
    being translated. failed: a SpyglassError."""

    changed = Signal(object)
    activity = Signal(object)
    busy = Signal(bool)
    failed = Signal(object)

    def __init__(
        self, engine: Engine, background: Background, wish: Callable[[str], Wish], text: Callable[[Turn], str]
    ):
        """wish: what is wanted for a target language; called on another thread. text: what an answer says."""
        super().__init__()
        self._wish, self._text = wish, text
        self._turn: Turn | None = None
        self.work = TranslateWork(engine, background, self)
        self.work.changed.connect(self._on_changed)
        self.work.busy.connect(self._on_busy)
        self.work.failed.connect(self.failed)

    def translate(self, turn: Turn, code: str) -> None:
        """Show the answer of `turn` in the language of this code too; an empty one: no longer."""
        self.stop()
        turn.translated = Translated(code) if code else None
        if code:
            self._turn = turn
            self.work.translate(self._text(turn), partial(self._wish, code))
        self.changed.emit(turn)

    def markdown(self, turn: Turn) -> str:
        """What is shown as the answer: its words, and below them its translation."""
        words = self._text(turn)
        return f"{words}\n\n{_below(turn.translated)}" if turn.translated else words

    def stop(self) -> None:
        """End it; what is finished stays."""
        self.work.stop()

    def _on_changed(self, state: Translation) -> None:
        turn = self._turn
        if turn is not None and turn.translated is not None and turn.translated.language == state.target:
            turn.translated = _so_far(state)
            self.changed.emit(turn)
            self.activity.emit(Activity(Wording("Translating"), state.fraction) if state.stage != "done" else None)

    def _on_busy(self, busy: bool) -> None:
        turn = self._turn
        if not busy:
            self.activity.emit(None)
            self._turn = None
            if turn is not None and turn.translated is not None:
                old = turn.translated
                turn.translated = Translated(old.language, old.text, True, old.remarks) if old.text else None
                self.changed.emit(turn)
        self.busy.emit(busy)


def _so_far(state: Translation) -> Translated:
    if state.outcome == "already":
        words = Wording("This is in {language} already.", language=LANGUAGES[state.target].native)
        return Translated(state.target, words, True)
    done = [p for p in state.passages if p.translation is not None]
    text = state.text
    if state.draft and len(done) < len(state.passages):
        text += state.around[len(done)] + state.draft
    return Translated(state.target, text, False, tuple(c.sentence for p in done for c in p.concerns))


def _below(translated: Translated) -> str:
    head = f"---\n\n**{LANGUAGES[translated.language].native}**"
    remarks = (f"*{shown(remark)}*" for remark in translated.remarks)
    return "\n\n".join((head, shown(translated.text) or "…", *remarks))
