"""Between a camera's thread and the engine's: frames go to a looker, jobs to the engine, events back to the looker."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from app.capture.camera import Frame
from app.capture.gate import Reason, View, view
from app.errors import SpyglassError
from app.modes.conditions import Conditions
from app.modes.schedule import Schedule, Turn, Wait
from app.values import Ask, Event, Failed, Job, ModelSpec, Picture, is_last, passing_picture

_SENSORS_S = 10.0


class Engine(Protocol):
    """What is needed of app.engine.client.EngineClient."""

    def submit(self, job: Job, pictures: Iterable[Picture], on_event: Callable[[Event], None]) -> int: ...
    def cancel(self, job_id: int) -> None: ...


class Looker(Protocol):
    """app.modes.live.Live or app.modes.watch.Watch."""

    schedule: Schedule

    def judge(self, seen: View) -> Turn: ...
    def follow(self, seen: View) -> None: ...
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
    it is about. clock: the one that the frames' times come from. sense: what the machine can bear, asked again every
    ten seconds on a thread of its own, which `stop` ends; None: the machine can bear anything.
    """

    def __init__(
        self,
        looker: L,
        engine: Engine,
        model: ModelSpec,
        on_event: Callable[[Event, Frame, object], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sense: Callable[[], Conditions] | None = None,
    ) -> None:
        self._looker = looker
        self._engine = engine
        self._model = model
        self._on_event = on_event
        self._clock = clock
        self._lock = threading.Lock()
        self._job: _Job | None = None
        self._stopped = threading.Event()
        if sense is not None:
            threading.Thread(target=self._sense, args=(sense,), name="sensors", daemon=True).start()

    def frame(self, frame: Frame) -> Reason | Wait:
        """The next frame; what was decided about it."""
        seen = view(frame.rgb, frame.time)
        job: _Job | None = None
        with self._lock:
            if self._stopped.is_set():
                return Wait.PAUSED
            turn = self._looker.judge(seen)
            if turn.cancel:
                self._cancel()
            if turn.send:
                job = self._job = _Job(frame)
        if job is not None:
            self._send(job)
        with self._lock:
            self._looker.follow(seen)
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
            self._stopped.set()
            self._cancel()

    def _sense(self, sense: Callable[[], Conditions]) -> None:
        while not self._stopped.is_set():
            conditions = sense()
            with self._lock:
                self._looker.schedule.conditions = conditions
            self._stopped.wait(_SENSORS_S)

    def _cancel(self) -> None:
        """Called with the lock held."""
        if self._job is not None:
            self._job.unwanted = True
            if self._job.id is not None:
                self._engine.cancel(self._job.id)

    def _send(self, job: _Job) -> None:
        height, width = job.frame.rgb.shape[:2]
        picture = passing_picture(width, height, job.frame.rgb.tobytes(), f"frame {job.frame.number}")
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
            if self._stopped.is_set() or job is not self._job:
                return
            result = self._looker.event(event, self._clock())
            if is_last(event):
                self._job = None
        if self._on_event is not None:
            self._on_event(event, job.frame, result)


T = TypeVar("T")
