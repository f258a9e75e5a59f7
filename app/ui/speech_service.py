"""The speech service of free desktops, Speech Dispatcher, asked over its socket in its own protocol (SSIP).

Its program spd-say would do as well but for silence: all that it can cancel is everything, a screen reader's words too.
Here a connection cancels what it has asked for itself.
"""

import os
import re
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QProcess, QSocketNotifier, QTimer

from app.ui.utterance import Utterance

_BEGIN = "SET SELF CLIENT_NAME {user}:spyglass:main"
_SET = ("SET SELF NOTIFICATION END ON", "SET SELF NOTIFICATION CANCEL ON", "SET SELF PRIORITY MESSAGE")
_END, _CANCELLED = "702", "703"
_PATIENCE_S = 1.0
_AGAIN_MS = 300
"""After its program has started the service takes a moment until it listens."""
_TRIES = 30


@dataclass(frozen=True)
class Service:
    """program: what starts the service where it does not run yet; nothing if there is none."""

    program: str = ""
    name: str = field(default="speech-dispatcher", init=False)

    def utter(self, words: bytes, language: str) -> Utterance:
        return _Asked(self.program, words, language)


class _Asked(Utterance):
    """One connection for one text."""

    def __init__(self, program: str, words: bytes, language: str) -> None:
        super().__init__()
        self._program, self._words, self._language = program, words, language
        self._socket: socket.socket | None = None
        self._notifier: QSocketNotifier | None = None
        self._heard = b""
        self._tries = _TRIES
        self._starting = QProcess(self)
        self._again = QTimer(self, singleShot=True, interval=_AGAIN_MS)
        self._again.timeout.connect(self._try)

    def begin(self) -> None:
        try:
            self._connect()
        except OSError as error:
            self._start_service(str(error))

    def silence(self) -> None:
        self._again.stop()
        if self._socket is not None:
            with suppress(OSError):
                self._socket.sendall(b"CANCEL SELF\r\nQUIT\r\n")
        self._close()
        self._starting.kill()

    @property
    def busy(self) -> bool:
        return self._starting.state() is not QProcess.ProcessState.NotRunning

    def wait(self, ms: int) -> None:
        self._starting.waitForFinished(ms)

    def _start_service(self, why: str) -> None:
        if not self._program:
            self.ended.emit(why)
            return
        self._starting.setStandardOutputFile(QProcess.nullDevice())
        self._starting.setStandardErrorFile(QProcess.nullDevice())
        self._starting.start(self._program, ["--spawn"])
        self._again.start()

    def _try(self) -> None:
        self._tries -= 1
        try:
            self._connect()
        except OSError as error:
            if self._tries > 0:
                self._again.start()
            else:
                self.ended.emit(str(error))

    def _connect(self) -> None:
        """Raises OSError where nobody listens."""
        self._socket = _connected()
        self._socket.sendall(_request(self._words, self._language))
        self._notifier = QSocketNotifier(self._socket.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_reply)

    def _on_reply(self) -> None:
        if self._socket is None:
            return
        try:
            came = self._socket.recv(65536)
        except OSError as error:
            self._end(str(error))
            return
        if not came:
            self._end("the service has hung up")
            return
        *replies, self._heard = (self._heard + came).split(b"\n")
        for reply in replies:
            line = reply.decode(errors="replace").strip()
            if line[:3] in (_END, _CANCELLED) and line[3:4] == " ":
                self._end("")
                return
            if re.match(r"[345]\d\d ", line):
                self._end(line)
                return

    def _end(self, detail: str) -> None:
        self._close()
        self.ended.emit(detail)

    def _close(self) -> None:
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier.deleteLater()  # it may be what is calling just now
            self._notifier = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _request(words: bytes, language: str) -> bytes:
    """All that is to be said to the service, at once: it answers line by line, and only the end is waited for."""
    user = re.sub(r"\W", "", os.environ.get("USER", "")) or "user"
    commands = [_BEGIN.format(user=user), *_SET, *([f"SET SELF LANGUAGE {language}"] if language else []), "SPEAK"]
    # A line that is a full stop alone would end the text; ours begin with a space (see app.ui.speech.lines).
    text = words.replace(b"\n", b"\r\n")
    return "".join(f"{command}\r\n" for command in commands).encode() + text + b".\r\n"


def _connected() -> socket.socket:
    """A connection to the service where its own programs would look for it. Raises OSError."""
    kind, _, address = os.environ.get("SPEECHD_ADDRESS", "").partition(":")
    if kind == "inet_socket":
        host, _, port = address.partition(":")
        return socket.create_connection((host or "127.0.0.1", int(port or 6560)), _PATIENCE_S)
    if not hasattr(socket, "AF_UNIX"):
        raise OSError("no Unix sockets here")
    path = address if kind == "unix_socket" and address else str(_folder() / "speech-dispatcher" / "speechd.sock")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_PATIENCE_S)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _folder() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) if runtime else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
