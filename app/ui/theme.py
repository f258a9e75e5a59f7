"""The looks: one accent colour, two themes, each in high contrast too, and one style sheet.

Logic never knows colours; widgets are styled by name.
"""

from dataclasses import dataclass, replace
from functools import cache
from string import Template

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app import paths

UNIT = 8
"""Pixels of the grid everything stands on."""


@dataclass(frozen=True)
class Theme:
    """Colours by what they are for."""

    name: str
    window: str
    """Behind the conversation."""
    stage: str
    """Behind the picture."""
    surface: str
    """Cards and fields that lie on the window."""
    raised: str
    """A control that can be pressed, under the pointer."""
    bubble: str
    line: str
    """Around controls and between parts; 3 : 1 on the window in high contrast."""
    text: str
    soft: str
    """Less important text; still 4.5 : 1 on the window."""
    accent: str
    accent_hover: str
    on_accent: str
    accent_soft: str
    danger: str
    danger_soft: str
    ok: str


LIGHT = Theme(
    name="light",
    window="#ffffff",
    stage="#f2f4f4",
    surface="#ffffff",
    raised="#e7ebea",
    bubble="#eef2f1",
    line="#dbe1df",
    text="#1b2221",
    soft="#5a6664",
    accent="#0b6e69",
    accent_hover="#095b57",
    on_accent="#ffffff",
    accent_soft="#dff0ee",
    danger="#b3261e",
    danger_soft="#fbecea",
    ok="#1f7a4a",
)
DARK = Theme(
    name="dark",
    window="#171b1c",
    stage="#0f1213",
    surface="#1f2425",
    raised="#2b3233",
    bubble="#272e2f",
    line="#333b3c",
    text="#e8eded",
    soft="#9eabaa",
    accent="#57c9bf",
    accent_hover="#7ad8d0",
    on_accent="#06211f",
    accent_soft="#1c3836",
    danger="#ffb4ab",
    danger_soft="#3a2321",
    ok="#7bd3a0",
)
LIGHT_CONTRAST = replace(
    LIGHT,
    name="light, high contrast",
    stage="#ffffff",
    raised="#d3dcda",
    line="#4a5553",
    text="#000000",
    soft="#2e3735",
    accent="#00504b",
    accent_hover="#00332f",
    danger="#8c0f09",
    ok="#0b5a31",
)
DARK_CONTRAST = replace(
    DARK,
    name="dark, high contrast",
    window="#000000",
    stage="#000000",
    surface="#000000",
    bubble="#1c2122",
    line="#9aa5a4",
    text="#ffffff",
    soft="#d3dbda",
    accent="#7fe9df",
    accent_hover="#aef4ed",
    ok="#9ae9ba",
)
THEMES = (LIGHT, DARK, LIGHT_CONTRAST, DARK_CONTRAST)

