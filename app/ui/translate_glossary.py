"""The sheet in which the person writes terms of their own."""

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QWidget

from app.errors import UsageError
from app.modes.translate import glossary
from app.ui.buttons import push
from app.ui.sheets import SmallWindow


class GlossarySheet(SmallWindow):
    """saved: the terms were changed."""

    saved = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(QCoreApplication.translate("GlossarySheet", "Your own words"), parent)
        words = QLabel(self.tr("How a word is to be translated, a line for each: term = word"))
        words.setObjectName("soft")
        words.setWordWrap(True)
        self.column.addWidget(words)
        self.edit = QPlainTextEdit(_text())
        self.edit.setAccessibleName(self.windowTitle())
        self.edit.setPlaceholderText(self.tr("ticket office = Schalter"))
        self.edit.setMinimumSize(360, 200)
        self.column.addWidget(self.edit)
        self.problem = QLabel()
        self.problem.setObjectName("concern")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.column.addWidget(self.problem)
        self.finish(push(self.tr("Save"), self._save), focus=self.edit)

    def _save(self) -> None:
        try:
            glossary.save(glossary.parse(self.edit.toPlainText()))
        except UsageError as error:
            self._say(f"{error.what} {error.todo}")
        except OSError as error:
            self._say(self.tr("It cannot be saved: {}").format(error.strerror))
        else:
            self.saved.emit()
            self.accept()

    def _say(self, words: str) -> None:
        self.problem.setText(words)
        self.problem.show()


def _text() -> str:
    """The file as it stands, even with mistakes, which are to be mended here."""
    try:
        return glossary.path().read_text("utf-8-sig", "replace")
    except OSError:
        return ""
