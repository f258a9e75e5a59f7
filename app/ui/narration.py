"""The camera's hints and the names it finds, shown and, if the person wants that, said aloud."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QLocale, QObject

from app.capture.gate import Reason
from app.modes.labels import Label
from app.modes.narration import Narrator, Words
from app.modes.schedule import Wait
from app.ui.i18n import shown
from app.ui.speech import Speaker


class Narration(QObject):
    """Says one thing at a time: while the voice is busy the picture goes on, and only what still holds is said."""

    def __init__(self, speaker: Speaker, wanted: Callable[[], bool], parent: QObject) -> None:
        """wanted: whether to speak, by the settings."""
        super().__init__(parent)
        self._speaker, self._wanted = speaker, wanted
        self._narrator = Narrator()
        self._muted = False
        speaker.failed.connect(self._on_failed)

    def see(self, verdict: Reason | Wait, labels: Sequence[Label], now: float) -> str:
        """What is decided and shown now; returns the hint to show, or nothing."""
        self._narrator.see(verdict, labels, now)
        if self._wanted() and not self._speaker.on:
            words = self._narrator.next(now)
            if words is not None:
                self.say(self._phrase(words))
        hint = self._narrator.hint(now)
        return shown(hint.value) if hint is not None else ""

    def say(self, words: str) -> None:
        """Say something now, if the person wants that; an answer that is being read is not interrupted."""
        if self._wanted() and not self._muted and (not self._speaker.on or self._speaker.who is self):
            self._speaker.say(words, QLocale().name().partition("_")[0], self)

    def stop(self) -> None:
        """The camera is off: what it had to say is over, what something else is saying is not."""
        self._narrator, self._muted = Narrator(), False
        if self._speaker.who is self:
            self._speaker.stop()

    def _on_failed(self, _: object) -> None:
        """A voice that fails is complained of once, not with every hint."""
        self._muted = self._muted or self._speaker.who is self

    def _phrase(self, words: Words) -> str:
        if words.hint is not None:
            return shown(words.hint.value)
        return ", ".join(name if count == 1 else f"{count} {name}" for name, count in words.names)
