"""Why the engine process ended, in plain words.

Decided from what the operating system and the pipe say: exit status, and what the program itself saw before it
ended the process. What the process printed is only ever detail.
"""

import signal
from enum import Enum

from app.engine.protocol import EXIT_NO_MEMORY, EXIT_PROTOCOL
from app.errors import EngineError
from app.wording import Wording

_AGAIN = Wording(
    "Ask again; if it happens again with this model, its file may be damaged or too new: try another model."
)
_LESS = Wording("Close other programs, or choose a smaller model or a shorter context, and ask again.")
_RESTART = Wording("Start Spyglass again; if that does not help, install it again.")


class Fault(Enum):
    """What can go wrong with the engine process: (what happened, what to do)."""

    # seen by this program, which then ended the process
    GARBAGE = (Wording("The engine sent something that makes no sense and was ended."), _AGAIN)
    SILENT = (Wording("The engine stopped responding and was ended."), _AGAIN)
    STUCK = (Wording("The engine made no progress for a long time and was ended."), _AGAIN)
    OVER_LIMIT = (Wording("The engine used more memory than it is allowed and was ended."), _LESS)
    OTHER_VERSION = (
        Wording("Spyglass was updated while it was running."),
        Wording("Close Spyglass and start it again."),
    )
    NOT_STARTED = (Wording("The engine could not be started."), _RESTART)
    # told by the operating system
    KILLED = (Wording("The engine was ended by the system, most likely because memory ran out."), _LESS)
    NO_MEMORY = (Wording("The engine could not get the memory it needed."), _LESS)
    CRASH = (Wording("The engine crashed in its native code."), _AGAIN)
    ABORT = (Wording("The engine ended itself because one of its internal checks failed."), _AGAIN)
    ABORT_FULL = (Wording("The engine ended itself, most likely because it could not get more memory."), _LESS)
    INSTRUCTION = (
        Wording("The engine was built for a newer processor than the one in this computer."),
        Wording("Install the build of Spyglass that runs on every processor."),
    )
    FILE_LOST = (
        Wording("The engine could not read on in the model file: the file became shorter or its disk failed."),
        Wording("Check the disk, then download or copy the model again."),
    )
    LIBRARY = (Wording("A library that the engine needs is missing or does not fit this system."), _RESTART)
    STOPPED = (
        Wording("The engine was stopped from outside Spyglass."),
        Wording("Ask again; the engine starts anew by itself."),
    )
    QUIT = (Wording("The engine ended unexpectedly."), _AGAIN)


_SIGNALS = {
    "SIGKILL": Fault.KILLED,
    "SIGSEGV": Fault.CRASH,
    "SIGFPE": Fault.CRASH,
    "SIGTRAP": Fault.CRASH,
    "SIGABRT": Fault.ABORT,
    "SIGILL": Fault.INSTRUCTION,
    "SIGBUS": Fault.FILE_LOST,
    "SIGTERM": Fault.STOPPED,
    "SIGINT": Fault.STOPPED,
    "SIGHUP": Fault.STOPPED,
    "SIGQUIT": Fault.STOPPED,
}

_NTSTATUS = {
    0xC0000005: Fault.CRASH,  # access violation
    0xC0000374: Fault.CRASH,  # heap corruption
    0xC00000FD: Fault.CRASH,  # stack overflow
    0xC0000094: Fault.CRASH,  # integer division by zero
    0xC0000409: Fault.ABORT,  # fast fail, how abort() ends
    0x40000015: Fault.ABORT,  # fatal application exit
    0xC000001D: Fault.INSTRUCTION,  # illegal instruction
    0xC0000006: Fault.FILE_LOST,  # in-page error: a mapped file cannot be read
    0xC0000017: Fault.NO_MEMORY,  # no memory
    0xC000012D: Fault.NO_MEMORY,  # commitment limit
    0xC0000135: Fault.LIBRARY,  # DLL not found
    0xC0000139: Fault.LIBRARY,  # entry point not found
    0xC0000142: Fault.LIBRARY,  # DLL initialisation failed
    0xC000013A: Fault.STOPPED,  # Ctrl-C
}

_OWN = {EXIT_NO_MEMORY: Fault.NO_MEMORY, EXIT_PROTOCOL: Fault.GARBAGE}


def fault_of(status: int | None, memory_share: float = 0.0) -> Fault:
    """The fault behind an exit status as `subprocess` gives it (negative: a signal; Windows: NTSTATUS).

    memory_share: how much of its memory limit the process used when last seen. A native allocation that fails ends
    in abort(), just as a failed check does; a nearly used up limit tells them apart.
    """
    if status is None or status == 0:
        return Fault.QUIT
    if status < 0 and (name := _signal_name(-status)):
        fault = _SIGNALS.get(name, Fault.QUIT)
    else:
        fault = _NTSTATUS.get(status & 0xFFFFFFFF) or _OWN.get(status, Fault.QUIT)
    return Fault.ABORT_FULL if fault is Fault.ABORT and memory_share > 0.8 else fault


def explain_exit(fault: Fault, status: int | None = None, detail: str = "") -> EngineError:
    """The error for a person; the exit status and `detail` go into its detail."""
    what, todo = fault.value
    return EngineError(what, todo, "\n".join(filter(None, (_status_text(status), detail))))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def _status_text(status: int | None) -> str:
    if status is None:
        return ""
    if status < 0:
        return f"signal {_signal_name(-status) or -status}"
    return f"exit status {status:#x}" if status > 255 else f"exit status {status}"
