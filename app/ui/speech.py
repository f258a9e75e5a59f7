"""Words said aloud by the program that the system has for that. No model, no network, and nothing is ever waited for.

What is said may come from a model or a picture, so it goes through standard input: never through a shell, and never as
an argument that could be taken for an option.
"""

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from app.errors import SpyglassError
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


@dataclass(frozen=True)
class Program:
    """Says what it reads from its standard input, in UTF-8, until it ends.

    arguments: for a language (ISO 639-1, checked to be letters), or for none where it is empty. hush: what silences a
    service that the program has handed the words to; empty where ending the program is enough.
    """

    path: str
    arguments: Callable[[str], list[str]]
    hush: tuple[str, ...] = ()


def _spd_say(language: str) -> list[str]:
    return ["--pipe-mode", "--wait", "--application-name", "spyglass", *(["--language", language] if language else [])]


def _espeak(language: str) -> list[str]:
    return ["--stdin", "-b", "1", *(["-v", language] if language else [])]


def _say(_: str) -> list[str]:
    return ["-f", "-"]


def _powershell(language: str) -> list[str]:
    return ["-NoProfile", "-NonInteractive", "-Command", _POWERSHELL % (language or "en")]


_PROGRAMS: dict[str, tuple[tuple[str, Callable[[str], list[str]], tuple[str, ...]], ...]] = {
    "darwin": (("say", _say, ()),),
    "win32": (("powershell", _powershell, ()),),
    "linux": (("spd-say", _spd_say, ("--cancel",)), ("espeak-ng", _espeak, ()), ("espeak", _espeak, ())),
}


def find(platform: str = sys.platform, which: Callable[[str], str | None] = shutil.which) -> Program | None:
    """The program of this system that speaks, or None."""
    for name, arguments, hush in _PROGRAMS.get(platform, _PROGRAMS["linux"]):
        path = which(name)
        if path:
            return Program(path, arguments, hush)
    return None


def lines(text: str) -> bytes:
    """`text` as the programs may have it: short lines, each behind a space, and nothing that is a command to one.

    spd-say takes a line that begins with "!-!" for a command to the speech service; espeak-ng and macOS' say take what
    stands in double square brackets for phonemes and commands.
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

    def __init__(self, program: Program | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._program = program
        self._process: QProcess | None = None
        self._words = b""
        self._hush: QProcess | None = None
        self._ending: list[QProcess] = []
        self.who: object = None
        """For whom something was said last."""
        self.patience_s = _PATIENCE_S
        """Seconds that a text may take, besides what it takes to say each of its letters slowly."""
        self._limit = QTimer(self, singleShot=True)
        self._limit.timeout.connect(self._on_limit)

    @property
    def available(self) -> bool:
        """Whether this system can speak at all."""
        return self._program is not None

    @property
    def on(self) -> bool:
        """Whether something is being said now."""
        return self._process is not None

    def say(self, text: str, language: str = "", who: object = None) -> None:
        """Say `text`. language: its ISO 639-1 code; anything else is left to the program."""
        self.stop()
        self.who = who
        words = lines(text)
        if self._program is None or not words:
            return
        process = self._process = QProcess()
        process.setStandardOutputFile(QProcess.nullDevice())
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        self.speaking.emit(True)
        self._limit.start(round(1000 * (self.patience_s + _LETTER_S * len(words))))
        process.setProgram(self._program.path)
        process.setArguments(self._program.arguments(language if _CODE.fullmatch(language) else ""))
        self._words = words
        if self._hush is None:
            self._begin()

    def stop(self) -> None:
        """Be silent at once."""
        process = self._let_go()
        if process is None or self._program is None:
            return
        process.kill()
        if self._program.hush:
            self._silence(self._program)
        self.speaking.emit(False)

    def close(self) -> None:
        """Be silent, and leave no process behind."""
        self.stop()
        for process in self._ending:
            process.waitForFinished(1000)
        self._ending.clear()

    def _begin(self) -> None:
        if self._process is not None:
            self._process.start()
            self._process.write(self._words)
            self._process.closeWriteChannel()

    def _silence(self, program: Program) -> None:
        """Silence the service. What is to be said next waits for it, or it would be silenced too."""
        hush = self._hush = QProcess()
        self._ending.append(hush)
        hush.finished.connect(self._on_hushed)
        hush.errorOccurred.connect(self._on_hushed)
        hush.start(program.path, list(program.hush))

    def _on_hushed(self) -> None:
        if self._hush is not None and self._hush.state() is QProcess.ProcessState.NotRunning:
            self._hush = None
            self._begin()

    def _let_go(self) -> QProcess | None:
        """Listen no more to the process; it is kept until it has ended, for Qt does not let go of a running one."""
        process, self._process = self._process, None
        self._limit.stop()
        if process is not None:
            process.finished.disconnect(self._on_finished)
            process.errorOccurred.disconnect(self._on_error)
            running = [one for one in self._ending if one.state() is not QProcess.ProcessState.NotRunning]
            self._ending = [*running, process]
        return process

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        process = self._let_go()
        if process is not None and (code or status is not QProcess.ExitStatus.NormalExit):
            self._fail(process, bytes(process.readAllStandardError().data()).decode(errors="replace"))
        elif process is not None:
            self.speaking.emit(False)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and (process := self._let_go()) is not None:
            self._fail(process, process.errorString())

    def _on_limit(self) -> None:
        """Without a sound card some programs wait for ever."""
        process = self._process
        self.stop()
        if process is not None:
            self._fail(process, "no end")

    def _fail(self, process: QProcess, detail: str) -> None:
        self.speaking.emit(False)
        todo = Wording("Check that the sound works, and that {program} does.", program=Path(process.program()).stem)
        self.failed.emit(SpyglassError("This could not be said aloud.", todo, detail.strip()[:2000]))
