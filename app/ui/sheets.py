"""Small windows: the keys, the details of an error, about the program."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import __version__
from app.errors import SpyglassError
from app.ui import icons, theme
from app.ui.actions import MORE_KEYS, Action, native_keys
from app.ui.buttons import push
from app.ui.i18n import say, shown
from app.wording import Wording

_CLOSE = Wording("Close")


class SmallWindow(QDialog):
    """A window with a title and a column; Escape closes it."""

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        say(self.setWindowTitle, title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(24, 24, 24, 16)
        self.column.setSpacing(16)
        head = QLabel()
        say(head.setText, title)
        head.setWordWrap(True)
        head.setTextFormat(Qt.TextFormat.PlainText)
        head.setFont(theme.scaled(self.font(), 1.25, bold=True))
        self.column.addWidget(head)

    def finish(self, *buttons: QWidget, focus: QWidget | None = None, close: str = _CLOSE) -> None:
        """Put buttons and Close, or what it is called here, below, and begin at `focus`."""
        row = QHBoxLayout()
        row.addStretch()
        kind = "" if any(b.property("primary") for b in buttons) else "primary"
        last = push(close, self.accept, kind)
        for button in (*buttons, last):
            row.addWidget(button)
        self.column.addLayout(row)
        (focus or last).setFocus()


class KeySheet(SmallWindow):
    """Every key of the program."""

    def __init__(self, actions: Sequence[Action], enter_sends: bool, parent: QWidget) -> None:
        super().__init__(Wording("Keys"), parent)
        lines = [(shown(Wording("Send the question")), "Enter" if enter_sends else "Ctrl+Enter")]
        lines.append((shown(Wording("New line in the question")), "Shift+Enter" if enter_sends else "Enter"))
        lines += [(shown(a.title).rstrip("…"), a.keys) for a in actions if a.keys]
        lines += [(shown(words), keys) for words, keys in MORE_KEYS]
        inside = QWidget()
        grid = QGridLayout(inside)
        grid.setContentsMargins(0, 0, 16, 0)
        grid.setHorizontalSpacing(32)
        grid.setVerticalSpacing(10)
        for i, (words, keys) in enumerate(lines):
            label = QLabel(words)
            label.setWordWrap(True)
            key = QLabel(native_keys(keys))
            key.setObjectName("soft")
            grid.addWidget(label, i, 0)
            grid.addWidget(key, i, 1, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(0, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inside)
        area.setAccessibleName(self.windowTitle())
        self.column.addWidget(area, 1)
        self.finish(focus=area)
        self.resize(min(520, parent.width()), min(680, max(360, parent.height())))


class DetailSheet(SmallWindow):
    """All that is known about an error, to read and to copy."""

    def __init__(self, error: SpyglassError, parent: QWidget) -> None:
        super().__init__(error.what, parent)
        todo = QLabel(shown(error.todo))
        todo.setWordWrap(True)
        todo.setTextFormat(Qt.TextFormat.PlainText)
        self.column.addWidget(todo)
        text = QPlainTextEdit(error.detail or shown(Wording("Nothing more is known.")))
        text.setReadOnly(True)
        text.setAccessibleName(shown(Wording("Details")))
        self.column.addWidget(text, 1)
        whole = f"{error.what}\n{error.todo}\n\n{error.detail}\n\nSpyglass {__version__}"
        self.finish(push(Wording("Copy"), lambda: QGuiApplication.clipboard().setText(whole)), focus=text)
        self.resize(min(560, parent.width()), min(400, max(320, parent.height())))


class AboutSheet(SmallWindow):
    """The program's name, version and promise."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Spyglass", parent)
        picture = QLabel()
        picture.setPixmap(icons.application().pixmap(64, 64))
        self.column.insertWidget(0, picture)
        words = QLabel(
            "\n\n".join(
                shown(words)
                for words in (
                    Wording("Version {version}", version=__version__),
                    Wording("Ask about pictures with a model that runs on this machine. Nothing is sent anywhere."),
                    Wording("Apache License 2.0. Icons: Lucide, ISC License."),
                )
            )
        )
        words.setWordWrap(True)
        self.column.addWidget(words)
        self.column.addStretch()
        self.finish()
        self.resize(400, 320)
