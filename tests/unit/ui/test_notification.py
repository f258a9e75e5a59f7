"""What shows a notification where there is no tray."""

import shutil
from pathlib import Path

import pytest

from app.ui import notification

WORDS = '--"a" <b>dog</b> at 10'


@pytest.fixture(autouse=True)
def desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Linux with a session's bus and no program."""
    monkeypatch.setattr("app.ui.notification.sys.platform", "linux")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    monkeypatch.setattr(shutil, "which", lambda _: None)


def test_nothing_is_tried_where_there_is_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert notification.command(WORDS) == []
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert notification.command(WORDS) != []
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert notification.command(WORDS) == [], "asking for a bus that does not run would start one"


def test_words_are_no_option_and_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    *_, end, words = notification.command(WORDS)
    assert (end, words) == ("--", WORDS)
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/gdbus" if name == "gdbus" else None)
    arguments = notification.command(WORDS)
    assert arguments[-5:] == ['"--\\"a\\" <b>dog</b> at 10"', '""', "@as []", "@a{sv} {}", "int32 -1"]
