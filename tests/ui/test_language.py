"""The window in other languages, changed while it is open, and what happens when a language cannot be had."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import PySide6
import pytest
from PySide6.QtCore import QLocale, QPoint, QRect, Qt, QTime
from PySide6.QtGui import QAction, QImage, QTextDocument
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QMenu, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from app import paths
from app.chat.conversation import Translated
from app.errors import PictureError
from app.modes.translate.checks import Concern
from app.modes.translate.mode import target
from app.settings.schema import BY_KEY, Settings
from app.settings.store import SettingsStore
from app.ui import i18n
from app.ui.buttons import IconButton
from app.ui.i18n import LANGUAGES, Language, number, preferred, shown, tongues
from app.ui.settings_dialog import SettingsDialog
from app.ui.sheets import KeySheet
from app.ui.window import Window
from app.wording import Wording
from tests.echo import say
from tests.ui.conftest import MakePicture
from tests.ui.steps import ask, cut_off, open_picture, script, type_and_send


@pytest.fixture(scope="session")
def catalogues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalogues, compiled as they stand now."""
    folder = tmp_path_factory.mktemp("i18n")
    for source in (paths.assets_dir() / "i18n").glob("*.ts"):
        command = [Path(PySide6.__path__[0]) / "lrelease", "-silent", source, "-qm", folder / f"{source.stem}.qm"]
        subprocess.run(command, check=True)
    return folder


@pytest.fixture(autouse=True)
def english_afterwards(catalogues: Path, monkeypatch: pytest.MonkeyPatch, qapp: QApplication) -> Iterator[None]:
    monkeypatch.setattr(i18n, "folder", lambda: catalogues)
    locale = QLocale()
    yield
    for catalogue in qapp.findChildren(i18n.QTranslator):
        qapp.removeTranslator(catalogue)
        catalogue.deleteLater()
    qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
    QLocale.setDefault(locale)


def speak(window: Window, language: str) -> None:
    window.services.store.set("window.language", language)
    window.preferences.follow("window.language")
    QApplication.processEvents()


def place(widget: QWidget, window: Window) -> QPoint:
    return widget.mapTo(window.widget, QPoint(0, 0))


def test_keys_are_named_as_they_are_on_a_german_keyboard(window: Window) -> None:
    speak(window, "de")
    window.actions["keys"].trigger()
    sheet = window.widget.findChild(KeySheet)
    assert sheet is not None
    words = [label.text() for label in sheet.findChildren(QLabel)]
    assert {"Umschalt+← → ↑ ↓", "Strg+Umschalt+← → ↑ ↓", "Leertaste", "+  -  0"} <= set(words)
    assert not [one for one in words if "Ctrl" in one or "Shift" in one]
    sheet.accept()


def test_everything_open_is_said_anew_and_nothing_typed_is_lost(window: Window) -> None:
    window.composer.edit.setPlainText("halb getippt")
    window.pane.notice.show_error(PictureError(Wording("{name} is empty.", name="a.png"), "Choose another picture."))
    speak(window, "de")
    assert window.composer.edit.toPlainText() == "halb getippt"
    assert window.composer.edit.placeholderText() == "Fragen Sie etwas…"
    assert window.pane.notice.words == "a.png ist leer. Wählen Sie ein anderes Bild."
    assert window.actions["find"].text() == "In dieser Unterhaltung suchen"
    assert "Strg+N" in window.header._new.toolTip()
    speak(window, "fr")
    assert window.pane.notice.words == "a.png est vide. Choisissez une autre image."
    assert window.composer.edit.undo() is None
    speak(window, "en")
    assert window.pane.notice.words == "a.png is empty. Choose another picture."
    assert window.header._new.toolTip() == "New conversation (Ctrl+N)"


def test_an_answer_goes_on_while_the_language_changes(window: Window, qtbot: QtBot) -> None:
    type_and_send(window, script(say("one two three four five six", delay=0.05)))
    turn = window.session.conversation.turns[-1]
    qtbot.waitUntil(lambda: turn.answer != "", timeout=20_000)
    window.composer.edit.setPlainText("und dann")
    speak(window, "de")
    qtbot.waitUntil(lambda: turn.ended, timeout=20_000)
    assert turn.answer == "one two three four five six"
    assert window.composer.edit.toPlainText() == "und dann"
    spoken = window.chat.answer_index(turn).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.startswith("Antwort: one two")
    assert "bis zum ersten Wort" in spoken
    assert "sehr sicher" in spoken


def test_remarks_under_an_answer_change_with_the_language(window: Window, qtbot: QtBot) -> None:
    turn = ask(window, qtbot, script(say("Open to 18 h")))
    turn.translated = Translated("fr", "Ouvert", True, (Concern("number", "18").sentence,))
    window.answers.changed.emit(turn)
    for language, remark in (("en", "Look twice: the number 18"), ("de", "die Zahl 18"), ("en", "the number 18")):
        speak(window, language)
        assert window.view.row(window.chat.answer_index(turn)).flow.find(remark)


