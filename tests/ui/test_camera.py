"""The camera on the stage: preview, shutter, and plain words when there is none."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QInputDialog, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from app.capture.camera import Camera, CameraInfo, Patience
from app.capture.sources import Absent, Ended
from app.errors import CameraError
from app.ui import app as composition
from app.ui.camera_view import CameraFeed
from app.ui.window import Window
from tests.ui.conftest import MakePicture
from tests.ui.steps import open_picture, type_and_send

DEVICE = CameraInfo("Test camera", 0, 0)
NETWORK = "http://192.168.0.20:8080/video"


class Wall:
    """A camera before a wall of one colour, BGR as OpenCV delivers; it ends after so many frames."""

    def __init__(self, frames: int = 10**6) -> None:
        self._left = frames

    def read(self) -> np.ndarray:
        time.sleep(0.02)
        self._left -= 1
        if self._left < 0:
            raise Ended
        return np.full((90, 160, 3), (30, 20, 200), np.uint8)

    def close(self) -> None: ...


@pytest.fixture
def devices() -> list[CameraInfo]:
    """The cameras there are; a test may change them."""
    return [DEVICE]


@pytest.fixture(autouse=True)
def cameras(monkeypatch: pytest.MonkeyPatch, devices: list[CameraInfo]) -> None:
    def open_camera(source: object, **listeners: Any) -> Camera:
        if source in (DEVICE, NETWORK) or getattr(source, "name", "") == "Second camera":
            return Camera(Wall, **listeners)
        if str(source).endswith(".mp4"):
            return Camera(lambda: Wall(5), **listeners)
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


def test_a_live_picture_that_was_zoomed_can_be_moved_and_fitted_again(window: Window, qtbot: QtBot) -> None:
    start(window, qtbot)
    canvas, stage = window.stage.canvas, window.stage
    assert stage._zoom.isHidden()
    canvas.zoom(4.0)
    assert not stage._zoom.isHidden()
    before = canvas.to_view().map(QPointF())
    middle = canvas.rect().center()
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(canvas, middle + QPoint(30, 20))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=middle + QPoint(30, 20))
    assert (canvas.to_view().map(QPointF()) - before).toPoint() == QPoint(30, 20)
    assert canvas.part is None
    stage._percent.click()
    assert canvas.fitted
    assert stage._zoom.isHidden()


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
    assert window.pane.notice.words == "No camera was found. Connect one, or use a phone as a network camera."
    assert not window.stage.live


def test_where_there_is_no_camera_the_address_of_one_can_be_given(
    window: Window, qtbot: QtBot, devices: list[CameraInfo]
) -> None:
    """And once it delivers, nothing is said of the one that was missing."""
    devices.clear()
    window.actions["camera"].trigger()
    qtbot.waitUntil(lambda: bool(window.pane.notice.words), timeout=5_000)
    (button,) = (b for b in window.pane.notice.findChildren(QPushButton) if b.text() == "Network camera…")
    button.click()
    (dialog,) = window.widget.findChildren(QInputDialog)
    dialog.setTextValue(f" {NETWORK} ")
    dialog.accept()
    qtbot.waitUntil(lambda: window.camera.latest is not None, timeout=5_000)
    qtbot.waitUntil(lambda: window.pane.notice.words == "", timeout=5_000)
    assert window.camera.address == NETWORK


def test_an_address_needs_no_scheme_and_nothing_is_no_address(window: Window) -> None:
    for typed, opened in (("  ", None), (NETWORK.removeprefix("http://"), NETWORK)):
        window.actions["network"].trigger()
        dialog = window.widget.findChildren(QInputDialog)[-1]
        dialog.setTextValue(typed)
        dialog.accept()
        assert window.camera.on == (opened is not None)
        assert window.camera.source == opened


@pytest.mark.parametrize("chosen", [NETWORK, CameraInfo("Second camera", 2, 0)])
def test_the_camera_that_was_chosen_is_the_one_that_is_turned_on_again(
    window: Window, qtbot: QtBot, devices: list[CameraInfo], chosen: str | CameraInfo
) -> None:
    if isinstance(chosen, CameraInfo):
        devices.append(chosen)
    with qtbot.waitSignal(window.camera.started, timeout=5_000):
        window.camera.start(chosen)
    window.actions["camera"].trigger()
    assert not window.camera.on
    start(window, qtbot)
    assert window.camera.source == chosen
    if isinstance(chosen, CameraInfo):  # unplugged meanwhile: another one is better than none
        window.actions["camera"].trigger()
        devices.remove(chosen)
        start(window, qtbot)
        assert window.camera.source == DEVICE


def test_the_menu_shows_what_was_plugged_in_meanwhile(
    window: Window, qtbot: QtBot, devices: list[CameraInfo], monkeypatch: pytest.MonkeyPatch
) -> None:
    start(window, qtbot)
    shown: list[QMenu] = []
    monkeypatch.setattr("app.ui.camera_on_stage.menus.open_at", lambda menu, _: shown.append(menu))
    devices.append(CameraInfo("Second camera", 2, 0))
    window.stage.camera_menu_wanted.emit(QPoint())
    qtbot.waitUntil(lambda: bool(shown), timeout=5_000)
    assert [action.text() for action in shown[0].actions()][:2] == ["Test camera", "Second camera"]
    assert shown[0].actions()[0].isChecked()


def test_another_resolution_is_asked_for_at_once(window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    start(window, qtbot)
    asked: list[tuple[int, int]] = []

    def open_camera(_: object, **how: Any) -> Camera:
        asked.append((how["width"], how["height"]))
        return Camera(Wall, **how)

    monkeypatch.setattr(window.camera, "_open_camera", open_camera)
    window.services.store.set("camera.size", "640x480")
    window.preferences.follow("camera.size")
    qtbot.waitUntil(lambda: asked == [(640, 480)], timeout=5_000)
    window.camera.start(NETWORK)
    window.preferences.follow("camera.size")
    assert len(asked) == 2, "a stream comes as it is"


def test_an_address_that_does_not_work_can_be_mended(window: Window, qtbot: QtBot) -> None:
    window.camera.start("http://127.0.0.1:1/video")
    qtbot.waitUntil(lambda: bool(window.pane.notice.words), timeout=5_000)
    window.actions["network"].trigger()
    (dialog,) = window.widget.findChildren(QInputDialog)
    assert dialog.textValue() == "http://127.0.0.1:1/video"
    dialog.reject()


def test_an_address_where_nothing_answers_can_be_mended_on_the_stage(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again and again meanwhile; once a picture is there the button is gone."""
    answers = threading.Event()

    def open_wall() -> Wall:
        if not answers.is_set():
            raise CameraError("Nothing that is a video answers there.", "Check the address.")
        return Wall()

    patience = Patience(pauses_s=(0.05,))
    monkeypatch.setattr(window.camera, "_open_camera", lambda _, **how: Camera(open_wall, patience=patience, **how))
    window.camera.start("http://192.168.0.21/video")
    (button,) = (b for b in window.stage.findChildren(QPushButton) if b.text() == "Network camera…")
    qtbot.waitUntil(button.isVisible, timeout=5_000)
    button.click()
    (dialog,) = window.widget.findChildren(QInputDialog)
    assert dialog.textValue() == "http://192.168.0.21/video"
    dialog.reject()
    answers.set()
    qtbot.waitUntil(button.isHidden, timeout=5_000)
    assert window.camera.on


