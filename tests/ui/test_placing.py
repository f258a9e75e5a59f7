"""The window comes back where it was, whatever the record says."""

from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui import placing


def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


def fits(shown: QWidget) -> bool:
    return shown.screen().availableGeometry().size().boundedTo(shown.size()) == shown.size()


def test_a_first_window_fits_the_screen(qtbot: QtBot, tmp_path: Path) -> None:
    shown = window(qtbot)

    placing.restore(shown, {}, tmp_path / "window.ini")

    assert fits(shown)


def test_it_comes_back_as_large_as_it_was(qtbot: QtBot, tmp_path: Path) -> None:
    before, after = window(qtbot), window(qtbot)
    before.setGeometry(QRect(40, 60, 420, 610))
    placing.keep(before, {}, tmp_path / "window.ini")

    placing.restore(after, {}, tmp_path / "window.ini")

    assert after.geometry() == QRect(40, 60, 420, 610)


def test_it_comes_back_divided_as_it_was(qtbot: QtBot, tmp_path: Path) -> None:
    placing.keep(window(qtbot), {True: [700, 500]}, tmp_path / "window.ini")
    text = (tmp_path / "window.ini").read_text()
    (tmp_path / "later.ini").write_text(text)  # Qt would answer for the first file from memory
    split: placing.Split = {}

    placing.restore(window(qtbot), split, tmp_path / "later.ini")

    assert split == {True: [700, 500]}


@pytest.mark.parametrize("sizes", ["7", "1, 2, 3", "-1, 4", "a, b", "99999999999, 1"])
def test_halves_that_are_none_are_passed_over(qtbot: QtBot, tmp_path: Path, sizes: str) -> None:
    (tmp_path / "window.ini").write_text(f"[General]\nbeside={sizes}\n")
    split: placing.Split = {}

    placing.restore(window(qtbot), split, tmp_path / "window.ini")

    assert split == {}


@pytest.mark.parametrize("record", ["", "[General]\ngeometry=@ByteArray(nonsense)\n", "geometry=7", "\0\xff"])
def test_a_spoilt_record_is_passed_over(qtbot: QtBot, tmp_path: Path, record: str) -> None:
    (tmp_path / "window.ini").write_text(record, encoding="latin-1")
    shown = window(qtbot)

    placing.restore(shown, {}, tmp_path / "window.ini")

    assert fits(shown)


def test_a_folder_that_cannot_be_written_to_costs_nothing_else(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    placing.keep(window(qtbot), {}, tmp_path / "file" / "window.ini")
