"""The engine as the rest of the program sees it: jobs go in, events come out, nothing waits and nothing crashes.

One background thread runs an event loop over the line to the engine process, a wake-up socket and timers. Every
job gets exactly one last event (`Finished` or `Failed`), whatever happens to the process.
"""

import itertools
import logging
import queue
import selectors
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from app.engine.commands import Commands
from app.engine.exits import Fault
from app.engine.link import Link, LinkEvents, Patience
from app.engine.protocol import ProtocolError, failed
from app.engine.supervisor import Supervisor
from app.engine.timers import Timers
from app.errors import EngineError, UsageError
from app.values import Ask, Event, Finished, Job, Loading, Looking, Picture, Piece, is_last

_log = logging.getLogger(__name__)

State = Literal["stopped", "starting", "ready", "busy", "restarting"]

_T = TypeVar("_T")

_START_ATTEMPTS = 3
_SLOW_TO_STOP = (Loading, Looking, type(None))


def ignore(_: Event) -> None:
    """For jobs whose events nobody needs."""


@dataclass(eq=False)
class _Task:
    id: int
    job: Job
    pictures: tuple[Picture, ...]
    on_event: Callable[[Event], None]
    cancelled: bool = False
    last: Event | None = None
    ended: bool = False
    """Whether its last event was told; its process may still be at it."""


