import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app import paths
from app.engine import protocol
from app.engine.protocol import FrameDecoder, Hello
from app.engine.supervisor import BackOff, EngineProcess, Supervisor, default_memory_limit


def test_the_wait_grows_with_each_failed_start_and_ends_with_success() -> None:
    now = 0.0
    back_off = BackOff(lambda: now)
    delays = []
    for _ in range(9):
        delays.append(back_off.delay())
        now += back_off.delay()
        back_off.failed(was_up=False)
    assert delays == [0, 0, 0.5, 1, 2, 4, 8, 16, 30]
    for _ in range(100):
        back_off.failed(was_up=False)
    assert back_off.delay() == 30
    back_off.succeeded()
    assert back_off.delay() == 0


def test_after_crashes_in_the_middle_nobody_waits_more_than_a_moment() -> None:
    now = 0.0
    back_off = BackOff(lambda: now)
    for _ in range(20):
        back_off.failed(was_up=True)
        assert back_off.delay() <= 1.0
    now += 1.0
    assert back_off.delay() == 0


def test_the_memory_limit_leaves_some_for_the_rest() -> None:
    total = psutil.virtual_memory().total
    assert total // 2 < default_memory_limit() < total


@pytest.fixture
def process() -> Iterator[EngineProcess]:
    process = Supervisor().start()
    yield process
    process.kill()
    process.close()
    assert process.wait(10)


def first_reply(process: EngineProcess) -> protocol.Reply:
    process.line.settimeout(20)
    decoder = FrameDecoder(protocol.MAX_REPLY)
    while True:
        for frame in decoder.feed(process.line.recv(1000)):
            return protocol.decode_reply(frame.body)


def test_the_real_process_says_hello_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text("raise SystemExit('a stranger')")
    (tmp_path / "msgspec.py").write_text("raise SystemExit('a stranger')")
    monkeypatch.chdir(tmp_path)
    process = request.getfixturevalue("process")
    assert isinstance(first_reply(process), Hello)
    assert process.status() is None
    assert 1 << 20 < process.memory() < 1 << 28
    used = process.memory()
    assert process.peak_memory >= used > 0


def test_it_is_out_of_reach_of_ctrl_c(process: EngineProcess) -> None:
    assert os.getsid(process.pid) != os.getsid(0)


def test_it_ends_by_itself_when_the_line_is_closed(process: EngineProcess) -> None:
    first_reply(process)
    process.close()
    assert process.wait(10)
    assert process.status() == 0


def test_a_killed_process_has_its_status(process: EngineProcess) -> None:
    process.kill()
    assert process.wait(10)
    assert process.status() == -9
    assert process.memory() == 0


def run(code: str) -> EngineProcess:
    process = Supervisor(command=[sys.executable, "-c", code]).start()
    process.wait(20)
    return process


def test_what_it_prints_goes_to_the_log_and_only_its_own_end_is_quoted() -> None:
    run("import os; os.write(1, b'first run')").close()
    process = run("import os; os.write(1, b'out '); os.write(2, b'err')")
    assert process.last_words() == "out err"
    assert (paths.log_dir() / "engine.log").read_bytes() == b"first runout err"
    process.close()


def test_a_flood_of_prints_does_not_fill_the_disk() -> None:
    process = run("import os\nfor i in range(40): os.write(2, b'x' * 99_999 + b'\\n')\nos.write(2, b'the end')")
    log = paths.log_dir() / "engine.log"
    assert log.stat().st_size > 3_000_000
    assert process.last_words().endswith("the end")
    process.trim_log()
    assert log.stat().st_size == 0
    assert (paths.log_dir() / "engine.log.1").stat().st_size == 1 << 19
    assert process.last_words() == ""
    process.close()


def test_a_log_folder_that_cannot_be_written_costs_only_the_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SPYGLASS_HOME", str(tmp_path / "file"))
    process = run("print('hello')")
    assert process.status() == 0
    assert process.last_words() == ""
    process.trim_log()
    process.close()


def test_a_program_that_is_not_there_leaves_nothing_behind() -> None:
    before = psutil.Process().num_fds()
    with pytest.raises(OSError, match="no/such/program"):
        Supervisor(command=["/no/such/program"]).start()
    assert psutil.Process().num_fds() == before


LIST_OPEN_FILES = """
import os
for link in os.scandir("/proc/self/fd"):
    if os.path.lexists(link.path):
        print(os.readlink(link.path))
"""


def test_the_child_inherits_no_other_file(tmp_path: Path) -> None:
    with open(tmp_path / "secret", "w") as secret, socket.socket() as listener:
        os.set_inheritable(secret.fileno(), True)
        os.set_inheritable(listener.fileno(), True)
        process = run(LIST_OPEN_FILES)
        words = process.last_words()
        assert "engine.log" in words
        assert "secret" not in words
        process.close()
