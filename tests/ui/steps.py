"""What a person does in the window, and what the scripted model is told to do."""

import json
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget
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


def cut_off(window: QWidget) -> list[str]:
    """Visible words that have less room than they need."""
    found = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or not isinstance(widget, QLabel | QAbstractButton) or not widget.text():
            continue
        if isinstance(widget, QLabel) and widget.wordWrap():
            needed = widget.heightForWidth(widget.width())
            if widget.height() < needed:
                found.append(f"{widget.text()}: {widget.height()} of {needed} pixels high")
        elif widget.visibleRegion().boundingRect().width() < widget.minimumSizeHint().width():
            found.append(f"{widget.text()}: {widget.width()} of {widget.minimumSizeHint().width()} pixels wide")
    return found
