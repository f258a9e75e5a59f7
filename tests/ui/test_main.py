"""The program itself, from its one door to its end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.chat.conversation import State
from app.settings.store import SettingsStore
from app.ui import app as composition
from app.ui.main_window import MainWindow
from app.ui.services import Services
from app.ui.window import Window
from tests.ui.conftest import MakePicture
from tests.ui.steps import type_and_send

PATIENCE_S = 30.0


def drive(monkeypatch: pytest.MonkeyPatch, steps: Callable[[Window], object]) -> None:
    """Call `steps` again and again, as often as the event loop turns, until it returns something; then close."""

    class Driven(Window):
        def __init__(self, services: Services) -> None:
            super().__init__(services)
            self._timer = QTimer(self, interval=10)
            self._timer.timeout.connect(self._step)
            self._timer.start()

        def _step(self) -> None:
            if steps(self):
                self._timer.stop()
                self.widget.close()

    monkeypatch.setattr(composition, "Window", Driven)
    monkeypatch.setattr(composition.log, "start", lambda *_: None)  # pytest has the log


def test_pictures_on_the_command_line(
    qtbot: QtBot,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    picture: MakePicture,
) -> None:
    seen = {}

    def steps(window: Window) -> bool:
        turns = window.session.conversation.turns
        if window.desk.stage and window.session.spec and not turns:
            type_and_send(window, "What is it?")
        if turns and turns[0].ended:
            seen["turn"] = turns[0]
        return bool(seen)

    drive(monkeypatch, steps)
    assert composition.main(["--model", "echo", str(picture(size=(12, 9)))]) == 0
    assert seen["turn"].state is State.FINISHED
    assert seen["turn"].answer == "You showed me a picture of 12 x 9 and asked: What is it?"
    assert SettingsStore().settings.chosen() == {}  # a model for this time is not remembered


def test_damaged_settings_are_told(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    path = SettingsStore().path
    path.parent.mkdir(parents=True)
    path.write_text("{ not json")
    said = []

    def steps(window: Window) -> bool:
        said.append(window.pane.notice.words)
        return bool(said[-1])

    drive(monkeypatch, steps)
    assert composition.main(["--model", "echo"]) == 0
    assert said[-1].startswith("The settings file was damaged")


def test_closing_while_an_answer_is_written_ends_everything(
    qtbot: QtBot,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def steps(window: Window) -> bool:
        turns = window.session.conversation.turns
        if window.session.spec and not turns:
            type_and_send(window, '{"answer":[{"do":"say","text":"word ","delay":0.01,"times":10000}]}')
        return bool(turns) and "word" in turns[0].answer

    drive(monkeypatch, steps)
    assert composition.main(["--model", "echo"]) == 0
    assert not [w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow) and w.isVisible()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_real_program_ends_politely(number: signal.Signals, picture: MakePicture) -> None:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "app", "window", "--model", "echo", "--verbose", str(picture())]
    root = Path(composition.__file__).parents[2]
    with subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        for line in program.stderr:
            if "engine process" in line and "started" in line:  # the picture is on the stage, the model is loaded
                break
        children = psutil.Process(program.pid).children(recursive=True)
        program.send_signal(number)
        rest = program.stderr.read()
        assert program.wait(PATIENCE_S) == 0
    assert "Traceback" not in rest
    _, alive = psutil.wait_procs(children, PATIENCE_S)
    assert alive == []
