"""Starts, watches and ends the engine process.

The process gets one end of a socket pair of its own; what it prints goes to a log file that is kept small. Nothing
here waits: the client's event loop asks and acts.
"""

import contextlib
import io
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

import app
from app import paths
from app.engine.protocol import CHILD_FLAG

_log = logging.getLogger(__name__)

_LOG_LIMIT = 1 << 20
_TAIL = 4 << 10
_LONGEST_DELAY = 30.0
_MOMENT = 1.0


def default_memory_limit() -> int:
    """Bytes the engine process may have for itself (mapped weights do not count): three quarters of the machine's
    memory, or all but 4 GiB where that is more."""
    total = int(psutil.virtual_memory().total)
    return max(total * 3 // 4, total - (4 << 30))


class BackOff:
    """When the next start may be: at once, then after 0.5, 1, 2 ... 30 seconds, counted from the last failure.

    A process that was up and then crashed took a job with it, so the person's next question never waits for more
    than a moment; one that does not even come up may be broken for good, so the wait grows.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._not_before = 0.0

    def failed(self, was_up: bool) -> None:
        """The process ended by itself, or had to be ended for a fault."""
        delay = 0.0 if self._failures == 0 else min(0.5 * 2.0 ** min(self._failures - 1, 16), _LONGEST_DELAY)
        self._failures += 1
        self._not_before = self._clock() + (min(delay, _MOMENT) if was_up else delay)

    def succeeded(self) -> None:
        """A job ended well."""
        self._failures = 0
        self._not_before = 0.0

    def delay(self) -> float:
        """Seconds until the next start may be."""
        return max(0.0, self._not_before - self._clock())


class EngineProcess:
    """One run of the engine process, and this program's end of the line to it."""

    def __init__(self, process: "subprocess.Popen[bytes]", line: socket.socket, log: Path, log_start: int) -> None:
        self.line = line
        self.peak_memory = 0
        self._process = process
        self._log = log
        self._log_start = log_start

    @property
    def pid(self) -> int:
        return self._process.pid

    def status(self) -> int | None:
        """The exit status, negative for a signal; None while the process lives."""
        return self._process.poll()

    def kill(self) -> None:
        """End the process without asking it. Does not wait for its end."""
        self._process.kill()

    def close(self) -> None:
        """Close the line; a process that still lives ends itself then."""
        self.line.close()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the process; whether it came."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def memory(self) -> int:
        """Bytes of memory that only this process uses; 0 where the system does not tell (macOS)."""
        used = 0
        with contextlib.suppress(psutil.Error):
            info = psutil.Process(self.pid).memory_info()
            shared = getattr(info, "shared", None)  # Linux: mapped files, such as weights
            used = int(getattr(info, "private", 0) if shared is None else info.rss - shared)
        self.peak_memory = max(self.peak_memory, used)
        return used

    def trim_log(self) -> None:
        """Keep the log small while the process writes to it: what is too long becomes the old log."""
        with contextlib.suppress(OSError):
            if self._log.stat().st_size > _LOG_LIMIT:
                with open(self._log, "r+b") as f:
                    f.seek(-_LOG_LIMIT // 2, os.SEEK_END)
                    self._log.with_suffix(".log.1").write_bytes(f.read(_LOG_LIMIT))
                    f.truncate(0)
                self._log_start = 0

    def last_words(self) -> str:
        """The end of what the process printed. Only ever detail: nothing is decided by it."""
        try:
            with open(self._log, "rb") as f:
                size = f.seek(0, os.SEEK_END)
                f.seek(max(min(self._log_start, size), size - _TAIL))
                return f.read(_TAIL).decode(errors="replace").strip()
        except OSError:
            return ""


class Supervisor:
    """Starts engine processes.

    memory_limit: bytes of private memory a process may use. command: what to run instead of this program.
    """

    def __init__(self, memory_limit: int | None = None, command: Sequence[str] | None = None) -> None:
        self.memory_limit = default_memory_limit() if memory_limit is None else memory_limit
        self.back_off = BackOff()
        self._command = list(command) if command is not None else _own_command()

    def start(self) -> EngineProcess:
        """Start a process. Raises OSError if the system refuses."""
        ours, theirs = socket.socketpair()
        try:
            log = paths.log_dir() / "engine.log"
            with theirs, _open_log(log) as output:
                start = output.seek(0, os.SEEK_END)
                process = _spawn(self._command, theirs, self.memory_limit, output.fileno())
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)
        _log.info("engine process %d started", process.pid)
        return EngineProcess(process, ours, log, start)


def _own_command() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable, CHILD_FLAG]
    # -P: a folder `app` in the current directory must not be taken for this program.
    return [sys.executable, "-P", "-m", "app", CHILD_FLAG]


_NATIVE = {
    # Threads that wait for one another sleep instead of spinning. Where anything else uses the processor, a spinning
    # thread keeps the one it waits for from running (docs/decisions/0021).
    "OMP_WAIT_POLICY": "passive",
    # numpy's products are asked for by as many threads as there are cores, and each does its own (docs/decisions/0012).
    "OPENBLAS_NUM_THREADS": "1",
    # A failed assertion in ggml would start a debugger, if there is one, and take seconds to end.
    "GGML_NO_BACKTRACE": "1",
}


def child_environment() -> dict[str, str]:
    """The variables an engine process gets: this process's own, which win, and what native code is told by them."""
    root = str(Path(app.__file__).parent.parent)
    return _NATIVE | os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


def _open_log(log: Path) -> io.FileIO:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return open(log, "ab", buffering=0)
    except OSError:  # a folder that cannot be written costs the log, never the engine
        return open(os.devnull, "ab", buffering=0)


def _spawn(command: list[str], theirs: socket.socket, memory_limit: int, output: int) -> "subprocess.Popen[bytes]":
    environment = child_environment()
    if sys.platform == "win32":
        # Not inheritable by number there: the socket is duplicated for the child's id and handed over on its stdin.
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        arguments = [*command, "stdin", str(memory_limit)]
        process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=output, stderr=output, env=environment, creationflags=flags
        )
        assert process.stdin is not None
        with process.stdin as stdin:
            stdin.write(theirs.share(process.pid))
        return process
    return subprocess.Popen(
        [*command, str(theirs.fileno()), str(memory_limit)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=environment,
        pass_fds=[theirs.fileno()],
        # Ctrl-C in the terminal is for the program, which then decides what happens to the engine.
        start_new_session=True,
    )
