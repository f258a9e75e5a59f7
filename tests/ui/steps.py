"""What a person does in the window, and what the scripted model is told to do."""

import json
from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot

from app.chat.conversation import Turn
from app.ui.window import Window


def script(*steps: dict[str, Any]) -> str:
    """A question that makes the scripted model do `steps`."""
    return json.dumps({"answer": steps}, separators=(",", ":"))


def type_and_send(window: Window, text: str) -> None:
    """Ask as a person does."""
    window.composer.edit.setPlainText(text)
    window.composer._send.click()


def ask(window: Window, qtbot: QtBot, text: str) -> Turn:
    """Ask and wait for the end of the answer."""
    type_and_send(window, text)
    turn = window.session.conversation.turns[-1]
    qtbot.waitUntil(lambda: turn.ended, timeout=10_000)
    return turn


def open_picture(window: Window, qtbot: QtBot, path: Path) -> None:
    """Open a picture and wait until it is on the stage."""
    before = window.desk.stage
    window.desk.open([path])
    qtbot.waitUntil(lambda: window.desk.stage is not before, timeout=30_000)
