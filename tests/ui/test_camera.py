"""The camera on the stage: preview, shutter, and plain words when there is none."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.capture.camera import Camera, CameraInfo
from app.errors import CameraError
from app.ui import app as composition
from app.ui.camera_view import CameraFeed
from app.ui.window import Window
from tests.ui.conftest import MakePicture
from tests.ui.steps import open_picture, type_and_send

DEVICE = CameraInfo("Test camera", 0, 0)


class Wall:
    """A camera before a wall of one colour; BGR as OpenCV delivers."""

    def read(self) -> np.ndarray:
        time.sleep(0.02)
        return np.full((90, 160, 3), (30, 20, 200), np.uint8)

    def close(self) -> None: ...


@pytest.fixture
def devices() -> list[CameraInfo]:
    """The cameras there are; a test may change them."""
    return [DEVICE]


@pytest.fixture(autouse=True)
def cameras(monkeypatch: pytest.MonkeyPatch, devices: list[CameraInfo]) -> None:
    def open_camera(source: object, **listeners: Any) -> Camera:
        if source == DEVICE:
            return Camera(Wall, **listeners)
        raise CameraError("The camera is busy.", "Close other programs that use it.")

    def feed(background: Any, _: Callable[[], list[CameraInfo]]) -> CameraFeed:
        return CameraFeed(background, lambda: devices, open_camera)

    monkeypatch.setattr(composition, "CameraFeed", feed)


def start(window: Window, qtbot: QtBot) -> None:
    window.actions["camera"].trigger()
    qtbot.waitUntil(lambda: window.camera.latest is not None, timeout=5_000)
    QApplication.processEvents()


def test_preview_shows_what_the_camera_sees(window: Window, qtbot: QtBot) -> None:
    start(window, qtbot)
    canvas = window.stage.canvas
    assert canvas.grab().toImage().pixelColor(canvas.rect().center()) == QColor(200, 20, 30)
    window.actions["camera"].trigger()
    assert not window.camera.on
    assert not window.stage.live


@pytest.mark.parametrize("how", ["space", "button"])
def test_shutter_puts_the_frame_on_the_stage(window: Window, qtbot: QtBot, how: str) -> None:
    start(window, qtbot)
    if how == "space":
        qtbot.keyClick(window.stage.canvas, Qt.Key.Key_Space)
    else:
        window.stage.shot.emit()
    qtbot.waitUntil(lambda: window.desk.stage is not None, timeout=5_000)
    assert not window.camera.on
    assert window.desk.stage is not None
    assert window.desk.stage.picture.pixels == bytes([200, 20, 30]) * (160 * 90)
    assert [sheet.picture.name for sheet in window.desk.attached] == ["Camera picture"]


def test_a_question_is_about_what_the_camera_sees(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture(size=(10, 10)))
    start(window, qtbot)
    assert window.desk.attached == []
    type_and_send(window, "What is it?")
    qtbot.waitUntil(lambda: bool(window.session.conversation.turns), timeout=5_000)
    turn = window.session.conversation.turns[0]
    qtbot.waitUntil(lambda: turn.ended, timeout=5_000)
    assert turn.answer == "You showed me a picture of 160 x 90 and asked: What is it?"


def test_picture_comes_back_when_the_camera_goes(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture(size=(10, 10)))
    start(window, qtbot)
    window.actions["escape"].trigger()
    assert not window.camera.on
    assert [sheet.picture.width for sheet in window.desk.attached] == [10]


def test_no_camera_is_said_in_a_sentence(window: Window, qtbot: QtBot, devices: list[CameraInfo]) -> None:
    devices.clear()
    window.actions["camera"].trigger()
    qtbot.waitUntil(lambda: bool(window.pane.notice.words), timeout=5_000)
    assert window.pane.notice.words == "No camera was found. Connect one, or open a picture instead."
    assert not window.stage.live


def test_busy_camera_is_said_in_a_sentence(window: Window, qtbot: QtBot, devices: list[CameraInfo]) -> None:
    devices[:] = [CameraInfo("Busy camera", 1, 0)]
    window.actions["camera"].trigger()
    qtbot.waitUntil(lambda: bool(window.pane.notice.words), timeout=5_000)
    assert window.pane.notice.words == "The camera is busy. Close other programs that use it."
    assert not window.stage.live
