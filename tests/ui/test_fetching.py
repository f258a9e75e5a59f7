"""A larger model is fetched from its page, and used."""

import threading
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.errors import ModelError
from app.library.fetch import Progress, place
from app.library.known import KNOWN, Known
from app.ui import fetching
from app.ui.models_sheet import ModelsSheet
from app.ui.window import Window
from tests.models import write_text_model

SMALL = KNOWN[0]


class Site:
    """Gives half of a model, then waits for what the test decides."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.error: ModelError | None = None

    def fetch(self, known: Known, progress: Progress, stop: threading.Event) -> Path | None:
        progress(500_000_000, 2_000_000_000)
        while not (self.go_on.wait(0.005) or stop.is_set()):
            pass
        if stop.is_set():
            return None
        if self.error:
            raise self.error
        folder = place(known)
        folder.mkdir(parents=True)
        for name in ("mmproj-model.gguf", "model.gguf"):
            write_text_model(folder / name)
        return folder / "model.gguf"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    one = Site()
    monkeypatch.setattr(fetching, "fetch", one.fetch)
    return one


def press(sheet: ModelsSheet, name: str) -> None:
    """As a person does who has come to the button by key."""
    (button,) = (b for b in sheet.findChildren(QPushButton) if b.accessibleName() == name)
    assert not button.isHidden()
    assert button.isEnabled()
    button.setFocus()
    button.click()


def assert_focused(sheet: ModelsSheet, name: str) -> None:
    focused = sheet.focusWidget()
    assert focused
    assert focused.accessibleName() == name


def words(sheet: ModelsSheet) -> str:
    return " ".join(label.text() for label in sheet.findChildren(QLabel) if not label.isHidden())


def begin(window: Window, qtbot: QtBot) -> ModelsSheet:
    window.pane.opening.larger_model.emit()
    sheet = window.widget.findChild(ModelsSheet)
    assert isinstance(sheet, ModelsSheet)
    press(sheet, f"Get {SMALL.title}")
    qtbot.waitUntil(lambda: window.models.fetching.fraction == 0.25)
    assert_focused(sheet, f"Stop fetching {SMALL.title}")
    return sheet


def test_a_model_is_fetched_while_its_sheet_is_closed_and_used_with_one_click(
    window: Window, qtbot: QtBot, site: Site
) -> None:
    sheet = begin(window, qtbot)
    assert "0.5 GB of 2.0 GB" in words(sheet)
    assert window.header._offline_words.text() == "Fetching 25%"
    sheet.accept()
    site.go_on.set()
    qtbot.waitUntil(lambda: window.pane.notice.words == f"{SMALL.title} is here.")
    assert window.header._offline_words.text() == "Offline"
    chosen: list[str] = []
    window.session.choice.choose = chosen.append  # type: ignore[method-assign]
    (use,) = (b for b in window.pane.notice.findChildren(QPushButton) if b.text() == "Use it")
    use.click()
    window.models.show_larger()
    again = window.widget.findChild(ModelsSheet)
    assert isinstance(again, ModelsSheet)
    press(again, f"Use {SMALL.title}")
    assert chosen == [str(place(SMALL) / "model.gguf")] * 2


def test_it_can_be_stopped_and_asked_for_again(window: Window, qtbot: QtBot, site: Site) -> None:
    sheet = begin(window, qtbot)
    others = [b for b in sheet.findChildren(QPushButton) if b.accessibleName().startswith("Get ") and not b.isHidden()]
    assert others
    assert not any(b.isEnabled() for b in others), "one at a time"
    press(sheet, f"Stop fetching {SMALL.title}")
    qtbot.waitUntil(lambda: window.models.fetching.known is None)
    assert not window.pane.notice.words
    press(sheet, f"Get {SMALL.title}")
    site.go_on.set()
    qtbot.waitUntil(lambda: bool(window.pane.notice.words))


def test_what_goes_wrong_is_told_where_it_was_asked_for(window: Window, qtbot: QtBot, site: Site) -> None:
    site.error = ModelError(
        "The connection broke off again and again.", "Try again later; what has been fetched is kept."
    )
    sheet = begin(window, qtbot)
    site.go_on.set()
    qtbot.waitUntil(lambda: window.models.fetching.known is None)
    assert "broke off again and again. Try again later" in words(sheet)
    assert window.pane.notice.words.startswith("The connection broke off")
    press(sheet, f"Get {SMALL.title}")
    assert "broke off" not in words(sheet)


def test_closing_the_window_ends_it(window: Window, qtbot: QtBot, site: Site) -> None:  # noqa: ARG001
    begin(window, qtbot)
    window.widget.close()
    assert not [t for t in threading.enumerate() if t.name == "fetching"]
