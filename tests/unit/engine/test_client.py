"""Jobs, queue, lanes, cancelling and closing, with the real engine process."""

import json
import random
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from app.engine.client import EngineClient, State
from app.engine.link import Link, Patience
from app.errors import EngineError
from app.values import Doctor, Event, Finished, Load, Loading, Looking, ModelSpec, Piece, Reading, Report, is_last
from tests.echo import PATIENCE_S, Heard, is_piece, picture, question, say, script, seconds_to_cancel

FOREVER = {"do": "wait", "seconds": 600, "text": "begun"}
DEAF = FOREVER | {"deaf": True}


def engine_processes() -> list[int]:
    return [p.pid for p in psutil.Process().children()]


def busy(client: EngineClient, *steps: dict[str, object]) -> tuple[int, Heard]:
    """A job that has said a word and goes on as `steps` say."""
    heard = Heard()
    job_id = client.submit(script(*(steps or (FOREVER,))), on_event=heard)
    heard.wait_for(is_piece)
    return job_id, heard


# --- answers ---


def test_a_question_is_answered_in_order_with_figures(client: EngineClient) -> None:
    p = picture()
    events = list(client.run(question("what is this?", p), [p]))
    kinds = [type(e) for e in events]
    changes = [kinds[0]] + [b for a, b in pairwise(kinds) if a is not b]
    assert changes == [Loading, Looking, Reading, Piece, Finished]
    assert "".join(e.text for e in events if isinstance(e, Piece)) == (
        "You showed me a picture of 4 x 3 and asked: what is this?"
    )
    last = events[-1]
    assert isinstance(last, Finished)
    assert last.reason == "stop"
    assert last.stats.load_s > 0
    assert last.stats.first_token_s > last.stats.load_s


def test_the_model_stays_loaded_for_the_next_question(client: EngineClient) -> None:
    list(client.run(Load(model=ModelSpec(path="echo"))))
    assert not any(isinstance(e, Loading) for e in client.run(question("x")))
    assert any(isinstance(e, Loading) for e in client.run(question("x", model="echo:")))


