"""Translate on the live camera: the real window and engine process, a scripted camera before a drawn sign."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QWindow
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.capture.camera import Camera
from app.settings.store import SettingsStore
from app.ui import app as composition
from app.ui import theme
from app.ui.camera_view import CameraFeed
from app.ui.window import Window
from tests import signs


class Still:
    """A camera before which one picture stands, thirty times a second."""

    def __init__(self, pictures: Callable[[], np.ndarray]) -> None:
        self._pictures = pictures

    def read(self) -> np.ndarray:
        time.sleep(1 / 30)
        return self._pictures()

    def close(self) -> None: ...


def street(row: str, x: int = 180, y: int = 120, colour: tuple[int, int, int] = (150, 140, 130)) -> np.ndarray:
    """A sign on a wall, BGR."""
    wall = np.full((360, 640, 3), colour, np.uint8)
    plate = signs.sign([row], 40).pixels
    height, width = plate.shape[:2]
    wall[y : y + height, x : x + width] = plate[..., ::-1]
    return cv2.GaussianBlur(wall, (3, 3), 0)


@pytest.fixture
def scene() -> list[np.ndarray]:
    """What stands before the camera; a test may change it."""
    return [street("Exit")]


@pytest.fixture
def window(
    qapp: QApplication, tmp_path: Path, scene: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Window]:
    reader, writer = tmp_path / "reader.json", tmp_path / "writer.json"
    reader.write_text(json.dumps({"answer": [{"do": "read"}, {"do": "say", "text": "Exit"}]}), "utf-8")
    writer.write_text(json.dumps({"answer": [{"do": "say", "text": "Sortie"}]}), "utf-8")
    theme.apply(qapp, theme.LIGHT)

    def open_camera(_: object, **listeners: Any) -> Camera:
        return Camera(lambda: Still(lambda: scene[0]), **listeners)

    def feed(background: Any, devices: Any) -> CameraFeed:
        return CameraFeed(background, devices, open_camera)

    monkeypatch.setattr(composition, "CameraFeed", feed)
    store = SettingsStore()
    store.set("translate.to", "fr")
    store.set("translate.model", f"echo:{writer}")
    services = composition.build(store)
    window = Window(services)
    services.session.use_model(f"echo:{reader}", "")
    window.start()
    window._choose_mode("translate")
    services.camera.start("scripted")
    yield window
    window.widget.close()
    composition.dismantle(services)


def texts(window: Window) -> list[str | None]:
    return [one.passage.translation for one in window.translate.live.cutouts.shown]


def middle(window: Window) -> QPointF:
    """The middle of the translation on the canvas."""
    (one,) = window.translate.live.cutouts.shown
    height, width = one.cutout.pixels.shape[:2]
    x, y = cv2.perspectiveTransform(np.array([[(width / 2, height / 2)]]), one.matrix)[0, 0]
    return window.stage.canvas.to_view().map(QPointF(x, y))


def test_a_sign_before_the_camera_is_translated_over_and_beside_it(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: texts(window) == ["Sortie"], timeout=20_000)
    panel = window.translate.panel
    qtbot.waitUntil(lambda: [(r.source.text(), r.translation.text()) for r in panel.rows] == [("Exit", "Sortie")])
    assert panel.message.isHidden()
    covered = window.stage.canvas.grab().toImage()
    window.translate.panel.original.emit(True)
    assert window.stage.canvas.grab().toImage() != covered
    window.translate.panel.original.emit(False)
    qtbot.mouseMove(window.stage.canvas, middle(window).toPoint())
    qtbot.waitUntil(lambda: window.stage.canvas.grab().toImage() != covered)
    lookout = window.translate.live._lookout
    assert lookout is not None
    assert lookout.read(lambda looker: looker.schedule.gate.limits.level) > 0


def test_the_sign_is_carried_along_and_a_cut_takes_it_away(
    window: Window, qtbot: QtBot, scene: list[np.ndarray]
) -> None:
    qtbot.waitUntil(lambda: texts(window) == ["Sortie"], timeout=20_000)
    before = middle(window)
    for step in range(1, 11):
        scene[0] = street("Exit", 180 + 4 * step, 120 + 2 * step)
        shown = window.camera.latest
        qtbot.waitUntil(lambda shown=shown: window.camera.latest is not shown, timeout=5_000)
    scale = window.stage.canvas.to_view().m11()
    qtbot.waitUntil(lambda: bool(texts(window)) and (middle(window) - before).x() > 36 * scale, timeout=5_000)
    scene[0] = np.full((360, 640, 3), (20, 160, 60), np.uint8)
    qtbot.waitUntil(lambda: texts(window) == [], timeout=5_000)
    qtbot.waitUntil(lambda: "no text in view" in window.translate.panel.message.text(), timeout=20_000)


def test_the_shutter_turns_it_into_a_picture_and_its_translation(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: texts(window) == ["Sortie"], timeout=20_000)
    window.stage.shot.emit()
    qtbot.waitUntil(lambda: window.desk.stage is not None, timeout=10_000)
    assert not window.translate.live.on
    assert texts(window) == []
    qtbot.waitUntil(lambda: window.translate.overlay.shown, timeout=20_000)


def test_leaving_the_mode_ends_it_and_coming_back_begins_anew(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: texts(window) == ["Sortie"], timeout=20_000)
    window._choose_mode("recognise")
    qtbot.waitUntil(lambda: not window.translate.live.on, timeout=5_000)
    assert texts(window) == []
    window._choose_mode("translate")
    qtbot.waitUntil(lambda: texts(window) == ["Sortie"], timeout=20_000)


def test_nothing_is_read_while_the_window_is_covered(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    qtbot.waitUntil(lambda: texts(window) == ["Sortie"], timeout=20_000)
    lookout = window.translate.live._lookout
    assert lookout is not None
    with monkeypatch.context() as covered:
        covered.setattr(QWindow, "isExposed", lambda _: False)
        qtbot.waitUntil(lambda: lookout.read(lambda looker: looker.schedule.paused), timeout=10_000)
    qtbot.waitUntil(lambda: not lookout.read(lambda looker: looker.schedule.paused), timeout=10_000)


def test_the_original_is_seen_while_o_is_held(window: Window, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: texts(window) == ["Sortie"], timeout=20_000)
    canvas = window.stage.canvas
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_Shift)  # from the first key on the focus is shown
    qtbot.waitUntil(lambda: window.translate.live.cutouts.shown[0].opacity == 1.0)
    covered = canvas.grab().toImage()
    qtbot.keyPress(canvas, Qt.Key.Key_O)
    assert canvas.grab().toImage() != covered
    qtbot.keyRelease(canvas, Qt.Key.Key_O)
    assert canvas.grab().toImage() == covered


def test_the_live_translation_is_saved(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    qtbot.waitUntil(lambda: texts(window) == ["Sortie"], timeout=20_000)
    qtbot.waitUntil(lambda: window.translate.state is not None and window.translate.state.stage == "done")
    window.translate.keeping.save(tmp_path / "out.png")
    qtbot.waitUntil(lambda: (tmp_path / "out.png").exists() and (tmp_path / "out.png").stat().st_size > 0)


def test_a_text_can_be_written_meanwhile(window: Window, qtbot: QtBot, scene: list[np.ndarray]) -> None:
    qtbot.waitUntil(lambda: texts(window) == ["Sortie"], timeout=20_000)
    window.asking.ask("Way out")
    panel = window.translate.panel
    qtbot.waitUntil(lambda: [r.source.text() for r in panel.rows] == ["Way out"], timeout=10_000)
    scene[0] = street("Exit", 60, 40, (40, 60, 90))
    qtbot.waitUntil(lambda: [r.source.text() for r in panel.rows] == ["Exit"], timeout=20_000)
