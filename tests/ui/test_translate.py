"""Translate in the real window, with an engine that reads and translates by a table."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from app.library.disk import Installed
from app.modes.translate import glossary
from app.modes.translate.overlay import Overlay
from app.modes.translate.pipeline import Passage, Translation
from app.ui.passage_row import PassageRow, grouped
from app.ui.translate_glossary import GlossarySheet
from app.ui.translate_work import _Run
from app.ui.window import Window
from app.values import Ask, Event, Failed, Finished, Job, Looking, ModelSpec, Picture, Piece
from tests import signs
from tests.ui.steps import cut_off, open_picture, type_and_send

ROWS = ["Ticket office", "Open daily to 18 h"]
FRENCH = {"Ticket office": "Guichet", "Open daily to 18 h": "Ouvert tous les jours à 19 h"}


class Table:
    """In the engine's place: it answers at once, or holds back what comes after `hold` answers."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.hold = 1000
        self.fail = False
        self.read = "\n".join(ROWS)
        self.asked: list[str] = []
        self.held: dict[int, Callable[[Event], None]] = {}

    def submit(self, job: Job, pictures: Iterable[Picture], on_event: Callable[[Event], None]) -> int:
        del pictures
        assert isinstance(job, Ask)
        question = job.messages[-1]
        self.asked.append(question.text)
        number = len(self.asked)
        if self.fail:
            on_event(Failed(kind="EngineError", what="The engine died.", todo="Try again."))
            return number
        if question.pictures:
            on_event(Looking(picture=0, of=1, fraction=0.5))
        quoted = question.text.split('"')[1] if '"' in question.text else ""
        text = self.read if question.pictures else FRENCH.get(quoted, f"It means: {quoted}")
        if number > self.hold:
            on_event(Piece(text=text[:4], probability=0.9))
            self.held[number] = on_event
        else:
            on_event(Piece(text=text, probability=0.9))
            on_event(Finished(reason="stop"))
        return number

    def cancel(self, job_id: int) -> None:
        if job_id in self.held:
            self.held.pop(job_id)(Finished(reason="cancelled"))


@pytest.fixture
def table(window: Window) -> Table:
    window.services.store.set("translate.to", "fr")
    window.translate.panel.choose("auto", "fr")
    engine = Table(window.services.bridge.engine)
    window.translate.work._engine = engine
    return engine


@pytest.fixture
def sign(tmp_path: Path) -> Path:
    path = tmp_path / "sign.png"
    Image.fromarray(signs.sign(ROWS, 40).pixels).save(path)
    return path


def ended(window: Window) -> bool:
    state = window.translate.state
    return state is not None and state.stage == "done" and not window.translate.work.running


def rows(window: Window) -> list[tuple[str, str]]:
    return [(row.source.text(), row.translation.text()) for row in window.translate.panel.rows]


def shot(window: Window) -> QImage:
    return window.stage.canvas.grab().toImage()


def test_a_picture_is_translated_beside_and_over_it(window: Window, qtbot: QtBot, table: Table, sign: Path) -> None:
    window.actions["mode.translate"].trigger()
    assert window.translate.panel.isVisible()
    open_picture(window, qtbot, sign)
    before = shot(window)
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    assert rows(window) == list(FRENCH.items())
    assert "18 differs" in window.translate.panel.rows[1].concerns.text()
    assert window.translate.panel.rows[0].concerns.isHidden()
    assert len(table.asked) == 3
    assert window.translate.overlay.shown
    assert shot(window) != before
    window.translate.panel.original.emit(True)
    assert shot(window) == before


def test_the_original_is_seen_under_the_pointer_and_while_o_is_held(
    window: Window, qtbot: QtBot, table: Table, sign: Path
) -> None:
    del table
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, sign)
    before = shot(window)
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    canvas, overlay = window.stage.canvas, window.translate.overlay
    after = shot(window)
    assert window.translate.state is not None
    middle = window.translate.state.passages[0].quads[0].mean(axis=0)
    place = canvas.to_view().map(QPointF(*(float(v) for v in middle))).toPoint()
    qtbot.mouseMove(canvas, place)
    qtbot.waitUntil(lambda: overlay.uncovered is not None)
    assert overlay.uncovered is window.translate.state.passages[0]
    assert shot(window) not in (before, after)
    qtbot.mouseMove(canvas, QPoint(2, 2))
    qtbot.waitUntil(lambda: overlay.uncovered is None)
    canvas.setFocus()
    qtbot.keyPress(canvas, Qt.Key.Key_O)
    assert not overlay.shown
    qtbot.keyRelease(canvas, Qt.Key.Key_O)
    assert overlay.shown


