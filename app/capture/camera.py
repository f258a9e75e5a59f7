"""A camera that never makes anyone wait: always the newest frame, never a queue, and plain words when one is missing.

Two threads: one reads (and may hang inside a driver), one watches it. A reader that hangs is abandoned: nobody listens
to it any more, it ends when the driver lets go, and another one opens the source anew, after a growing pause.
"""

import enum
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from app.capture.frame import Frame, Rotation, upright
from app.capture.reader import Reader
from app.capture.sources import Absent, CameraInfo, Ended, Opener, Pixels, cameras, device_opener, opener
from app.errors import CameraError
from app.wording import Wording

_log = logging.getLogger(__name__)

_MAX_STUCK = 3
_LISTENING_S = 0.1
"""How often it is looked whether a frame's listener is done."""
_RATE_WINDOW = 31


class State(enum.Enum):
    """What a camera is doing. Only CLOSED, and GONE of a source that has an end, are final."""

    OPENING = "opening"
    LIVE = "live"
    STALLED = "stalled"
    REOPENING = "reopening"
    GONE = "gone"
    CLOSED = "closed"


@dataclass(frozen=True)
class Status:
    """A state in words a person understands; `error` where there is something to do about it."""

    state: State
    words: Wording
    error: CameraError | None = None


@dataclass(frozen=True)
class Patience:
    """Seconds: how long opening and a frame may take, and the pauses before trying again (the last one repeats)."""

    open_s: float = 15
    stall_s: float = 2
    pauses_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)


