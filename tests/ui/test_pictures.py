"""Pictures come in by every door, a part of one is chosen, and bad ones are refused in words."""

import itertools
import threading
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QEvent, QMetaType, QMimeData, QPoint, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QGuiApplication, QImage, QTextDocumentFragment
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.capture.qt.incoming import incoming, picture_of
from app.library.disk import Installed
from app.ui import menus
from app.ui.desk import MOST_AT_ONCE, make_sheet
from app.ui.i18n import shown
from app.ui.samples import find_samples, question_about
from app.ui.window import Window
from app.values import Picture
from app.wording import Wording
from tests.ui.conftest import MakePicture
from tests.ui.steps import ask, open_picture, type_and_send


def files(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drop(window: Window, data: QMimeData) -> bool:
    """Drag over the window and let go; whether it was accepted."""
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(300, 300), copy, data, left, none)
    QApplication.sendEvent(window.widget, enter)
    if enter.isAccepted():
        QApplication.sendEvent(window.widget, QDropEvent(QPointF(300, 300), copy, data, left, none, QEvent.Type.Drop))
    return enter.isAccepted()


def wait_for_stage(window: Window, qtbot: QtBot, name: str) -> None:
    qtbot.waitUntil(lambda: window.desk.stage is not None and window.desk.stage.picture.name == name, timeout=5_000)


