"""An answer of the conversation in another language, below the answer itself."""

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.chat.conversation import Turn
from app.modes.translate.languages import LANGUAGES
from app.ui.window import Window
from tests.echo import say
from tests.ui.steps import ask, script
from tests.ui.test_translate import Table


@pytest.fixture
def table(window: Window) -> Table:
    engine = Table(window.services.bridge.engine)
    window.answers.work._engine = engine
    return engine


def answered(window: Window, qtbot: QtBot) -> Turn:
    return ask(window, qtbot, script(say("# Ticket office\n\n- Open daily to 18 h\n- Way out")))


def shown(window: Window, turn: Turn) -> str:
    return window.answers.markdown(turn)


def test_an_answer_is_translated_below_itself(window: Window, qtbot: QtBot, table: Table) -> None:
    turn = answered(window, qtbot)
    window.answers.translate(turn, "fr")
    qtbot.waitUntil(lambda: turn.translated is not None and turn.translated.ended, timeout=10_000)
    assert turn.translated is not None
    assert turn.translated.text == "# Guichet\n\n- Ouvert tous les jours à 19 h\n- It means: Way out"
    assert "Look twice: the number 18" in turn.translated.remarks[0]
    assert shown(window, turn).startswith("# Ticket office")
    assert "**Français**" in shown(window, turn)
    assert turn.answer.startswith("# Ticket office"), "what the model is told stays its own words"
    assert all("French" in question for question in table.asked)
    row = window.view.row(window.chat.answer_index(turn))
    assert row.flow.find("Guichet")


def test_the_menu_offers_every_language_the_last_one_first(window: Window, qtbot: QtBot, table: Table) -> None:
    del table
    window.services.store.set("translate.to", "it")
    turn = answered(window, qtbot)
    window.tools.chosen.emit("translate", turn)
    menu = window.widget.findChildren(QMenu)[-1]
    names = [action.text() for action in menu.actions() if action.text()]
    assert names[0] == "Italiano"
    assert len(names) == len(LANGUAGES)
    menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: turn.translated is not None and turn.translated.ended, timeout=10_000)
    menu.close()
    window.tools.chosen.emit("translate", turn)
    menu = window.widget.findChildren(QMenu)[-1]
    named = {action.text(): action for action in menu.actions()}
    assert named["Italiano"].isChecked()
    named["Copy the translation"].trigger()
    assert QGuiApplication.clipboard().text().startswith("# Guichet")
    named["Take the translation away"].trigger()
    assert turn.translated is None
    menu.close()


def test_stop_keeps_what_is_translated(window: Window, qtbot: QtBot, table: Table) -> None:
    table.hold = 1
    turn = answered(window, qtbot)
    window.answers.translate(turn, "fr")
    qtbot.waitUntil(lambda: turn.translated is not None and turn.translated.text.endswith("Ouve"), timeout=10_000)
    assert window.pane.activity.words == "Translating"
    window.composer._send.click()
    qtbot.waitUntil(lambda: not table.held)
    assert turn.translated is not None
    assert turn.translated.ended
    assert turn.translated.text.startswith("# Guichet")
    assert window.pane.activity.words == ""


def test_a_failure_is_said_and_leaves_the_answer_as_it_was(window: Window, qtbot: QtBot, table: Table) -> None:
    turn = answered(window, qtbot)
    table.fail = True
    window.answers.translate(turn, "fr")
    qtbot.waitUntil(lambda: "The engine died." in window.pane.notice.words, timeout=10_000)
    assert turn.translated is None


def test_answering_again_takes_the_translation_away(window: Window, qtbot: QtBot, table: Table) -> None:
    del table
    turn = answered(window, qtbot)
    window.answers.translate(turn, "fr")
    qtbot.waitUntil(lambda: turn.translated is not None and turn.translated.ended, timeout=10_000)
    window.tools.chosen.emit("again", turn)
    assert turn.translated is None
    qtbot.waitUntil(lambda: turn.ended, timeout=10_000)


def test_the_button_is_under_every_answer(window: Window, qtbot: QtBot, table: Table) -> None:
    del table
    turn = answered(window, qtbot)
    with qtbot.waitSignal(window.tools.chosen) as told:
        window.tools.answer._buttons["translate"][0].click()
    assert told.args == ["translate", turn]
    for menu in window.widget.findChildren(QMenu):
        menu.close()