class Camera:
    """Frames of one source, as they come, until closed.

    source: a CameraInfo, what a person named (see app.capture.sources.opener), or an opener. on_frame and on_status are
    called from the camera's own threads and must return soon: meanwhile frames are missed, never queued. rotate turns
    clockwise by degrees, before mirror flips left and right. Raises CameraError when nothing of that name can exist;
    everything that happens later is told by `status`.
    """

    def __init__(
        self,
        source: str | CameraInfo | Opener,
        width: int = 1280,
        height: int = 720,
        fps: float = 30.0,
        mirror: bool = False,
        rotate: Rotation = 0,
        on_frame: Callable[[Frame], object] | None = None,
        on_status: Callable[[Status], object] | None = None,
        patience: Patience = Patience(),
    ) -> None:
        if isinstance(source, CameraInfo):
            self._open: Opener = device_opener(source, width, height, fps)
        else:
            self._open = opener(source, width, height, fps) if isinstance(source, str) else source
        self.mirror = mirror
        self.rotate = rotate
        self._on_frame = on_frame
        self._on_status = on_status
        self._patience = patience
        self._changed = threading.Condition()
        self._closing = False
        self._reader: Reader | None = None
        self._frame: Frame | None = None
        self._number = 0
        self._last = 0.0
        self._listened = 0
        """The number of the frame that the listener is done with."""
        self._times: deque[float] = deque(maxlen=_RATE_WINDOW)
        self._status = Status(State.OPENING, Wording("Opening the camera"))
        self._stuck: list[Reader] = []
        self._watcher = threading.Thread(target=self._watch, name="camera-watcher", daemon=True)

    def start(self) -> Self:
        self._watcher.start()
        return self

    def stop(self) -> None:
        """Ask all threads to end and return at once."""
        with self._changed:
            self._closing = True
            if self._reader is not None:
                self._reader.abandoned.set()
            self._changed.notify_all()

    def close(self, timeout: float = 6.0) -> bool:
        """Stop, and wait for the threads. False if the driver still holds one (it ends when the driver lets go)."""
        self.stop()
        until = time.monotonic() + timeout
        for thread in [self._watcher, *self._readers()]:
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join(max(0.0, until - time.monotonic()))
        return not self._watcher.is_alive() and not self._readers()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def status(self) -> Status:
        return self._status

    @property
    def fps(self) -> float:
        """Frames a second over the last second or so; 0 while there are none."""
        with self._changed:
            if len(self._times) < 2 or time.monotonic() - self._times[-1] > self._patience.stall_s:
                return 0.0
            return (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-6)

    def latest(self) -> Frame | None:
        """The newest frame, however old."""
        return self._frame

    def wait(self, after: int = 0, timeout: float = 10.0) -> Frame | None:
        """The newest frame with a number above `after`, waiting for it. None: the source has ended, or time is up.

        Raises CameraError if the source has never worked; one that worked once is waited for while it is opened again.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_new(after) or self._over(), timeout)
            if self._is_new(after):
                return self._frame
            if self._never_worked() and self._status.error is not None:
                raise self._status.error
            return None

    def _is_new(self, after: int) -> bool:
        return self._frame is not None and self._frame.number > after

    def _over(self) -> bool:
        ended = self._status.error is None and self._status.state is State.GONE
        return ended or self._never_worked() or self._status.state is State.CLOSED

    def _never_worked(self) -> bool:
        return self._status.error is not None and self._number == 0

    def _readers(self) -> list[Reader]:
        readers = [*self._stuck, self._reader] if self._reader is not None else self._stuck
        return [r for r in readers if r.is_alive()]

    # --- the reader's thread -----------------------------------------------------------------------------------------

    def _publish(self, reader: Reader, raw: Pixels) -> None:
        rgb = upright(raw, self.rotate, self.mirror)
        now = time.monotonic()
        with self._changed:
            if reader is not self._reader or self._closing:
                return
            self._number += 1
            frame = self._frame = Frame(rgb, self._number, now)
            self._last = now
            self._times.append(now)
            status = self._note(State.LIVE, Wording("Live"))
            self._changed.notify_all()
        self._tell(status)
        if self._on_frame is not None:
            try:
                self._on_frame(frame)
            except Exception:
                _log.exception("a listener of the camera failed")
        with self._changed:
            self._last, self._listened = time.monotonic(), frame.number

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # --- the watcher's thread ----------------------------------------------------------------------------------------

    def _watch(self) -> None:
        failures = 0
        while not self._closing:
            before = self._number
            end = self._read_until_end()
            if self._closing or isinstance(end, Ended):
                break
            failures = 0 if self._number > before else failures
            pauses = self._patience.pauses_s
            self._pause(pauses[min(failures, len(pauses) - 1)])
            failures += 1
            if not self._closing and self._status.state is not State.GONE:
                self._set(State.REOPENING, Wording("Opening the camera again"), self._status.error)
        if self._closing:
            self._set(State.CLOSED, Wording("The camera is off"))
        else:
            self._set(State.GONE, Wording("The video has ended"))

    def _read_until_end(self) -> Ended | CameraError:
        """Start a reader and watch it. Returns how it ended; one that hangs counts as a broken camera."""
        reader = Reader(self._open, self._publish, self._wake)
        with self._changed:
            self._reader, first = reader, self._number
            self._last = time.monotonic()
            self._times.clear()
            reader.start()
            while not self._closing and reader.outcome is None:
                limit = self._patience.stall_s if self._number > first else self._patience.open_s
                left = self._last + limit - time.monotonic()
                if self._listened < self._number > first:  # a busy machine is no broken cable
                    left = max(left, _LISTENING_S)
                if left <= 0:
                    break
                self._changed.wait(left)
            reader.abandoned.set()
            self._reader = None
            self._stuck = [r for r in [*self._stuck, reader] if r.is_alive()]
        end = reader.outcome
        if self._closing:
            return Ended()
        if end is None:
            words = Wording("The camera has sent no picture for {seconds} seconds.", seconds=limit)
            end = CameraError(words, "Check its cable or its network.")
            self._set(State.STALLED, end.what, end)
        elif isinstance(end, CameraError):
            self._set(State.GONE if isinstance(end, Absent) else State.REOPENING, end.what, end)
        return end

    def _pause(self, seconds: float) -> None:
        """Wait before the next try; longer while the driver holds so many readers that another one would not help."""
        until = time.monotonic() + seconds
        with self._changed:
            while not self._closing:
                left = until - time.monotonic()
                if left <= 0 and len(self._readers()) < _MAX_STUCK:
                    break
                self._changed.wait(left if left > 0 else 0.1)

    def _set(self, state: State, words: Wording, error: CameraError | None = None) -> None:
        with self._changed:
            status = self._note(state, words, error)
            self._changed.notify_all()
        self._tell(status)

    def _note(self, state: State, words: Wording, error: CameraError | None = None) -> Status | None:
        """Change the status; None when it says the same already. Called with the lock held."""
        if (self._status.state, self._status.words) == (state, words):
            return None
        self._status = Status(state, words, error)
        return self._status

    def _tell(self, status: Status | None) -> None:
        if status is None:
            return
        _log.info("camera %s: %s", status.state.value, status.words)
        if self._on_status is not None:
            try:
                self._on_status(status)
            except Exception:
                _log.exception("a listener of the camera failed")


__all__ = ["Camera", "CameraInfo", "Frame", "Patience", "Rotation", "State", "Status", "cameras"]
