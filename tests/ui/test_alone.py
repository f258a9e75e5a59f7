"""A second start while the window is open."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from app import paths
from app.ui import app as composition
from app.ui.alone import Alone, Call
from app.ui.window import Window
from tests.ui.conftest import MakePicture

PATIENCE_MS = 30_000


@pytest.fixture
def alone() -> Iterator[Alone]:
    one = Alone(paths.data_dir())
    assert not one.hand_over(Call())
    yield one
    one.close()


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    root = str(Path(composition.__file__).parents[2])
    command = [sys.executable, "-m", "app", "window", *arguments]
    return subprocess.Popen(command, cwd=cwd, env=os.environ | {"PYTHONPATH": root}, stderr=subprocess.PIPE, text=True)


def test_a_second_start_hands_its_pictures_over_and_ends(qtbot: QtBot, alone: Alone, picture: MakePicture) -> None:
    path = picture(os.fsdecode(b"no text \xff.png"))
    alone.listen()
    with (
        qtbot.waitSignal(alone.called, timeout=PATIENCE_MS) as heard,
        start(path.name, "--model", "echo", cwd=path.parent) as second,
    ):
        assert second.stderr is not None
        assert "open already" in second.stderr.read()
    assert second.returncode == 0
    assert heard.args == [Call((str(path),), "echo")]


def test_who_calls_before_the_window_is_there_is_heard_when_it_is(qtbot: QtBot, alone: Alone) -> None:
    (path,) = paths.data_dir().glob("window-*.socket")
    with socket.socket(socket.AF_UNIX) as second:
        second.connect(str(path))
        second.sendall(msgspec.json.encode(Call(("a.png",))) + b"\n")
        with qtbot.waitSignal(alone.called, timeout=PATIENCE_MS) as heard:
            alone.listen()
        assert second.recv(64) == b"heard\n"
    assert heard.args == [Call(("a.png",))]


def test_what_is_handed_over_is_opened(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    window.widget.showMinimized()
    composition._answer(Call((str(picture()),)), window.services, window)
    qtbot.waitUntil(lambda: window.desk.stage is not None)
    assert not window.widget.isMinimized()


def test_when_the_window_is_closed_the_next_start_has_its_own(alone: Alone) -> None:
    alone.close()
    after = Alone(paths.data_dir())
    assert not after.hand_over(Call())
    after.close()


def test_what_a_killed_window_left_is_taken_over() -> None:
    """Its lock and its socket lie there still, and nobody is behind them."""
    code = (
        "import os; from app import paths; from app.ui.alone import *;"
        "a = Alone(paths.data_dir()); a.hand_over(Call()); os._exit(1)"
    )
    root = Path(composition.__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 1
    assert len(list(paths.data_dir().glob("window-*"))) == 2
    after = Alone(paths.data_dir())
    assert not after.hand_over(Call())
    after.close()


def test_where_no_socket_can_be_everybody_has_a_window(tmp_path: Path) -> None:
    for folder in (tmp_path / ("deep" * 30), tmp_path / "file" / "below"):
        (tmp_path / "file").write_text("")
        one = Alone(folder)
        assert not one.hand_over(Call())
        one.close()