def test_written_from_the_right_everything_is_mirrored_but_the_picture(
    window: Window, qtbot: QtBot, picture: MakePicture
) -> None:
    window.widget.resize(1200, 800)
    path = picture("half.png", (200, 100), "white")
    image = QImage(str(path))
    for x in range(100):
        for y in range(100):
            image.setPixelColor(x, y, Qt.GlobalColor.red)
    image.save(str(path))
    open_picture(window, qtbot, path)
    ask(window, qtbot, script(say("words")))
    speak(window, "ar")
    assert place(window.stage, window).x() > place(window.pane, window).x()
    canvas = window.stage.canvas.grab().toImage()
    middle = window.stage.canvas.to_view().map(QPoint(100, 50))
    assert canvas.pixelColor(middle - QPoint(20, 0)).green() == 0
    assert canvas.pixelColor(middle + QPoint(20, 0)).green() == 255
    question = window.view.row(window.chat.index(0))
    question.height(window.view.viewport().width())
    assert question.origin.x() < window.view.viewport().width() // 2
    tools = window.tools.answer
    assert tools.x() > window.view.viewport().width() // 2
    name = shown(Wording("{name} is empty.", name="a (1).png"))
    assert "\u2068a (1).png\u2069" in name


def test_the_menu_of_translators_ends_with_its_button_in_either_direction(window: Window) -> None:
    button = window.translate.panel._models
    window.widget.setGeometry(window.widget.screen().availableGeometry())
    for language in ("en", "ar"):
        speak(window, language)
        window.actions["mode.translate"].trigger()
        QApplication.processEvents()
        button.click()
        (menu,) = (menu for menu in window.widget.findChildren(QMenu) if menu.isVisible())
        place = QRect(button.mapToGlobal(QPoint()), button.size())
        begins = menu.geometry().left() - place.left(), place.right() - menu.geometry().right()
        assert abs(begins[language == "en"]) < 4
        menu.close()


def test_the_menus_of_cameras_and_languages_begin_with_their_button_in_either_direction(
    window: Window, qtbot: QtBot
) -> None:
    window.widget.setGeometry(window.widget.screen().availableGeometry())
    turn = ask(window, qtbot, script(say("Way out")))
    window.stage.show_live(Wording("Starting the camera…"))
    for language in ("en", "ar"):
        speak(window, language)
        window.tools.answer.show_for(turn)
        for button in (
            window.stage._live_bar.findChildren(IconButton)[0],
            window.tools.answer._buttons["translate"][0],
        ):
            button.click()
            opened: list[QMenu] = []

            def is_open(opened: list[QMenu] = opened) -> bool:  # cameras are looked for first
                opened[:] = [menu for menu in window.widget.findChildren(QMenu) if menu.isVisible()]
                return bool(opened)

            qtbot.waitUntil(is_open, timeout=5_000)
            (menu,) = opened
            place = QRect(button.mapToGlobal(QPoint()), button.size())
            begins = menu.geometry().left() - place.left(), place.right() - menu.geometry().right()
            assert abs(begins[language == "ar"]) < 4
            menu.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_fits_in_every_language(window: Window, qtbot: QtBot, picture: MakePicture, language: str) -> None:
    speak(window, language)
    for size in ((340, 640), (420, 800), (640, 600), (800, 600), (1200, 800)):
        window.widget.resize(*size)
        QApplication.processEvents()
        assert cut_off(window.widget) == []
        assert window.widget.width() == size[0]
    open_picture(window, qtbot, picture("a picture with a rather long name that goes on.png"))
    for mode in window.session.modes:
        window._choose_mode(mode)
        window.session.stop()
        window.translate.stop()
        qtbot.waitUntil(lambda: not window.pane.activity.words)
        for size in ((340, 640), (700, 700), (1200, 800)):
            window.widget.resize(*size)
            QApplication.processEvents()
            assert cut_off(window.widget) == []


def test_the_open_settings_change_with_the_language(window: Window, qtbot: QtBot) -> None:
    window.preferences.show()
    dialog = window.widget.findChild(SettingsDialog)
    assert dialog is not None
    box = dialog._editors["window.language"]
    assert isinstance(box, QComboBox)
    assert [box.itemText(i) for i in range(1, box.count())] == [
        name for code, name in BY_KEY["window.language"].choices if code != "system"
    ]
    box.setFocus()
    box.setCurrentIndex(box.findData("de"))
    qtbot.waitUntil(lambda: dialog.windowTitle() == "Einstellungen")
    qtbot.waitUntil(lambda: "Sprache" in {label.text() for label in dialog.findChildren(QLabel)})
    assert box.currentData() == "de"
    assert box.itemText(0) == "Wie das System"
    assert dialog._editors["window.language"] is box, "made anew, the page would hold up the window for 0.3 s"
    spin = dialog._editors["engine.context"]
    assert isinstance(spin, QSpinBox)
    assert spin.suffix() == " Token"
    qtbot.waitUntil(lambda: spin.locale().language() == QLocale.Language.German)
    dialog.accept()