def test_a_video_is_played_as_if_a_camera_saw_it(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    """Nothing of a video's end is an error."""
    video = tmp_path / "holiday.mp4"
    window.doors.open([video])
    qtbot.waitUntil(lambda: window.camera.latest is not None, timeout=20_000)
    qtbot.waitUntil(lambda: not window.camera.on, timeout=20_000)
    assert window.pane.notice.words == "The video has ended."
    assert window.pane.notice.error is None
    [again] = [one for one in window.pane.notice.findChildren(QPushButton) if one.text() == "Play again"]
    again.click()
    assert window.pane.notice.words == ""
    assert window.camera.on
    qtbot.waitUntil(lambda: window.camera.latest is not None, timeout=20_000)
    qtbot.waitUntil(lambda: window.pane.notice.words == "The video has ended.", timeout=20_000)
    start(window, qtbot)
    assert window.camera.source == DEVICE, "a video is no camera"
    assert window.pane.notice.words == "", "nobody wants the video again"


def test_the_shutter_waits_for_the_first_frame(window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    light = threading.Event()

    class Dark(Wall):
        def read(self) -> np.ndarray:
            light.wait()
            return super().read()

    monkeypatch.setattr(window.camera, "_open_camera", lambda _, **how: Camera(Dark, **how))
    window.actions["camera"].trigger()
    qtbot.waitUntil(lambda: window.camera.on, timeout=5_000)
    shutter = window.stage._shutter
    assert not shutter.isEnabled()
    qtbot.keyClick(window.stage.canvas, Qt.Key.Key_Space)
    assert window.stage.live
    light.set()
    qtbot.waitUntil(shutter.isEnabled, timeout=5_000)
    window.camera.start(DEVICE)
    assert not shutter.isEnabled()


def test_a_camera_that_was_unplugged_goes_on_when_it_is_back(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Plug(Wall):
        """It is pulled after some frames, missed, and put back."""

        def read(self) -> np.ndarray:
            if self._left == 0:
                raise Absent("The camera was unplugged.", "Plug it in again.")
            return super().read()

    plugs = iter([Plug(10), Plug(0), Plug(0), Plug(10**6)])
    patience = Patience(pauses_s=(0.2,))
    monkeypatch.setattr(
        window.camera, "_open_camera", lambda _, **how: Camera(lambda: next(plugs), patience=patience, **how)
    )
    said: list[str] = []
    window.camera.words.connect(said.append)
    start(window, qtbot)
    qtbot.waitUntil(lambda: "The camera was unplugged. Plug it in again." in said, timeout=10_000)
    assert window.camera.on
    assert window.pane.notice.words == ""
    with qtbot.waitSignal(window.camera.started, timeout=10_000):
        pass


def test_busy_camera_is_said_in_a_sentence(window: Window, qtbot: QtBot, devices: list[CameraInfo]) -> None:
    devices[:] = [CameraInfo("Busy camera", 1, 0)]
    window.actions["camera"].trigger()
    qtbot.waitUntil(lambda: bool(window.pane.notice.words), timeout=5_000)
    assert window.pane.notice.words == "The camera is busy. Close other programs that use it."
    assert not window.stage.live


def test_a_camera_that_was_turned_off_while_it_was_looked_for_stays_off(window: Window, qtbot: QtBot) -> None:
    """Looking for it takes a moment, and asking for permission as long as a person likes."""
    window.actions["camera"].trigger()
    window.stage.live_closed.emit()
    with qtbot.waitSignal(window.services.background._ended, timeout=5_000):
        window.services.background.run(lambda: None, lambda _: None, print)
    QApplication.processEvents()
    assert not window.camera.on
    assert not window.stage.live


def test_a_question_before_the_camera_is_kept_in_recognise_too(window: Window, qtbot: QtBot) -> None:
    """Without a model there are no live names; the picture's own question must not take the place of the person's."""
    window._choose_mode("recognise")
    start(window, qtbot)
    window.session.choice.spec = None
    qtbot.waitUntil(lambda: not window.live.on, timeout=5_000)
    type_and_send(window, "Is it red?")
    qtbot.waitUntil(lambda: bool(window.session.conversation.turns), timeout=5_000)
    assert [turn.question for turn in window.session.conversation.turns] == ["Is it red?"]
    window.session.stop()
