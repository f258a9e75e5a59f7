"""The conversation on the screen: safe, selectable, steady while it grows."""

from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import (
    QAccessible,
    QAccessibleInterface,
    QColor,
    QFontDatabase,
    QFontMetricsF,
    QGuiApplication,
    QImage,
    QPainter,
    QTextDocument,
)
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.modes.recognise import RecogniseMode
from app.ui import dress, fonts, theme
from app.ui.blocks import Flow, Position, Selection
from app.ui.chat_rows import AnswerRow, QuestionRow, Row
from app.ui.window import Window
from app.values import Failed, Finished, Piece
from tests.echo import say
from tests.ui.conftest import MakePicture
from tests.ui.steps import ask, open_picture, script, type_and_send

TABLE = "| a | b |\n|---|---|\n| one | two |\n"


def flow_of(text: str, width: int = 400) -> Flow:
    flow = Flow(QApplication.font())
    flow.show(text)
    flow.lay_out(width)
    return flow


def painted(flow: Flow, selection: Selection | None = None) -> QImage:
    image = QImage(int(flow.width), int(flow.height) + 1, QImage.Format.Format_RGB32)
    image.fill(QColor(theme.current().window))
    with QPainter(image) as painter:
        flow.paint(painter, selection, image.rect().toRectF())
    return image


@pytest.mark.parametrize("how", ["![x]({})", '<img src="{}">', "[x]: {}\n\n![x]"])
def test_an_answer_loads_no_file(qtbot: QtBot, tmp_path: Path, how: str) -> None:  # noqa: ARG001
    secret = tmp_path / "secret.png"
    red = QImage(50, 50, QImage.Format.Format_RGB32)
    red.fill(QColor("red"))
    red.save(str(secret))
    image = painted(flow_of(how.format(f"file://{secret}")))
    reds = [
        (x, y) for x in range(image.width()) for y in range(image.height()) if image.pixelColor(x, y) == QColor("red")
    ]
    assert not reds


def test_the_document_itself_loads_no_file(qtbot: QtBot, tmp_path: Path) -> None:  # noqa: ARG001
    red = QImage(50, 50, QImage.Format.Format_RGB32)
    red.fill(QColor("red"))
    red.save(str(tmp_path / "secret.png"))
    document = flow_of("text").blocks[0].document
    document.setHtml(f'<img src="file://{tmp_path}/secret.png">')
    assert isinstance(document, QTextDocument)
    assert document.size().height() < 50


def test_links_lead_to_the_web_only(qtbot: QtBot) -> None:  # noqa: ARG001
    targets = ["https://example.org", "mailto:a@example.org", "file:///etc/passwd", "javascript:alert(1)", "ssh://x"]
    links = [flow_of(f"[link]({target})").link(QPointF(8, 8)) for target in targets]
    assert links == ["https://example.org", "mailto:a@example.org", "", "", ""]


def test_text_is_selected_across_blocks(qtbot: QtBot) -> None:  # noqa: ARG001
    flow = flow_of("Some **bold** words\n\n```\ncode here\n```\n\nThe end")
    assert len(flow.blocks) == 3
    assert flow.text(flow.everything()) == "Some bold words\n\ncode here\n\nThe end"
    part = Selection(Position(2, 3), Position(0, 5))
    assert flow.text(part) == "bold words\n\ncode here\n\nThe"
    assert flow.text(flow.word(Position(0, 7))) == "bold"
    assert painted(flow, part) != painted(flow)


def test_hit_finds_the_character(qtbot: QtBot) -> None:  # noqa: ARG001
    flow = flow_of("one\n\n```\ntwo\n```")
    assert flow.hit(QPointF(-5, 2)) == Position(0, 0)
    assert flow.hit(QPointF(399, 2)) == Position(0, 3)
    assert flow.hit(QPointF(399, flow.height + 50)) == Position(1, 3)


def test_streamed_text_looks_as_if_written_at_once(qtbot: QtBot) -> None:  # noqa: ARG001
    words = "# Title\n\nSome *words*, `code` and [a link](https://example.org).\n\n"
    text = f"{words}{TABLE}\n```\na = 1\n```\n\n1. one\n2. two\n"
    streamed = Flow(QApplication.font())
    for end in range(1, len(text) + 1):
        streamed.show(text[:end])
        streamed.lay_out(400)
    assert painted(streamed) == painted(flow_of(text))


def test_growing_text_leaves_finished_parts_alone(qtbot: QtBot) -> None:  # noqa: ARG001
    flow = flow_of("```\ncode\n```\n\ntext")
    first = flow.blocks[0].document
    flow.show("```\ncode\n```\n\ntext and more")
    assert flow.blocks[0].document is first


