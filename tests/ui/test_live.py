"""Recognise and Watch in the real window, before a scripted camera, with the real engine process playing a script."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QObject, QPointF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QTransform
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.capture.camera import Camera, Frame
from app.capture.clip import Clip
from app.capture.gate import Reason
from app.errors import CameraError, SpyglassError
from app.modes.labels import Label
from app.modes.objects import Found
from app.modes.schedule import Wait
from app.modes.watch import Answered
from app.settings.store import SettingsStore
from app.ui import app as composition
from app.ui import theme
from app.ui.bridge import Background
from app.ui.camera_view import CameraFeed
from app.ui.clips import Clips
from app.ui.live_panel import LivePanel, rows
from app.ui.overlay import LabelOverlay, caption, still
from app.ui.window import Window
from app.values import Loading, Looking
from app.wording import Wording
from tests.ui.steps import type_and_send
from tests.video import Scene, Script, Thing

STAR = Thing("star", 0, 99, (0.3, 0.5), 0.4)
BOX = [188, 300, 412, 700]
ANSWER = json.dumps({"objects": [{"name": "star", "count": 1, "boxes": [BOX]}, {"name": "cup", "count": 2}]})


class Still:
    """A camera before which one picture stands, thirty times a second."""

    def __init__(self, pictures: Callable[[], np.ndarray]) -> None:
        self._pictures = pictures

    def read(self) -> np.ndarray:
        time.sleep(1 / 30)
        return self._pictures()

    def close(self) -> None: ...


@pytest.fixture
def answer() -> str:
    """What the model says to everything."""
    return ANSWER


@pytest.fixture
def scene() -> list[np.ndarray]:
    """What stands before the camera; a test may change it."""
    picture = Script((Scene(0, (STAR,), 3),), 1, (640, 360)).frame(0)
    return [cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)]


@pytest.fixture
def window(
    qapp: QApplication, tmp_path: Path, scene: list[np.ndarray], answer: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Window]:
    script = {"answer": [{"do": "read"}, {"do": "say", "text": answer, "probability": 0.99}]}
    (tmp_path / "script.json").write_text(json.dumps(script))
    theme.apply(qapp, theme.LIGHT)

    def open_camera(_: object, **listeners: Any) -> Camera:
        return Camera(lambda: Still(lambda: scene[0]), **listeners)

    def feed(background: Any, devices: Any) -> CameraFeed:
        return CameraFeed(background, devices, open_camera)

    monkeypatch.setattr(composition, "CameraFeed", feed)
    services = composition.build(SettingsStore())
    window = Window(services)
    services.session.use_model(f"echo:{tmp_path / 'script.json'}", "")
    window.start()
    window._choose_mode("recognise")
    services.camera.start("scripted")
    yield window
    window.widget.close()
    composition.dismantle(services)
    window.widget.deleteLater()
    qapp.processEvents()


def names(window: Window) -> list[str]:
    return [label.name for label in window.live.overlay.labels]


def test_names_stand_over_the_camera_picture_and_beside_it(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)
    qtbot.waitUntil(lambda: "2 × cup" in window.live.panel.words, timeout=5_000)
    (label,) = window.live.overlay.labels
    assert label.box == pytest.approx([v / 1000 for v in BOX], abs=0.02)
    assert "star   ●●●●●" in window.live.panel.words
    # The label is really painted: where the box's edge is, the picture has another colour.
    canvas = window.stage.canvas
    edge = canvas.to_view().map(QPointF(0.3 * 640, label.box[1] * 360)).toPoint()
    shown = canvas.grab().toImage()
    ratio = shown.devicePixelRatio()
    accent = [shown.pixelColor(round(edge.x() * ratio), round(edge.y() * ratio) + dy) for dy in range(-3, 4)]
    assert any(c.green() > c.red() + 40 for c in accent)


def test_leaving_the_mode_or_the_camera_ends_it(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)
    window._choose_mode("ask")
    qtbot.waitUntil(lambda: not window.live.on, timeout=5_000)
    assert names(window) == []
    assert window.live.panel.isHidden()
    window._choose_mode("recognise")
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)
    window.camera.stop()
    assert not window.live.on
    assert names(window) == []


def test_what_another_thread_leaves_after_the_end_is_not_shown(window: Window, qtbot: QtBot) -> None:
    live = window.live
    qtbot.waitUntil(lambda: bool(live.overlay.labels), timeout=10_000)
    late, clip = live.looking.newest(), live.clips.clip
    live._stop()
    live.looking._seen = late
    live._on_named()
    assert live.overlay.labels == ()
    assert live.clips.clip is not clip, "nor is a frame that comes late kept"


def test_a_still_scene_is_asked_about_once(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)
    lookout = window.live.looking.lookout
    assert lookout is not None
    before = lookout.read(lambda looker: looker.schedule.frames[Reason.SAME])
    qtbot.waitUntil(lambda: lookout.read(lambda looker: looker.schedule.frames[Reason.SAME]) > before + 15)
    assert lookout.read(lambda looker: looker.schedule.frames[Reason.GOOD]) == 1


def test_the_panel_coaches(window: Window, qtbot: QtBot, scene: list[np.ndarray]) -> None:
    scene[0] = np.zeros_like(scene[0])
    qtbot.waitUntil(lambda: "Is it covered?" in window.live.hint.words, timeout=10_000)
    assert window.live.panel.words == "Waiting for a clear picture"


def test_figures_can_be_turned_on_and_off(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)
    window.live.panel._gauge.click()
    qtbot.waitUntil(lambda: "1 answers in the last minute" in window.live.card.lines, timeout=5_000)
    told = "\n".join(window.live.card.lines)
    for words in ("640 × 360, ", "s from frame to label", "s an answer", "80% allowed", "nothing new"):
        assert words in told
    assert window.services.store.settings["camera.figures"]
    window.live.panel._gauge.click()
    assert window.live.card.lines == ()


def test_a_click_on_a_label_brings_the_thing_to_the_stage(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)
    window.stage.canvas.grab()  # paints, so that the label has a place
    middle = window.stage.canvas.to_view().map(QPointF(0.3 * 640, 0.5 * 360)).toPoint()
    QTest.mouseClick(window.stage.canvas, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: window.desk.stage is not None, timeout=10_000)
    assert window.desk.stage is not None
    assert window.desk.stage.picture.name == "star"
    assert window.desk.stage.picture.width == pytest.approx(0.224 * 640 * 1.2, abs=12)
    assert window.session.mode == "ask"
    assert not window.camera.on


def test_a_click_beside_the_labels_does_nothing(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)
    window.stage.canvas.grab()
    beside = window.stage.canvas.to_view().map(QPointF(600, 340)).toPoint()
    QTest.mouseClick(window.stage.canvas, Qt.MouseButton.LeftButton, pos=beside)
    assert window.camera.on


@pytest.mark.parametrize("answer", ["Yes"])
def test_what_was_watched_for_is_told_and_kept(window: Window, qtbot: QtBot, notified: list[str]) -> None:
    qtbot.waitUntil(lambda: window.live.on, timeout=20_000)
    with qtbot.waitSignal(window.live.sighted, timeout=20_000):
        window.asking.ask("tell me when a star comes")
    qtbot.waitUntil(lambda: bool(window.session.conversation.turns), timeout=10_000)
    turn = window.session.conversation.turns[0]
    assert turn.question == "tell me when a star comes"
    assert turn.answer.startswith("Yes, at ")
    assert [words.partition(" at ")[0] for words in notified] == ["a star"]
    assert "99%" in turn.answer
    picture = window.session.conversation.picture(turn.pictures[0])
    assert picture is not None
    assert (picture.width, picture.height) == (640, 360)
    assert "Waiting for: a star" in window.live.panel.words
    qtbot.waitUntil(lambda: "it is there (99% sure)" in window.live.panel.words, timeout=5_000)
    window.live.watch("")
    qtbot.waitUntil(lambda: "Waiting" not in window.live.panel.words, timeout=5_000)


def test_a_wish_that_cannot_be_watched_for_is_not_lost(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: window.live.on, timeout=20_000)
    for wish, said in (("?", "not said what to watch for"), ("a bus and a tram" * 30, "at most 300 characters")):
        type_and_send(window, wish)
        assert window.composer.edit.toPlainText() == wish
        assert said in window.pane.notice.words
        assert window.live.wish == ""


@pytest.mark.parametrize("answer", ["Yes"])
def test_a_note_is_nothing_that_could_be_answered_again(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: window.live.on, timeout=20_000)
    window.live.watch("a star")
    qtbot.waitUntil(lambda: bool(window.session.conversation.turns), timeout=20_000)
    tools = window.tools.answer
    tools.show_for(window.session.conversation.turns[0])
    assert tools._buttons["again"][0].isHidden()
    assert not tools._buttons["copy"][0].isHidden()


def test_a_watch_waits_for_the_mode_and_says_so(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)
    window.live.watch("tell me when a bus comes")
    qtbot.waitUntil(lambda: window.live._running is not None and window.live._running[1] != "", timeout=5_000)
    window._choose_mode("ask")
    assert window.pane.notice.words == "Recognise goes on waiting for it when you are back: a bus"
    window._choose_mode("recognise")
    qtbot.waitUntil(lambda: window.live.on, timeout=20_000)
    assert "Waiting for: a bus" in window.live.panel.words


def test_leaving_the_mode_ends_it_though_the_camera_is_silent(window: Window, qtbot: QtBot) -> None:
    """Or the next question would be taken for a wish."""
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)
    window.camera.frame.disconnect(window.live._on_frame)
    window._choose_mode("ask")
    assert not window.live.on
    assert window.live.panel.isHidden()


def test_a_snapshot_and_a_clip_are_saved(
    window: Window, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.clips._folder", lambda _: tmp_path / "new")
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)
    for save, ending in ((window.live.panel.snapshot, ".jpg"), (window.live.panel.clip, ".avi")):
        with qtbot.waitSignal(window.live.told, timeout=10_000):
            save.emit()
        (saved,) = (tmp_path / "new").glob(f"*{ending}")
        assert saved.stat().st_size > 1000
    capture = cv2.VideoCapture(str(saved))
    assert capture.get(cv2.CAP_PROP_FRAME_WIDTH) == 640
    capture.release()


def test_word_of_a_snapshot_moves_no_button_away(window: Window, qtbot: QtBot) -> None:
    """The next click would miss what it was meant for."""
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)
    panel = window.live.panel
    place = panel.mapTo(window.widget, panel.rect().topLeft())
    window.pane.notice.show_hint("Saved.")
    qtbot.waitUntil(lambda: window.pane.notice.height() > 0 and window.pane.notice.isVisible(), timeout=5_000)
    QApplication.processEvents()
    assert panel.mapTo(window.widget, panel.rect().topLeft()) == place


def test_two_clips_of_one_moment_are_both_saved(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key held down, or a double click: they are written at the same time."""
    monkeypatch.setattr("app.ui.clips._folder", lambda _: tmp_path)
    monkeypatch.setattr("app.ui.clips.time.strftime", lambda _: "now")
    both, background, keeper = threading.Barrier(2), Background(), QObject()
    clips, told = Clips(background, keeper), []
    clips.told.connect(told.append)

    def save(path: Path) -> None:
        both.wait(10)
        path.write_bytes(b"video")

    monkeypatch.setattr(clips.clip, "save", save)
    clips.save_clip()
    clips.save_clip()
    qtbot.waitUntil(lambda: len(told) == 2, timeout=10_000)
    background.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["now (1).avi", "now.avi"]