_SHEET = Template("""
* { outline: none; }
QWidget { color: $text; }
QWidget#window, QDialog { background: $window; }
QToolTip { background: $text; color: $window; border: none; padding: 4px 8px; }
#header { background: $window; border-bottom: 1px solid $line; }
#wordmark { font-weight: 600; }
#stage { background: $stage; }
#conversation { background: $window; }
#chat { background: $window; border: none; }
QSplitter::handle { background: $line; }

QToolButton, QPushButton {
  border: 1px solid transparent; border-radius: 8px; padding: 7px 12px; background: transparent;
}
QToolButton { padding: 7px; }
QToolButton[wide="true"] { padding: 7px 12px 7px 8px; }
QToolButton::menu-indicator { image: none; width: 0; }
QToolButton:hover, QPushButton:hover { background: $raised; }
QToolButton:pressed, QPushButton:pressed { background: $line; }
QToolButton:focus, QPushButton:focus { border-color: $accent; }
QToolButton:disabled, QPushButton:disabled { color: $soft; }
QToolButton:checked { background: $accent_soft; color: $accent; }
QPushButton { background: $surface; border-color: $line; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QPushButton:hover { background: $raised; }
QPushButton[primary="true"] { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[primary="true"]:hover { background: $accent_hover; }
QPushButton[primary="true"]:focus { border: 2px solid $text; padding: 6px 11px; }
QPushButton[primary="true"]:disabled { background: $raised; border-color: $raised; color: $soft; }
QPushButton[chip="true"] { border-radius: 13px; padding: 5px 14px; }
QPushButton[link="true"] { background: transparent; border-color: transparent; color: $accent; padding: 3px 6px 3px 0; }
QPushButton[link="true"]:hover { text-decoration: underline; }
QPushButton[link="true"]:focus { border-color: $accent; }

QPushButton[row="true"] { background: transparent; border-color: transparent; border-radius: 8px; padding: 0; }
QPushButton[row="true"]:hover { background: $raised; }
QPushButton[row="true"]:focus { border-color: $accent; }
#sure { color: $accent; }

#modes { background: $bubble; border-radius: 10px; }
#modes QToolButton { border-radius: 8px; padding: 5px 14px; margin: 2px; }
#modes QToolButton[tight="true"] { padding: 5px 4px; }
#modes QToolButton:checked { background: $surface; color: $text; border-color: $line; font-weight: 600; }
#modes QToolButton:focus { border-color: $accent; }

#bar { background: $surface; border: 1px solid $line; border-radius: 14px; }
#bar QToolButton { border-radius: 10px; }
#zoom { background: $surface; border: 1px solid $line; border-radius: 14px; }
#zoom QToolButton { border-radius: 10px; padding: 7px; }
#shutter { background: $accent; border: 4px solid $accent_soft; border-radius: 28px; }
#shutter:hover { background: $accent_hover; }
#shutter:focus { border-color: $text; }
#shutter:disabled { background: $line; border-color: $bubble; }

#composer { background: $surface; border: 1px solid $line; border-radius: 16px; }
#composer[focused="true"] { border-color: $accent; }
#composer QTextEdit { background: transparent; border: none; padding: 0; }
QTextEdit, QLineEdit { placeholder-text-color: $soft; }
#send { background: $accent; border-radius: 10px; }
#send:hover { background: $accent_hover; }
#send:focus { border: 2px solid $text; }
#send:disabled { background: $raised; }
#attachment { background: $bubble; border-radius: 10px; }
#passage { background: $bubble; border-radius: 12px; }
#concern { color: $danger; }

#notice { background: $accent_soft; border-radius: 12px; }
#notice[kind="error"] { background: $danger_soft; }
#notice QLabel#what { font-weight: 600; }
#soft, #todo { color: $soft; }
#notice #todo { color: $text; }
#title { font-weight: 600; }
#over { color: #ffffff; background: rgba(16, 22, 22, 190); border-radius: 16px; }
#dropzone { background: transparent; border: 2px dashed $accent; border-radius: 16px; }
#tools QToolButton, #edit { padding: 5px; border-radius: 8px; }
#newest { background: $surface; border: 1px solid $line; border-radius: 16px; padding: 7px; }
#sample { border-radius: 12px; padding: 0; }
#thumbnail { border-radius: 4px; padding: 1px; }

QProgressBar { background: $raised; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }

QMenu { background: $surface; border: 1px solid $line; border-radius: 8px; padding: 6px; }
QMenu::item { padding: 7px 28px 7px 12px; border-radius: 6px; }
QMenu::item:selected { background: $raised; }
QMenu::item:disabled { color: $soft; }
QMenu::separator { height: 1px; background: $line; margin: 6px 8px; }
QMenu::icon { padding-left: 10px; }
QMenu::indicator { width: 14px; height: 14px; margin-left: 10px; }

QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit {
  background: $surface; border: 1px solid $line; border-radius: 8px; padding: 6px 10px;
  selection-background-color: $accent; selection-color: $on_accent; min-height: 20px;
}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus { border-color: $accent; }
QAbstractSpinBox QLineEdit { border: none; background: transparent; padding: 0; min-height: 0; }
QComboBox::drop-down { border: none; width: 28px; }
QComboBox::down-arrow { image: url("$arrow"); width: 14px; height: 14px; }
QComboBox QAbstractItemView {
  background: $surface; border: 1px solid $line; padding: 4px; outline: none;
  selection-background-color: $raised; selection-color: $text;
}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button { width: 0; }

QCheckBox { spacing: 8px; }
QCheckBox::indicator { width: 16px; height: 16px; border: 1px solid $soft; border-radius: 5px; background: $surface; }
QCheckBox::indicator:checked { background: $tick; border-color: $tick; image: url("$tick_image"); }
QCheckBox::indicator:focus { border: 2px solid $accent; }

QTabBar::tab { padding: 8px 16px; margin-right: 4px; border: none; border-bottom: 2px solid transparent; color: $soft; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:focus { color: $accent; }
QTabWidget::pane { border: none; border-top: 1px solid $line; }
QTableView, QTableWidget { background: $surface; border: none; gridline-color: $line; }

#history { background: transparent; border: none; }
#history::item { padding: 8px 12px; border-radius: 8px; color: $text; }
#history::item:hover { background: $raised; }
#history::item:selected { background: $accent_soft; }

QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 2px; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 2px; }
QScrollBar::handle { background: $line; border-radius: 4px; min-height: 32px; min-width: 32px; }
QScrollBar::handle:disabled { background: transparent; }
QScrollBar::handle:hover { background: $soft; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
""")


