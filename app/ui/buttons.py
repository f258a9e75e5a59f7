"""Buttons with an icon that follow the theme, and the few shapes the window is made of."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QSize, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from app.ui import icons, theme
from app.ui.i18n import say


class IconButton(QToolButton):
    """An icon; its name is said by screen readers and shown as a tip. With `words` the name stands beside it."""

    def __init__(
        self,
        icon: str,
        name: str,
        on_click: Callable[[], object] | None = None,
        words: str = "",
        ink: str = "text",
        size: int = 20,
    ) -> None:
        super().__init__()
        self._icon, self._ink, self._size = icon, ink, size
        self.setIconSize(QSize(size, size))
        self.set_name(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.set_words(words)
        if on_click:
            self.clicked.connect(lambda: on_click())
        self._tint()

    def set_name(self, name: str) -> None:
        """Be called `name` from now on."""
        say(self.setAccessibleName, name)
        say(self.setToolTip, name)

    def set_words(self, words: str) -> None:
        """Show words beside the icon as they are, or none."""
        self.setText(words)
        self.setProperty("wide", bool(words))
        both = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        self.setToolButtonStyle(both if words else Qt.ToolButtonStyle.ToolButtonIconOnly)

    def become(self, icon: str, name: str) -> None:
        """Be another button in the same place."""
        self._icon = icon
        self.set_name(name)
        self._tint()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def _tint(self) -> None:
        colours = theme.current()
        self.setIcon(icons.icon(self._icon, getattr(colours, self._ink), colours.soft, self._size))


class ActionButton(IconButton):
    """The button of an action: its icon; its name, and its keys where there are some, as a tip."""

    def __init__(self, action: QAction) -> None:
        super().__init__(action.property("iconName"), "", action.trigger)
        self._action = action
        self._tell()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self._tell()

    def _tell(self) -> None:
        name = self._action.text().rstrip("…")
        keys = self._action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        self.setAccessibleName(name)
        self.setToolTip(f"{name} ({keys})" if keys else name)


def push(words: str, on_click: Callable[[], object], kind: str = "", parent: QWidget | None = None) -> QPushButton:
    """A button of words. kind: "primary", "chip", "link" or none."""
    button = QPushButton(parent)
    say(button.setText, words)
    button.setAutoDefault(False)
    if kind:
        button.setProperty(kind, True)
    button.clicked.connect(lambda: on_click())
    return button


def below(widget: QWidget, end: bool = False) -> QPoint:
    """A place below where `widget` begins, in the direction of writing, or below its end."""
    left = QGuiApplication.isRightToLeft() == end
    return widget.mapToGlobal(QPoint(0 if left else widget.width(), widget.height() + 4))
