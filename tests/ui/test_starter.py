"""The starter in the window: what a first start is like, with nothing scripted."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from pytestqt.qtbot import QtBot

from app.chat.conversation import State
from app.ui.window import Window
from tests.ui.steps import ask, open_picture


@pytest.fixture
def starter(window: Window, qtbot: QtBot) -> Window:
    window.session.use_model("starter", "")
    qtbot.waitUntil(lambda: window.session.spec is not None and window.session.spec.path.endswith(".gguf"))
    return window


def test_a_first_picture_is_answered_rightly_and_so_is_what_follows(
    starter: Window, qtbot: QtBot, tmp_path: Path
) -> None:
    picture = Image.new("RGB", (640, 480), "white")
    ImageDraw.Draw(picture).rectangle((150, 90, 390, 330), fill=(214, 40, 40))
    picture.save(tmp_path / "square.png")
    open_picture(starter, qtbot, tmp_path / "square.png")

    first = ask(starter, qtbot, "What is this?")
    second = ask(starter, qtbot, "What colour is the square?")

    assert (first.state, first.answer) == (State.FINISHED, "A square.")
    assert second.answer == "Red"
    assert second.stats is not None
    assert second.stats.pictures_encoded == 0
    assert second.stats.reused_tokens > 0


def test_a_question_in_another_language_is_told_to_be_beyond_it(starter: Window, qtbot: QtBot) -> None:
    notice = starter.pane.notice
    ask(starter, qtbot, "Wo ist der Hund auf diesem Bild?")
    qtbot.waitUntil(lambda: "English only" in notice.words, timeout=10_000)

    ask(starter, qtbot, "Where is the dog?")
    heard: list[int] = []
    for n in range(2):  # behind whatever tells the language, on each of the threads
        starter.services.background.run(lambda n=n: n, heard.append, heard.append)
    qtbot.waitUntil(lambda: len(heard) == 2)
    assert not notice.words
