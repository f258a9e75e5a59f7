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
from app.values import Ask, Box, Event, Failed, Job, ModelSpec, Picture, is_last, passing_picture

_SENSORS_S = 10.0


class Engine(Protocol):
    """What is needed of app.engine.client.EngineClient."""

    def submit(self, job: Job, pictures: Iterable[Picture], on_event: Callable[[Event], None]) -> int: ...
    def cancel(self, job_id: int) -> None: ...


class Looker(Protocol):
    """Judges and follows frames, and takes in what comes of those that were sent."""

    schedule: Schedule

    def judge(self, seen: View) -> Turn: ...
    def follow(self, seen: View) -> None: ...
    def event(self, event: Event, now: float) -> object: ...


class Asker(Looker, Protocol):
    """A looker that asks one question about a frame: app.modes.live.Live or app.modes.watch.Watch."""

    def ask(self, model: ModelSpec, picture: str) -> Ask: ...


L = TypeVar("L", bound=Looker)
A = TypeVar("A", bound=Asker)
T = TypeVar("T")


@dataclass
class Errand:
    """What is being found out about a frame, or this part of it. `id`: of the job the engine has for it, None until
    there is one."""

    frame: Frame
    part: Box | None = None
    id: int | None = None
    unwanted: bool = False


class Driver(Generic[L]):
    """Drives a looker. `frame` is for the camera's thread; all else may be called from any.

    on_event(event, frame, result): after the looker took an event in, on the thread it came from; `frame` is the one
    it is about. clock: the one that the frames' times come from. sense: what the machine can bear, asked again every
    ten seconds on a thread of its own, which `stop` ends; None: the machine can bear anything.
    """

    def __init__(
        self,
        looker: L,
        engine: Engine,
        on_event: Callable[[Event, Frame, object], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sense: Callable[[], Conditions] | None = None,
    ) -> None:
        self._looker = looker
        self._engine = engine
        self._on_event = on_event
        self._clock = clock
        self._lock = threading.Lock()
        self._job: Errand | None = None
        self._stopped = threading.Event()
        if sense is not None:
            threading.Thread(target=self._sense, args=(sense,), name="sensors", daemon=True).start()

    def frame(self, frame: Frame) -> Reason | Wait:
        """The next frame; what was decided about it."""
        seen = view(frame.rgb, frame.time)
        job: Errand | None = None
        with self._lock:
            if self._stopped.is_set():
                return Wait.PAUSED
            turn = self._looker.judge(seen)
            if turn.cancel:
                self._cancel()
            if turn.send:
                job = self._job = Errand(frame, turn.part)
        if job is not None:
            self._send(job)
        with self._lock:
            self._looker.follow(seen)
        return turn.verdict

    def read(self, question: Callable[[L], T]) -> T:
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

    def _send(self, job: Errand) -> None:
        """Begin to find out what there is to know about the frame of `job`; `_take` gets what comes of it."""
        raise NotImplementedError

    def _submit(self, job: Errand, ask: Ask, pictures: Iterable[Picture], take: Callable[[Event], None]) -> None:
        """Give the engine a job. Raises SpyglassError."""
        number = self._engine.submit(ask, pictures, take)
        with self._lock:
            job.id = number
            if job.unwanted:
                self._engine.cancel(number)

    def _take(self, job: Errand, event: Event) -> None:
        with self._lock:
            if self._stopped.is_set() or job is not self._job:
                return
            result = self._looker.event(event, self._clock())
            if is_last(event):
                self._job = None
        if self._on_event is not None:
            self._on_event(event, job.frame, result)


class Lookout(Driver[A]):
    """A driver that asks the looker's question about each frame it sends."""

    def __init__(
        self,
        looker: A,
        engine: Engine,
        model: ModelSpec,
        on_event: Callable[[Event, Frame, object], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sense: Callable[[], Conditions] | None = None,
    ) -> None:
        super().__init__(looker, engine, on_event, clock, sense)
        self._model = model

    def _send(self, job: Errand) -> None:
        picture = picture_of(job.frame, job.part)
        try:
            ask = self._looker.ask(self._model, picture.digest)
            self._submit(job, ask, (picture,), lambda event: self._take(job, event))
        except SpyglassError as error:
            self._take(job, failure(error))


def picture_of(frame: Frame, part: Box | None = None) -> Picture:
    """A frame, or a part of it, as the engine takes it."""
    rgb = frame.rgb
    if part is not None:
        height, width = rgb.shape[:2]
        left, top = int(part[0] * width), int(part[1] * height)
        rgb = rgb[top : max(top + 1, round(part[3] * height)), left : max(left + 1, round(part[2] * width))]
    height, width = rgb.shape[:2]
    return passing_picture(width, height, rgb.tobytes(), f"frame {frame.number}")


def failure(error: SpyglassError) -> Failed:
    """An error as the last event of a job."""
    return Failed(kind=type(error).__name__, what=error.what, todo=error.todo, detail=error.detail)