def test_a_translation_that_is_longer_than_its_line_gives_way_whole(
    window: Window, qtbot: QtBot, table: Table, tmp_path: Path
) -> None:
    table.read = "Exit"
    path = tmp_path / "exit.png"
    pen = signs.Pen(900, 200, (255, 255, 255), (0, 0, 0))
    pen.write(450, 120, "Exit", 60, signs.SANS, "ms")
    Image.fromarray(pen.sheet().pixels).save(path)
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, path)
    before = shot(window)
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    canvas, overlay = window.stage.canvas, window.translate.overlay
    assert shot(window) != before
    assert window.translate.state is not None
    middle = window.translate.state.passages[0].quads[0].mean(axis=0)
    qtbot.mouseMove(canvas, canvas.to_view().map(QPointF(*(float(v) for v in middle))).toPoint())
    qtbot.waitUntil(lambda: overlay.uncovered is not None)
    assert shot(window) == before


def test_text_is_translated_in_the_same_place(window: Window, qtbot: QtBot, table: Table) -> None:
    window.actions["mode.translate"].trigger()
    type_and_send(window, "Ticket office")
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    assert rows(window) == [("Ticket office", "Guichet")]
    assert table.asked == ['Translate "Ticket office" into French.']
    assert not window.session.conversation.turns
    window.translate.panel.copied.emit()
    assert QGuiApplication.clipboard().text() == "Guichet"


def test_what_is_in_the_language_already_can_be_copied_as_it_was_read(
    window: Window, qtbot: QtBot, table: Table, sign: Path
) -> None:
    table.read = "Nous sommes ouverts\ntous les jours"
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, sign)
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    panel = window.translate.panel
    assert panel.message.text() == "This is in Français already."
    assert panel._copy.isEnabled()
    assert panel._copy.toolTip() == "Copy the text that was read"
    panel._copy.click()
    assert QGuiApplication.clipboard().text() == table.read


def test_stop_keeps_what_is_finished(window: Window, qtbot: QtBot, table: Table, sign: Path) -> None:
    table.hold = 2
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, sign)
    qtbot.waitUntil(lambda: rows(window) == [("Ticket office", "Guichet"), (ROWS[1], "Ouve")], timeout=10_000)
    assert window.pane.activity.words == "Translating"
    window.composer._send.click()
    qtbot.waitUntil(lambda: not table.held)
    assert not window.translate.work.running
    assert window.pane.activity.words == ""
    assert rows(window) == [("Ticket office", "Guichet"), (ROWS[1], "")], "a sentence that breaks off is none"
    assert window.translate.panel.message.text() == "The text was not translated to its end."
    assert window.pane.notice.words == ""
    table.hold = 1000
    window.translate.panel.again.emit()
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    assert rows(window) == list(FRENCH.items())


def test_leaving_the_mode_stops_and_uncovers_and_coming_back_shows_it(
    window: Window, qtbot: QtBot, table: Table, sign: Path
) -> None:
    open_picture(window, qtbot, sign)
    assert table.asked == [], "nothing is translated before it is asked for"
    window.actions["mode.translate"].trigger()
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    window.actions["mode.ask"].trigger()
    assert not window.translate.panel.isVisible()
    assert not window.translate.overlay.shown
    window.actions["mode.translate"].trigger()
    assert window.translate.overlay.shown
    assert len(table.asked) == 3, "it is not done twice"


def test_another_language_is_kept_and_translated_into(window: Window, qtbot: QtBot, table: Table) -> None:
    window.actions["mode.translate"].trigger()
    type_and_send(window, "Ticket office")
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    panel = window.translate.panel
    panel.target.setCurrentIndex(panel.target.findData("it"))
    panel.target.activated.emit(panel.target.currentIndex())
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    assert table.asked[-1] == 'Translate "Ticket office" into Italian.'
    assert window.services.store.settings["translate.to"] == "it"


