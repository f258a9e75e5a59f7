"""One text being said aloud, and the programs that say what they read from their standard input."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QObject, QProcess, Signal


class Utterance(QObject):
    """ended: all was said, or what went wrong in words for the curious. Not told after `silence`."""

    ended = Signal(str)

    def begin(self) -> None:
        """Let it be heard."""
        raise NotImplementedError

    def silence(self) -> None:
        """End it at once."""
        raise NotImplementedError

    @property
    def busy(self) -> bool:
        """Whether it must be kept until something of it has ended."""
        raise NotImplementedError

    def wait(self, ms: int) -> None:
        """Wait so long for what has to end."""
        raise NotImplementedError


class Voice(Protocol):
    """What makes texts heard."""

    @property
    def name(self) -> str: ...
    def utter(self, words: bytes, language: str) -> Utterance:
        """words: lines in UTF-8. language: an ISO 639-1 code, or nothing."""
        ...


@dataclass(frozen=True)
class Program:
    """Says what it reads from its standard input, in UTF-8, until it ends. arguments: for a language (checked to be
    letters), or for none where it is empty."""

    path: str
    arguments: Callable[[str], list[str]]

    @property
    def name(self) -> str:
        return self.path.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".exe")

    def utter(self, words: bytes, language: str) -> Utterance:
        return _Running(self.path, self.arguments(language), words)


class _Running(Utterance):
    """A process that speaks; silence is its end."""

    def __init__(self, path: str, arguments: list[str], words: bytes) -> None:
        super().__init__()
        self._words = words
        self._process = QProcess(self)
        self._process.setProgram(path)
        self._process.setArguments(arguments)
        self._process.setStandardOutputFile(QProcess.nullDevice())
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)

    def begin(self) -> None:
        self._process.start()
        self._process.write(self._words)
        self._process.closeWriteChannel()

    def silence(self) -> None:
        self._process.finished.disconnect(self._on_finished)
        self._process.errorOccurred.disconnect(self._on_error)
        self._process.kill()

    @property
    def busy(self) -> bool:
        return self._process.state() is not QProcess.ProcessState.NotRunning

    def wait(self, ms: int) -> None:
        self._process.waitForFinished(ms)

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        if code or status is not QProcess.ExitStatus.NormalExit:
            said = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
            self.ended.emit(said.strip() or f"exit status {code}")
        else:
            self.ended.emit("")

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self.ended.emit(self._process.errorString())
