"""Engine processes that die, hang, swell, lie or do not start: the words so far stay, one sentence says what
happened, the next question works."""

import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from app import __version__
from app.engine import protocol
from app.engine.client import EngineClient
from app.engine.exits import Fault
from app.engine.link import Patience
from app.engine.protocol import Beat, Hello, Told
from app.engine.supervisor import Supervisor
from app.values import Event, Failed, Finished, Looking, Piece
from tests.echo import Heard, is_piece, picture, question, say, script, seconds_to_cancel

SHORT = Patience(silence=2.0, progress=2.5)
"""Longer than a busy machine keeps a thread waiting that beats twice a second."""


@pytest.fixture
def impatient() -> Iterator[EngineClient]:
    with EngineClient(patience=SHORT) as client:
        yield client


def fails(client: EngineClient, *steps: dict[str, object]) -> Failed:
    """Ask, see it fail with the words so far, and see the next question work."""
    heard, after = Heard(), Heard()
    client.submit(script(say("so far"), *steps), on_event=heard)
    failure = heard.failure()
    assert heard.text == "so far"
    client.submit(question("and now?"), on_event=after)
    assert after.reason() == "stop"
    assert after.text == "You asked: and now?"
    return failure


def raw(*frames: bytes) -> dict[str, object]:
    return {"do": "raw", "hex": b"".join(frames).hex()}


def told(job_id: int, event: Event) -> bytes:
    return b"".join(protocol.encode(Told(id=job_id, event=event)))


def check(failure: Failed, fault: Fault) -> None:
    assert failure.kind == "EngineError"
    assert (failure.what, failure.todo) == fault.value


# --- it dies ---


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("SIGKILL", Fault.KILLED),
        ("SIGSEGV", Fault.CRASH),
        ("SIGABRT", Fault.ABORT),
        ("SIGILL", Fault.INSTRUCTION),
        ("SIGBUS", Fault.FILE_LOST),
        ("SIGFPE", Fault.CRASH),
        ("SIGTERM", Fault.STOPPED),
    ],
)
def test_a_signal_in_the_middle_of_an_answer(client: EngineClient, name: str, fault: Fault) -> None:
    failure = fails(client, {"do": "signal", "name": name})
    check(failure, fault)
    assert f"signal {name}" in failure.detail


def test_a_native_abort(client: EngineClient) -> None:
    check(fails(client, {"do": "exit", "abort": True}), Fault.ABORT)


@pytest.mark.parametrize("status", [0, 3])
def test_an_exit_in_the_middle_of_an_answer(client: EngineClient, status: int) -> None:
    failure = fails(client, {"do": "exit", "status": status})
    check(failure, Fault.QUIT)
    assert f"exit status {status}" in failure.detail


def test_the_last_words_are_the_detail_and_decide_nothing(client: EngineClient) -> None:
    lie = {"do": "print", "text": "Segmentation fault, out of memory, illegal instruction"}
    failure = fails(client, lie, {"do": "exit", "status": 3})
    check(failure, Fault.QUIT)
    assert "Segmentation fault, out of memory" in failure.detail


def test_prints_never_get_between_the_frames(client: EngineClient) -> None:
    heard = Heard()
    client.submit(script({"do": "print", "text": "SPYG" * 100, "times": 200}, say("x")), on_event=heard)
    assert heard.reason() == "stop"
    assert heard.text == "x"


def test_a_death_while_nothing_is_asked_is_not_an_error(client: EngineClient) -> None:
    list(client.run(question("x")))
    (process,) = psutil.Process().children()
    process.kill()
    heard = Heard()
    while client.state == "ready":
        time.sleep(0.001)
    client.submit(question("x"), on_event=heard)
    assert heard.reason() == "stop"


def test_crashes_in_a_row_keep_the_next_question_waiting_for_a_moment_at_most(client: EngineClient) -> None:
    for _ in range(4):
        assert isinstance(list(client.run(script({"do": "exit", "status": 3})))[-1], Failed)
    assert client._supervisor.back_off.delay() <= 1  # of the start itself nothing is promised
    assert isinstance(list(client.run(question("x")))[-1], Finished)
    assert client._supervisor.back_off.delay() == 0


