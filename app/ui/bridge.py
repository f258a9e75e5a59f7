"""The only border between threads: what other threads report becomes Qt signals on the window's thread."""

import itertools
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.errors import SpyglassError
from app.values import Event, Finished, Job, Loading, Looking, Picture, Reading, is_last

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

FRAME_MS = 33
"""Events are handed on at most this often: more cannot be seen, and each hand-over lays text out."""


class Engine(Protocol):
    """What the window needs of app.engine.client.EngineClient."""

    def submit(self, job: Job, pictures: Iterable[Picture], on_event: Callable[[Event], None]) -> int: ...
    def cancel(self, job_id: int) -> None: ...
    def watch(self, watcher: Callable[[Any], None]) -> None: ...
    def close(self) -> None: ...


class EngineBridge(QObject):
    """Runs jobs; their events arrive in order on the window's thread, many at once if many came.

    events: number of the job, list of its events since the last time. state: see app.engine.client.State.
    """

    events = Signal(int, list)
    state = Signal(str)
    _woken = Signal()

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.engine = self._engine = engine
        self._numbers = itertools.count(1)
        self._running: dict[int, int] = {}
        self._lock = threading.Lock()  # guards the next two
        self._came: list[tuple[int, Event]] = []
        self._waking = False
        self._closed = False
        self._last = 0.0
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._hand_on)
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)
        engine.watch(self.state.emit)

    def start(self, job: Job, pictures: Iterable[Picture] = ()) -> int:
        """Queue a job and return its number. Raises EngineError if the engine was closed."""
        number = next(self._numbers)
        self._running[number] = self._engine.submit(job, pictures, partial(self._on_event, number))
        return number

    def cancel(self, number: int) -> None:
        """End a job soon. One that has ended is left alone."""
        if number in self._running:
            self._engine.cancel(self._running[number])

    def close(self) -> None:
        """End all jobs, the engine process and its thread; no signal comes after this."""
        self._closed = True
        self._engine.close()
        self._timer.stop()

    def _on_event(self, number: int, event: Event) -> None:
        """Called on the engine client's thread."""
        with self._lock:
            self._came.append((number, event))
            first, self._waking = not self._waking, True
        if first:
            self._woken.emit()

    def _on_woken(self) -> None:
        if self._closed:  # a queued call comes even after its signal was disconnected
            return
        wait = FRAME_MS - (time.monotonic() - self._last) * 1000
        if wait > 0:
            self._timer.start(round(wait))
        else:
            self._hand_on()

    def _hand_on(self) -> None:
        with self._lock:
            came, self._came = self._came, []
            self._waking = False
        for number, group in itertools.groupby(came, key=lambda one: one[0]):
            events = _newest_progress([event for _, event in group])
            if is_last(events[-1]):
                self._running.pop(number, None)
            self.events.emit(number, events)
        self._last = time.monotonic()


def _newest_progress(events: list[Event]) -> list[Event]:
    """`events` without progress that is out of date by the time it is seen."""
    progress = (Loading, Looking, Reading)
    following = [*events[1:], Finished(reason="stop")]
    return [
        e
        for e, after in zip(events, following, strict=True)
        if not (isinstance(e, progress) and isinstance(after, progress))
    ]


class Background(QObject):
    """Work that takes longer than a moment, done on other threads; what comes out is delivered on the window's."""

    _ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="background")
        self._ended.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._closed = False

    def run(self, work: Callable[[], _T], done: Callable[[_T], None], failed: Callable[[SpyglassError], None]) -> None:
        """Call `work` on another thread, then `done` with its result or `failed` with its error on this one."""
        if not self._closed:
            self._pool.submit(self._work, work, done, failed)

    def close(self) -> None:
        """Wait for what runs, drop what waits; nothing is delivered after this."""
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(
        self, work: Callable[[], _T], done: Callable[[_T], None], failed: Callable[[SpyglassError], None]
    ) -> None:
        try:
            result = work()
        except SpyglassError as error:
            self._ended.emit(partial(failed, error))
        except Exception as error:
            _log.exception("background work failed")
            what = SpyglassError(
                "Something in Spyglass went wrong.",
                "Try again; if it happens again, report it with the details.",
                "".join(traceback.format_exception(error)),
            )
            self._ended.emit(partial(failed, what))
        else:
            self._ended.emit(partial(done, result))

    def _deliver(self, call: Callable[[], None]) -> None:
        if not self._closed:
            call()
