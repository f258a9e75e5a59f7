"""Conversations outlive the window."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.chat.archive import Archive
from app.chat.conversation import State
from app.settings.store import SettingsStore
from app.ui import app as composition
from app.ui import theme
from app.ui.history_sheet import HistorySheet
from app.ui.window import Window
from app.wording import Wording
from tests.echo import say
from tests.ui.conftest import MakePicture
from tests.ui.steps import ask, cut_off, open_picture, script, type_and_send


@pytest.fixture
def later(qapp: QApplication) -> Iterator[Window]:  # noqa: ARG001
    """Another window, opened after the first one was used. Its model is found already."""
    services = composition.build(SettingsStore())
    later = Window(services)
    yield later
    later.widget.close()
    composition.dismantle(services)


def resume(window: Window, qtbot: QtBot) -> None:
    """Start the program again."""
    window.start()
    window.services.session.find_model()
    window.history.recall_draft()
    window.history.resume()
    qtbot.waitUntil(lambda: window.session.spec is not None and bool(window.session.conversation.turns))


def kept(qtbot: QtBot, number: int) -> None:
    """Wait until so many conversations are on disk, and nothing is on its way there."""
    qtbot.waitUntil(lambda: len(Archive().entries()) == number, timeout=5_000)


def open_sheet(window: Window, qtbot: QtBot) -> HistorySheet:
    def there() -> list[HistorySheet]:
        return [sheet for sheet in window.widget.findChildren(HistorySheet) if sheet.isVisible()]

    window.actions["history"].trigger()
    qtbot.waitUntil(lambda: bool(there()), timeout=5_000)
    return there()[0]


def button(sheet: HistorySheet, words: str) -> QPushButton:
    [found] = [one for one in sheet.findChildren(QPushButton) if one.text() == words]
    return found


def test_a_conversation_goes_on_tomorrow(window: Window, later: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture(size=(160, 120)))
    ask(window, qtbot, "What colour?")
    window.widget.close()
    resume(later, qtbot)
    assert [turn.question for turn in later.session.conversation.turns] == ["What colour?"]
    assert later.desk.stage is not None
    assert later.desk.stage.picture.name == "red.png"
    assert later.desk.attached == []
    [digest] = later.session.conversation.turns[0].pictures
    assert later.thumbnails.get(digest) is not None
    assert ask(later, qtbot, "What did I show?").answer.startswith("You showed me a picture of 160 x 120")
    messages = later.session.conversation.messages(later.session.conversation.turns[1])
    assert [len(message.pictures) for message in messages] == [1, 0, 0]


def test_another_picture_begins_anew_unless_the_old_conversation_goes_on(
    window: Window, later: Window, qtbot: QtBot, picture: MakePicture
) -> None:
    open_picture(window, qtbot, picture("old.png"))
    ask(window, qtbot, "The old?")
    window.widget.close()
    resume(later, qtbot)
    later.stage.canvas.choose_part(QRect(0, 0, 50, 50))  # still about the old picture
    qtbot.waitUntil(lambda: bool(later.desk.attached), timeout=5_000)
    assert later.session.conversation.turns
    later.stage.canvas.drop_part()
    assert later.session.conversation.turns
    open_picture(later, qtbot, picture("new.png", colour="blue"))
    assert later.session.conversation.turns == []
    assert [sheet.picture.name for sheet in later.desk.attached] == ["new.png"]
    assert later.pane.notice.words.startswith("This is a new conversation.")
    ask(later, qtbot, "The new?")
    open_picture(later, qtbot, picture("third.png", colour="green"))
    assert len(later.session.conversation.turns) == 1
    qtbot.waitUntil(lambda: {e.title for e in Archive().entries()} == {"The old?", "The new?"}, timeout=5_000)


def test_words_written_before_the_window_closed_are_there(window: Window, later: Window, qtbot: QtBot) -> None:
    type_and_send(window, script(say("word ", delay=0.02, times=500)))
    qtbot.waitUntil(lambda: "word" in window.session.conversation.turns[0].answer, timeout=5_000)
    window.widget.close()
    resume(later, qtbot)
    turn = later.session.conversation.turns[0]
    assert turn.state is State.STOPPED
    assert turn.answer.startswith("word")


def test_what_was_typed_is_there_again(window: Window, later: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, "What?")
    window.composer.edit.setPlainText("half a\nquestion")
    window.widget.close()
    resume(later, qtbot)
    assert later.composer.edit.toPlainText() == "half a\nquestion"
    later.composer.edit.clear()
    later.widget.close()
    assert Archive().draft() == ""


def test_what_is_typed_outlives_a_program_that_is_killed(window: Window, qtbot: QtBot) -> None:
    window.composer.edit.setPlainText("half a question")
    qtbot.waitUntil(lambda: Archive().draft() == "half a question", timeout=20_000)


def test_a_new_conversation_keeps_the_words_of_the_one_before(window: Window, qtbot: QtBot) -> None:
    type_and_send(window, script(say("word ", delay=0.02, times=500)))
    qtbot.waitUntil(lambda: "word" in window.session.conversation.turns[0].answer, timeout=5_000)
    window.actions["new"].trigger()
    assert window.session.conversation.turns == []
    archive = Archive()
    qtbot.waitUntil(lambda: bool(archive.entries()), timeout=5_000)
    key = archive.entries()[0].key
    qtbot.waitUntil(lambda: archive.open(key).turns[0].answer.startswith("word"), timeout=5_000)


def test_an_earlier_conversation_is_opened_and_the_other_stays(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, "The first?")
    window.actions["new"].trigger()
    ask(window, qtbot, "The second?")
    kept(qtbot, 2)
    window.pane.notice.show_hint(Wording("This is a new conversation. The one before is among the earlier ones."))
    sheet = open_sheet(window, qtbot)
    assert cut_off(sheet) == []
    rows = [sheet.list.item(i).text().partition("\n") for i in range(2)]
    assert [row[0] for row in rows] == ["The second?", "The first?"]
    assert rows[0][2].endswith("shown now")
    sheet.list.setCurrentRow(1)
    button(sheet, "Open").click()
    qtbot.waitUntil(lambda: window.session.conversation.turns[0].question == "The first?", timeout=5_000)
    assert window.pane.notice.words == ""
    assert ask(window, qtbot, "And on?").answer == "You asked: And on?"
    kept(qtbot, 2)
    assert window.chat.rowCount() == 4


def test_opening_an_earlier_conversation_does_not_make_it_newer(
    window: Window, later: Window, qtbot: QtBot, picture: MakePicture
) -> None:
    open_picture(window, qtbot, picture())
    first = ask(window, qtbot, "The first?")
    window.actions["new"].trigger()
    second = ask(window, qtbot, "The second?")
    answers = {first.answer, second.answer}
    qtbot.waitUntil(lambda: {e.said[-1].answer for e in Archive().entries()} == answers, timeout=5_000)
    kept(qtbot, 2)
    before = {entry.title: entry.changed for entry in Archive().entries()}
    sheet = open_sheet(window, qtbot)
    sheet.list.setCurrentRow(1)
    button(sheet, "Open").click()
    qtbot.waitUntil(lambda: window.session.conversation.turns[0].question == "The first?", timeout=5_000)
    assert window.session.conversation.turns[0] is not first
    window.widget.close()
    assert {entry.title: entry.changed for entry in Archive().entries()} == before
    resume(later, qtbot)
    assert later.session.conversation.turns[0].question == "The first?"


@pytest.mark.parametrize("how", ["again", "edit"])
def test_what_an_edit_takes_away_is_kept(window: Window, qtbot: QtBot, how: str) -> None:
    first = ask(window, qtbot, "The first?")
    ask(window, qtbot, "The second?")
    window.tools.chosen.emit(how, first)
    kept_as_it_was = "The conversation as it was is among the earlier ones."
    qtbot.waitUntil(lambda: window.pane.notice.words == kept_as_it_was, timeout=5_000)
    qtbot.waitUntil(lambda: first.ended, timeout=5_000)
    archive = Archive()

    def whole() -> bool:
        found = [archive.open(entry.key).turns for entry in archive.entries()]
        return ["The first?", "The second?"] in [[turn.question for turn in turns] for turns in found]

    qtbot.waitUntil(whole, timeout=5_000)
    assert len(window.session.conversation.turns) == (1 if how == "again" else 0)
    (back,) = window.pane.notice.findChildren(QPushButton)
    back.click()
    qtbot.waitUntil(lambda: len(window.session.conversation.turns) == 2, timeout=5_000)
    assert window.pane.notice.words == ""
    assert window.composer.edit.toPlainText() == ("" if how == "again" else "The first?")


def test_an_edit_of_the_last_question_keeps_no_copy(window: Window, qtbot: QtBot) -> None:
    window.tools.chosen.emit("edit", ask(window, qtbot, "The only one?"))
    assert window.pane.notice.words == ""


def test_finding_and_deleting(window: Window, qtbot: QtBot) -> None:
    for words in ("A tale of cats?", "About dogs?"):
        ask(window, qtbot, words)
        window.actions["new"].trigger()
    kept(qtbot, 2)
    sheet = open_sheet(window, qtbot)
    sheet._find.setText("CATS")
    assert [sheet.list.item(i).isHidden() for i in range(2)] == [True, False]
    sheet.activateWindow()
    qtbot.keyClick(sheet.list, Qt.Key.Key_Delete)
    assert sheet.list.count() == 1
    sheet.accept()
    kept(qtbot, 1)
    assert Archive().entries()[0].title == "About dogs?"
    sheet = open_sheet(window, qtbot)
    qtbot.keyClick(sheet.list, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(window.session.conversation.turns), timeout=5_000)
    assert window.session.conversation.turns[0].question == "About dogs?"


def test_a_conversation_is_known_by_its_picture(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture(colour="red"))
    ask(window, qtbot, "What is this?")
    window.actions["new"].trigger()
    window.desk.lay(None)
    ask(window, qtbot, "What is that?")
    kept(qtbot, 2)
    qtbot.waitUntil(lambda: bool(list(Archive().folder.glob("*/*.png"))), timeout=20_000)
    sheet = open_sheet(window, qtbot)

    def colour(row: int) -> QColor:
        icon = sheet.list.item(row).icon()
        image = icon.pixmap(icon.availableSizes()[0], mode=QIcon.Mode.Selected).toImage()
        return image.pixelColor(image.rect().center())

    qtbot.waitUntil(lambda: colour(1).red() > 200 and colour(1).green() < 60, timeout=20_000)
    assert colour(0) == QColor(theme.current().bubble)


def test_what_was_deleted_can_be_put_back_until_the_list_is_closed(window: Window, qtbot: QtBot) -> None:
    for words in ("First " + "and more " * 20, "Second?", "Third?"):
        ask(window, qtbot, words)
        window.actions["new"].trigger()
    kept(qtbot, 3)
    sheet = open_sheet(window, qtbot)
    sheet.list.setCurrentRow(1)
    button(sheet, "Delete").click()
    assert "Deleted: Second?" in [label.text() for label in sheet.findChildren(QLabel)]
    button(sheet, "Delete").click()
    button(sheet, "Undo").click()
    sheet.activateWindow()
    qtbot.keyClick(sheet.list, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert [sheet.list.item(i).text().partition("\n")[0] for i in range(2)] == ["Third?", "Second?"]
    assert not button(sheet, "Undo").isVisible()
    button(sheet, "Delete").click()
    assert len(Archive().entries()) == 3
    sheet.accept()
    kept(qtbot, 2)
    assert "Second?" not in {entry.title for entry in Archive().entries()}
    sheet = open_sheet(window, qtbot)
    sheet.list.setCurrentRow(1)
    button(sheet, "Delete").click()
    assert "Deleted: First and more and more and more and mo…" in [x.text() for x in sheet.findChildren(QLabel)]


def test_what_was_deleted_is_gone_when_the_program_ends_before_the_list_is_closed(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, "A secret?")
    kept(qtbot, 1)
    button(open_sheet(window, qtbot), "Delete").click()
    window.widget.close()
    assert Archive().entries() == []


def test_finding_by_what_was_said_later_on(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, "A tale of cats?")
    ask(window, qtbot, script(say("Once there was a **Strauß** in a hat.")))
    window.actions["new"].trigger()
    ask(window, qtbot, "About dogs?")
    kept(qtbot, 2)
    sheet = open_sheet(window, qtbot)

    def found(words: str) -> list[str]:
        sheet._find.setText(words)
        rows = [sheet.list.item(i) for i in range(sheet.list.count())]
        return [row.text() for row in rows if not row.isHidden()]

    (row,) = found("strauß HAT")
    assert row.startswith("A tale of cats?\n")
    assert "Strauß** in a hat." in row  # one sees what was found
    assert len(found("")) == 2
    (row,) = found("dogs")
    assert "…" not in row  # the title shows it
    assert found("hat dogs") == []
    assert [one.text() for one in sheet.findChildren(QLabel) if "said in no" in one.text()]
    assert not sheet._open.isEnabled()


def test_deleting_the_one_that_is_shown_clears_the_window(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, "A secret?")
    kept(qtbot, 1)
    sheet = open_sheet(window, qtbot)
    button(sheet, "Delete").click()
    assert not sheet._open.isEnabled()
    sheet.accept()
    kept(qtbot, 0)
    assert window.session.conversation.turns == []
    window.widget.close()
    assert Archive().entries() == []


def test_nothing_is_kept_if_the_person_wants_none(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, "Before?")
    kept(qtbot, 1)
    window.services.store.set("chat.disk", 0)
    window.preferences.follow("chat.disk")
    kept(qtbot, 0)
    ask(window, qtbot, "After?")
    QApplication.processEvents()
    window.widget.close()
    assert Archive().entries() == []


def test_a_disk_that_refuses_is_told_once(window: Window, qtbot: QtBot) -> None:
    folder = Archive().folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    ask(window, qtbot, "What?")
    qtbot.waitUntil(lambda: "could not be saved" in window.pane.notice.words, timeout=5_000)
    window.pane.notice.hide()
    ask(window, qtbot, "And again?")
    done: list[None] = []
    for _ in range(2):  # both workers have done what was asked of them before
        window.services.background.run(lambda: None, done.append, window.session.failed.emit)
    qtbot.waitUntil(lambda: len(done) == 2, timeout=5_000)
    assert window.pane.notice.words == ""