def test_another_language_or_own_words_do_not_read_the_picture_again(
    window: Window, qtbot: QtBot, table: Table, sign: Path
) -> None:
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, sign)
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    panel = window.translate.panel
    panel.target.setCurrentIndex(panel.target.findData("it"))
    panel.target.activated.emit(panel.target.currentIndex())
    assert [source for source, _ in rows(window)] == ROWS, "what was read stays in sight"
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    assert table.asked[3:] == [f'Translate "{row}" into Italian.' for row in ROWS]
    assert window.translate.overlay.shown
    panel.terms.emit()
    sheet = panel.findChildren(GlossarySheet)[-1]
    sheet.edit.setPlainText("Ticket office = Biglietteria")
    qtbot.mouseClick(button_called(sheet, "Save"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: ended(window) and rows(window)[0][1] == "Biglietteria", timeout=10_000)
    assert len(table.asked) == 6
    panel.again.emit()
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    assert table.asked[6].startswith("Read all the text"), "asked to do it again, it looks again"


def test_swapped_languages_translate_the_translation_of_a_text(window: Window, qtbot: QtBot, table: Table) -> None:
    window.actions["mode.translate"].trigger()
    panel = window.translate.panel
    assert not panel.swap.isEnabled()  # nothing is known that could be translated into
    type_and_send(window, "Open daily to 18 h")
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    qtbot.mouseClick(panel.swap, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: ended(window) and len(table.asked) == 2, timeout=10_000)
    assert table.asked[-1] == 'Translate "Ouvert tous les jours à 19 h" into English.'
    assert panel.languages == ("fr", "en")
    assert window.services.store.settings["translate.to"] == "en"


def test_swapped_languages_translate_a_picture_the_other_way(
    window: Window, qtbot: QtBot, table: Table, sign: Path
) -> None:
    window.actions["mode.translate"].trigger()
    window.translate.panel.choose("de", "fr")
    open_picture(window, qtbot, sign)
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    qtbot.mouseClick(window.translate.panel.swap, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: ended(window) and "German" in table.asked[-1], timeout=10_000)
    assert [source for source, _ in rows(window)] == ROWS
    assert window.translate.panel.languages == ("fr", "de")


def test_a_phrase_is_explained_under_its_row(window: Window, qtbot: QtBot, table: Table) -> None:
    window.actions["mode.translate"].trigger()
    type_and_send(window, "Ticket office")
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    row = window.translate.panel.rows[0]
    assert row.explanation.isHidden()
    row.source.setSelection(7, 6)
    row.explain_button.click()
    qtbot.waitUntil(lambda: row.explanation.text() == "It means: office", timeout=10_000)
    assert table.asked[-1].startswith('Explain "office" in French')
    assert rows(window) == [("Ticket office", "Guichet")]


def test_a_dish_is_explained_without_its_price(window: Window) -> None:
    del window
    row, asked = PassageRow(), list[str]()
    row.explain.connect(asked.append)
    dish, price = (
        Passage("Onion tart", ("Onion tart",), (), 1.0, "Zwiebelkuchen"),
        Passage("7.50 €", ("7.50 €",), (), 1.0),
    )
    row.show_passage(grouped([dish, price])[0], "", False)
    row.explain_button.click()
    assert asked == ["Onion tart"]


def test_own_words_are_written_checked_and_used(window: Window, qtbot: QtBot, table: Table) -> None:
    window.actions["mode.translate"].trigger()
    type_and_send(window, "Ticket office")
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    window.translate.panel.terms.emit()
    sheet = window.translate.panel.findChild(GlossarySheet)
    assert isinstance(sheet, GlossarySheet)
    sheet.edit.setPlainText("Ticket office")
    qtbot.keyClick(sheet.edit, Qt.Key.Key_Tab)
    assert sheet.edit.toPlainText() == "Ticket office", "Tab goes on to the buttons"
    qtbot.mouseClick(button_called(sheet, "Save"), Qt.MouseButton.LeftButton)
    assert "Line 1" in sheet.problem.text()
    sheet.edit.setPlainText("Ticket office = Billetterie")
    qtbot.mouseClick(button_called(sheet, "Save"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: rows(window) == [("Ticket office", "Billetterie")], timeout=10_000)
    assert len(table.asked) == 1


def test_own_words_that_are_typed_are_not_lost(window: Window, qtbot: QtBot) -> None:
    window.actions["mode.translate"].trigger()

    def open_sheet() -> GlossarySheet:
        window.translate.panel.terms.emit()
        sheet = window.translate.panel.findChildren(GlossarySheet)[-1]
        qtbot.waitUntil(sheet.isVisible)
        return sheet

    sheet = open_sheet()
    sheet.edit.setPlainText("# signs\nexit = Ausgang")
    qtbot.keyClick(sheet.edit, Qt.Key.Key_Escape)
    assert not sheet.isVisible()
    assert glossary.path().read_text("utf-8") == "# signs\nexit = Ausgang\n"

    sheet = open_sheet()
    sheet.edit.setPlainText("exit = Ausgang\nentrance")
    qtbot.keyClick(sheet.edit, Qt.Key.Key_Escape)
    assert sheet.isVisible()
    assert sheet.problem.text().startswith("Line 2 of the glossary is no term.")
    qtbot.mouseClick(button_called(sheet, "Discard changes"), Qt.MouseButton.LeftButton)
    assert not sheet.isVisible()
    assert glossary.load() == {"exit": "Ausgang"}


def button_called(sheet: GlossarySheet, words: str) -> QPushButton:
    return next(button for button in sheet.findChildren(QPushButton) if button.text() == words)


def test_a_failure_is_said(window: Window, qtbot: QtBot, table: Table) -> None:
    table.fail = True
    window.actions["mode.translate"].trigger()
    type_and_send(window, "Ticket office")
    qtbot.waitUntil(lambda: "The engine died." in window.pane.notice.words)
    assert not window.translate.work.running


def test_a_broken_glossary_is_said(window: Window, qtbot: QtBot, table: Table) -> None:
    glossary.path().parent.mkdir(parents=True, exist_ok=True)
    glossary.path().write_text("no term", "utf-8")
    window.actions["mode.translate"].trigger()
    type_and_send(window, "Ticket office")
    qtbot.waitUntil(lambda: "Line 1 of the glossary" in window.pane.notice.words)
    assert table.asked == []
    assert rows(window) == [("Ticket office", "")], "what was typed is still there"
    glossary.path().write_text("", "utf-8")
    window.translate.panel._again.click()
    qtbot.waitUntil(lambda: rows(window) == [("Ticket office", "Guichet")], timeout=10_000)


def test_a_picture_whose_translation_could_not_begin_can_be_tried_again(
    window: Window, qtbot: QtBot, table: Table, sign: Path
) -> None:
    glossary.path().parent.mkdir(parents=True, exist_ok=True)
    glossary.path().write_text("no term", "utf-8")
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, sign)
    qtbot.waitUntil(lambda: "Line 1 of the glossary" in window.pane.notice.words)
    glossary.path().write_text("", "utf-8")
    window.translate.panel._again.click()
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    assert rows(window) == list(FRENCH.items())
    assert len(table.asked) == 3


def test_a_text_waits_for_the_model_that_is_still_looked_for(window: Window, qtbot: QtBot, table: Table) -> None:
    window.actions["mode.translate"].trigger()
    window.session.find_model()
    type_and_send(window, "Ticket office")
    assert rows(window) == [("Ticket office", "")]
    qtbot.waitUntil(lambda: rows(window) == [("Ticket office", "Guichet")], timeout=10_000)
    assert len(table.asked) == 1
    assert window.pane.notice.words == ""


def test_stopped_before_anything_is_translated_it_says_so(
    window: Window, qtbot: QtBot, table: Table, sign: Path
) -> None:
    table.hold = 1
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, sign)
    qtbot.waitUntil(lambda: rows(window) == [(ROWS[0], "Guic"), (ROWS[1], "")], timeout=10_000)
    qtbot.keyClick(window.widget, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not table.held)
    assert rows(window) == [(row, "") for row in ROWS]
    assert window.translate.panel.message.text() == "The text was not translated to its end."


