"""One window for each screen: a second start hands over what it was to open to the window that is there, and ends.

Two windows would hold the model in memory twice, and the conversation that both go on with would become two.
"""

import contextlib
import hashlib
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from PySide6.QtCore import QLockFile, QObject, Signal

_log = logging.getLogger(__name__)

_PATIENCE_S = 10.0
"""How long a second start waits for the first one, which may have begun a moment before."""
_AGAIN_S = 0.05
_LARGEST = 1 << 20
_SILENCE_S = 2.0
_HEARD = b"heard\n"


class Call(msgspec.Struct, frozen=True):
    """What a second start asks of the window: pictures by their whole paths; a model for this time, or ""; and the
    token by which the desktop lets a window come to the front."""

    pictures: tuple[str, ...] = ()
    model: str = ""
    projector: str = ""
    token: str = ""


class Alone(QObject):
    """Whether this process is the one with the window, and what the others ask of it, once it does `listen`. Ends with
    `close`.

    folder: where both processes look, the user's own. Where there are no local sockets, everybody is alone.
    """

    called = Signal(object)  # a Call

    def __init__(self, folder: Path) -> None:
        super().__init__()
        name = hashlib.sha256(_screen().encode()).hexdigest()[:8]
        self._path = folder / f"window-{name}.socket"
        self._lock = QLockFile(str(folder / f"window-{name}.lock"))
        self._lock.setStaleLockTime(0)  # held as long as its process lives
        self._server: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def hand_over(self, call: Call) -> bool:
        """False if the window is to be opened here: no other one is open, or it does not answer."""
        if not hasattr(socket, "AF_UNIX"):
            return False
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        until = time.monotonic() + _PATIENCE_S
        while not self._take():
            left = until - time.monotonic()
            if left > 0 and _told(self._path, call, left):
                return True
            if left <= 0:
                _log.warning("another window is open and does not answer")
                return False
            time.sleep(_AGAIN_S)
        return False

    def _take(self) -> bool:
        """Become the one with the window, if nobody is. A folder that cannot be written to takes nothing away."""
        if not self._lock.tryLock(0):
            return self._lock.error() is not QLockFile.LockError.LockFailedError
        server = socket.socket(socket.AF_UNIX)
        try:
            self._path.unlink(missing_ok=True)  # left by one that was killed
            server.bind(str(self._path))
            server.listen()
        except OSError as error:  # a path too long for a socket, or a disk that has none
            _log.info("a second start will open a window of its own: %s", error)
            server.close()
            return True
        self._server = server
        return True

    def listen(self) -> None:
        """From now on tell of calls, also of those that have been waiting."""
        if self._server:
            self._thread = threading.Thread(target=_serve, args=(self._server, self.called.emit), name="second starts")
            self._thread.start()

    def close(self) -> None:
        if self._server:
            self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread
            if self._thread:
                self._thread.join()
            self._server.close()
            self._path.unlink(missing_ok=True)
            self._server = self._thread = None
        self._lock.unlock()


def _screen() -> str:
    """What tells the screens apart that one person may have windows on; a home may be shared by machines."""
    names = ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY")
    return "\n".join((socket.gethostname(), *(os.environ.get(name, "") for name in names)))


def _told(path: Path, call: Call, patience_s: float) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as window:
            window.settimeout(patience_s)
            window.connect(str(path))
            # json keeps names that are no text, as files may have; msgspec's own encoder refuses them.
            window.sendall(json.dumps(msgspec.to_builtins(call)).encode() + b"\n")
            return window.recv(len(_HEARD)) == _HEARD
    except OSError:
        return False


def _serve(server: socket.socket, heard: Callable[[Call], None]) -> None:
    """Until the socket is shut down: one call after another, none of which can hold up the window."""
    while True:
        try:
            caller, _ = server.accept()
        except OSError:
            return
        with caller:
            try:
                caller.settimeout(_SILENCE_S)
                heard(msgspec.convert(json.loads(_line(caller)), Call))
                caller.sendall(_HEARD)
            except (OSError, ValueError) as error:
                _log.warning("a second start was not understood: %s", error)


def _line(caller: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\n"):
        piece = caller.recv(1 << 16)
        received += piece
        if not piece or len(received) > _LARGEST:
            raise ValueError("it is cut short or too long")
    return received
