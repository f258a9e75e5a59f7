"""A program without a screen says so."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.ui import display


@pytest.mark.parametrize("value", ["", "nonsense", ":61234", "localhost:61234.0"])
def test_nobody_answers(value: str) -> None:
    assert not display.there_is_one({"DISPLAY": value})


@pytest.mark.parametrize("environment", [{"WAYLAND_DISPLAY": "wayland-0"}, {"QT_QPA_PLATFORM": "offscreen"}])
def test_other_screens_than_x11_are_left_to_qt(environment: dict[str, str]) -> None:
    assert display.there_is_one(environment)


def test_somebody_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(display, "_LOCAL", str(tmp_path / "X"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "X7"))
        server.listen()
        assert display.there_is_one({"DISPLAY": ":7.0"})


def test_the_program_ends_with_a_sentence() -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    environment["DISPLAY"] = ":61234"
    done = subprocess.run(
        [sys.executable, "-m", "app"], capture_output=True, env=environment, cwd=Path(__file__).parents[3], check=False
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == (
        b'spyglass: There is no display to open the window on. Ask in the terminal: spyglass ask PICTURE "QUESTION".\n'
    )
