"""The engine process itself, spoken to over a bare line, and its end with its parent."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.engine import protocol
from app.engine.families import Cancel
from app.engine.models import Models
from app.engine.protocol import Beat, FrameDecoder, Hello, Order, PutPicture, Reply, Run, Stop, Told
from app.engine.supervisor import EngineProcess, Supervisor
from app.errors import EngineError, MemoryShortError, ModelError
from app.values import Event, Failed, Finished, Job, Load, ModelSpec, Piece, is_last
from tests.echo import PATIENCE_S, picture, question, say, script

LIMIT = 300 << 20


class Line:
    """The program's side, without any of the client's cleverness."""

    def __init__(self, process: EngineProcess) -> None:
        self.process = process
        process.line.settimeout(PATIENCE_S)
        self._decoder = FrameDecoder(protocol.MAX_REPLY)
        self._ready: list[Reply] = []
        assert isinstance(self.hear(), Hello)

    def say(self, order: Order, blob: bytes = b"") -> None:
        for data in protocol.encode(order, blob):
            self.process.line.sendall(data)

    def hear(self) -> Reply:
        while not self._ready:
            data = self.process.line.recv(1 << 16)
            assert data, "the process closed the line"
            self._ready += [protocol.decode_reply(f.body) for f in self._decoder.feed(data)]
        return self._ready.pop(0)

    def event(self) -> Event:
        while not isinstance(reply := self.hear(), Told):
            assert isinstance(reply, Beat)
        return reply.event

    def answer(self, job: Job, job_id: int = 1) -> list[Event]:
        self.say(Run(id=job_id, job=job))
        events = [self.event()]
        while not is_last(events[-1]):
            events.append(self.event())
        return events

    def ends(self) -> int | None:
        assert self.process.wait(PATIENCE_S)
        return self.process.status()


@pytest.fixture
def line() -> Iterator[Line]:
    process = Supervisor(memory_limit=LIMIT).start()
    try:
        yield Line(process)
    finally:
        process.kill()
        process.close()
        assert process.wait(PATIENCE_S)


def text(events: list[Event]) -> str:
    return "".join(e.text for e in events if isinstance(e, Piece))


def test_it_beats_while_a_job_runs_and_keeps_quiet_otherwise(line: Line) -> None:
    line.say(Run(id=1, job=script(say("x"), {"do": "wait", "seconds": 600})))
    while not isinstance(line.event(), Piece):
        pass
    for _ in range(3):
        assert line.hear() == Beat()
    line.say(Stop(id=1))
    while not isinstance(reply := line.hear(), Told):
        pass
    assert isinstance(reply.event, Finished)
    line.process.line.settimeout(1.2)
    with pytest.raises(TimeoutError):
        line.hear()


def test_a_stop_that_comes_before_the_job_has_begun_still_stops_it(line: Line) -> None:
    line.say(Run(id=1, job=script(say("x"), {"do": "wait", "seconds": 0.1, "deaf": True})))
    line.say(Run(id=2, job=script({"do": "wait", "seconds": 600})))
    line.say(Stop(id=2))
    line.say(Stop(id=77))
    ends: list[Finished] = []
    while len(ends) < 2:
        if isinstance(event := line.event(), Finished):
            ends.append(event)
    assert [e.reason for e in ends] == ["stop", "cancelled"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", protocol.EXIT_PROTOCOL),
        (protocol.HEADER.pack(protocol.MAGIC, protocol.VERSION, protocol.MAX_ORDER + 1, 0), protocol.EXIT_PROTOCOL),
        (protocol.HEADER.pack(protocol.MAGIC, protocol.VERSION, 2, 0) + b"{}", protocol.EXIT_PROTOCOL),
    ],
)
def test_an_order_it_does_not_understand_ends_it(line: Line, data: bytes, status: int) -> None:
    line.process.line.sendall(data)
    assert line.ends() == status
    assert "ProtocolError" in line.process.last_words()


def test_a_picture_that_is_not_what_it_says_ends_it(line: Line) -> None:
    p = picture()
    line.say(PutPicture(digest="0" * 32, width=p.width, height=p.height, name=""), p.pixels)
    assert line.ends() == protocol.EXIT_PROTOCOL


def test_a_picture_it_has_no_memory_for_ends_it_with_a_word(line: Line) -> None:
    with contextlib.suppress(OSError):
        line.say(PutPicture(digest="0", width=1, height=LIMIT // 3, name=""), bytes(LIMIT))
    assert line.ends() == protocol.EXIT_NO_MEMORY


def test_ctrl_c_does_not_end_it(line: Line) -> None:
    os.kill(line.process.pid, signal.SIGINT)
    assert text(line.answer(question("still there?"))) == "You asked: still there?"


def test_it_limits_itself(line: Line) -> None:
    process = psutil.Process(line.process.pid)
    assert process.rlimit(psutil.RLIMIT_DATA)[0] == LIMIT
    assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    assert Path(f"/proc/{process.pid}/oom_score_adj").read_text().strip() == "500"


def test_a_damaged_model_file_is_refused_in_words(line: Line, tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF\3\0\0\0" + b"\xff" * 64)
    for name in ("bad.gguf", "missing.gguf", "."):
        (failed,) = line.answer(Load(model=ModelSpec(path=str(tmp_path / name))))
        assert isinstance(failed, Failed)
        assert failed.kind == "ModelError"
    assert text(line.answer(question("x"))) == "You asked: x"


def test_an_internal_error_is_told_with_its_traceback(line: Line) -> None:
    failed = line.answer(script({"do": "raise", "name": "a bug"}))[-1]
    assert isinstance(failed, Failed)
    assert failed.kind == "EngineError"
    assert "Traceback" in failed.detail
    assert "a bug" in failed.detail


def test_numbers_that_are_none_are_told_as_a_damaged_model(line: Line) -> None:
    failed = line.answer(script(say("fine"), {"do": "nan"}))[-1]
    assert isinstance(failed, Failed)
    assert failed.kind == "ModelError"
    assert "nonsense" in failed.what
    assert text(line.answer(question("x"))) == "You asked: x"


# --- the models it keeps ---


class FakeModel:
    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self._log = name, log
        log.append(f"+{name}")

    def answer(self, *_: object) -> Finished:
        return Finished(reason="stop")

    def close(self) -> None:
        self._log.append(f"-{self.name}")


class FakeFamily:
    """Has memory for so many models."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.log: list[str] = []

    def load(self, spec: ModelSpec, *_: object) -> FakeModel:
        if sum(1 if entry[0] == "+" else -1 for entry in self.log) >= self.room:
            raise MemoryShortError("No room.", "Make room.")
        return FakeModel(Path(spec.path).name, self.log)