class EngineClient:
    """Runs jobs, one after the other, in an engine process that is started when first needed.

    All methods may be called from any thread. Events and states are delivered on the client's own thread, in order;
    what they call must be quick. Close it, or use it as a context manager.
    """

    def __init__(
        self,
        supervisor: Supervisor | None = None,
        patience: Patience | None = None,
        picture_bytes: int = 256 << 20,
    ) -> None:
        """picture_bytes: how many bytes of pixels the engine process keeps for follow-up questions."""
        self._patience = patience or Patience()
        self._supervisor = supervisor or Supervisor()
        self._timers = Timers()
        self._selector = selectors.DefaultSelector()
        events = LinkEvents(up=self._on_up, event=self._on_event, down=self._on_down)
        self._link = Link(self._supervisor, self._patience, picture_bytes, self._selector, self._timers, events)
        self._commands = Commands()
        self._selector.register(self._commands.line, selectors.EVENT_READ, lambda _: self._commands.run())
        self._ids = itertools.count(1)

        self._waiting: list[_Task] = []
        self._running: _Task | None = None
        self._closing = False
        self._crashed = False
        self._failed_starts = 0
        self._state: State = "stopped"
        self._watchers: list[Callable[[State], None]] = []
        self._thread = threading.Thread(target=self._work, name="engine-client", daemon=True)
        self._thread.start()

    # --- any thread ---

    @property
    def state(self) -> State:
        """What the engine is doing, as last told to the watchers."""
        return self._state

    def watch(self, watcher: Callable[[State], None]) -> None:
        """Tell `watcher` the state now and whenever it changes."""

        def add() -> None:
            self._watchers.append(watcher)
            self._call(watcher, self._state)

        self._commands.add(add)

    def submit(self, job: Job, pictures: Iterable[Picture] = (), on_event: Callable[[Event], None] = ignore) -> int:
        """Queue a job and return its id.

        A job replaces the one of its lane that still waits. pictures: all that the messages name (more do no harm);
        the engine process gets only those it does not hold already. Raises ValueError if a named picture is
        missing, EngineError if the client was closed.
        """
        task = _Task(next(self._ids), job, _pictures_of(job, pictures), on_event)
        if not self._commands.add(lambda: self._enqueue(task)):
            raise EngineError("The engine has been closed.", "Start Spyglass again.")
        return task.id

    def cancel(self, job_id: int) -> None:
        """End a job soon; its last event is Finished("cancelled"). A job that has ended is left alone."""
        self._commands.add(lambda: self._cancel(job_id))

    def run(self, job: Job, pictures: Iterable[Picture] = ()) -> Iterator[Event]:
        """Submit a job (at the first `next`) and yield its events. Closing the generator cancels the job."""
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        job_id = self.submit(job, pictures, events.put)
        try:
            while True:
                try:
                    event = events.get(timeout=0.5)
                except queue.Empty:  # Windows sees Ctrl-C only between two waits
                    continue
                yield event
                if is_last(event):
                    return
        finally:
            self.cancel(job_id)

    def close(self) -> None:
        """Cancel every job, end the engine process and the thread."""
        self._commands.add(self._begin_close)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> "EngineClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the client's thread: the loop ---

    def _work(self) -> None:
        try:
            while not (self._closing and self._link.phase == "down"):
                self._start_next()
                self._tell_state()
                self._step()
        except Exception:
            _log.exception("the engine's client failed")
            self._finish_all(failed(EngineError("The engine's client failed.", "Start Spyglass again.")))
            self._link.abandon()
        finally:
            self._shut()

    def _step(self) -> None:
        ready = self._selector.select(self._timers.wait())
        self._timers.step()
        for key, mask in ready:
            key.data(mask)
        self._timers.run_due()

    def _shut(self) -> None:
        self._closing = True
        self._commands.close()
        self._tell_state()
        self._selector.close()

    # --- the client's thread: jobs ---

    def _enqueue(self, task: _Task) -> None:
        if self._closing:
            self._deliver(task, Finished(reason="cancelled"))
            return
        for i, older in enumerate(self._waiting):
            if task.job.lane is not None and older.job.lane == task.job.lane:
                self._waiting[i] = task  # in its place, so that a fast lane does not starve
                self._deliver(older, Finished(reason="replaced"))
                return
        self._waiting.append(task)

    def _start_next(self) -> None:
        while self._waiting and not self._running and not self._closing:
            if self._link.phase == "up":
                self._dispatch(self._waiting.pop(0))
            elif self._link.phase == "down" and not (delay := self._supervisor.back_off.delay()):
                self._link.start()
            else:
                if self._link.phase == "down":
                    self._timers.set("back-off", delay, lambda: None)
                return

    def _dispatch(self, task: _Task) -> None:
        self._running = task
        try:
            self._link.run(task.id, task.job, task.pictures)
        except ProtocolError as e:
            self._running = None
            too_big = UsageError(
                "The question cannot be handed to the engine.",
                "Ask with smaller pictures or in a new conversation.",
                str(e),
            )
            self._deliver(task, failed(too_big))

    def _cancel(self, job_id: int) -> None:
        for task in self._waiting:
            if task.id == job_id:
                self._waiting.remove(task)
                self._deliver(task, Finished(reason="cancelled"))
                return
        running = self._running
        if running and running.id == job_id and not running.cancelled:
            running.cancelled = True
            self._link.stop(job_id)
            slow = isinstance(running.last, _SLOW_TO_STOP)
            self._timers.set("stop", self._patience.stop_slow if slow else self._patience.stop, self._give_up)

    def _give_up(self) -> None:
        """The job did not end when asked. It is told as ended; its process, and with it the model, gets more time to
        come to the end of what it is computing."""
        if self._running:
            self._deliver(self._running, Finished(reason="cancelled"))
        self._timers.set("stop", self._patience.kill, self._stop_hard)

    def _stop_hard(self) -> None:
        """It still has not ended: end the process; the next job starts it anew."""
        self._link.end()
        self._finish_running(Finished(reason="cancelled"))

    def _begin_close(self) -> None:
        self._closing = True
        self._link.end()
        self._finish_all(Finished(reason="cancelled"))

    def _finish_running(self, event: Event) -> None:
        self._timers.drop("stop")
        task, self._running = self._running, None
        if task:
            self._deliver(task, event)

    def _finish_all(self, event: Event) -> None:
        self._finish_running(event)
        tasks, self._waiting = self._waiting, []
        for task in tasks:
            self._deliver(task, event)

    # --- the client's thread: what the link reports ---

    def _on_up(self) -> None:
        self._crashed = False
        self._failed_starts = 0

    def _on_event(self, job_id: int, event: Event) -> None:
        task = self._running
        if task is None or task.id != job_id:
            self._link.end(Fault.GARBAGE, f"event of job {job_id}, which does not run")
        elif is_last(event):
            self._supervisor.back_off.succeeded()
            self._link.rest()
            self._finish_running(event)
        else:
            if isinstance(event, Piece) or event != task.last:
                self._link.made_progress()
            task.last = event
            self._deliver(task, event)

    def _on_down(self, error: EngineError | None, was_up: bool) -> None:
        self._crashed = error is not None
        if error is None:
            return
        if self._running:
            cancelled = self._running.cancelled
            self._finish_running(Finished(reason="cancelled") if cancelled else failed(error))
        elif not was_up:
            self._failed_starts += 1
            if self._failed_starts >= _START_ATTEMPTS:
                self._finish_all(failed(error))

    # --- the client's thread: telling ---

    def _deliver(self, task: _Task, event: Event) -> None:
        if not task.ended:
            task.ended = is_last(event)
            self._call(task.on_event, event)

    def _call(self, listener: Callable[[_T], None], value: _T) -> None:
        try:
            listener(value)
        except Exception:
            _log.exception("a listener failed on %r", type(value).__name__)

    def _tell_state(self) -> None:
        state = self._current_state()
        if state != self._state:
            self._state = state
            for watcher in self._watchers:
                self._call(watcher, state)

    def _current_state(self) -> State:
        if self._link.phase == "up":
            return "busy" if self._running else "ready"
        if self._closing or (self._link.phase == "down" and not self._waiting):
            return "stopped"
        return "starting" if self._link.phase == "starting" and not self._crashed else "restarting"


def _pictures_of(job: Job, pictures: Iterable[Picture]) -> tuple[Picture, ...]:
    if not isinstance(job, Ask):
        return ()
    given = {p.digest: p for p in pictures}
    named = {digest for message in job.messages for digest in message.pictures}
    if missing := named - given.keys():
        raise ValueError(f"messages name pictures that were not given: {sorted(missing)}")
    return tuple(given[digest] for digest in sorted(named))
