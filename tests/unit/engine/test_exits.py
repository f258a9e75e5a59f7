import signal

import pytest

from app.engine.exits import Fault, explain_exit, fault_of
from app.engine.protocol import EXIT_NO_MEMORY, EXIT_PROTOCOL


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (-signal.SIGKILL, Fault.KILLED),
        (-signal.SIGSEGV, Fault.CRASH),
        (-signal.SIGFPE, Fault.CRASH),
        (-signal.SIGABRT, Fault.ABORT),
        (-signal.SIGILL, Fault.INSTRUCTION),
        (-signal.SIGBUS, Fault.FILE_LOST),
        (-signal.SIGTERM, Fault.STOPPED),
        (-signal.SIGUSR1, Fault.QUIT),
        (-63, Fault.QUIT),
        (-200, Fault.QUIT),
        (0, Fault.QUIT),
        (1, Fault.QUIT),
        (None, Fault.QUIT),
        (EXIT_NO_MEMORY, Fault.NO_MEMORY),
        (EXIT_PROTOCOL, Fault.GARBAGE),
        (0xC0000005, Fault.CRASH),
        (0xC000001D, Fault.INSTRUCTION),
        (0xC000001D - (1 << 32), Fault.INSTRUCTION),
        (0xC0000409, Fault.ABORT),
        (0xC0000006, Fault.FILE_LOST),
        (0xC0000135, Fault.LIBRARY),
        (0xC000012D, Fault.NO_MEMORY),
    ],
)
def test_every_exit_has_its_fault(status: int | None, fault: Fault) -> None:
    assert fault_of(status) is fault


def test_an_abort_with_the_memory_used_up_is_blamed_on_memory() -> None:
    assert fault_of(-signal.SIGABRT, memory_share=0.5) is Fault.ABORT
    assert fault_of(-signal.SIGABRT, memory_share=0.9) is Fault.ABORT_FULL
    assert fault_of(-signal.SIGSEGV, memory_share=0.9) is Fault.CRASH


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_speaks_in_one_sentence_each(fault: Fault) -> None:
    error = explain_exit(fault, -9, "some detail")
    assert error.what.endswith(".")
    assert error.what.count(".") == 1
    assert error.todo.endswith(".")
    assert "SIG" not in error.what + error.todo
    assert error.detail == "signal SIGKILL\nsome detail"


def test_the_detail_names_statuses_as_people_look_them_up() -> None:
    assert explain_exit(Fault.CRASH, 0xC0000005).detail == "exit status 0xc0000005"
    assert explain_exit(Fault.QUIT, 3).detail == "exit status 3"
    assert explain_exit(Fault.QUIT).detail == ""
