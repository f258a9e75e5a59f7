"""The real window with the real engine process and the scripted model."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QSystemTrayIcon
from pytestqt.qtbot import QtBot

from app.settings.store import SettingsStore
from app.ui import app as composition
from app.ui import theme
from app.ui.window import Window

MakePicture = Callable[..., Path]


@pytest.fixture
def picture(tmp_path: Path) -> MakePicture:
    """Makes picture files."""

    def make(name: str = "red.png", size: tuple[int, int] = (160, 120), colour: str = "red") -> Path:
        path = tmp_path / name
        Image.new("RGB", size, colour).save(path)
        return path

    return make


@pytest.fixture(autouse=True)
def notified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the desktop would be asked to show: whoever runs the tests is left in peace."""
    words: list[str] = []
    monkeypatch.setattr("app.ui.notification.show", words.append)
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: False)
    return words


@pytest.fixture(autouse=True)
def no_windows_left(qapp: QApplication) -> Iterator[None]:
    """Windows that are only hidden would be styled again by every later test, and it would take ever longer."""
    yield
    for widget in qapp.topLevelWidgets():
        widget.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[Window]:
    """A window whose model is the scripted one."""
    store = SettingsStore()
    store.set("model.path", "echo")
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app, theme.LIGHT)
    services = composition.build(store)
    window = Window(services)
    window.start()
    services.session.find_model()
    qtbot.waitUntil(lambda: services.session.spec is not None)
    yield window
    window.widget.close()
    composition.dismantle(services)
