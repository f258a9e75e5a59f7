"""A model on its way from its page to this machine, on a thread of its own."""

import logging
import threading
import time
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from app.errors import SpyglassError
from app.library.fetch import fetch
from app.library.known import Known

_log = logging.getLogger(__name__)

_EVERY_S = 0.1
"""Progress is told at most this often: more cannot be read."""


class Fetching(QObject):
    """One model at a time. changed: how far it is, or whether there is one at all. done: the Known that came, and the
    path of its file. failed: a SpyglassError; what came of the model is kept."""

    changed = Signal()
    done = Signal(object, str)
    failed = Signal(object)
    _came = Signal(object, object)
    _ended = Signal(object, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.known: Known | None = None
        self.here = self.total = 0
        self.error: tuple[Known, SpyglassError] | None = None
        """What went wrong the last time, and with which."""
        self._begun = self._told = 0.0
        self._before = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._came.connect(self._on_came, Qt.ConnectionType.QueuedConnection)
        self._ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)

    @property
    def fraction(self) -> float | None:
        """0 to 1; None while nothing is fetched."""
        return self.here / max(self.total, 1) if self.known else None

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far; None while there is none yet."""
        speed = (self.here - self._before) / max(time.monotonic() - self._begun, 0.1)
        return (self.total - self.here) / speed if self.known and self._begun and speed > 0 else None

    def start(self, known: Known) -> None:
        """Fetch a model, or go on with what came of it, unless one is on its way."""
        if self.known:
            return
        self.known, self.error, self.here, self.total = known, None, 0, known.size
        self._begun, self._stop = 0.0, threading.Event()
        # Whoever closes the window does not wait for a site that is silent.
        self._thread = threading.Thread(target=self._work, args=(known, self._stop), name="fetching", daemon=True)
        self._thread.start()
        self.changed.emit()

    def stop(self) -> None:
        """End it soon; what came is kept."""
        self._stop.set()

    def close(self) -> None:
        """The same, and nothing is told after this."""
        self.stop()
        self._came.disconnect()
        self._ended.disconnect()
        if self._thread:
            self._thread.join(1.0)

    def _work(self, known: Known, stop: threading.Event) -> None:
        result: Path | SpyglassError | None
        try:
            result = fetch(known, self._tell, stop)
        except SpyglassError as error:
            result = error
        except Exception as error:
            _log.exception("fetching failed")
            result = SpyglassError("Something in Spyglass went wrong.", "Try again.", repr(error))
        self._ended.emit(known, result)

    def _tell(self, here: int, total: int) -> None:
        """Called on the thread that fetches."""
        if here == total or time.monotonic() - self._told > _EVERY_S:
            self._told = time.monotonic()
            self._came.emit(here, total)

    def _on_came(self, here: int, total: int) -> None:
        if not self._begun:
            self._begun, self._before = time.monotonic(), here
        self.here, self.total = here, total
        self.changed.emit()

    def _on_ended(self, known: Known, result: Path | SpyglassError | None) -> None:
        self.known = None
        if isinstance(result, SpyglassError):
            self.error = known, result
            self.failed.emit(result)
        self.changed.emit()
        if isinstance(result, Path):
            self.done.emit(known, str(result))
