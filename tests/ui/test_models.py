"""Which model answers, and what happens when the one that was chosen cannot."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.library.known import KNOWN
from app.ui.models_sheet import ModelsSheet
from app.ui.window import Window
from tests.models import write_text_model
from tests.ui.steps import ask, cut_off
from training import prompts


@pytest.mark.parametrize("kind", ["gone", "broken", "folder"])
def test_a_model_that_is_none_leaves_the_one_before(window: Window, qtbot: QtBot, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model.gguf"
    if kind == "broken":
        path.write_bytes(b"GGUF but no more")
    elif kind == "folder":
        path.mkdir()
    window.composer.edit.setPlainText("half typed")
    window.session.choice.choose(str(path))
    qtbot.waitUntil(lambda: bool(window.pane.notice.words), timeout=5_000)
    assert "model.gguf" in window.pane.notice.words
    qtbot.waitUntil(lambda: window.session.spec is not None, timeout=5_000)
    assert window.header._full_name == "echo"
    assert window.services.store.settings["model.path"] == "echo"
    assert window.composer.edit.toPlainText() == "half typed"
    assert ask(window, qtbot, "Still there?").answer == "You asked: Still there?"


def test_the_starter_steps_in_for_a_model_that_is_gone(window: Window, qtbot: QtBot) -> None:
    window.services.store.set("model.path", "/nowhere/mine.gguf")
    window.session.find_model()
    qtbot.waitUntil(lambda: bool(window.pane.notice.words), timeout=5_000)
    assert window.pane.notice.words.startswith("There is no model file mine.gguf.")
    instead = window.pane.notice.findChildren(QPushButton)[0]
    assert instead.text() == "Use the starter for now"
    instead.click()
    qtbot.waitUntil(lambda: window.session.spec is not None, timeout=5_000)
    assert window.header._full_name == "starter"
    assert window.pane.notice.words == ""
    assert window.services.store.settings["model.path"] == "/nowhere/mine.gguf"  # it may come back


def test_a_model_that_is_one_is_remembered(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "script.json").write_text('{"answer":[{"do":"say","text":"From the other."}]}')
    window.session.choice.choose(f"echo:{tmp_path / 'script.json'}")
    assert ask(window, qtbot, "Who?").answer == "From the other."
    assert window.services.store.settings["model.path"].endswith("script.json")


def test_a_dropped_model_is_chosen(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "dropped.GGUF").write_bytes(b"no model at all")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "dropped.GGUF"))])
    window.doors.take(data)
    qtbot.waitUntil(lambda: bool(window.pane.notice.words), timeout=5_000)
    assert window.pane.notice.words.startswith("The model file dropped.GGUF is damaged")
    assert window.desk.stage is None


def test_a_model_that_only_reads_asks_for_its_projector(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    write_text_model(tmp_path / "words.gguf")
    window.session.choice.choose(str(tmp_path / "words.gguf"))
    qtbot.waitUntil(lambda: bool(window.pane.notice.words), timeout=10_000)
    assert window.pane.notice.words.startswith("words.gguf reads text only")
    assert [b.text() for b in window.pane.notice.findChildren(QPushButton)] == ["Choose its projector…"]
    qtbot.waitUntil(lambda: window.session.spec is not None, timeout=5_000)
    assert window.header._full_name == "echo"


def test_the_starter_was_taught_what_is_offered(window: Window) -> None:
    opening = window.pane.opening
    opening.show_picture(True)
    chips = [chip.text() for chip in opening._chips]
    assert set(chips) <= {question for phrasings in prompts.ASK.values() for question in phrasings}
    asked: list[str] = []
    opening.question.disconnect()
    opening.question.connect(asked.append)
    for chip in opening._chips:
        chip.click()
    assert asked == chips


def test_larger_models_are_offered_in_numbers(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    window.pane.opening.larger_model.emit()
    sheet = window.widget.findChild(ModelsSheet)
    assert sheet is not None
    assert cut_off(sheet) == []
    words = " ".join(label.text() for label in sheet.findChildren(QLabel))
    for known in KNOWN:
        assert known.title in words
        assert known.licence in words
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    [first, *_] = [one for one in sheet.findChildren(QPushButton) if one.text() == "Its page"]
    first.click()
    assert opened == [QUrl(KNOWN[0].page)]
    sheet.accept()


def test_what_does_not_fit_says_so(window: Window) -> None:
    sheet = ModelsSheet(KNOWN[0].needs, 2, window.models.fetching, window.widget)
    lines = [label.text() for label in sheet.findChildren(QLabel)]
    assert sum(line.endswith("of memory, which is free.") for line in lines) == 1
    assert sum(f"only {KNOWN[0].needs / 1e9:.1f} GB are free" in line for line in lines) == len(KNOWN) - 1