def test_numbers_and_plurals(qapp: QApplication) -> None:
    language = Language(qapp)
    reused = "{n} tokens reused"
    language.use("en")
    assert shown(Wording(reused, n=1)) == "1 token reused"
    assert shown(Wording(reused, n=2)) == "2 tokens reused"
    language.use("ar")
    assert shown(Wording(reused, n=2)) == "أُعيد استخدام وحدتين"
    assert shown(Wording(reused, n=3)).replace("٣", "3") == "أُعيد استخدام 3 وحدات"
    language.use("de")
    assert shown(Wording("{size:.1f} GiB", size=1.25)).startswith("1,")
    assert shown(Wording("{share:.0%}", share=0.5)) == "50\u00a0%"
    assert (number(9999), number(12345)) == ("9999", "12.345")


def test_a_name_with_letters_from_the_right_does_not_turn_an_english_sentence(qapp: QApplication) -> None:
    Language(qapp).use("en")
    assert shown(Wording("{name} is empty.", name="صورة.png")).endswith("\u2068صورة.png\u2069 is empty.")
    assert shown(Wording("{name} is empty.", name="a.png")) == "a.png is empty."


@pytest.mark.parametrize(("language", "name"), [("ar", "a.png"), ("en", "صورة.png")])
def test_a_sentence_that_begins_with_a_name_runs_as_its_language_does(
    qapp: QApplication, language: str, name: str
) -> None:
    Language(qapp).use(language)
    text = QTextDocument()
    text.setHtml(f"<p>{shown(Wording('{name} is empty.', name=name))}</p>")
    assert text.firstBlock().textDirection() == qapp.layoutDirection()


def test_a_language_without_its_catalogue_is_english_and_says_so(
    window: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(i18n, "folder", lambda: tmp_path)
    (tmp_path / "spyglass_de.qm").write_bytes(b"no catalogue")
    for language in ("fr", "de"):
        speak(window, language)
        assert window.services.language.code == "en"
        assert window.composer.edit.placeholderText() == "Ask anything…"
        assert "are missing. Install Spyglass again." in window.pane.notice.words


def test_an_unknown_language_in_the_file_is_the_default_and_stays_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"version": 1, "settings": {"window.language": "tlh"}}')
    store = SettingsStore(file)
    assert store.settings["window.language"] == "system"
    assert "must be one of system" in store.warnings[0]
    store.set("window.theme", "dark")
    assert "tlh" in file.read_text()


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        (["de-CH", "en-US"], "de"),
        (["zh-Hans-CN"], "zh_CN"),
        (["zh-TW", "es-MX"], "es"),
        (["zh-Hant-HK"], "en"),
        (["ar-MA"], "ar"),
        (["pt-BR", "fr-CA"], "fr"),
        (["C"], "en"),
        ([], "en"),
    ],
)
def test_the_system_s_language_is_followed(wanted: list[str], language: str) -> None:
    assert preferred(wanted) == language


def test_actions_of_the_menu_keep_their_keys(window: Window) -> None:
    speak(window, "de")
    action: QAction = window.actions["settings"]
    assert (action.text(), action.shortcut().toString()) == ("Einstellungen…", "Ctrl+,")


@pytest.mark.parametrize("language", ["en_US", "de_DE", "es_ES", "fr_CA", "ar_EG", "zh_CN"])
def test_the_time_of_day_names_no_zone(language: str) -> None:
    before = QLocale()
    try:
        QLocale.setDefault(QLocale(language))
        told = i18n.clock(1_700_000_000.0)
        zone = QLocale().toString(QTime.currentTime(), "tttt")
    finally:
        QLocale.setDefault(before)
    assert zone not in told


@pytest.mark.parametrize(
    ("system", "choice", "kept", "into"),
    [
        (["pl-PL", "de-DE"], "system", "", "pl"),
        (["pl-PL", "de-DE"], "de", "", "de"),
        (["nb-NO"], "system", "", "no"),
        (["zh-Hant-TW"], "system", "", "zh"),
        (["eo", "fr-CH"], "system", "", "fr"),
        (["C"], "system", "", "en"),
        (["fr-FR"], "system", "it", "it"),
        (["fr-FR"], "system", "tlh", "fr"),
    ],
)
def test_translations_are_into_the_persons_own_language_until_another_is_chosen(
    monkeypatch: pytest.MonkeyPatch, system: list[str], choice: str, kept: str, into: str
) -> None:
    monkeypatch.setattr(QLocale, "system", staticmethod(lambda: SimpleNamespace(uiLanguages=lambda: system)))
    settings = Settings({"translate.to": kept})
    assert target(settings, tongues(choice)).code == into