def test_stopped_while_it_is_read_it_says_so(window: Window, qtbot: QtBot, table: Table, sign: Path) -> None:
    table.hold = 0
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, sign)
    message = window.translate.panel.message
    qtbot.waitUntil(lambda: rows(window) == [("Tick", "")], timeout=10_000)
    assert message.isHidden(), "however long a text is, what is read of it stands in a list that scrolls"
    window.translate.panel.copied.emit()
    assert QGuiApplication.clipboard().text() == "Tick"
    window.composer._send.click()
    assert rows(window) == []
    assert message.text() == "The text was not read to its end."
    assert window.translate.panel._again.isEnabled()


def test_stopped_while_it_is_read_the_lines_that_were_read_stay(window: Window) -> None:
    panel = window.translate.panel
    begun = Translation("fr", "reading", draft="Ticket office\nOpen dai")
    panel.show_translation(begun, picture=True, running=False)
    assert rows(window) == [("Ticket office", "")]
    assert panel.message.text() == "The text was not read to its end."
    QApplication.sendEvent(panel, QEvent(QEvent.Type.LanguageChange))
    assert rows(window) == [("Ticket office", "")]


def test_where_letters_cannot_be_drawn_the_texts_are_there_all_the_same(
    window: Window, qtbot: QtBot, table: Table, sign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.modes.translate.typeset.features.check", lambda _: False)
    monkeypatch.setitem(FRENCH, "Ticket office", "شباك التذاكر")
    window.translate.panel.choose("auto", "ar")
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, sign)
    qtbot.waitUntil(lambda: "cannot be drawn" in window.pane.notice.words, timeout=10_000)
    assert rows(window) == list(FRENCH.items())
    assert len(table.asked) == 3


