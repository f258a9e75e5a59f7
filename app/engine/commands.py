"""The border of an event loop: any thread may leave a command, the loop's own thread runs it."""

import contextlib
import socket
import threading
from collections.abc import Callable


class Commands:
    """Commands in the order they came. `line` becomes readable when there are any."""

    def __init__(self) -> None:
        self._wake, self.line = socket.socketpair()
        self._wake.setblocking(False)
        self.line.setblocking(False)
        self._lock = threading.Lock()  # guards the next two
        self._waiting: list[Callable[[], None]] = []
        self._closed = False

    def add(self, command: Callable[[], None]) -> bool:
        """Leave a command; False if nobody will run it any more. Callable from any thread."""
        with self._lock:
            if self._closed:
                return False
            self._waiting.append(command)
            with contextlib.suppress(BlockingIOError):  # full: the loop is being woken anyway
                self._wake.send(b"\0")
            return True

    def run(self) -> None:
        """Run what waits, on the loop's thread."""
        with contextlib.suppress(BlockingIOError):
            self.line.recv(4096)
        with self._lock:
            commands, self._waiting = self._waiting, []
        for command in commands:
            command()

    def close(self) -> None:
        """Take no more, and run what was taken."""
        with self._lock:
            self._closed = True
        self.run()
        self._wake.close()
        self.line.close()