# --- it says no, and lives ---


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ModelError", "ModelError"),
        ("MemoryShortError", "MemoryShortError"),
        ("MemoryError", "MemoryShortError"),
        ("RuntimeError", "EngineError"),
    ],
)
def test_an_error_in_the_engine_is_told_and_the_process_lives(client: EngineClient, name: str, kind: str) -> None:
    list(client.run(question("x")))
    before = psutil.Process().children()
    assert fails(client, {"do": "raise", "name": name}).kind == kind
    assert psutil.Process().children() == before


def test_allocating_without_end_meets_the_limit_and_the_process_lives() -> None:
    with EngineClient(Supervisor(memory_limit=200 << 20)) as client:
        list(client.run(question("x")))
        before = psutil.Process().children()
        failure = fails(client, {"do": "fill", "mb": 16})
        assert failure.kind == "MemoryShortError"
        assert psutil.Process().children() == before


# --- it swells, hangs ---


def test_a_process_over_its_limit_is_ended() -> None:
    with EngineClient(Supervisor(memory_limit=200 << 20)) as client:
        failure = fails(client, {"do": "fill", "mb": 8, "unlimited": True})
        check(failure, Fault.OVER_LIMIT)
        assert "0.21 GB allowed" in failure.detail


@pytest.mark.parametrize("step", [{"do": "hold", "seconds": 600}, {"do": "signal", "name": "SIGSTOP"}])
def test_a_process_that_hangs_is_ended(impatient: EngineClient, step: dict[str, object]) -> None:
    check(fails(impatient, step), Fault.SILENT)


def test_a_process_that_lives_but_does_not_get_on_is_ended(impatient: EngineClient) -> None:
    check(fails(impatient, {"do": "wait", "seconds": 600}), Fault.STUCK)


def test_saying_the_same_again_is_not_getting_on(impatient: EngineClient) -> None:
    same = told(1, Looking(picture=0, of=1, fraction=0.5))
    heard = Heard()
    impatient.submit(script(*[raw(same), {"do": "wait", "seconds": 0.05}] * 1000), on_event=heard)
    check(heard.failure(), Fault.STUCK)


def test_a_hung_process_can_be_cancelled(client: EngineClient) -> None:
    held = script(say("x"), {"do": "hold", "seconds": 600})
    assert seconds_to_cancel(client, held, is_piece) < 0.3


def test_a_slow_listener_is_not_taken_for_a_hung_engine(impatient: EngineClient) -> None:
    heard = Heard()

    def slow(event: Event) -> None:
        if is_piece(event) and not heard.text:
            time.sleep(SHORT.progress + 1)  # the window was held up, not the engine
        heard(event)

    impatient.submit(script(say("a"), {"do": "wait", "seconds": 0.6}, say("b")), on_event=slow)
    assert heard.reason() == "stop"


# --- it lies ---

HEAD = protocol.HEADER


JUNK = {
    "a print": b"llama_model_loader: loaded meta data with 30 key-value pairs",
    "zeros": bytes(1000),
    "an unknown reply": b"".join(protocol.encode(Beat())).replace(b"beat", b"bite"),
    "another protocol": HEAD.pack(protocol.MAGIC, protocol.VERSION + 1, 2, 0) + b"{}",
    "a huge frame": HEAD.pack(protocol.MAGIC, protocol.VERSION, 0xFFFFFFFF, 0),
    "pixels": HEAD.pack(protocol.MAGIC, protocol.VERSION, 2, 1) + b"{}",
    "a second hello": b"".join(protocol.encode(Hello(program=__version__))),
    "a piece of another job": told(99, Piece(text="for somebody else")),
    "the end of another job": told(99, Finished(reason="stop")),
}


@pytest.mark.parametrize("name", JUNK)
def test_garbage_is_refused(client: EngineClient, name: str) -> None:
    check(fails(client, raw(JUNK[name]), {"do": "wait", "seconds": 600}), Fault.GARBAGE)


def test_garbage_without_end_is_refused(client: EngineClient) -> None:
    check(fails(client, {"do": "raw", "hex": "00" * 4096, "times": 0}), Fault.GARBAGE)


def test_half_a_frame_and_then_silence_is_a_hang(impatient: EngineClient) -> None:
    half = HEAD.pack(protocol.MAGIC, protocol.VERSION, 1000, 0) + b'{"type":"told"'
    check(fails(impatient, raw(half), {"do": "hold", "seconds": 600}), Fault.SILENT)


