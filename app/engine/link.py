"""The life of one engine process after another, as the client's event loop sees it."""

import logging
import selectors
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from app import __version__
from app.engine.connection import Connection
from app.engine.exits import Fault, explain_exit, fault_of
from app.engine.protocol import Beat, Hello, ProtocolError, Reply, Run, Stop, Told
from app.engine.supervisor import EngineProcess, Supervisor
from app.engine.timers import Timers
from app.errors import EngineError
from app.values import Event, Job, Picture

_log = logging.getLogger(__name__)

_EXIT_POLL_S = 0.01
_WATCH_S = 0.25


@dataclass(frozen=True)
class Patience:
    """How long the program waits for its engine process, in seconds."""

    start: float = 30.0
    """Until it says hello."""
    silence: float = 10.0
    """Between two signs of life while a job runs."""
    progress: float = 300.0
    """Between two events of a job that say something new. A slow disk or vision tower may take minutes."""
    stop: float = 0.2
    """For a job to end when it was asked to, while it reads or writes; then it is told as ended."""
    stop_slow: float = 0.8
    """The same while it loads a model or looks at a picture."""
    kill: float = 1.5
    """For a job that was told as ended to end indeed, before its process is killed, and with it the loaded model."""
    exit: float = 5.0
    """For the operating system to clear the process away."""


@dataclass(frozen=True)
class LinkEvents:
    """What the link reports to its owner, on the loop's thread."""

    up: Callable[[], None]
    event: Callable[[int, Event], None]
    down: Callable[[EngineError | None, bool], None]
    """The process is gone: why (None: it was wanted), and whether it had been up. Once for every start."""


