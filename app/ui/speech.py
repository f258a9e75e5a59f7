"""Words said aloud by what the system has for that. No model, no network, and nothing is ever waited for.

What is said may come from a model or a picture, so it goes through standard input or a socket: never through a shell,
and never as an argument that could be taken for an option.
"""

import re
import shutil
import sys
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from app.errors import SpyglassError
from app.ui.speech_service import Service
from app.ui.utterance import Program, Utterance, Voice
from app.wording import Wording

_MOST = 20_000
"""Characters of one text: twenty minutes of talk."""
_LINE = 400
_PATIENCE_S = 10.0
_LETTER_S = 0.2
_CODE = re.compile(r"[a-z]{2,3}")
_SPLIT = re.compile(rf"(?s)(.{{1,{_LINE}}}(?=\s|$)|.{{1,{_LINE}}})")

_POWERSHELL = (
    "[Console]::InputEncoding = [Text.Encoding]::UTF8; Add-Type -AssemblyName System.Speech; "
    "$voice = New-Object System.Speech.Synthesis.SpeechSynthesizer; "
    "try { $voice.SelectVoiceByHints('NotSet', 'NotSet', 0, [Globalization.CultureInfo]'%s') } catch { }; "
    "$voice.Speak([Console]::In.ReadToEnd())"
)


def _espeak(language: str) -> list[str]:
    return ["--stdin", "-b", "1", *(["-v", language] if language else [])]


def _say(_: str) -> list[str]:
    return ["-f", "-"]


def _powershell(language: str) -> list[str]:
    return ["-NoProfile", "-NonInteractive", "-Command", _POWERSHELL % (language or "en")]


_SERVICE = ("spd-say", "speech-dispatcher")
"""Programs that come with the speech service; the second is the service itself."""
_PROGRAMS: dict[str, tuple[tuple[str, Callable[[str], list[str]]], ...]] = {
    "darwin": (("say", _say),),
    "win32": (("powershell", _powershell),),
    "linux": (("espeak-ng", _espeak), ("espeak", _espeak)),
}


def find(platform: str = sys.platform, which: Callable[[str], str | None] = shutil.which) -> Voice | None:
    """What speaks on this system, or None."""
    if platform not in ("darwin", "win32") and any(map(which, _SERVICE)):
        return Service(which(_SERVICE[1]) or "")
    for name, arguments in _PROGRAMS.get(platform, _PROGRAMS["linux"]):
        path = which(name)
        if path:
            return Program(path, arguments)
    return None


def lines(text: str) -> bytes:
    """`text` as the programs may have it: short lines, each behind a space, and nothing that is a command to one.

    The speech service takes a line with nothing but a full stop for the end of a text; espeak-ng and macOS' say take
    what stands in double square brackets for phonemes and commands.
    """
    clean = "".join(c if c.isprintable() else "\n" if c in "\n\u2028\u2029" else " " for c in text[:_MOST])
    clean = clean.replace("[[", "[ [").replace("]]", "] ]")
    parts = (part.strip() for line in clean.split("\n") for part in _SPLIT.findall(line))
    return "".join(f" {part}\n" for part in parts if part).encode()


class Speaker(QObject):
    """Says one text at a time; a new one ends the one before.

    speaking: whether something is being said now. failed: a SpyglassError.
    """

    speaking = Signal(bool)
    failed = Signal(object)

    def __init__(self, voice: Voice | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._voice = voice
        self._utterance: Utterance | None = None
        self._ending: list[Utterance] = []
        self.who: object = None
        """For whom something was said last."""
        self.patience_s = _PATIENCE_S
        """Seconds that a text may take, besides what it takes to say each of its letters slowly."""
        self._limit = QTimer(self, singleShot=True)
        self._limit.timeout.connect(self._on_limit)

    @property
    def available(self) -> bool:
        """Whether this system can speak at all."""
        return self._voice is not None

    @property
    def on(self) -> bool:
        """Whether something is being said now."""
        return self._utterance is not None

    def say(self, text: str, language: str = "", who: object = None) -> None:
        """Say `text`. language: its ISO 639-1 code; anything else is left to the program."""
        self.stop()
        self.who = who
        words = lines(text)
        if self._voice is None or not words:
            return
        utterance = self._voice.utter(words, language if _CODE.fullmatch(language) else "")
        self._utterance = utterance
        utterance.ended.connect(self._on_ended)
        self.speaking.emit(True)
        self._limit.start(round(1000 * (self.patience_s + _LETTER_S * len(words))))
        utterance.begin()

    def stop(self) -> None:
        """Be silent at once."""
        utterance = self._let_go()
        if utterance is not None:
            utterance.silence()
            self.speaking.emit(False)

    def close(self) -> None:
        """Be silent, and leave nothing behind."""
        self.stop()
        for utterance in self._ending:
            utterance.wait(1000)
        self._ending.clear()

    def _let_go(self) -> Utterance | None:
        """Listen no more to what is being said; it is kept until it has ended, for Qt lets go of no running process."""
        utterance, self._utterance = self._utterance, None
        self._limit.stop()
        if utterance is not None:
            utterance.ended.disconnect(self._on_ended)
            self._ending = [*(one for one in self._ending if one.busy), utterance]
        return utterance

    def _on_ended(self, detail: str) -> None:
        if self._let_go() is not None:
            self.speaking.emit(False)
            if detail:
                self._fail(detail)

    def _on_limit(self) -> None:
        """Without a sound card some programs wait for ever."""
        if self.on:
            self.stop()
            self._fail("no end")

    def _fail(self, detail: str) -> None:
        name = self._voice.name if self._voice is not None else ""
        todo = Wording("Check that the sound works, and that {program} does.", program=name)
        self.failed.emit(SpyglassError("This could not be said aloud.", todo, detail[:2000]))
