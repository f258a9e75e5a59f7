"""A question is asked, the answer streams in, is stopped, fails, is asked again."""

import os
import signal

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.chat.conversation import State
from app.ui.bridge import FRAME_MS
from app.ui.window import Window
from tests.echo import say
from tests.ui.conftest import MakePicture
from tests.ui.steps import ask, open_picture, script, type_and_send


def shown_answer(window: Window, row: int = -1) -> str:
    count = window.chat.rowCount()
    return str(window.chat.index(count + row if row < 0 else row).data())


def test_picture_and_question_are_answered(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture(size=(160, 120)))
    assert [sheet.picture.name for sheet in window.desk.attached] == ["red.png"]
    turn = ask(window, qtbot, "What colour?")
    assert turn.state is State.FINISHED
    assert shown_answer(window) == "You showed me a picture of 160 x 120 and asked: What colour?"
    assert window.composer.edit.toPlainText() == ""
    assert window.desk.attached == []
    assert turn.stats is not None
    assert turn.stats.written_tokens == 13


def test_follow_up_sends_the_picture_with_its_first_question_only(
    window: Window, qtbot: QtBot, picture: MakePicture
) -> None:
    open_picture(window, qtbot, picture())
    first = ask(window, qtbot, "What colour?")
    second = ask(window, qtbot, "And how large?")
    messages = window.session.conversation.messages(second)
    assert [(m.role, len(m.pictures)) for m in messages] == [("user", 1), ("assistant", 0), ("user", 0)]
    assert messages[1].text == first.answer


def test_words_appear_while_the_answer_is_written(window: Window, qtbot: QtBot) -> None:
    type_and_send(window, script(say("one two three four five six seven eight", delay=0.05)))
    turn = window.session.conversation.turns[-1]
    seen = set()
    window.session.answer.connect(lambda turn: seen.add(turn.answer))
    qtbot.waitUntil(lambda: turn.ended, timeout=5_000)
    assert {"one", "one two"} & seen
    assert len(seen) >= 4
    assert turn.answer == "one two three four five six seven eight"


def test_a_flood_of_words_is_handed_on_in_frames(window: Window, qtbot: QtBot) -> None:
    batches = []
    window.services.bridge.events.connect(lambda _, events: batches.append(len(events)))
    turn = ask(window, qtbot, script(say("word ", times=3000)))
    assert len(turn.answer.split()) == 3000
    assert turn.stats is not None
    most = turn.stats.write_s * 1000 / FRAME_MS + 8
    assert len(batches) <= most
    assert sum(batches) >= 3000


@pytest.mark.parametrize("how", ["button", "escape", "cancel"])
def test_stop_keeps_the_words(window: Window, qtbot: QtBot, how: str) -> None:
    type_and_send(window, script(say("word ", delay=0.02, times=500)))
    turn = window.session.conversation.turns[-1]
    qtbot.waitUntil(lambda: "word" in turn.answer, timeout=5_000)
    assert window.composer._send.accessibleName() == "Stop"
    if how == "button":
        window.composer._send.click()
    elif how == "escape":
        qtbot.keyClick(window.widget, Qt.Key.Key_Escape)
    else:
        window.pane.activity.cancel.click()
    qtbot.waitUntil(lambda: turn.ended, timeout=2_000)
    assert turn.state is State.STOPPED
    assert turn.answer.startswith("word")
    assert window.composer._send.accessibleName() == "Send"
    assert ask(window, qtbot, "And now?").answer == "You asked: And now?"


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_engine_killed_mid_answer(window: Window, qtbot: QtBot, name: str) -> None:
    type_and_send(window, script(say("half an answer"), {"do": "wait", "seconds": 30}))
    turn = window.session.conversation.turns[-1]
    qtbot.waitUntil(lambda: turn.answer == "half an answer", timeout=5_000)
    window.composer.edit.setPlainText("typed meanwhile")
    [child] = psutil.Process().children()
    os.kill(child.pid, signal.Signals[name])
    qtbot.waitUntil(lambda: turn.ended, timeout=5_000)
    assert turn.state is State.FAILED
    assert turn.answer == "half an answer"
    assert turn.error is not None
    assert turn.error.what.endswith(".")
    assert turn.error.what in window.chat.index(window.chat.rowCount() - 1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert window.composer.edit.toPlainText() == "typed meanwhile"
    assert ask(window, qtbot, "Still there?").answer == "You asked: Still there?"


def test_failed_question_can_be_asked_again(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture())
    turn = ask(window, qtbot, script({"do": "raise", "name": "ModelError"}))
    assert turn.state is State.FAILED
    window.tools.chosen.emit("again", turn)
    assert turn.state is State.WAITING
    qtbot.waitUntil(lambda: turn.ended, timeout=5_000)
    follow_up = ask(window, qtbot, "What did I show?")
    assert follow_up.answer.startswith("You showed me a picture of 160 x 120")


def test_question_is_taken_back_to_be_changed(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture())
    turn = ask(window, qtbot, "What colour?")
    ask(window, qtbot, "Sure?")
    window.composer.edit.setPlainText("half typed")
    window.tools.chosen.emit("edit", turn)
    qtbot.waitUntil(lambda: bool(window.desk.attached), timeout=5_000)
    assert window.session.conversation.turns == []
    assert window.chat.rowCount() == 0
    assert window.composer.edit.toPlainText() == "What colour?\nhalf typed"


def test_new_conversation_keeps_the_picture_at_hand(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture())
    ask(window, qtbot, "What colour?")
    window.actions["new"].trigger()
    assert window.chat.rowCount() == 0
    assert ask(window, qtbot, "Again?").answer == "You showed me a picture of 160 x 120 and asked: Again?"


def test_question_sent_while_its_picture_is_opened_waits_for_it(
    window: Window, qtbot: QtBot, picture: MakePicture
) -> None:
    window.desk.open([picture()])
    type_and_send(window, "What colour?")
    assert window.composer.edit.toPlainText() == "What colour?"
    qtbot.waitUntil(lambda: bool(window.session.conversation.turns), timeout=5_000)
    turn = window.session.conversation.turns[0]
    qtbot.waitUntil(lambda: turn.ended, timeout=5_000)
    assert turn.answer.startswith("You showed me a picture")


def test_no_model_says_so_and_keeps_the_question(window: Window, qtbot: QtBot) -> None:
    window.session.use_model("/nowhere/model.gguf")
    turn = ask(window, qtbot, "What colour?")
    assert turn.state is State.FAILED
    assert turn.error is not None
    assert turn.error.what == "There is no model file model.gguf."
    assert shown_answer(window, row=0) == "What colour?"
    qtbot.waitUntil(lambda: window.pane.notice.words.startswith("There is no model file"), timeout=5_000)
    window.session.use_model("echo")
    window.tools.chosen.emit("again", turn)
    qtbot.waitUntil(lambda: turn.ended, timeout=5_000)
    assert turn.answer == "You asked: What colour?"


def test_answer_is_copied(window: Window, qtbot: QtBot) -> None:
    turn = ask(window, qtbot, script(say("some **bold** words")))
    window.tools.answer.chosen.emit("copy", turn)
    assert QGuiApplication.clipboard().text() == "some **bold** words"
