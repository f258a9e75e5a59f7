"""Saving a conversation as a page."""

import errno
import os
import re
from pathlib import Path
from typing import NoReturn

import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.errors import SpyglassError
from app.ui import saving
from app.ui.markdown_page import as_html
from app.ui.saving import proposed, write
from app.ui.window import Window
from tests.echo import say
from tests.ui.conftest import MakePicture
from tests.ui.steps import ask, open_picture, script


def test_a_conversation_is_saved_with_its_pictures(
    window: Window, qtbot: QtBot, picture: MakePicture, tmp_path: Path
) -> None:
    open_picture(window, qtbot, picture(size=(160, 120)))
    ask(window, qtbot, script(say("**Red** & <round>")))
    window.session.conversation.turns[0].question = 'Is <this> "red"?'
    window.actions["save"].trigger()
    dialog = window.widget.findChild(QFileDialog)
    assert dialog is not None
    assert Path(dialog.selectedFiles()[0]).name == "Is this red.html"
    dialog.setDirectory(str(tmp_path))
    dialog.selectFile("kept")
    dialog.accept()
    file = tmp_path / "kept.html"
    qtbot.waitUntil(file.exists, timeout=10_000)
    page = file.read_text("utf-8")
    assert "Is &lt;this&gt; &quot;red&quot;?</p>" in page
    assert re.search(r"<span style=\"font-weight:\s*700\">Red</span> &amp; &lt;round&gt;", page)
    assert re.search(r'<img alt="red.png" src="data:image/jpeg;base64,[\w+/=]{200,}">', page)
    qtbot.waitUntil(lambda: "kept.html" in window.pane.notice.words)


def test_there_is_nothing_to_save_before_a_question(window: Window) -> None:
    assert not window.actions["save"].isEnabled()


def test_what_an_answer_says_cannot_do_anything_on_the_page() -> None:
    page = as_html(
        "[a](file:///etc/passwd) [b](javascript:x) [c](https://x.org/?a&b) ![d](https://x.org/d.png) <img src=x>"
    )
    assert re.findall(r"<a[^>]*>", page) == [
        "<a>",
        "<a>",
        '<a href="https://x.org/?a&amp;b">',
        '<a href="https://x.org/d.png">',
    ]
    assert "<img" not in page


def test_tables_code_and_lists_stay_what_they_are() -> None:
    page = as_html("| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx < 1\n  y\n```\n\n3. c\n4. d\n\n> e")
    assert re.sub(r"\s", "", page).count("<td>") == 4
    assert "<pre>x &lt; 1\n  y</pre>" in page
    assert '<ol start="3">' in page
    assert '<p class="quoted">e</p>' in page


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What's in C:\\x/y?\nTell", "What's in C x y Tell.html"),
        ("...", "Spyglass.html"),
        ("wo " * 100, ("wo " * 20).strip() + ".html"),
    ],
)
def test_the_question_names_the_file(question: str, name: str) -> None:
    assert f"{proposed(question)}.html" == name


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EACCES, "nothing may be written"), (errno.ENOSPC, "disk is full"), (errno.EIO, "saved.")],
)
def test_a_file_that_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def fail(_: int) -> NoReturn:
        raise OSError(number, os.strerror(number))

    file = tmp_path / "old.html"
    file.write_text("old")
    monkeypatch.setattr(saving.os, "fsync", fail)
    with pytest.raises(SpyglassError, match=words):
        write(file, "new")
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"old.html": "old"}