def test_mouse_selects_and_copies(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, script(say("alpha beta gamma")))
    view = window.view
    index = window.chat.index(1)
    start = view.visualRect(index).topLeft() + view.row(index).origin + QPoint(1, 8)
    qtbot.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    event_end = start + QPoint(300, 0)
    qtbot.mouseMove(view.viewport(), event_end)
    QApplication.processEvents()
    qtbot.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, pos=event_end)
    qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=start)
    assert view.selection.text() == "alpha"
    qtbot.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "alpha"
    qtbot.keyClick(view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert view.selection.text() == "alpha beta gamma"


def test_view_follows_until_the_person_scrolls_up(window: Window, qtbot: QtBot) -> None:
    bar = window.view.verticalScrollBar()
    type_and_send(window, script(say("line\n\n", delay=0.004, times=400)))
    turn = window.session.conversation.turns[-1]
    qtbot.waitUntil(lambda: bar.maximum() > 300, timeout=10_000)
    qtbot.waitUntil(lambda: bar.value() == bar.maximum())
    bar.setValue(100)
    before = bar.maximum()
    qtbot.waitUntil(lambda: bar.maximum() > before + 200, timeout=10_000)
    assert bar.value() == 100
    assert window.tools.newest.isVisible()
    window.tools.newest.click()
    assert bar.value() == bar.maximum()
    qtbot.waitUntil(lambda: turn.ended, timeout=10_000)
    qtbot.waitUntil(lambda: bar.value() == bar.maximum())
    assert not window.tools.newest.isVisible()


def test_find_goes_from_place_to_place(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, script(say("A needle, a haystack, another Needle.")))
    window.actions["find"].trigger()
    bar = window.pane.find_bar
    bar.edit.setText("a needle")
    assert bar.count.text().endswith("of 2")  # the question, which is the script, holds it too
    bar.edit.setText("haystack")
    seen = []
    for _ in range(2):
        bar.step(1)
        seen.append(window.view.selection.text())
    assert seen == ["haystack", "haystack"]
    bar.edit.setText("nowhere")
    assert bar.count.text() == "Not found"
    window.actions["escape"].trigger()
    assert not bar.isVisible()


def test_screen_reader_hears_question_answer_and_figures(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, "What?")
    role = Qt.ItemDataRole.AccessibleTextRole
    assert window.chat.index(0).data(role) == "You asked: What?"
    said = window.chat.index(1).data(role)
    assert said.startswith("Answer: You asked: What? very sure ")
    assert "to first word" in said
    assert "Mean probability of a token: 90%" in window.chat.index(1).data(Qt.ItemDataRole.ToolTipRole)


def test_screen_reader_hears_what_is_shown_and_that_is_copied(window: Window, qtbot: QtBot) -> None:
    window.session.mode = RecogniseMode.id
    turn = ask(window, qtbot, "What?")
    name = "List the objects in this picture as JSON"  # so the scripted model calls everything
    assert window.chat.index(1).data(Qt.ItemDataRole.AccessibleTextRole).startswith(f"Answer: {name} very sure")
    for copy in (partial(window.tools.chosen.emit, "copy", turn), window.view.copy):
        QGuiApplication.clipboard().clear()
        window.view.setCurrentIndex(window.chat.index(1))
        copy()
        assert QGuiApplication.clipboard().text() == f"- {name}"


def test_screen_reader_is_shown_the_buttons_of_a_turn(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, "What?")
    names = set(accessible_names(QAccessible.queryAccessibleInterface(window.pane)))
    assert {"Copy the answer", "Answer again", "Translate the answer"} <= names
    window.view.setFocus()
    assert "Edit question" in accessible_names(QAccessible.queryAccessibleInterface(window.pane))


def accessible_names(one: QAccessibleInterface) -> list[str]:
    """Of everything in it that can be seen."""
    if one.state().invisible:
        return []
    below = (one.child(i) for i in range(one.childCount()))
    return [one.text(QAccessible.Text.Name), *(name for child in below if child for name in accessible_names(child))]


def test_a_long_conversation_measures_only_what_changed(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(30):
        window.session.conversation.ask(f"Question {i}").take(
            Failed(kind="EngineError", what="It died.", todo="Ask again.")
        )
    window.session.turns.emit()
    ask(window, qtbot, "warm")
    QApplication.processEvents()
    measured: list[int] = []
    original = AnswerRow._measure

    def measure(row: AnswerRow, width: int) -> int:
        measured.append(row.turn.id)
        return original(row, width)

    monkeypatch.setattr(AnswerRow, "_measure", measure)
    turn = ask(window, qtbot, script(say("word\n\n", delay=0.002, times=100)))
    QApplication.processEvents()
    assert set(measured) == {turn.id}


def fill(window: Window, turns: int) -> None:
    """A long conversation with answers of different lengths."""
    for i in range(turns):
        turn = window.session.conversation.ask(f"Question {i}")
        turn.take(Piece(text=f"Answer {i}\n\n" + "word " * (i * 37 % 200)))
        turn.take(Finished(reason="stop"))
    window.session.turns.emit()


def test_a_long_conversation_opens_without_being_laid_out_whole(
    window: Window, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[Row] = []
    original = Row.height

    def height(row: Row, width: int) -> int:
        if not row.is_measured(width):
            measured.append(row)
        return original(row, width)

    monkeypatch.setattr(Row, "height", height)
    fill(window, 200)
    window.view.doItemsLayout()
    at_once = len(measured)
    assert at_once < 60
    # The scroll bar that comes up takes width away from rows measured before: those are measured again.
    qtbot.waitUntil(lambda: len({id(row) for row in measured}) == 400, timeout=10_000)
    assert len(measured) <= 400 + at_once
    bar = window.view.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.value() == bar.maximum())


def test_what_is_read_stays_in_place_when_the_width_changes(window: Window, qtbot: QtBot) -> None:
    window.widget.resize(800, 900)
    fill(window, 60)
    view = window.view
    qtbot.waitUntil(lambda: not view.heights._timer.isActive(), timeout=10_000)
    QApplication.processEvents()
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum() // 2)
    QApplication.processEvents()
    first = view.indexAt(QPoint(0, 0))
    before = view.visualRect(first).top()
    window.widget.resize(700, 900)
    QApplication.processEvents()
    qtbot.waitUntil(lambda: not view.heights._timer.isActive(), timeout=10_000)
    QApplication.processEvents()
    assert abs(view.visualRect(first).top() - before) <= 1


def test_a_picture_of_the_conversation_is_shown_again(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture("first.png", (160, 120)))
    ask(window, qtbot, "What is this?")
    open_picture(window, qtbot, picture("second.png", (80, 60), "blue"))
    row = window.view.row(window.chat.index(0))
    assert isinstance(row, QuestionRow)
    place = window.view.visualRect(window.chat.index(0)).topLeft() + row._thumbs[0].center()
    qtbot.mouseClick(window.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: window.desk.stage is not None and window.desk.stage.picture.name == "first.png")
    assert [sheet.picture.name for sheet in window.desk.attached] == ["second.png"]
    window.desk.look_at(window.desk.attached[0])
    window.view.setCurrentIndex(window.chat.index(0))
    qtbot.keyClick(window.view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.desk.stage is not None and window.desk.stage.picture.name == "first.png")


@pytest.mark.parametrize("width", [1200, 360])
def test_several_pictures_of_a_question_stand_beside_one_another(
    window: Window, qtbot: QtBot, picture: MakePicture, width: int
) -> None:
    window.widget.resize(width, 700)
    window.desk.open([picture(f"{i}.png", size=(200 + i, 150)) for i in range(6)])
    qtbot.waitUntil(lambda: len(window.desk.attached) == 6, timeout=5_000)
    ask(window, qtbot, "Which is larger?")
    index = window.chat.index(0)
    row = window.view.row(index)
    assert isinstance(row, QuestionRow)
    there = window.view.visualRect(index)
    for number, thumb in enumerate(row._thumbs):
        assert there.translated(-there.topLeft()).contains(thumb)
        assert not any(thumb.intersects(other) for other in row._thumbs[:number])
        assert row.picture_at(thumb.center()) == row.turn.pictures[number]
    assert len({thumb.top() for thumb in row._thumbs}) == 2
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "You asked, with several pictures: Which is larger?"


def test_a_question_is_edited_by_its_button(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, "What si this?")
    window.view.setFocus()
    window.view.setCurrentIndex(window.chat.index(0))
    qtbot.keyClick(window.view, Qt.Key.Key_Home)
    edit = window.tools.question
    assert edit.isVisible()
    row = window.view.row(window.chat.index(0))
    assert isinstance(row, QuestionRow)
    assert not edit.geometry().intersects(row.bubble.translated(window.view.visualRect(window.chat.index(0)).topLeft()))
    edit.click()
    assert window.composer.edit.toPlainText() == "What si this?"
    assert window.session.conversation.turns == []
    assert not edit.isVisible()


def test_the_row_that_the_keyboard_is_at_is_marked(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, "What?")
    qtbot.waitUntil(lambda: window.composer.edit.hasFocus())
    before = window.view.viewport().grab().toImage()
    qtbot.keyClick(window.composer.edit, Qt.Key.Key_Backtab)
    window.view.setFocus(Qt.FocusReason.BacktabFocusReason)
    assert window.view.currentIndex().row() == 1
    assert window.view.is_held(window.chat.index(1))
    assert window.view.viewport().grab().toImage() != before
    qtbot.mouseClick(window.view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert not window.view.is_held(window.view.currentIndex())


def test_code_is_written_in_letters_of_one_width(qtbot: QtBot) -> None:  # noqa: ARG001
    fonts.complete()
    metrics = QFontMetricsF(dress.monospaced(QApplication.font()))
    assert metrics.horizontalAdvance("iiii") == metrics.horizontalAdvance("MMMM")


def test_chinese_letters_are_seen_where_the_system_has_them_and_none_for_korean(
    qtbot: QtBot,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    korean = QFontDatabase.WritingSystem.Korean
    monkeypatch.setattr(QFontDatabase, "families", lambda system: [] if system is korean else ["Some font"])
    fonts.complete()
    drawn = painted(flow_of("\u4e2d"))
    assert len({drawn.pixel(x, y) for x in range(40) for y in range(drawn.height())}) > 1
