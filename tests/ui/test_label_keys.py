"""The names that Recognise draws on a still picture, reached without a mouse."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from app.settings.store import SettingsStore
from app.ui import app as composition
from app.ui import theme
from app.ui.window import Window
from tests.ui.conftest import MakePicture
from tests.ui.steps import open_picture

BOXES = {"cat": [600, 100, 900, 400], "dog": [50, 500, 350, 900], "hen": [400, 150, 550, 350]}
ANSWER = {"objects": [{"name": name, "count": 1, "boxes": [box]} for name, box in BOXES.items()]}


@pytest.fixture
def named(qapp: QApplication, qtbot: QtBot, tmp_path: Path, picture: MakePicture) -> Iterator[Window]:
    """A window that shows a picture with three names on it."""
    steps = [{"do": "read"}, {"do": "say", "text": json.dumps(ANSWER), "probability": 0.99}]
    (tmp_path / "script.json").write_text(json.dumps({"answer": steps}))
    theme.apply(qapp, theme.LIGHT)
    services = composition.build(SettingsStore())
    window = Window(services)
    services.session.use_model(f"echo:{tmp_path / 'script.json'}", "")
    window.start()
    window._choose_mode("recognise")
    open_picture(window, qtbot, picture(size=(400, 300)))
    qtbot.waitUntil(lambda: len(window.labels.overlay.labels) == len(BOXES), timeout=20_000)
    qtbot.waitUntil(lambda: not window.session.running, timeout=20_000)
    window.widget.activateWindow()
    window.stage.canvas.setFocus()
    yield window
    window.widget.close()
    composition.dismantle(services)


def press(key: Qt.Key) -> str:
    """Press a key and say where the keyboard is then."""
    QTest.keyClick(QApplication.focusWidget(), key)
    widget = QApplication.focusWidget()
    return widget.accessibleName()


def test_keys_go_from_name_to_name_and_ask_about_one(named: Window, qtbot: QtBot) -> None:
    canvas = named.stage.canvas
    before = canvas.grab().toImage()
    assert press(Qt.Key.Key_Tab) == "dog"
    assert canvas.grab().toImage() != before  # one sees where the keyboard is
    assert [press(Qt.Key.Key_Right) for _ in range(3)] == ["hen", "cat", "cat"]
    assert [press(Qt.Key.Key_Down) for _ in range(2)] == ["hen", "dog"]
    assert press(Qt.Key.Key_Up) == "hen"
    assert press(Qt.Key.Key_Tab) not in BOXES  # one stop for all of them
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Backtab)
    assert QApplication.focusWidget().accessibleName() == "hen"
    press(Qt.Key.Key_Return)
    assert named.session.mode == "ask"
    assert canvas.part is not None
    assert canvas.part.contains(190, 75)  # the middle of the hen
    assert named.composer.edit.hasFocus()
    qtbot.waitUntil(lambda: any(sheet.part_of for sheet in named.desk.attached), timeout=10_000)


def test_screen_readers_are_told_the_names_and_where_they_are(named: Window) -> None:
    canvas = named.stage.canvas
    buttons = {one.accessibleName(): one for one in canvas.findChildren(QAbstractButton)}
    assert set(buttons) == set(BOXES)
    said = QAccessible.queryAccessibleInterface(buttons["hen"])
    assert (said.role(), said.state().focusable) == (QAccessible.Role.Button, True)
    canvas.zoom(2.0)
    middle = canvas.to_view().map(190.0, 75.0)
    assert buttons["hen"].geometry().contains(round(middle[0]), round(middle[1]))
    named._choose_mode("ask")
    assert [one for one in buttons.values() if one.isVisibleTo(canvas)] == []


def test_a_name_that_is_out_of_view_comes_into_view_with_the_keyboard(named: Window) -> None:
    canvas = named.stage.canvas
    press(Qt.Key.Key_Tab)
    for _ in range(20):
        canvas.zoom_in()
    assert press(Qt.Key.Key_Right) == "hen"
    hen = QApplication.focusWidget()
    assert canvas.rect().intersects(hen.geometry())


def test_a_click_with_the_mouse_still_reaches_the_picture_below_the_names(named: Window) -> None:
    canvas = named.stage.canvas
    canvas.grab()
    x, y = canvas.to_view().map(190.0, 75.0)
    assert canvas.childAt(round(x), round(y)) is None