def test_a_follow_up_finds_its_picture_without_its_being_sent_again(
    client: EngineClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = picture()
    list(client.run(question("first", p), [p]))
    monkeypatch.setattr("app.engine.protocol.MAX_PIXELS", 0)  # now no picture could be sent
    heard = Heard()
    client.submit(question("second", p), [p], heard)
    assert heard.reason() == "stop"
    assert "a picture of 4 x 3" in heard.text


def test_pictures_are_sent_again_to_a_new_process_and_after_they_were_dropped() -> None:
    pictures = [picture(i) for i in range(6)]
    with EngineClient(picture_bytes=80) as client:
        for i in (0, 1, 2, 3, 0, 4, 5, 5, 1):
            heard = Heard()
            client.submit(question("x", pictures[i], pictures[(i + 1) % 6]), pictures, heard)
            assert heard.reason() == "stop"
            assert heard.text.count("a picture of 4 x 3") == 2
        list(client.run(script({"do": "exit"})))
        heard = Heard()
        client.submit(question("x", pictures[1]), [pictures[1]], heard)
        assert heard.reason() == "stop"


def test_the_native_side_reports_its_facts(client: EngineClient) -> None:
    report, last = client.run(Doctor())
    assert isinstance(report, Report)
    assert report.facts
    assert isinstance(last, Finished)


def test_a_picture_that_is_named_must_be_given(client: EngineClient) -> None:
    with pytest.raises(ValueError, match=picture().digest):
        client.submit(question("x", picture()))


def test_what_cannot_be_sent_fails_alone(client: EngineClient) -> None:
    too_long, no_unicode, after = Heard(), Heard(), Heard()
    client.submit(question("x" * (17 << 20)), on_event=too_long)
    client.submit(question("half a pair: \ud83d"), on_event=no_unicode)
    client.submit(question("x"), on_event=after)
    assert too_long.failure().kind == no_unicode.failure().kind == "UsageError"
    assert after.reason() == "stop"


def test_a_thousand_quick_jobs_are_answered_in_order(client: EngineClient) -> None:
    ended: list[int] = []
    done = threading.Event()

    def ear(number: int) -> Callable[[Event], None]:
        def hear(event: Event) -> None:
            if isinstance(event, Finished):
                ended.append(number)
                if number == 999:
                    done.set()

        return hear

    for i in range(1000):
        client.submit(question(str(i)), on_event=ear(i))
    assert done.wait(PATIENCE_S)
    assert ended == list(range(1000))


def test_a_long_answer_written_at_once_arrives_whole(client: EngineClient) -> None:
    heard = Heard()
    client.submit(script(say("word ", times=5000)), on_event=heard)
    assert heard.reason() == "stop"
    assert heard.text == "word " * 5000


def test_many_threads_may_submit_and_cancel(client: EngineClient) -> None:
    all_heard: list[list[Heard]] = [[] for _ in range(8)]

    def work(n: int) -> None:
        rng = random.Random(n)
        for i in range(25):
            heard = Heard()
            lane = rng.choice([None, None, "live"])
            job_id = client.submit(question(f"{n} {i}", lane=lane), on_event=heard)
            all_heard[n].append(heard)
            if rng.random() < 0.3:
                client.cancel(job_id)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    reasons = [heard.reason() for each in all_heard for heard in each]
    assert len(reasons) == 200
    assert {"stop", "cancelled", "replaced"} == set(reasons)


def test_a_listener_that_fails_harms_nobody(client: EngineClient) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("a bug in the window")

    client.watch(broken)
    client.submit(question("x"), on_event=broken)
    heard = Heard()
    client.submit(question("y"), on_event=heard)
    assert heard.reason() == "stop"


# --- lanes ---


def test_a_newer_job_of_a_lane_replaces_the_one_that_waits(client: EngineClient) -> None:
    first_id, first = busy(client)
    jobs = {name: Heard() for name in ("live 1", "other lane", "no lane", "live 2", "live 3")}
    order: list[str] = []

    def submit(name: str, lane: str | None) -> None:
        def hear(event: Event) -> None:
            if isinstance(event, Finished):
                order.append(name)
            jobs[name](event)

        client.submit(question(name, lane=lane), on_event=hear)

    for name, lane in (
        ("live 1", "live"), ("no lane", None), ("other lane", "other"), ("live 2", "live"), ("live 3", "live"),
    ):  # fmt: skip
        submit(name, lane)
    assert jobs["live 1"].reason() == jobs["live 2"].reason() == "replaced"
    client.cancel(first_id)
    assert first.reason() == "cancelled"
    assert {jobs[n].reason() for n in ("live 3", "no lane", "other lane")} == {"stop"}
    assert order == ["live 1", "live 2", "live 3", "no lane", "other lane"]


def test_a_job_that_has_started_is_not_replaced(client: EngineClient) -> None:
    first, second = Heard(), Heard()
    client.submit(script(say("a"), {"do": "wait", "seconds": 0.2}, say("b"), lane="live"), on_event=first)
    first.wait_for(is_piece)
    client.submit(question("x", lane="live"), on_event=second)
    assert first.reason() == second.reason() == "stop"
    assert first.text == "ab"


# --- cancelling ---


@pytest.mark.parametrize(
    "steps", [(FOREVER,), (say("x"), {"do": "read", "seconds": 600}), (say("x", times=10**6, delay=0.01),)]
)
def test_a_job_that_listens_ends_at_once_and_the_process_stays(steps: tuple[dict[str, object], ...]) -> None:
    with EngineClient(patience=Patience(stop=PATIENCE_S, stop_slow=PATIENCE_S)) as client:
        list(client.run(question("start")))
        pids = engine_processes()
        assert seconds_to_cancel(client, script(*steps), is_piece) < 0.2
        assert [e.reason for e in client.run(question("next")) if isinstance(e, Finished)] == ["stop"]
        assert engine_processes() == pids


def test_a_deaf_job_that_writes_is_ended_within_three_tenths() -> None:
    with EngineClient(patience=Patience(kill=0.1)) as client:
        list(client.run(question("start")))
        pids = engine_processes()
        assert seconds_to_cancel(client, script(DEAF), is_piece) < 0.3
        assert [e.reason for e in client.run(question("next")) if isinstance(e, Finished)] == ["stop"]
        assert engine_processes() != pids


def test_a_job_that_ends_late_is_over_in_time_and_costs_no_process() -> None:
    """One operation of a large model may take longer than a person wants to wait."""
    with EngineClient(patience=Patience(kill=PATIENCE_S)) as client:
        list(client.run(question("start")))
        pids = engine_processes()
        late = script({"do": "wait", "seconds": 0.6, "text": "begun", "deaf": True}, say("too late"))
        heard = Heard()
        job_id = client.submit(late, on_event=heard)
        heard.wait_for(is_piece)
        began = time.monotonic()
        client.cancel(job_id)
        assert heard.reason() == "cancelled"
        assert time.monotonic() - began < 0.5
        assert [e.reason for e in client.run(question("next")) if isinstance(e, Finished)] == ["stop"]
        assert engine_processes() == pids
        assert heard.text == "begun"
        assert heard.reason() == "cancelled"


def test_a_deaf_look_at_a_picture_is_ended_within_a_second(client: EngineClient) -> None:
    look = script({"do": "look", "seconds": 600, "deaf": True})
    assert 0.5 < seconds_to_cancel(client, look, lambda e: isinstance(e, Looking)) < 1.0


@pytest.mark.parametrize(("deaf", "seconds"), [(False, 0.2), (True, 1.0)])
def test_loading_can_be_cancelled(client: EngineClient, tmp_path: Path, deaf: bool, seconds: float) -> None:
    steps = [{"do": "loading", "fraction": 0.5}, FOREVER | {"deaf": deaf}]
    (tmp_path / "s.json").write_text(json.dumps({"load": steps}))
    job = question("x", model=f"echo:{tmp_path / 's.json'}")
    assert seconds_to_cancel(client, job, lambda e: e == Loading(fraction=0.5)) < seconds


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(client: EngineClient) -> None:
    first_id, first = busy(client)
    second = Heard()
    client.cancel(client.submit(question("x"), on_event=second))
    assert second.reason() == "cancelled"
    assert second.events == [Finished(reason="cancelled")]
    assert not any(is_last(e) for e in first.events)
    client.cancel(first_id)
    assert first.reason() == "cancelled"


def test_cancelling_twice_or_what_is_over_or_unknown_does_nothing(client: EngineClient) -> None:
    job_id, heard = busy(client, DEAF)
    client.cancel(job_id)
    client.cancel(job_id)
    assert heard.reason() == "cancelled"
    client.cancel(job_id)
    client.cancel(12345)
    assert [e.reason for e in client.run(question("next")) if isinstance(e, Finished)] == ["stop"]
    assert heard.reason() == "cancelled"
    assert heard.text == "begun"


def test_closing_the_generator_cancels_the_job(client: EngineClient) -> None:
    answer = client.run(script(say("a"), FOREVER))
    next(e for e in answer if isinstance(e, Piece))
    answer.close()  # type: ignore[attr-defined]
    assert [e.reason for e in client.run(question("next")) if isinstance(e, Finished)] == ["stop"]


def test_a_crash_after_a_cancel_counts_as_cancelled(client: EngineClient) -> None:
    job_id, heard = busy(client, DEAF)
    (engine,) = psutil.Process().children()
    client.cancel(job_id)
    engine.kill()
    assert heard.reason() == "cancelled"


# --- states and closing ---


def test_the_states_are_told_in_order(client: EngineClient) -> None:
    states: list[State] = []
    ready_again = threading.Event()

    def hear(state: State) -> None:
        states.append(state)
        if states.count("ready") == 2:
            ready_again.set()

    client.watch(hear)
    crashed, after = Heard(), Heard()
    client.submit(question("x"), on_event=Heard())
    client.submit(script({"do": "signal", "name": "SIGSEGV"}), on_event=crashed)
    client.submit(question("x"), on_event=after)
    assert crashed.failure().kind == "EngineError"
    assert after.reason() == "stop"
    client.close()
    told = [s for a, s in pairwise(["", *states]) if a != s]
    assert told[:4] == ["stopped", "starting", "busy", "restarting"]
    assert told[-1] == "stopped"
    assert "busy" in told[4:]
    assert client.state == "stopped"


def test_nothing_runs_before_it_is_needed(client: EngineClient) -> None:
    heard = threading.Event()
    client.watch(lambda _: heard.set())
    assert heard.wait(PATIENCE_S)
    assert engine_processes() == []


def test_closing_cancels_everything_and_ends_the_process() -> None:
    client = EngineClient()
    _, running = busy(client, DEAF)
    waiting = Heard()
    client.submit(question("x"), on_event=waiting)
    began = time.monotonic()
    client.close()
    assert time.monotonic() - began < 2
    assert running.reason() == waiting.reason() == "cancelled"
    assert engine_processes() == []
    client.close()
    client.cancel(1)
    with pytest.raises(EngineError, match="closed"):
        client.submit(question("x"))


def test_closing_while_the_process_starts_or_clears_away_is_quick() -> None:
    for steps in ([say("x")], [{"do": "exit"}], [{"do": "hold", "seconds": 600}]):
        client = EngineClient()
        heard = Heard()
        client.submit(script(*steps), on_event=heard)
        client.close()
        assert heard.reason() == "cancelled"


def test_a_listener_may_close_the_client() -> None:
    client = EngineClient()
    client.submit(script(say("x"), FOREVER), on_event=lambda e: client.close() if is_piece(e) else None)
    client._thread.join(PATIENCE_S)
    with pytest.raises(EngineError):
        client.submit(question("x"))


def test_threads_that_submit_while_it_closes_get_their_last_event_or_an_error() -> None:
    client = EngineClient()
    heard: list[Heard] = []
    go = threading.Event()

    def submit() -> None:
        go.wait()
        for _ in range(200):
            ear = Heard()
            try:
                client.submit(question("x"), on_event=ear)
            except EngineError:
                return
            heard.append(ear)

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for t in threads:
        t.start()
    go.set()
    client.close()
    for t in threads:
        t.join()
    assert {ear.reason() for ear in heard} <= {"cancelled", "stop"}


def test_a_fault_of_the_client_itself_is_told_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug in the link")

    client = EngineClient()
    monkeypatch.setattr(Link, "run", broken)
    running, waiting = Heard(), Heard()
    client.submit(question("x"), on_event=running)
    client.submit(question("x"), on_event=waiting)
    assert running.failure().what == waiting.failure().what == "The engine's client failed."
    client.close()
    with pytest.raises(EngineError):
        client.submit(question("x"))