class Link:
    """Starts a process, talks to it, notices when it hangs, swells or dies, and clears it away.

    phase: `down`; `starting` until hello; `up`; `ending` until the operating system has cleared the process away.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        patience: Patience,
        picture_bytes: int,
        selector: selectors.BaseSelector,
        timers: Timers,
        events: LinkEvents,
    ) -> None:
        self.phase: Literal["down", "starting", "up", "ending"] = "down"
        self._supervisor = supervisor
        self._patience = patience
        self._picture_bytes = picture_bytes
        self._selector = selector
        self._timers = timers
        self._events = events
        self._process: EngineProcess | None = None
        self._connection: Connection | None = None
        self._fault: Fault | None = None
        self._note = ""
        self._wanted = False
        self._was_up = False

    # --- what the owner asks ---

    def start(self) -> None:
        """Start a process; `up` or `down` follows."""
        self._fault, self._note, self._wanted, self._was_up = None, "", False, False
        self.phase = "starting"
        try:
            self._process = self._supervisor.start()
        except OSError as e:
            self._fault, self._note = Fault.NOT_STARTED, str(e)
            self._gone(None)
            return
        self._connection = Connection(self._process.line, self._picture_bytes)
        self._selector.register(self._process.line, selectors.EVENT_READ, self._on_ready)
        self._timers.set("start", self._patience.start, lambda: self.end(Fault.NOT_STARTED, "no hello"))

    def run(self, job_id: int, job: Job, pictures: Iterable[Picture]) -> None:
        """Give the process a job. Raises ProtocolError if the job breaks a limit of the protocol."""
        assert self._connection is not None
        try:
            self._connection.send_pictures(pictures)
            self._connection.send(Run(id=job_id, job=job))
        finally:
            self._flush()
        self._expect_sign_of_life()
        self.made_progress()
        self._watch()

    def stop(self, job_id: int) -> None:
        """Ask the process to let a job end."""
        if self._connection is not None:
            self._connection.send(Stop(id=job_id))
            self._flush()

    def made_progress(self) -> None:
        """The job said something new."""
        self._timers.set("progress", self._patience.progress, lambda: self.end(Fault.STUCK))

    def rest(self) -> None:
        """No job runs any more: nothing is expected of the process."""
        self._timers.drop("silence", "progress", "watch")

    def end(self, fault: Fault | None = None, note: str = "") -> None:
        """Kill the process, for a fault or (None) because it is wanted; `down` follows."""
        if self._process is None:
            return
        self._process.kill()
        if self.phase == "ending":
            self._wanted = self._wanted or fault is None
            return
        self._fault, self._note, self._wanted = fault, note, fault is None
        self._clear_away()

    def abandon(self) -> None:
        """End the process without the loop."""
        if self._process is not None:
            self._process.kill()
            self._process.close()
            self._process.wait(self._patience.exit)
            self._process, self._connection = None, None
        self.phase = "down"

    # --- what the process says ---

    def _on_ready(self, mask: int) -> None:
        # Something earlier in the same round of the loop may have ended the process: then there is no connection.
        if mask & selectors.EVENT_READ and self._connection is not None:
            self._read()
        if mask & selectors.EVENT_WRITE and self._connection is not None:
            self._flush()
            if self._timers.is_set("silence"):  # whoever takes a large picture off the line is alive
                self._expect_sign_of_life()

    def _read(self) -> None:
        assert self._connection is not None
        try:
            for reply in self._connection.receive():
                self._hear(reply)
                if self.phase not in ("starting", "up"):
                    return
        except ProtocolError as e:
            self.end(Fault.GARBAGE, str(e))
        except EOFError:
            self._clear_away()

    def _hear(self, reply: Reply) -> None:
        if isinstance(reply, Hello):
            self._greet(reply)
        elif self.phase != "up":
            self.end(Fault.GARBAGE, f"{reply!r} before hello")
        elif isinstance(reply, Beat):
            if self._timers.is_set("silence"):
                self._expect_sign_of_life()
        else:
            assert isinstance(reply, Told)
            self._expect_sign_of_life()
            self._events.event(reply.id, reply.event)

    def _greet(self, hello: Hello) -> None:
        if hello.program != __version__:
            self.end(Fault.OTHER_VERSION, f"engine {hello.program}, program {__version__}")
        elif self.phase == "starting":
            self.phase = "up"
            self._was_up = True
            self._timers.drop("start")
            self._events.up()
        else:
            self.end(Fault.GARBAGE, "a second hello")

    def _flush(self) -> None:
        assert self._connection is not None
        assert self._process is not None
        try:
            self._connection.flush()
        except OSError:  # the other side is gone: reading will say so, after what it still had to say
            self._connection.forget_outgoing()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._connection.has_outgoing else 0)
        self._selector.modify(self._process.line, wanted, self._on_ready)

    # --- watching and ending ---

    def _expect_sign_of_life(self) -> None:
        self._timers.set("silence", self._patience.silence, lambda: self.end(Fault.SILENT))

    def _watch(self) -> None:
        assert self._process is not None
        self._process.trim_log()
        limit = self._supervisor.memory_limit
        used = self._process.memory()
        if limit and used > limit:
            self.end(Fault.OVER_LIMIT, f"{used / 1e9:.2f} GB used, {limit / 1e9:.2f} GB allowed")
        else:
            self._timers.set("watch", _WATCH_S, self._watch)

    def _clear_away(self) -> None:
        assert self._process is not None
        self.phase = "ending"
        self.rest()
        self._timers.drop("start")
        self._selector.unregister(self._process.line)
        self._connection = None
        self._process.close()
        self._timers.set("lingers", self._patience.exit, self._lingers)
        self._poll_exit()

    def _poll_exit(self) -> None:
        assert self._process is not None
        status = self._process.status()
        if status is None:
            self._timers.set("exit", _EXIT_POLL_S, self._poll_exit)
        else:
            self._gone(status)

    def _lingers(self) -> None:
        """The line is closed but the process lives: kill it; one that survives even that is left to the system."""
        assert self._process is not None
        if self._wanted or self._fault:
            _log.error("engine process %d cannot be ended", self._process.pid)
            self._gone(None)
            return
        self._fault, self._note = Fault.QUIT, "closed the line and lived on"
        self._process.kill()
        self._timers.set("lingers", self._patience.exit, self._lingers)

    def _gone(self, status: int | None) -> None:
        self._timers.drop("exit", "lingers")
        error = None if self._wanted else self._explain(status)
        if error:
            _log.warning("engine process ended: %s (%s)", error.what, error.detail.partition("\n")[0])
            self._supervisor.back_off.failed(self._was_up)
        self._process = None
        self.phase = "down"
        self._events.down(error, self._was_up)

    def _explain(self, status: int | None) -> EngineError:
        """The fault this side saw, or else what the exit status says."""
        limit, peak, words = self._supervisor.memory_limit, 0, ""
        if self._process is not None:
            peak, words = self._process.peak_memory, self._process.last_words()
        fault = self._fault or fault_of(status, peak / limit if limit else 0.0)
        if fault is Fault.QUIT and not self._was_up:
            fault = Fault.NOT_STARTED
        memory = f"memory last seen: {peak / 1e9:.2f} GB of {limit / 1e9:.2f} GB" if peak else ""
        seen_here = None if self._fault else status
        return explain_exit(fault, seen_here, "\n".join(filter(None, (self._note, memory, words))))
