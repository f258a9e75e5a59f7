"""The sheet in which the person writes terms of their own."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QWidget

from app.errors import UsageError
from app.modes.translate import glossary
from app.ui.buttons import push
from app.ui.i18n import say, shown
from app.ui.notify import announce
from app.ui.sheets import SmallWindow
from app.wording import Wording


class GlossarySheet(SmallWindow):
    """However it is closed, what was written is kept; with a mistake in it, it stays open. saved: the terms were
    changed."""

    saved = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Wording("Your own words"), parent)
        words = QLabel(shown(Wording("How a word is to be translated, a line for each: term = word")))
        words.setObjectName("soft")
        words.setWordWrap(True)
        self.column.addWidget(words)
        self._before = _text()
        self.edit = QPlainTextEdit(self._before)
        self.edit.setAccessibleName(self.windowTitle())
        self.edit.setPlaceholderText(shown(Wording("ticket office = Schalter")))
        self.edit.setMinimumSize(360, 200)
        self.edit.setTabChangesFocus(True)
        self.column.addWidget(self.edit)
        self.problem = QLabel()
        self.problem.setObjectName("concern")
        self.problem.setWordWrap(True)
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.hide()
        self.column.addWidget(self.problem)
        self._discard = push(Wording("Discard changes"), self._leave, "link")
        self._discard.hide()
        self.finish(self._discard, focus=self.edit, close=Wording("Save"))

    def done(self, result: int) -> None:
        """Close, by whatever button or key, once what was written is kept."""
        if self.edit.toPlainText() == self._before or self._save():
            super().done(result)

    def _leave(self) -> None:
        super().done(self.DialogCode.Rejected.value)

    def _save(self) -> bool:
        try:
            glossary.save(self.edit.toPlainText())
        except UsageError as error:
            self._say(error.whole)
        except OSError as error:
            self._say(Wording("It cannot be saved: {reason}", reason=error.strerror or "?"))
        else:
            self.saved.emit()
            return True
        return False

    def _say(self, words: Wording) -> None:
        say(self.problem.setText, words)
        self.problem.show()
        self._discard.show()
        announce(self, shown(words))


def _text() -> str:
    """The file as it stands, even with mistakes, which are to be mended here."""
    try:
        return glossary.path().read_text("utf-8-sig", "replace")
    except OSError:
        return ""