def test_languages_are_listed_as_in_a_dictionary(window: Window) -> None:
    box = window.translate.panel.target
    assert [box.itemText(i) for i in range(3)] == ["Čeština", "Dansk", "Deutsch"]


def test_a_name_and_a_folder_are_proposed_and_the_folder_chosen_last_is_kept(
    window: Window, qtbot: QtBot, table: Table, sign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del table
    proposals = list[str]()

    def ask(_parent: object, _title: str, path: str, kinds: str) -> tuple[str, str]:
        proposals.append(path)
        return str(tmp_path / "mine"), kinds.split(";;")[-1]

    monkeypatch.setattr("app.ui.translate_keeping.QFileDialog.getSaveFileName", ask)
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, sign)
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    for _ in range(2):
        window.translate.panel.saved.emit()
    qtbot.waitUntil((tmp_path / "mine.txt").exists)
    first, second = (Path(proposal) for proposal in proposals)
    assert first.name == second.name == "Guichet Ouvert tous les jours à 19 h.png"
    assert second.parent == tmp_path != first.parent
    assert first.parent.is_absolute()


@pytest.mark.parametrize("ending", [".png", ".pdf", ".txt"])
def test_it_is_saved(window: Window, qtbot: QtBot, table: Table, sign: Path, tmp_path: Path, ending: str) -> None:
    del table
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, sign)
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    window.translate.keeping.save(tmp_path / f"out{ending}")
    qtbot.waitUntil(lambda: (tmp_path / f"out{ending}").exists() and (tmp_path / f"out{ending}").stat().st_size > 0)
    window.translate.keeping.save(tmp_path / "none" / "out.png")
    qtbot.waitUntil(lambda: "cannot be written" in window.pane.notice.words)


def test_a_blank_picture_says_so(window: Window, qtbot: QtBot, table: Table, tmp_path: Path) -> None:
    table.read = "NONE"
    Image.fromarray(np.full((80, 120, 3), 90, np.uint8)).save(tmp_path / "blank.png")
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, tmp_path / "blank.png")
    qtbot.waitUntil(lambda: "no text in this picture" in window.translate.panel.message.text(), timeout=10_000)


def test_rows_stand_beside_or_below_each_other(window: Window, qtbot: QtBot, table: Table) -> None:
    del table
    window.actions["mode.translate"].trigger()
    window.widget.resize(1200, 800)
    type_and_send(window, "Ticket office")
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    row = window.translate.panel.rows[0]

    def aside(row: PassageRow) -> bool:
        return row.translation.x() > row.source.x()

    qtbot.waitUntil(lambda: aside(row))
    window.widget.resize(400, 800)
    qtbot.waitUntil(lambda: not aside(row))
    qtbot.waitUntil(lambda: row.height() == row.heightForWidth(row.width()))


def test_rows_are_never_pressed_together_while_their_list_grows(window: Window, qtbot: QtBot) -> None:
    window.actions["mode.translate"].trigger()
    panel = window.translate.panel
    dishes = [Passage(f"Dish {number}", (f"Dish {number}",), (), 0.9) for number in range(20)]
    panel.show_translation(Translation("fr", "translating", passages=tuple(dishes)), True)
    qtbot.waitUntil(lambda: panel.rows[0].isVisible() and not cut_off(panel))
    for number, dish in enumerate(dishes[:5]):
        dishes[number] = replace(dish, translation="Une soupe aux tomates", sure_written=0.9)
        panel.show_translation(Translation("fr", "translating", passages=tuple(dishes)), True)
        assert cut_off(panel) == []
        qtbot.wait(1)
        assert cut_off(panel) == []


