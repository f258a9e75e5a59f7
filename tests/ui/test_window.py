"""The window as a whole: room, themes, keyboard, names for screen readers, dialogs."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessibilityHints, QColor
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QTextEdit,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.errors import SpyglassError
from app.settings.schema import BY_KEY
from app.ui import menus, theme
from app.ui.main_window import NARROW
from app.ui.settings_dialog import SettingsDialog
from app.ui.sheets import DetailSheet, KeySheet
from app.ui.window import Window
from tests.echo import say
from tests.ui.conftest import MakePicture
from tests.ui.steps import ask, cut_off, open_picture, script

SIZES = [(340, 600), (390, 800), (800, 600), (1200, 800), (1920, 1080)]


def place(widget: QWidget, window: Window) -> QPoint:
    return widget.mapTo(window.widget, QPoint(0, 0))


@pytest.mark.parametrize("size", SIZES)
def test_everything_fits(window: Window, qtbot: QtBot, picture: MakePicture, size: tuple[int, int]) -> None:
    window.widget.resize(*size)
    QApplication.processEvents()
    assert cut_off(window.widget) == []
    open_picture(window, qtbot, picture("a picture with a rather long name that goes on.png"))
    window.pane.notice.show_error(SpyglassError("Something long happened to the picture. " * 2, "Do this.", "detail"))
    QApplication.processEvents()
    assert cut_off(window.widget) == []
    assert window.widget.width() == size[0]


def test_narrow_has_the_stage_above(window: Window) -> None:
    window.widget.resize(NARROW, 700)
    QApplication.processEvents()
    assert place(window.pane, window).x() > place(window.stage, window).x()
    window.widget.resize(NARROW - 1, 700)
    QApplication.processEvents()
    assert place(window.pane, window).y() > place(window.stage, window).y()
    assert place(window.pane, window).x() == place(window.stage, window).x()


def test_dark_and_light(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, script(say("words")))
    seen = {}
    for name, wanted in (("dark", theme.DARK), ("light", theme.LIGHT)):
        window.services.store.set("window.theme", name)
        window.preferences.follow("window.theme")
        QApplication.processEvents()
        image = window.widget.grab().toImage()
        at = place(window.view, window) + QPoint(2, window.view.height() // 2)
        assert image.pixelColor(at) == QColor(wanted.window)
        header = image.copy(0, 0, 48, 48)
        colours = {header.pixelColor(x, y).lightness() for x in range(48) for y in range(48)}
        seen[name] = (min(colours), max(colours))
    assert seen["dark"][1] > 180  # the icons are light on dark
    assert seen["light"][0] < 90


@pytest.mark.parametrize("contrast", [False, True])
def test_the_theme_is_as_the_system_wishes(monkeypatch: pytest.MonkeyPatch, qapp: QApplication, contrast: bool) -> None:
    wish = Qt.ContrastPreference.HighContrast if contrast else Qt.ContrastPreference.NoPreference
    monkeypatch.setattr(QAccessibilityHints, "contrastPreference", lambda _: wish)
    before = theme.current()
    wanted = {choice: theme.wanted(choice) for choice in ("light", "dark")}
    light, dark = (theme.LIGHT_CONTRAST, theme.DARK_CONTRAST) if contrast else (theme.LIGHT, theme.DARK)
    assert wanted == {"light": light, "dark": dark}
    for one in wanted.values():
        theme.apply(qapp, one)
        assert theme.current() == one
    theme.apply(qapp, before)


@pytest.mark.parametrize("colours", theme.THEMES, ids=lambda one: one.name)
def test_text_can_be_read(colours: theme.Theme) -> None:
    """Contrast of at least 4.5 : 1 (WCAG 2.2, 1.4.3); in high contrast 7 : 1, and 3 : 1 around controls (1.4.11)."""
    strong = "contrast" in colours.name

    def luminance(colour: str) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in QColor(colour).getRgbF()[:3]]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    def contrast(a: str, b: str) -> float:
        light, dark = sorted((luminance(a), luminance(b)), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    for behind in (colours.window, colours.surface, colours.stage, colours.bubble, colours.raised):
        assert contrast(colours.text, behind) >= 7
    for behind in (colours.window, colours.surface, colours.stage, colours.bubble):
        assert contrast(colours.soft, behind) >= (7 if strong else 4.5)
        assert contrast(colours.accent, behind) >= (7 if strong else 4.5)
        assert contrast(colours.line, behind) >= (3 if strong else 1)
    assert contrast(colours.on_accent, colours.accent) >= (7 if strong else 4.5)
    assert contrast(colours.text, colours.danger_soft) >= 7
    assert contrast(colours.text, colours.accent_soft) >= 7


def test_what_a_field_is_for_can_be_read(window: Window) -> None:
    for field in (window.composer.edit, window.pane.find_bar.findChild(QLineEdit)):
        assert field is not None
        field.ensurePolished()
        assert field.palette().placeholderText().color() == QColor(theme.current().soft)


def named(widget: QWidget) -> bool:
    return bool(widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text().strip()))


def test_every_control_has_a_name(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture())
    ask(window, qtbot, "What?")
    kinds = (QAbstractButton, QTextEdit, QLineEdit, QPlainTextEdit, QComboBox)
    nameless = [
        w
        for w in window.widget.findChildren(QWidget)
        if isinstance(w, kinds) and not named(w) and not w.parent().inherits("QScrollBar")
    ]
    assert nameless == []


def test_tab_reaches_every_control(window: Window, qtbot: QtBot, picture: MakePicture) -> None:
    open_picture(window, qtbot, picture())
    ask(window, qtbot, "What?")
    window.widget.activateWindow()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is not None)
    reached = []
    for _ in range(60):
        reached.append(QApplication.focusWidget())
        qtbot.keyClick(reached[-1], Qt.Key.Key_Tab)
    buttons = [b for b in window.widget.findChildren(QAbstractButton) if b.isVisible() and b.isEnabled()]
    # Of buttons that exclude one another Tab reaches the chosen one, arrows the others.
    wanted = [b for b in buttons if b.group() is None or b.isChecked()]
    missed = [b.accessibleName() or b.text() for b in wanted if b not in reached]
    assert missed == []
    assert window.view in reached
    assert window.stage.canvas in reached


def test_notice_shows_its_details(window: Window) -> None:
    window.pane.notice.show_error(SpyglassError("It broke.", "Mend it.", "line 7"))
    assert window.pane.notice.words == "It broke. Mend it."
    [details] = [b for b in window.pane.notice.findChildren(QPushButton) if b.isVisible()]
    details.click()
    sheet = window.widget.findChild(DetailSheet)
    assert sheet is not None
    assert sheet.findChild(QPlainTextEdit).toPlainText() == "line 7"
    assert cut_off(sheet) == []
    sheet.accept()
    [close] = [b for b in window.pane.notice.findChildren(QToolButton) if b.isVisible()]
    close.click()
    assert window.pane.notice.words == ""


def test_keys_sheet_lists_every_action(window: Window) -> None:
    window.actions["keys"].trigger()
    sheet = window.widget.findChild(KeySheet)
    assert sheet is not None
    shown = {label.text() for label in sheet.findChildren(QLabel)}
    keys = {action.shortcut().toString() for action in window.actions.values() if not action.shortcut().isEmpty()}
    assert keys <= shown
    sheet.accept()


def test_settings_hold_at_once_and_are_kept(window: Window, qtbot: QtBot) -> None:
    window.actions["settings"].trigger()
    dialog = window.widget.findChild(SettingsDialog)
    assert dialog is not None
    by_name = {w.accessibleName(): w for w in dialog.findChildren(QComboBox)}
    box = by_name["Send with"]
    box.setCurrentIndex(box.findData("ctrl+enter"))
    assert window.services.store.settings["window.send"] == "ctrl+enter"
    assert "ctrl+enter" in window.services.store.path.read_text("utf-8")
    for area in dialog.findChildren(QScrollArea):
        assert area.widget().minimumSizeHint().width() <= area.viewport().width() or not area.isVisible()
    dialog.accept()
    window.composer.edit.setPlainText("one line")
    qtbot.keyClick(window.composer.edit, Qt.Key.Key_Return)
    assert window.session.conversation.turns == []
    qtbot.keyClick(window.composer.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    [turn] = window.session.conversation.turns
    qtbot.waitUntil(lambda: turn.ended)


def test_settings_go_back_to_the_defaults_and_can_be_had_back(window: Window) -> None:
    store = window.services.store
    changed = {"window.send": "ctrl+enter", "answer.temperature": 0.7, "camera.speak": True, "engine.threads": 3}
    own = {"model.path": "echo", "translate.to": "fr", "chat.disk": 4096, "cache.disk": 0, "window.language": "en"}
    for key, value in (changed | own).items():
        store.set(key, value)
    dialog = SettingsDialog(store, window.widget)
    heard: list[str] = []
    dialog.changed.connect(heard.append)
    dialog.open()
    buttons = {button.text(): button for button in dialog.findChildren(QPushButton)}
    buttons["Reset to defaults"].click()
    assert {key: store.settings[key] for key in changed} == {key: BY_KEY[key].default for key in changed}
    assert {key: store.settings[key] for key in own} == own
    assert sorted(heard) == sorted(changed)
    buttons["Reset to defaults"].click()
    buttons["Undo"].click()
    assert {key: store.settings[key] for key in changed | own} == changed | own
    assert buttons["Undo"].isHidden()
    dialog.close()


def test_the_ring_of_the_keyboard_goes_with_the_mode(window: Window) -> None:
    translate, recognise = (window.header._mode_buttons[mode] for mode in ("translate", "recognise"))
    window.widget.activateWindow()
    translate.setFocus()
    window.actions["mode.recognise"].trigger()
    assert QApplication.focusWidget() is recognise
    window.composer.edit.setFocus()
    window.actions["mode.translate"].trigger()
    assert QApplication.focusWidget() is window.composer.edit


def test_menus_hold_what_can_be_done(window: Window) -> None:
    menu = menus.main(window.widget, window.actions, lambda: None)
    titles = [action.text() for action in menu.actions() if action.text()]
    assert titles[0] == "New conversation\tCtrl+N"
    assert "About Spyglass" in titles
    find = next(action for action in menu.actions() if action.text().startswith("Find"))
    assert not find.isEnabled()
    menu.actions()[0].trigger()
    models = menus.models(window.widget, [], "echo", lambda _: None, window.actions["model"])
    assert [(a.text(), a.isChecked()) for a in models.actions() if a.isCheckable()] == [("echo", True)]
    menu.deleteLater()
    models.deleteLater()


def test_engine_state_is_told_in_words(window: Window, qtbot: QtBot) -> None:
    ask(window, qtbot, "What?")
    qtbot.waitUntil(lambda: window.header._state.text() == "Ready", timeout=5_000)
    window.widget.resize(390, 800)
    QApplication.processEvents()
    assert window.header._dot.accessibleName() == "Engine: Ready"
