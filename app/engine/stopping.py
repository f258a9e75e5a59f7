"""Stopping native code while one answer is computed, and no later one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.engine.families import Cancel


class Switch:
    """The switch of one model's native code. `stop` and `go` are quick and may be called from any thread."""

    def __init__(self, stop: Callable[[], None], go: Callable[[], None]) -> None:
        self._stop, self._go = stop, go
        self._lock = threading.Lock()
        self._cancel: Cancel | None = None

    @contextmanager
    def obeying(self, cancel: Cancel) -> Iterator[None]:
        """Let `cancel` stop the native code inside the block. One that comes later stops nothing."""

        def stop() -> None:
            with self._lock:
                if self._cancel is cancel:
                    self._stop()

        with self._lock:
            self._cancel = cancel
            self._go()
        cancel.on_set(stop)
        try:
            yield
        finally:
            with self._lock:
                self._cancel = None
                self._go()