def models_of(room: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Models, list[str]]:
    family = FakeFamily(room)
    monkeypatch.setattr("app.engine.models._family", lambda _: family)
    return Models(), family.log


def get(models: Models, name: str, aside: bool = False) -> object:
    return models.get(ModelSpec(path=name), lambda _: None, Cancel(), aside)


def test_the_model_used_longest_ago_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    models, log = models_of(9, monkeypatch)
    a = get(models, "a")
    get(models, "b")
    assert get(models, "a") is a
    get(models, "c")
    assert log == ["+a", "+b", "-b", "+c"]
    models.clear()
    assert log[4:] == ["-a", "-c"]


def test_models_are_closed_until_the_new_one_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    models, log = models_of(1, monkeypatch)
    get(models, "a")
    get(models, "b")
    assert log == ["+a", "-a", "+b"]
    models, log = models_of(0, monkeypatch)
    with pytest.raises(MemoryShortError):
        get(models, "a")


def test_a_model_that_only_helps_pushes_out_another_helper_but_never_the_one_it_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models, log = models_of(1, monkeypatch)
    main = get(models, "main")
    with pytest.raises(MemoryShortError):
        get(models, "helper", aside=True)
    assert get(models, "main") is main
    models, log = models_of(2, monkeypatch)
    get(models, "old")
    main = get(models, "main")
    get(models, "helper", aside=True)
    assert log == ["+old", "+main", "-old", "+helper"], "what is not in use any more goes"
    get(models, "other", aside=True)
    assert log[4:] == ["-helper", "+other"], "though the main one was used longer ago"
    assert get(models, "main") is main
    get(models, "other")
    get(models, "third", aside=True)
    assert log[6:] == ["-main", "+third"], "a helper that is asked for itself is one no more"


def test_a_file_that_changed_is_loaded_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    models, log = models_of(9, monkeypatch)
    path = tmp_path / "a"
    path.write_bytes(b"one")
    first = get(models, str(path))
    assert get(models, str(path)) is first
    path.write_bytes(b"other")
    assert get(models, str(path)) is not first
    assert log == ["+a", "-a", "+a"]


def test_a_model_whose_state_is_unknown_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    models, log = models_of(9, monkeypatch)
    first = get(models, "a")
    models.drop(first)  # type: ignore[arg-type]
    assert get(models, "a") is not first
    assert log == ["+a", "-a", "+a"]


def test_missing_native_libraries_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise OSError("libggml.so: cannot open shared object file")

    monkeypatch.setattr("app.engine.models.family_of", missing)
    with pytest.raises(EngineError, match="cannot be loaded on this computer"):
        get(Models(), "echo")
    with pytest.raises(ModelError):
        get(Models(), "/no/such/model.gguf")


# --- its end with its parent ---

PARENT = """
import sys, time
from app.engine.client import EngineClient
from app.values import Ask, Message, ModelSpec, Piece
import psutil
client = EngineClient()
ask = Ask(model=ModelSpec(path="echo"), messages=(Message(role="user", text=sys.argv[1]),))
client.submit(ask, (), lambda e: isinstance(e, Piece) and print(psutil.Process().children()[0].pid, flush=True))
time.sleep(600)
"""


@pytest.mark.parametrize("then", [{"do": "wait", "seconds": 600}, {"do": "hold", "seconds": 600}])
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_never_outlives_its_parent(then: dict[str, object], end: signal.Signals) -> None:
    text = json.dumps({"answer": [say("x"), then]}, separators=(",", ":"))
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, text], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        assert parent.stdout is not None
        engine = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(end)
        gone, _ = psutil.wait_procs([engine], PATIENCE_S)
        assert gone == [engine]