def wanted(choice: str) -> Theme:
    """The theme for the setting `window.theme`: light, dark, or what the system says (light where it says nothing).

    In high contrast if the system asks for that.
    """
    hints = QGuiApplication.styleHints()
    dark = choice == "dark" or (choice == "system" and hints.colorScheme() == Qt.ColorScheme.Dark)
    if hints.accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast:
        return DARK_CONTRAST if dark else LIGHT_CONTRAST
    return DARK if dark else LIGHT


def current() -> Theme:
    """The theme that the application's palette shows now."""
    palette = QGuiApplication.palette()
    shown = palette.color(QPalette.ColorRole.Window), palette.color(QPalette.ColorRole.Mid)
    return next((one for one in THEMES if shown == (QColor(one.window), QColor(one.line))), LIGHT)


def apply(app: QApplication, theme: Theme) -> None:
    """Give every widget the theme's palette and the style sheet."""
    folder = paths.assets_dir() / "icons"
    images = {"arrow": (folder / "box-arrow.svg").as_posix(), "tick_image": (folder / "tick.svg").as_posix()}
    app.setStyle("Fusion")
    app.setPalette(palette(theme))
    app.setStyleSheet(_SHEET.substitute(vars(theme), **images, tick=LIGHT.accent))


@cache
def palette(theme: Theme) -> QPalette:
    """The palette for what is painted and not styled: text in the conversation, placeholders, selections, links."""
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.surface,
        role.AlternateBase: theme.bubble,
        role.Text: theme.text,
        role.Button: theme.surface,
        role.ButtonText: theme.text,
        role.PlaceholderText: theme.soft,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.ToolTipBase: theme.text,
        role.ToolTipText: theme.window,
        role.Mid: theme.line,
    }
    result = QPalette()
    for colour_role, colour in colours.items():
        result.setColor(colour_role, QColor(colour))
    for colour_role in (role.Text, role.WindowText, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, colour_role, QColor(theme.soft))
    return result


def scaled(font: QFont, factor: float, bold: bool = False) -> QFont:
    """`font` in another size; headings and small print follow the system's size."""
    result = QFont(font)
    if font.pointSizeF() > 0:
        result.setPointSizeF(font.pointSizeF() * factor)
    else:
        result.setPixelSize(max(1, round(font.pixelSize() * factor)))
    if bold:
        result.setWeight(QFont.Weight.DemiBold)
    return result


def choose_font(app: QApplication) -> None:
    """Where no desktop names a font (bare X11: "Sans Serif", 9 points), take one made for screens, in 10.5 points."""
    if app.font().family() not in ("Sans Serif", "Sans", ""):
        return
    families = set(QFontDatabase.families())
    family = next(
        (f for f in ("Inter", "Noto Sans", "Open Sans", "Roboto") if f in families), QFontInfo(app.font()).family()
    )
    font = QFont(family)
    font.setPointSizeF(10.5)
    app.setFont(font)