def test_text_from_right_to_left_begins_at_the_right(qtbot: QtBot) -> None:
    row = PassageRow()
    qtbot.addWidget(row)
    row.show_passage(Passage("Exit", ("Exit",), (), 1.0, "خروج", 0.9), "", Translation("ar", "done").target == "ar")
    assert row.translation.layoutDirection() == Qt.LayoutDirection.RightToLeft
    assert row.source.layoutDirection() == Qt.LayoutDirection.LeftToRight


def test_a_translation_is_checked_by_translating_it_back(window: Window, qtbot: QtBot, table: Table) -> None:
    window.actions["mode.translate"].trigger()
    panel = window.translate.panel
    panel.choose("en", "fr")
    type_and_send(window, "Ticket office")
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    row = panel.rows[0]
    assert row.back.isHidden()
    panel.check.click()
    assert window.services.store.settings["translate.check"]
    qtbot.waitUntil(lambda: ended(window) and not row.back.isHidden(), timeout=10_000)
    assert row.back.text() == "Translated back: It <u>means</u>: <u>Guichet</u>"
    assert "the meaning may have changed" in row.concerns.text()
    assert table.asked[-1] == 'Translate "Guichet" into English.'
    table.hold = len(table.asked) + 1
    panel.again.emit()
    qtbot.waitUntil(lambda: bool(table.held), timeout=10_000)
    qtbot.waitUntil(lambda: window.pane.activity.words == "Translating back", timeout=10_000)
    window.composer._send.click()
    assert rows(window) == [("Ticket office", "Guichet")], "stopping keeps the translation"
    panel.check.click()
    assert not window.services.store.settings["translate.check"]


def test_another_model_is_chosen_as_the_translator(
    window: Window, qtbot: QtBot, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Installed("llama-3.2-1b", tmp_path / "llama.gguf", size=800_000_000, problem="No projector.", text_only=True)
    broken = Installed("broken", tmp_path / "broken.gguf", problem="It is damaged.")
    window.models._installed = [text, broken]
    window.actions["mode.translate"].trigger()
    type_and_send(window, "Ticket office")
    qtbot.waitUntil(lambda: ended(window), timeout=10_000)
    window.translate.panel._models.click()
    menu = window.widget.findChildren(QMenu)[-1]
    named = {action.text().partition("\t")[0]: action for action in menu.actions() if action.text()}
    assert list(named) == ["The model that reads the picture", "llama-3.2-1b", "Another model file…"]
    assert named["The model that reads the picture"].isChecked()
    asked: list[str | None] = []

    def resolve(name: str, *_: object, **__: object) -> ModelSpec:
        asked.append(name)
        return ModelSpec(path=name)

    monkeypatch.setattr("app.ui.translate.disk.resolve", resolve)
    named["llama-3.2-1b"].trigger()
    menu.close()
    qtbot.waitUntil(lambda: len(table.asked) == 2 and ended(window), timeout=10_000)
    assert asked == [str(tmp_path / "llama.gguf")]
    assert window.services.store.settings["translate.model"] == str(tmp_path / "llama.gguf")
    monkeypatch.setattr("app.ui.model_picker.QFileDialog.getOpenFileName", lambda *_: ("/tmp/other.gguf", ""))
    window.translate.panel._models.click()
    menu = window.widget.findChildren(QMenu)[-1]
    menu.actions()[-1].trigger()
    menu.close()
    assert window.services.store.settings["translate.model"] == "/tmp/other.gguf"
    qtbot.waitUntil(lambda: len(table.asked) == 3 and ended(window), timeout=10_000)


def test_a_translator_that_is_gone_is_told_with_the_way_out_and_the_text_stays(
    window: Window, qtbot: QtBot, table: Table, tmp_path: Path
) -> None:
    window.services.store.set("translate.model", str(tmp_path / "gone.gguf"))
    window.actions["mode.translate"].trigger()
    type_and_send(window, "Ticket office")
    notice = window.pane.notice
    qtbot.waitUntil(lambda: "gone.gguf" in notice.words, timeout=10_000)
    assert "Choose another model to translate with" in notice.words
    assert rows(window) == [("Ticket office", "")]
    assert not table.asked
    window.translate.use_translator("")
    qtbot.waitUntil(lambda: ended(window) and rows(window) == [("Ticket office", "Guichet")], timeout=10_000)


def test_what_a_picture_says_is_never_taken_for_html(window: Window, qtbot: QtBot, table: Table, sign: Path) -> None:
    table.read, table.hold = "<b>Exit</b>", 0
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, sign)
    qtbot.waitUntil(lambda: rows(window) == [("<b>E", "")], timeout=10_000)
    (row,) = window.translate.panel.rows
    assert row.source.textFormat() is Qt.TextFormat.PlainText
    assert row.translation.textFormat() is Qt.TextFormat.PlainText
    window.composer._send.click()


