"""Between a camera's thread and the engine's: frames go to a looker, jobs to the engine, events back to the looker."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import psutil

from app.capture.camera import Frame
from app.capture.gate import Reason, View, view
from app.errors import SpyglassError
from app.modes.schedule import Conditions, Schedule, Turn, Wait
from app.values import Ask, Event, Failed, Job, ModelSpec, Picture, is_last

_log = logging.getLogger(__name__)

_CONDITIONS_S = 10.0
_HOT_C = 90.0


class Engine(Protocol):
    """What is needed of app.engine.client.EngineClient."""

    def submit(self, job: Job, pictures: Iterable[Picture], on_event: Callable[[Event], None]) -> int: ...
    def cancel(self, job_id: int) -> None: ...


class Looker(Protocol):
    """app.modes.live.Live or app.modes.watch.Watch."""

    schedule: Schedule

    def see(self, seen: View) -> Turn: ...
    def ask(self, model: ModelSpec, picture: str) -> Ask: ...
    def event(self, event: Event, now: float) -> object: ...


L = TypeVar("L", bound=Looker)


@dataclass
class _Job:
    """A job under way. `id` is None until the engine has given it one."""

    frame: Frame
    id: int | None = None
    unwanted: bool = False


class Lookout(Generic[L]):
    """Drives a looker. `frame` is for the camera's thread; all else may be called from any.

    on_event(event, frame, result): after the looker took an event in, on the engine client's thread; `frame` is the one
    it is about. clock: the one that the frames' times come from.
    """

    def __init__(
        self,
        looker: L,
        engine: Engine,
        model: ModelSpec,
        on_event: Callable[[Event, Frame, object], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._looker = looker
        self._engine = engine
        self._model = model
        self._on_event = on_event
        self._clock = clock
        self._lock = threading.Lock()
        self._job: _Job | None = None
        self._stopped = False
        self._conditions_at = float("-inf")

    def frame(self, frame: Frame) -> Reason | Wait:
        """The next frame; what was decided about it."""
        seen = view(frame.rgb, frame.time)
        conditions = self._conditions(frame.time)
        job: _Job | None = None
        with self._lock:
            if self._stopped:
                return Wait.PAUSED
            if conditions is not None:
                self._looker.schedule.conditions = conditions
            turn = self._looker.see(seen)
            if turn.cancel:
                self._cancel()
            if turn.send:
                job = self._job = _Job(frame)
        if job is not None:
            self._send(job)
        return turn.verdict

    def read(self, question: Callable[[L], "T"]) -> "T":
        """`question(looker)`, safely. It must be quick."""
        with self._lock:
            return question(self._looker)

    def pause(self) -> None:
        """Send nothing more until `resume`; the job under way is cancelled."""
        with self._lock:
            self._looker.schedule.paused = True
            self._cancel()

    def resume(self) -> None:
        with self._lock:
            self._looker.schedule.paused = False

    def stop(self) -> None:
        """For good. Events that still come are not told any more."""
        with self._lock:
            self._stopped = True
            self._cancel()

    def _conditions(self, now: float) -> Conditions | None:
        if now - self._conditions_at < _CONDITIONS_S:
            return None
        self._conditions_at = now
        return conditions()

    def _cancel(self) -> None:
        """Called with the lock held."""
        if self._job is not None:
            self._job.unwanted = True
            if self._job.id is not None:
                self._engine.cancel(self._job.id)

    def _send(self, job: _Job) -> None:
        height, width = job.frame.rgb.shape[:2]
        picture = Picture(width, height, job.frame.rgb.tobytes(), f"frame {job.frame.number}")
        try:
            ask = self._looker.ask(self._model, picture.digest)
            number = self._engine.submit(ask, (picture,), lambda event: self._take(job, event))
        except SpyglassError as error:
            self._take(job, Failed(kind=type(error).__name__, what=error.what, todo=error.todo, detail=error.detail))
            return
        with self._lock:
            job.id = number
            if job.unwanted:
                self._engine.cancel(number)

    def _take(self, job: _Job, event: Event) -> None:
        with self._lock:
            if self._stopped or job is not self._job:
                return
            result = self._looker.event(event, self._clock())
            if is_last(event):
                self._job = None
        if self._on_event is not None:
            self._on_event(event, job.frame, result)


T = TypeVar("T")


def conditions() -> Conditions:
    """What the machine can bear now, as far as it tells."""
    try:
        battery = psutil.sensors_battery()
        sensors = psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
    except (OSError, RuntimeError, ValueError) as error:
        _log.debug("sensors cannot be read: %r", error)
        return Conditions()
    readings = [reading for group in sensors.values() for reading in group if reading.current is not None]
    hot = any(reading.current >= min(reading.high or _HOT_C, _HOT_C) for reading in readings)
    if battery is None or battery.power_plugged is not False:
        return Conditions(hot=hot)
    return Conditions(on_battery=True, battery=battery.percent / 100, hot=hot)
