"""The steps a script is made of: each is one class, named by its tag under "do"."""

import ctypes
import itertools
import math
import os
import re
import signal
import socket
import sys
import time
from dataclasses import dataclass, field

import msgspec

from app.engine.families import Cancel, Emit
from app.errors import UsageError, of_kind
from app.values import Loading, Looking, Piece, Reading


@dataclass
class Stage:
    """What a step acts on."""

    emit: Emit
    cancel: Cancel
    began: float = field(default_factory=time.monotonic)
    first: float = 0.0
    written: int = 0
    hoard: list[bytearray] = field(default_factory=list)

    def piece(self, text: str, probability: float) -> None:
        self.first = self.first or time.monotonic() - self.began
        self.emit(Piece(text=text, probability=probability))
        self.written += 1

    def wait(self, seconds: float) -> bool:
        """Let time pass until it is over or the job is cancelled; whether to go on."""
        end = time.monotonic() + seconds
        while not self.cancel.is_set() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.005))
        return not self.cancel.is_set()


class Step(msgspec.Struct, frozen=True, tag_field="do", forbid_unknown_fields=True):
    """Base of the steps."""

    def play(self, stage: Stage) -> None:
        raise NotImplementedError


class Say(Step, frozen=True, tag="say"):
    """Write `text` word by word, `delay` seconds before each, `times` over."""

    text: str
    delay: float = 0.0
    probability: float = 0.9
    times: int = 1

    def play(self, stage: Stage) -> None:
        for _ in range(self.times):
            for word in _words(self.text):
                if not stage.wait(self.delay):
                    return
                stage.piece(word, self.probability)


class Look(Step, frozen=True, tag="look"):
    """Look at picture number `picture` of `of` for `seconds`, told in `steps`; `deaf`: without heeding a cancel."""

    picture: int = 0
    of: int = 1
    seconds: float = 0.0
    steps: int = 4
    deaf: bool = False

    def play(self, stage: Stage) -> None:
        for i in range(self.steps + 1):
            stage.emit(Looking(picture=self.picture, of=self.of, fraction=i / self.steps))
            if self.deaf:
                time.sleep(self.seconds / self.steps)
            elif not stage.wait(self.seconds / self.steps):
                return


class Read(Step, frozen=True, tag="read"):
    """Read the prompt for `seconds`, telling so in `steps`."""

    seconds: float = 0.0
    steps: int = 2

    def play(self, stage: Stage) -> None:
        for i in range(self.steps + 1):
            stage.emit(Reading(fraction=i / self.steps))
            if not stage.wait(self.seconds / self.steps):
                return


class Progressing(Step, frozen=True, tag="loading"):
    """Only while loading: tell `fraction`, then take `seconds`."""

    fraction: float
    seconds: float = 0.0

    def play(self, stage: Stage) -> None:
        stage.emit(Loading(fraction=self.fraction))
        stage.wait(self.seconds)


class Wait(Step, frozen=True, tag="wait"):
    """Write `text`, if any, then say nothing for `seconds`; `deaf`: without heeding a cancel."""

    seconds: float
    deaf: bool = False
    text: str = ""

    def play(self, stage: Stage) -> None:
        if self.text:
            stage.piece(self.text, 0.9)
        if self.deaf:
            time.sleep(self.seconds)
        else:
            stage.wait(self.seconds)


class Signal(Step, frozen=True, tag="signal"):
    """Send this process a signal by name: SIGSEGV as a crash would, SIGKILL as the system does when memory is out."""

    name: str

    def play(self, _: Stage) -> None:
        os.kill(os.getpid(), signal.Signals[self.name])


class Hold(Step, frozen=True, tag="hold"):
    """Hold the interpreter up for `seconds`, as native code does that never lets go: no thread runs, none beats."""

    seconds: int

    def play(self, _: Stage) -> None:
        sleep = ctypes.PyDLL(None).sleep  # PyDLL, unlike CDLL, keeps the interpreter's lock during the call
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            sleep(self.seconds)


class Exit(Step, frozen=True, tag="exit"):
    """End the process with a status, or with `abort` as a failed native check does."""

    status: int = 0
    abort: bool = False

    def play(self, _: Stage) -> None:
        if self.abort:
            os.abort()
        os._exit(self.status)


class Raise(Step, frozen=True, tag="raise"):
    """Raise an error: one of `app.errors` by name, or "MemoryError", or (any other name) a RuntimeError."""

    name: str

    def play(self, _: Stage) -> None:
        if self.name == "MemoryError":
            raise MemoryError
        if self.name.endswith("Error") and self.name != "RuntimeError":
            raise of_kind(self.name, "The script raised an error.", "Change the script.", self.name)
        raise RuntimeError(self.name)


class Fill(Step, frozen=True, tag="fill"):
    """Allocate and touch memory, `mb` megabytes at a time, without end; `unlimited`: lift the process's own limit."""

    mb: int = 16
    unlimited: bool = False

    def play(self, stage: Stage) -> None:
        if self.unlimited and sys.platform != "win32":
            import resource

            hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
            resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
        while stage.wait(0.01):
            stage.hoard.append(bytearray(b"\1" * (self.mb << 20)))


class Raw(Step, frozen=True, tag="raw"):
    """Write bytes (hexadecimal) on the line to the program, past every check; `times` over, without end if 0."""

    hex: str
    times: int = 1

    def play(self, stage: Stage) -> None:
        data = bytes.fromhex(self.hex)
        with socket.socket(fileno=os.dup(int(sys.argv[-2]))) as line:
            for _ in range(self.times) if self.times else itertools.count():
                line.sendall(data)
                if stage.cancel.is_set():
                    return


class Nonsense(Step, frozen=True, tag="nan"):
    """Write a piece whose probability is not a number, as damaged weights do."""

    def play(self, stage: Stage) -> None:
        stage.piece("?", math.nan)


class Show(Step, frozen=True, tag="print"):
    """Print on standard output and standard error, as native libraries do."""

    text: str
    times: int = 1

    def play(self, _: Stage) -> None:
        for _i in range(self.times):
            os.write(1, self.text.encode())
            os.write(2, self.text.encode())


AnyStep = Say | Look | Read | Progressing | Wait | Signal | Hold | Exit | Raise | Fill | Raw | Nonsense | Show


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do while loading and when asked; without `answer` the question is echoed."""

    load: tuple[AnyStep, ...] = ()
    answer: tuple[AnyStep, ...] = ()


def read_script(text: bytes) -> Script:
    """The script in `text`. Raises UsageError if it is none."""
    try:
        return msgspec.json.decode(text, type=Script)
    except msgspec.DecodeError as e:
        raise UsageError("This is not an echo script.", "See app/engine/families/echo/steps.py.", str(e)) from e


def _words(text: str) -> list[str]:
    """The text in pieces of one word and the space before it, nothing lost."""
    return re.findall(r"\s*\S+|\s+$", text)