@pytest.mark.parametrize(("each_s", "times"), [(10.0, 6), (1.0, 3)])
def test_the_picture_is_drawn_as_often_as_there_is_time_for_it(
    window: Window, monkeypatch: pytest.MonkeyPatch, each_s: float, times: int
) -> None:
    """Drawing takes a second here, and a passage so many."""
    now, drawn = [0.0], list[str]()

    def overlay(picture: Picture, state: Translation) -> Overlay:
        now[0] += 1.0
        drawn.append(state.text)
        return Overlay(picture, ())

    def steps() -> Iterator[Translation]:
        passages = tuple(Passage(f"{n}", (f"{n}",), (), 1.0, f"{n}") for n in range(6))
        for n in range(1, 7):
            now[0] += each_s
            yield Translation("fr", "translating" if n < 6 else "done", passages=passages[:n])

    monkeypatch.setattr("app.ui.translate_work.time.monotonic", lambda: now[0])
    monkeypatch.setattr("app.ui.translate_work.overlay", overlay)
    work = window.translate.work
    work._follow(_Run(work._engine), Picture(1, 1, b"abc"), steps())
    assert len(drawn) == times
    assert drawn[-1].endswith("5")


def test_lines_that_wait_are_marked_on_the_picture(window: Window, qtbot: QtBot, table: Table, sign: Path) -> None:
    table.hold = 2
    window.actions["mode.translate"].trigger()
    open_picture(window, qtbot, sign)
    qtbot.waitUntil(lambda: rows(window)[-1:] == [(ROWS[1], "Ouve")], timeout=10_000)
    qtbot.waitUntil(lambda: window.translate.overlay.shown, timeout=10_000)
    marked = shot(window)
    assert len(window.translate.overlay._waiting) == 1
    window.composer._send.click()
    qtbot.waitUntil(lambda: not table.held)
    assert window.translate.overlay._waiting == ()
    assert shot(window) != marked


def test_a_band_over_a_line_at_the_edge_stays_on_the_picture(window: Window, qtbot: QtBot, sign: Path) -> None:
    open_picture(window, qtbot, sign)
    canvas = window.stage.canvas
    before = canvas.grab().toImage()
    size = canvas.covered.size() / canvas.to_view().m11()
    corners = [(0.5, 0.8), (0.9, 0.8), (0.9, 1.3), (0.5, 1.3)]
    window.translate.overlay.show_waiting([np.float32([(x * size.width(), y * size.height()) for x, y in corners])])
    after = canvas.grab().toImage()
    here = QPointF(0.7 * canvas.width(), canvas.covered.bottom() - 3).toPoint()
    below = here + QPoint(0, 8)
    assert after.pixel(here) != before.pixel(here)
    assert after.pixel(below) == before.pixel(below)


@pytest.mark.parametrize("arabic", [False, True])
def test_the_cursor_stands_where_writing_begins(window: Window, arabic: bool) -> None:
    edit = window.composer.edit
    edit.setLayoutDirection(Qt.LayoutDirection.RightToLeft if arabic else Qt.LayoutDirection.LeftToRight)

    def at_the_right() -> bool:
        assert edit.viewport().rect().contains(edit.cursorRect()), "seen"
        return edit.cursorRect().center().x() > edit.width() / 2

    assert at_the_right() == arabic, "where the placeholder begins"
    edit.setPlainText("مرحبا")
    assert at_the_right()
    edit.setPlainText("Hello")
    assert not at_the_right()
    edit.clear()
    assert at_the_right() == arabic