def test_half_a_frame_and_then_death_is_a_death(client: EngineClient) -> None:
    half = HEAD.pack(protocol.MAGIC, protocol.VERSION, 1000, 0) + b'{"type":"told"'
    check(fails(client, raw(half), {"do": "signal", "name": "SIGKILL"}), Fault.KILLED)


def test_half_a_frame_and_then_others_is_garbage(client: EngineClient) -> None:
    half = HEAD.pack(protocol.MAGIC, protocol.VERSION, 200, 0) + b'{"type":"told"'
    check(
        fails(client, raw(half), say("these words are swallowed ", times=20), {"do": "wait", "seconds": 9}),
        Fault.GARBAGE,
    )


def test_an_answer_that_ends_twice_ends_once() -> None:
    with EngineClient() as client:
        heard, after = Heard(), Heard()
        client.submit(script(raw(told(1, Finished(reason="stop"))), say("more")), on_event=heard)
        assert heard.reason() == "stop"
        client.submit(question("x"), on_event=after)
        after.last()
        heard = Heard()
        client.submit(question("x"), on_event=heard)
        assert heard.reason() == "stop"


# --- it does not start ---


@pytest.mark.parametrize(
    ("code", "fault", "words"),
    [
        ("raise SystemExit('no module named msgspec')", Fault.NOT_STARTED, "no module named msgspec"),
        ("import os; os.kill(os.getpid(), 4)", Fault.INSTRUCTION, "SIGILL"),
        ("import time; time.sleep(600)", Fault.NOT_STARTED, "no hello"),
        ("import os, sys; os.write(int(sys.argv[-2]), b'x' * 99)", Fault.GARBAGE, "xxx"),
    ],
)
def test_a_process_that_does_not_start_is_tried_three_times(code: str, fault: Fault, words: str) -> None:
    supervisor = Supervisor(command=[sys.executable, "-c", code])
    with EngineClient(supervisor, Patience(start=1.5)) as client:
        jobs = [Heard(), Heard()]
        began = time.monotonic()
        for heard in jobs:
            client.submit(question("x"), on_event=heard)
        for heard in jobs:
            check(heard.failure(), fault)
            assert words in heard.failure().detail
        assert 0.5 < time.monotonic() - began < 10
        assert supervisor.back_off.delay() > 0.5


def test_a_program_that_is_not_there_is_told() -> None:
    with EngineClient(Supervisor(command=["/no/such/program"])) as client:
        heard = Heard()
        client.submit(question("x"), on_event=heard)
        check(heard.failure(), Fault.NOT_STARTED)
        assert "/no/such/program" in heard.failure().detail


def test_an_engine_of_another_version_is_told() -> None:
    hello = b"".join(protocol.encode(Hello(program="0.0.0")))
    code = f"import os, sys, time; os.write(int(sys.argv[-2]), {hello!r}); time.sleep(600)"
    with EngineClient(Supervisor(command=[sys.executable, "-c", code])) as client:
        heard = Heard()
        client.submit(question("x"), on_event=heard)
        check(heard.failure(), Fault.OTHER_VERSION)


def test_a_process_that_takes_long_to_take_a_large_picture_is_alive() -> None:
    hello, end = (
        b"".join(protocol.encode(m)) for m in (Hello(program=__version__), Told(id=1, event=Finished(reason="stop")))
    )
    large = picture(width=1000, height=1000)
    code = f"""
import os, sys, time
line, left = int(sys.argv[-2]), {3 * 1000 * 1000}
os.write(line, {hello!r})
while left > 0:
    left -= len(os.read(line, 200_000))
    time.sleep(0.15)
os.write(line, {end!r})
time.sleep(600)
"""
    supervisor = Supervisor(command=[sys.executable, "-c", code])
    with EngineClient(supervisor, Patience(silence=1.0)) as client:
        heard = Heard()
        client.submit(question("x", large), [large], on_event=heard)
        assert heard.reason() == "stop"


def test_a_process_that_closes_the_line_and_lives_on_is_ended() -> None:
    code = "import os, sys, time; os.close(int(sys.argv[-2])); time.sleep(600)"
    with EngineClient(Supervisor(command=[sys.executable, "-c", code]), Patience(exit=0.2)) as client:
        heard = Heard()
        client.submit(question("x"), on_event=heard)
        assert "closed the line and lived on" in heard.failure().detail