def test_nothing_is_left_of_what_could_not_be_saved(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.clips._folder", lambda _: tmp_path)
    background, keeper = Background(), QObject()
    clips, failed = Clips(background, keeper), []
    clips.failed.connect(failed.append)

    def save(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(clips.clip, "save", save)
    clips.save_clip()
    qtbot.waitUntil(lambda: bool(failed), timeout=10_000)
    background.close()
    assert "could not be saved" in str(failed[0].what)
    assert not isinstance(failed[0], CameraError), "a camera that is back after a hiccup takes its own errors away"
    assert list(tmp_path.iterdir()) == []


# --- the parts alone -------------------------------------------------------------------------------------------------


def label(name: str, **more: Any) -> Label:
    return Label(**{"id": 1, "name": name, "probability": 1.0, "count": 1, "box": None, "seen": 0.0, **more})


def test_rows_count_and_grow_old() -> None:
    shown = [
        label("dog", probability=0.4),
        label("dog", probability=0.8),
        label("cup", count=2),
        label("cat", faded=True, seen=3.0),
        label("cup", faded=True),
    ]
    assert [row.text for row in rows(shown, 10.0)] == ["2 × dog   ●●●●○", "2 × cup   ●●●●●", "cat, 7 s ago"]
    assert [row.text for row in rows([label("dog", probability=0.3)], 0.0)] == ["dog?   ●●○○○"]


def test_an_unsure_name_says_so() -> None:
    assert caption(label("dog")) == "dog"
    assert caption(label("dog", probability=0.31)) == "dog? 31%"


def test_names_do_not_cover_each_other_and_can_be_hit() -> None:
    overlay = LabelOverlay()
    found = [Found("dog", box=(0.1, 0.1, 0.5, 0.6)), Found("puppy", box=(0.11, 0.1, 0.3, 0.4)), Found("cup", count=2)]
    overlay.show(still(found), QSize(400, 300))
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    overlay.paint(painter, QTransform())
    painter.end()
    assert len(overlay._areas) == 2
    hit = overlay.hit(QPointF(60, 60))
    assert hit is not None
    assert hit.name == "puppy"
    assert overlay.hit(QPointF(390, 290)) is None
    overlay.clear()
    assert overlay.hit(QPointF(60, 60)) is None


def test_a_label_that_no_longer_belongs_is_not_painted() -> None:
    overlay = LabelOverlay()
    overlay.show([label("dog", box=(0, 0, 1, 1), faded=True), label("cat")], QSize(10, 10))
    assert overlay.labels == ()
    overlay.show([label("dog", box=(0, 0, 1, 1), probability=0.05)], QSize(10, 10))
    assert overlay.labels == ()


def test_a_model_that_takes_long_says_what_it_does(qapp: QApplication) -> None:  # noqa: ARG001
    panel = LivePanel()
    panel.show_state(Reason.SAME, progress=Loading(0.4))
    assert panel.words == "Loading the model 40%"
    panel.show_state(Wait.BUSY, hint="Hold still.", progress=Looking(0, 1, 0.5))
    assert panel.words == "Looking at the picture 50%"
    panel.show_state(Reason.SAME)
    assert panel.words == "Looking around"


def test_a_yes_too_unsure_to_be_told_is_not_called_a_no(qapp: QApplication) -> None:  # noqa: ARG001
    panel = LivePanel()
    panel.show_wish("a dog")
    for probability, said in (
        (0.9, "it is there (90% sure)"),
        (0.55, "perhaps there (55% sure)"),
        (0.2, "not there (80%"),
    ):
        panel.show_answered(Answered(1.0, probability, probability >= 0.6, False), 4.0)
        assert f"3 s ago: {said}" in panel.words


def test_a_clip_keeps_the_last_seconds_only(tmp_path: Path) -> None:
    clip = Clip(seconds=2.0, fps=10.0)
    with pytest.raises(CameraError, match="nothing to save"):
        clip.save(tmp_path / "a.avi")
    for i in itertools.count():
        if i / 30 > 8:
            break
        size = (32, 48, 3) if i < 30 else (48, 64, 3)
        clip.add(Frame(np.full(size, i % 250, np.uint8), i, i / 30))
    assert 18 <= len(clip._frames) <= 22
    clip.save(tmp_path / "a.avi")
    capture = cv2.VideoCapture(str(tmp_path / "a.avi"))
    assert (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_COUNT)) == (64, len(clip._frames))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(10, abs=0.7)
    capture.release()
    with pytest.raises(SpyglassError, match="could not be saved"):
        clip.save(tmp_path / "missing" / "a.avi")


# --- pictures that do not move ---------------------------------------------------------------------------------------


@pytest.fixture
def still_window(window: Window, qtbot: QtBot, tmp_path: Path) -> Window:
    """The camera is off and a picture is on the stage, in Ask."""
    window.camera.stop()
    window._choose_mode("ask")
    picture = Script((Scene(0, (STAR,), 3),), 1, (640, 360)).frame(0)
    cv2.imwrite(str(tmp_path / "star.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    window.desk.open([tmp_path / "star.png"])
    qtbot.waitUntil(lambda: window.desk.stage is not None, timeout=10_000)
    return window


def test_choosing_recognise_names_what_is_on_the_stage(still_window: Window, qtbot: QtBot) -> None:
    assert still_window.session.conversation.turns == []
    still_window._choose_mode("recognise")
    qtbot.waitUntil(lambda: [one.name for one in still_window.labels.overlay.labels] == ["star"], timeout=20_000)
    (turn,) = still_window.session.conversation.turns
    qtbot.waitUntil(lambda: turn.ended, timeout=10_000)
    assert still_window.session.markdown(turn) == "- star\n- 2 × cup"
    still_window._choose_mode("ask")
    assert still_window.labels.overlay.labels == ()
    still_window._choose_mode("recognise")
    assert [one.name for one in still_window.labels.overlay.labels] == ["star"]
    assert len(still_window.session.conversation.turns) == 1


def test_names_of_a_still_picture_are_not_drawn_over_the_camera(
    still_window: Window, qtbot: QtBot, scene: list[np.ndarray]
) -> None:
    still_window._choose_mode("recognise")
    qtbot.waitUntil(lambda: still_window.session.conversation.turns[0].ended, timeout=20_000)
    assert still_window.labels.overlay.labels
    scene[0] = np.zeros_like(scene[0])
    still_window.camera.start("scripted")
    qtbot.waitUntil(lambda: still_window.camera.latest is not None, timeout=10_000)
    still_window.session.answer.emit(still_window.session.conversation.turns[0])
    assert still_window.labels.overlay.labels == ()
    still_window.camera.stop()
    qtbot.waitUntil(lambda: bool(still_window.labels.overlay.labels), timeout=10_000)


def test_a_click_on_a_name_in_a_still_picture_asks_about_that_part(still_window: Window, qtbot: QtBot) -> None:
    still_window._choose_mode("recognise")
    qtbot.waitUntil(lambda: bool(still_window.labels.overlay.labels), timeout=20_000)
    canvas = still_window.stage.canvas
    canvas.grab()  # paints, so that the label has a place
    qtbot.waitUntil(lambda: not still_window.session.running, timeout=20_000)
    middle = canvas.to_view().map(QPointF(0.3 * 640, 0.5 * 360)).toPoint()
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=middle)
    assert still_window.session.mode == "ask"
    assert canvas.part is not None
    assert canvas.part.width() == pytest.approx(0.224 * 640 * 1.2, abs=12)
    qtbot.waitUntil(lambda: any(sheet.part_of for sheet in still_window.desk.attached), timeout=10_000)


def test_a_name_without_a_place_asks_about_the_whole_frame(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: "2 × cup" in window.live.panel.words, timeout=20_000)
    (row,) = (button for button in window.live.panel._rows if button.row is not None and button.row.name == "cup")
    row.click()
    qtbot.waitUntil(lambda: window.desk.stage is not None, timeout=10_000)
    assert window.desk.stage is not None
    assert (window.desk.stage.picture.name, window.desk.stage.picture.width) == ("cup", 640)


def test_nothing_is_asked_while_the_window_cannot_be_seen(
    window: Window, qtbot: QtBot, scene: list[np.ndarray]
) -> None:
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)
    lookout = window.live.looking.lookout
    assert lookout is not None
    window.widget.showMinimized()
    qtbot.waitUntil(lambda: lookout.read(lambda looker: looker.schedule.paused), timeout=10_000)
    asked = lookout.read(lambda looker: looker.schedule.frames[Reason.GOOD])
    scene[0] = scene[0][:, ::-1].copy()
    qtbot.waitUntil(lambda: lookout.read(lambda looker: looker.schedule.frames[Wait.PAUSED]) > 15, timeout=10_000)
    assert lookout.read(lambda looker: looker.schedule.frames[Reason.GOOD]) == asked
    window.widget.showNormal()
    qtbot.waitUntil(lambda: lookout.read(lambda looker: looker.schedule.frames[Reason.GOOD]) > asked, timeout=10_000)


def test_a_camera_that_falls_silent_names_nothing(window: Window, qtbot: QtBot) -> None:
    """And names everything anew when it speaks again."""
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)
    window.camera.words.emit(Wording("The camera has sent no picture for 2 seconds."))
    assert names(window) == []
    assert window.live.panel.words == "Waiting for the camera"
    qtbot.waitUntil(lambda: names(window) == ["star"], timeout=20_000)


def test_what_is_found_is_said_aloud_if_that_is_wanted(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(window.speaker, "say", lambda words, *_: said.append(words))
    qtbot.waitUntil(lambda: "2 × cup" in window.live.panel.words, timeout=20_000)
    assert said == []
    window.live._set("camera.speak", True)
    # In one breath or in two, as soon as each has stood still for a moment.
    qtbot.waitUntil(lambda: ", ".join(said) == "star, 2 cup", timeout=10_000)


def test_a_picture_opened_in_recognise_needs_no_question(still_window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    still_window._choose_mode("recognise")
    qtbot.waitUntil(lambda: still_window.session.conversation.turns[0].ended, timeout=20_000)
    cv2.imwrite(str(tmp_path / "other.png"), np.full((90, 160, 3), 70, np.uint8))
    still_window.desk.open([tmp_path / "other.png"])
    qtbot.waitUntil(lambda: len(still_window.session.conversation.turns) == 2, timeout=10_000)
    qtbot.waitUntil(lambda: still_window.session.conversation.turns[1].ended, timeout=20_000)
    assert [one.name for one in still_window.labels.overlay.labels] == ["star"]
