"""Answers read aloud, one at a time, in the language they are written in."""

from functools import partial

from PySide6.QtCore import QObject, Signal

from app.chat.conversation import Turn
from app.modes.translate.languages import guess
from app.ui.blocks import plain
from app.ui.bridge import Background
from app.ui.session import Session
from app.ui.speech import Speaker

_SURE = 0.6


class ReadAloud(QObject):
    """changed: the turn whose answer is being read now, or None. failed: a SpyglassError."""

    changed = Signal(object)
    failed = Signal(object)

    def __init__(self, speaker: Speaker, session: Session, background: Background, parent: QObject) -> None:
        super().__init__(parent)
        self._speaker, self._session, self._background = speaker, session, background
        self.turn: Turn | None = None
        speaker.speaking.connect(self._on_speaking)

    @property
    def available(self) -> bool:
        """Whether this system can read an answer aloud."""
        return self._speaker.available

    def toggle(self, turn: Turn) -> None:
        """Read the answer of `turn`, or be silent if that is being read."""
        before = self.turn
        self.stop()
        if turn is before:
            return
        self._set(turn)
        text = plain(self._session.markdown(turn))
        # Telling languages apart begins with loading a table for a second.
        self._background.run(lambda: _language(text), partial(self._say, turn, text), self.failed.emit)

    def stop(self) -> None:
        """Be silent, if an answer is being read."""
        if self._speaker.who is self:
            self._speaker.stop()
        self._set(None)

    def _say(self, turn: Turn, text: str, language: str) -> None:
        if turn is self.turn:
            self._speaker.say(text, language, self)
            if not self._speaker.on:  # there was nothing to say
                self._set(None)

    def _on_speaking(self, speaking: bool) -> None:
        if not speaking and self._speaker.who is self:
            self._set(None)

    def _set(self, turn: Turn | None) -> None:
        if turn is not self.turn:
            self.turn = turn
            self.changed.emit(turn)


def _language(text: str) -> str:
    found = guess(text)
    return found.code if found is not None and found.sure >= _SURE else ""