def test_drop_anywhere(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    assert drop(window, files(picture("dropped.png")))
    wait_for_stage(window, qtbot, "dropped.png")


def test_words_over_a_picture_stand_on_something_dark(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    words = window.stage._message
    window.stage.show_opening(True)
    qtbot.waitUntil(lambda: words.text() == "Opening the picture…")
    assert words.objectName() == "soft"

    open_picture(window, qtbot, picture("first.png"))
    window.stage.show_opening(True)
    qtbot.waitUntil(lambda: not words.isHidden())
    assert words.objectName() == "over"


def test_drop_of_several_goes_with_one_question(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    drop(window, files(picture("a.png", (10, 20)), picture("b.png", (30, 40))))
    qtbot.waitUntil(lambda: len(window.desk.attached) == 2, timeout=5_000)
    turn = ask(window, qtbot, "Which is larger?")
    assert turn.answer.startswith("You showed me a picture of 10 x 20 and a picture of 30 x 40 and asked")


def test_a_bad_one_among_several_leaves_the_others(
    window: Window, qtbot: QtBot, picture: MakePicture, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    drop(window, files(picture("a.png"), tmp_path / "bad.png", picture("c.png", colour="blue")))
    type_and_send(window, "Which is larger?")
    qtbot.waitUntil(lambda: len(window.desk.attached) == 2 and not window.desk.busy, timeout=5_000)
    assert window.pane.notice.words.startswith("bad.png is not a picture that Spyglass can read.")
    assert window.composer.edit.toPlainText() == "Which is larger?"  # not asked without what it was about
    assert window.session.conversation.turns == []


def names(window: Window) -> list[str]:
    """What goes with the next question."""
    return [sheet.picture.name for sheet in window.desk.attached]


def test_what_is_dropped_and_pasted_joins_what_goes_along(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    drop(window, files(picture("a.png", (10, 20))))
    drop(window, files(picture("b.png", (30, 40))))
    qtbot.waitUntil(lambda: sorted(names(window)) == ["a.png", "b.png"], timeout=5_000)
    image = QImage(50, 60, QImage.Format.Format_RGB32)
    image.fill(QColor("blue"))
    QGuiApplication.clipboard().setImage(image)
    window.actions["paste"].trigger()
    wait_for_stage(window, qtbot, "Pasted picture")
    qtbot.waitUntil(lambda: len(names(window)) == 3)
    QApplication.processEvents()

    there = [one for one in window.composer.findChildren(QToolButton) if one.isVisible()]
    [remove] = [one for one in there if one.accessibleName() == "Do not send along: a.png"]
    remove.click()
    assert names(window) == ["b.png", "Pasted picture"]
    turn = ask(window, qtbot, "Which is larger?")
    assert turn.answer.startswith("You showed me a picture of 30 x 40 and a picture of 50 x 60 and asked")
    open_picture(window, qtbot, picture("later.png", (70, 80)))
    assert names(window) == ["later.png"]


def test_the_same_picture_goes_along_once(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture("a.png"))
    open_picture(window, qtbot, picture("b.png", (30, 40)))
    window.stage.canvas.choose_part(QRect(2, 2, 20, 20))
    qtbot.waitUntil(lambda: not window.desk.busy)
    open_picture(window, qtbot, picture("a.png"))
    assert names(window) == ["b.png", "a.png"]
    open_picture(window, qtbot, picture("b.png", (30, 40)))
    assert names(window) == ["a.png", "b.png"]
    assert [sheet.part_of for sheet in window.desk.attached] == ["", ""]


def test_a_part_can_be_removed_while_another_picture_is_on_the_stage(
    window: Window, qtbot: QtBot, picture: MakePicture
) -> None:
    open_picture(window, qtbot, picture("a.png"))
    window.stage.canvas.choose_part(QRect(2, 2, 20, 20))
    qtbot.waitUntil(lambda: not window.desk.busy)
    open_picture(window, qtbot, picture("b.png", (30, 40)))
    window.composer.removed.emit(window.desk.attached[0])
    assert names(window) == ["b.png"]


def test_the_stage_shows_what_still_goes_along(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture("a.png"))
    open_picture(window, qtbot, picture("b.png", (30, 40)))
    window.composer.removed.emit(window.desk.stage)
    assert names(window) == ["a.png"]
    assert window.desk.stage is window.desk.attached[0]


def test_a_ninth_is_refused_in_words(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    drop(window, files(*[picture(f"{i}.png", (8, 8 + i)) for i in range(MOST_AT_ONCE - 2)]))
    qtbot.waitUntil(lambda: bool(window.desk.attached), timeout=5_000)
    drop(window, files(*[picture(f"more {i}.png", (9, 9 + i)) for i in range(3)]))
    qtbot.waitUntil(lambda: len(window.desk.attached) == MOST_AT_ONCE, timeout=5_000)
    assert window.pane.notice.words.startswith("Only the first 2 of 3 pictures were opened")
    window.composer.edit.setPlainText("typed")
    drop(window, files(picture("ninth.png")))
    assert window.pane.notice.words == (
        "No more than 8 pictures go with one question. Remove one of them, or send the question first."
    )
    assert window.composer.edit.toPlainText() == "typed"
    assert names(window)[-1] == "more 1.png"


def test_what_a_new_conversation_carries_over_makes_room(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture("a.png"))
    ask(window, qtbot, "What is this?")
    window.actions["new"].trigger()
    assert names(window) == ["a.png"]
    open_picture(window, qtbot, picture("b.png", (30, 40)))
    assert names(window) == ["b.png"]


@pytest.mark.parametrize("mode", ["translate", "recognise"])
def test_other_modes_are_about_the_picture_on_the_stage_alone(
    window: Window, qtbot: QtBot, picture: MakePicture, mode: str
) -> None:
    window.actions[f"mode.{mode}"].trigger()
    for name, size in (("a.png", (10, 20)), ("b.png", (30, 40))):
        open_picture(window, qtbot, picture(name, size))
    window.actions["mode.ask"].trigger()
    assert "a.png" not in names(window)


def test_each_of_several_can_be_looked_at(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    drop(window, files(picture("a.png", (10, 20)), picture("b.png", (30, 40))))
    qtbot.waitUntil(lambda: len(window.desk.attached) == 2, timeout=5_000)
    [second] = [one for one in window.composer.findChildren(QToolButton) if one.accessibleName() == "Show b.png"]
    second.click()
    assert window.desk.stage is not None
    assert window.desk.stage.picture.name == "b.png"
    assert len(window.desk.attached) == 2


def test_a_sample_comes_with_a_question_that_fits_it(window: Window, qtbot: QtBot) -> None:
    for sample in find_samples():
        open_picture(window, qtbot, sample.path)
        question = question_about(sample.path.name)
        assert question is not None
        assert window.pane.opening._chips[0].text() == question
    turns = window.session.conversation.turns
    window.pane.opening._chips[0].click()
    assert turns[0].question == question
    qtbot.waitUntil(lambda: turns[0].ended, timeout=5_000)


def test_of_too_many_the_first_are_opened(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    drop(window, files(*[picture(f"{i}.png", (8, 8 + i)) for i in range(MOST_AT_ONCE + 1)]))
    qtbot.waitUntil(lambda: bool(window.desk.attached), timeout=5_000)
    assert [sheet.picture.name for sheet in window.desk.attached] == [f"{i}.png" for i in range(MOST_AT_ONCE)]
    said = "Only the first 8 of 9 pictures were opened: no more go with one question."
    assert window.pane.notice.words == said
    for width in (1200, 360):
        window.widget.resize(width, 700)
        QApplication.processEvents()
        buttons = [b for b in window.composer._attachments.findChildren(QToolButton) if b.isVisible()]
        assert len(buttons) == 2 * MOST_AT_ONCE
        for button in buttons:
            assert button.size() == button.sizeHint(), button.accessibleName()
            assert button.visibleRegion().boundingRect() == button.rect(), button.accessibleName()


def test_of_too_many_with_a_bad_one_both_are_told(
    window: Window, qtbot: QtBot, picture: MakePicture, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    good = [picture(f"{i}.png", (8, 8 + i)) for i in range(MOST_AT_ONCE)]
    drop(window, files(tmp_path / "bad.png", *good))
    qtbot.waitUntil(lambda: bool(window.desk.attached), timeout=5_000)
    assert window.pane.notice.words.startswith(
        "bad.png is not a picture that Spyglass can read. Of 9 files only the first 8 were tried: no more go with"
    )


def test_dropped_words_go_to_the_question_and_take_nothing_away(window: Window) -> None:
    window.composer.edit.setPlainText("typed: ")
    window.composer.edit.selectAll()
    data = QMimeData()
    data.setText("only words")
    assert drop(window, data)
    assert window.composer.edit.toPlainText() == "typed: only words"


def test_an_address_out_of_a_browser_is_refused_in_words(window: Window) -> None:
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/cat.png")])
    data.setText("https://example.org/cat.png")
    assert drop(window, data)
    assert window.pane.notice.words.startswith("Spyglass does not fetch pictures from addresses. Copy the picture")
    assert window.composer.edit.toPlainText() == ""


def test_what_is_dropped_stays_where_it_came_from(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    move, left, none = Qt.DropAction.MoveAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    data, both = files(picture("a.png")), move | Qt.DropAction.CopyAction
    QApplication.sendEvent(window.widget, QDragEnterEvent(QPoint(300, 300), both, data, left, none))
    event = QDropEvent(QPointF(300, 300), both, data, left, none, QEvent.Type.Drop)
    event.setDropAction(move)
    QApplication.sendEvent(window.widget, event)
    assert event.isAccepted()
    assert event.dropAction() == Qt.DropAction.CopyAction
    wait_for_stage(window, qtbot, "a.png")
    only = QDragEnterEvent(QPoint(300, 300), move, data, left, none)
    QApplication.sendEvent(window.widget, only)
    assert not only.isAccepted()


def test_every_bad_one_is_told(window: Window, qtbot: QtBot, picture: MakePicture, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    drop(window, files(tmp_path / "notes.txt", tmp_path, picture("c.png")))
    wait_for_stage(window, qtbot, "c.png")
    qtbot.waitUntil(lambda: window.pane.notice.words == "2 of 3 files could not be opened. The details say why.")
    error = window.pane.notice.error
    assert error is not None
    assert "notes.txt is not a picture" in error.detail
    assert f"{tmp_path.name} is a folder." in error.detail


@pytest.mark.parametrize("into", ["composer", "window"])
def test_paste_of_pixels(window: Window, qtbot: QtBot, into: str) -> None:
    image = QImage(33, 17, QImage.Format.Format_ARGB32)
    image.fill(QColor(10, 20, 30))
    QGuiApplication.clipboard().setImage(image)
    if into == "composer":
        window.composer.edit.paste()
    else:
        window.actions["paste"].trigger()
    wait_for_stage(window, qtbot, "Pasted picture")
    assert window.desk.stage is not None
    assert window.desk.stage.picture.pixels == bytes([10, 20, 30]) * (33 * 17)
    assert window.composer.edit.toPlainText() == ""


class Offered(QMimeData):
    """What another program offers, as X11 has it: encoded anew each time it is fetched."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = content
        self.fetched: list[str] = []

    def formats(self) -> list[str]:
        return ["image/png", "application/x-qt-image"]

    def hasFormat(self, kind: str) -> bool:
        return kind in self.formats()

    def retrieveData(self, kind: str, wanted: QMetaType) -> object:  # noqa: ARG002
        self.fetched.append(kind)
        return QByteArray(self.content) if kind == "image/png" else None


def test_a_picture_that_another_program_offers_is_fetched_once(
    window: Window, qtbot: QtBot, picture: MakePicture
) -> None:
    data = Offered(picture(size=(33, 17)).read_bytes())
    window.composer.edit.insertFromMimeData(data)
    wait_for_stage(window, qtbot, "Pasted picture")
    assert window.desk.stage is not None
    assert window.desk.stage.picture.pixels == bytes([255, 0, 0]) * (33 * 17)
    assert [kind for kind in data.fetched if "image" in kind] == ["image/png"]


def test_a_damaged_picture_that_another_program_offers_is_told(window: Window, qtbot: QtBot) -> None:
    window.composer.edit.insertFromMimeData(Offered(b"\x89PNG\r\n\x1a\n and no more"))
    qtbot.waitUntil(lambda: window.pane.notice.words.startswith("Pasted picture "), timeout=5_000)
    assert window.desk.stage is None


def test_paste_of_a_path(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    QGuiApplication.clipboard().setText(f" '{picture('by path.png')}'\n")
    window.actions["paste"].trigger()
    wait_for_stage(window, qtbot, "by path.png")


def test_paste_of_several_paths(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    QGuiApplication.clipboard().setText(f"{picture('a.png')}\r\n{picture('b c.png', colour='blue')}\n")
    window.composer.edit.paste()
    qtbot.waitUntil(lambda: [s.picture.name for s in window.desk.attached] == ["a.png", "b c.png"], timeout=5_000)
    assert window.composer.edit.toPlainText() == ""


def test_paste_of_nothing_is_told(window: Window) -> None:
    QGuiApplication.clipboard().clear()
    window.actions["paste"].trigger()
    assert window.pane.notice.words == "There is nothing to paste. Copy a picture, a file or a text first."


def test_paste_of_words_goes_to_the_question(window: Window) -> None:
    QGuiApplication.clipboard().setText("what is this?")
    window.actions["paste"].trigger()
    assert window.composer.edit.toPlainText() == "what is this?"


def test_transparent_pixels_come_on_white() -> None:
    image = QImage(3, 2, QImage.Format.Format_ARGB32)
    image.fill(QColor(255, 0, 0, 0))
    assert picture_of(image, "").pixels == bytes([255, 255, 255]) * 6


def test_files_come_before_pixels() -> None:
    data = files(Path("/somewhere/cat.jpg"))
    data.setImageData(QImage(2, 2, QImage.Format.Format_RGB32))
    assert incoming(data).paths == (Path("/somewhere/cat.jpg"),)


@pytest.mark.parametrize("text", ["see /tmp/x.png", "/tmp/x.txt", "x.png", "/a.png\n/b.txt", "/a.png\nwords", ""])
def test_text_that_is_no_path(text: str) -> None:
    data = QMimeData()
    data.setText(text)
    assert not incoming(data).has_picture()


def test_open_dialog(window: Window, qtbot: QtBot, picture: MakePicture, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture("chosen.png")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(path)], ""))
    window.actions["open"].trigger()
    wait_for_stage(window, qtbot, "chosen.png")


@pytest.mark.parametrize("there", [True, False])
def test_the_open_dialog_begins_among_pictures_or_at_home_never_in_a_folder_that_is_not(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    pictures, begun = tmp_path / "Pictures", []
    if there:
        pictures.mkdir()
    monkeypatch.setattr("app.ui.picture_doors.QStandardPaths.writableLocation", lambda _: str(pictures))

    def ask(*given: object) -> tuple[list[str], str]:
        begun.append(given[2])
        return [], ""

    monkeypatch.setattr(QFileDialog, "getOpenFileNames", ask)
    window.actions["open"].trigger()
    assert begun == [str(pictures if there else Path.home())]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("empty.png", b"", "empty.png is empty."),
        ("words.jpg", b"no picture at all", "words.jpg is not a picture that Spyglass can read."),
        ("drawing.png", b"<svg></svg>", "drawing.png is an SVG drawing, which has no pixels."),
    ],
)
def test_bad_files(window: Window, qtbot: QtBot, tmp_path: Path, name: str, content: bytes, what: str) -> None:
    window.composer.edit.setPlainText("typed")
    (tmp_path / name).write_bytes(content)
    window.desk.open([tmp_path / name])
    qtbot.waitUntil(lambda: bool(window.pane.notice.words), timeout=5_000)
    assert window.pane.notice.words.startswith(what)
    assert window.desk.stage is None
    assert window.composer.edit.toPlainText() == "typed"


def test_question_that_waited_for_a_bad_picture_stays_typed(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    window.desk.open([tmp_path / "bad.png"])
    type_and_send(window, "What is it?")
    qtbot.waitUntil(lambda: bool(window.pane.notice.words), timeout=5_000)
    assert window.session.conversation.turns == []
    assert window.composer.edit.toPlainText() == "What is it?"


def test_a_question_of_the_program_is_not_put_among_the_words(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    window.composer.edit.setPlainText("half a thought")
    window.desk.open([tmp_path / "bad.png"])
    window.asking.ask_offered(Wording("What is in this picture?"))
    qtbot.waitUntil(lambda: bool(window.pane.notice.words), timeout=5_000)
    assert window.composer.edit.toPlainText() == "half a thought"


def test_a_question_of_the_program_leaves_what_is_typed(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture())
    window.composer.edit.setPlainText("half a thought")
    window.asking.ask_offered(Wording("What is in this picture?"))
    assert window.session.conversation.turns[0].question == "What is in this picture?"
    assert window.composer.edit.toPlainText() == "half a thought"


def test_a_large_picture_is_made_ready_beside_other_threads() -> None:
    picture = Picture(6000, 4000, bytes(6000 * 4000 * 3))
    moments, ended = [time.perf_counter()], threading.Event()

    def tick() -> None:
        while not ended.wait(0.001):
            moments.append(time.perf_counter())

    thread = threading.Thread(target=tick)
    thread.start()
    began = time.perf_counter()
    make_sheet(picture)
    took = time.perf_counter() - began
    ended.set()
    thread.join()
    moments.append(time.perf_counter())
    longest = max(later - earlier for earlier, later in itertools.pairwise(moments) if later > began)
    assert longest < took / 2


def test_the_picture_opened_last_is_on_the_stage(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    window.desk.open([picture("first.png", (4000, 3000))])
    window.desk.open([picture("second.png", (8, 8))])
    wait_for_stage(window, qtbot, "second.png")
    qtbot.waitUntil(lambda: not window.desk.busy, timeout=30_000)
    assert window.desk.stage is not None
    assert window.desk.stage.picture.name == "second.png"
    assert sorted(names(window)) == ["first.png", "second.png"]


def test_a_rectangle_makes_the_question_about_that_part(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture(size=(400, 200)))
    canvas = window.stage.canvas
    to_view = canvas.to_view()
    start, end = (to_view.map(QPointF(x, y)).toPoint() for x, y in ((100, 50), (300, 150)))
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(canvas, end)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end)
    part = canvas.part
    assert part is not None
    assert abs(part.x() - 100) <= 2
    assert abs(part.width() - 200) <= 4
    qtbot.waitUntil(lambda: bool(window.desk.attached) and bool(window.desk.attached[0].part_of), timeout=5_000)
    turn = ask(window, qtbot, "What is here?")
    assert turn.answer == f"You showed me a picture of {part.width()} x {part.height()} and asked: What is here?"
    assert canvas.part is None


def test_a_part_of_one_picture_leaves_the_others_with_the_question(
    window: Window, qtbot: QtBot, picture: MakePicture
) -> None:
    drop(window, files(picture("a.png", (400, 200)), picture("b.png", (30, 40))))
    qtbot.waitUntil(lambda: len(window.desk.attached) == 2, timeout=5_000)

    for part in (QRect(100, 50, 200, 100), QRect(10, 10, 50, 60)):
        size = part.size()
        window.desk.cut(part)
        qtbot.waitUntil(lambda size=size: window.desk.attached[0].levels[0].size() == size, timeout=5_000)
        assert [sheet.picture.name for sheet in window.desk.attached] == ["a.png", "b.png"]

    window.desk.uncut()
    assert [sheet.part_of for sheet in window.desk.attached] == ["", ""]
    assert window.desk.attached[0] is window.desk.stage


def test_escape_asks_about_the_whole_again(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture(size=(400, 200)))
    window.stage.canvas.choose_part(QRect(0, 0, 50, 50))
    qtbot.waitUntil(lambda: window.desk.attached[0].picture.width == 50, timeout=5_000)
    window.actions["escape"].trigger()
    assert [sheet.picture.width for sheet in window.desk.attached] == [400]


def test_part_by_keyboard(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture(size=(400, 200)))
    canvas, shift = window.stage.canvas, Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(canvas, Qt.Key.Key_Right, shift)
    assert canvas.part == QRect(100, 50, 200, 100)
    qtbot.keyClick(canvas, Qt.Key.Key_Right, shift)
    assert canvas.part == QRect(110, 50, 200, 100)
    qtbot.keyClick(canvas, Qt.Key.Key_Down, shift | Qt.KeyboardModifier.ControlModifier)
    assert canvas.part == QRect(110, 50, 200, 110)


def test_zoom_keeps_what_is_under_the_pointer(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture(size=(400, 200)))
    canvas = window.stage.canvas
    place = canvas.to_view().map(QPointF(100, 100))
    canvas.zoom(2.0, place)
    moved = canvas.to_view().map(QPointF(100, 100))
    assert (moved - place).manhattanLength() < 1
    canvas.fit()
    fitted = canvas.to_view().mapRect(QRect(0, 0, 400, 200))
    assert canvas.rect().contains(fitted)


def test_removed_picture_is_not_sent(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture())
    window.composer.removed.emit(window.desk.attached[0])
    assert ask(window, qtbot, "Just words").answer == "You asked: Just words"


@pytest.mark.parametrize("size", [(1, 1), (1, 20000), (6000, 6000)])
def test_odd_sizes_are_shown(window: Window, qtbot: QtBot, picture: MakePicture, size: tuple[int, int]) -> None:
    open_picture(window, qtbot, picture(size=size))
    assert window.desk.stage is not None
    assert (window.desk.stage.picture.width, window.desk.stage.picture.height) == size
    shot = window.stage.canvas.grab().toImage()
    middle = window.stage.canvas.to_view().map(QPointF(size[0] / 2, size[1] / 2)).toPoint()
    assert shot.pixelColor(middle) == QColor("red")


def test_names_in_tips_are_shown_as_they_are_written(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    name = "<img src=x>.png"
    open_picture(window, qtbot, picture(name))
    show, label, remove = (one for one in window.composer.findChildren(QWidget) if "img" in one.toolTip())
    assert as_seen(show.toolTip()) == shown(Wording("Show {name}", name=name))
    assert as_seen(label.toolTip()) == name
    assert as_seen(remove.toolTip()) == shown(Wording("Do not send along: {name}", name=name))
    models = [Installed("one", Path("/<b>one</b>")), Installed("two", Path("/two"), problem="<b>two</b> is damaged.")]
    menu: QMenu = menus.models(window.widget, models, "one", lambda _: None, window.actions["open"])
    assert [as_seen(action.toolTip()) for action in menu.actions()[:2]] == ["/<b>one</b>", "<b>two</b> is damaged."]


def as_seen(tip: str) -> str:
    """What a person reads of a tip."""
    return QTextDocumentFragment.fromHtml(tip).toPlainText()


def test_what_was_wrong_with_a_picture_is_over_with_the_next(
    window: Window, qtbot: QtBot, picture: MakePicture, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    window.desk.open([tmp_path / "bad.png"])
    qtbot.waitUntil(lambda: bool(window.pane.notice.words), timeout=5_000)
    open_picture(window, qtbot, picture("good.png"))
    assert window.pane.notice.words == ""
    window.pane.notice.show_hint("Something else.")
    window.actions["new"].trigger()
    assert window.pane.notice.words == ""
