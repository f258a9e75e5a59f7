"""Saving the conversation as a file of the person's own, where they want it."""

import contextlib
import errno
import os
import re
import uuid
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, QObject, QStandardPaths, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.errors import SpyglassError
from app.ui.answer_translations import AnswerTranslations
from app.ui.bridge import Background
from app.ui.conversation_page import page, said
from app.ui.i18n import shown
from app.ui.session import Session
from app.wording import Wording

_LONGEST_NAME = 60
"""Letters of a file's name that is proposed."""
_NO_NAME = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
"""What some file systems have no place for in a name."""


class Saving(QObject):
    """told: a Wording. failed: a SpyglassError."""

    told = Signal(object)
    failed = Signal(object)

    def __init__(self, window: QWidget, session: Session, background: Background, answers: AnswerTranslations) -> None:
        super().__init__(window)
        self._window, self._session, self._background, self._answers = window, session, background, answers
        self._folder = ""

    def choose(self) -> None:
        """Let the person say where."""
        folder = self._folder or QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog = QFileDialog(self._window, shown(Wording("Save conversation")), folder)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(f"{shown(Wording('Web page'))} (*.html)")
        dialog.setOption(QFileDialog.Option.HideNameFilterDetails)
        dialog.setDefaultSuffix("html")
        dialog.selectFile(f"{proposed(self._session.conversation.turns[0].question)}.html")
        dialog.fileSelected.connect(lambda chosen: self.save(Path(chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save(self, path: Path) -> None:
        """Write the conversation as it is now to a file, which another one of that name gives way to."""
        turns = said(self._session.conversation, self._answers.markdown)
        today = QLocale().toString(QDateTime.currentDateTime().date(), QLocale.FormatType.LongFormat)
        self._background.run(lambda: write(path, page(turns, today)), lambda _: self._on_saved(path), self.failed.emit)

    def _on_saved(self, path: Path) -> None:
        self._folder = str(path.parent)
        self.told.emit(Wording("Saved as {name}", name=str(path)))


def proposed(text: str) -> str:
    """A file's name, without an ending, made of how a text begins."""
    words = " ".join(_NO_NAME.sub(" ", text).split())[:_LONGEST_NAME].strip(" .")
    return words or "Spyglass"


def write(path: Path, text: str) -> None:
    """Write a file beside its place and move it there in one step, so that one that is there stays whole. Raises
    SpyglassError, and leaves nothing behind then."""
    path = path.resolve()
    part = path.parent / f".spyglass-{uuid.uuid4().hex}.part"
    try:
        with open(part, "x", encoding="utf-8", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise _failure(path.name, error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _failure(name: str, error: OSError) -> SpyglassError:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        what = Wording("{name} could not be saved: nothing may be written to that folder.", name=name)
        return SpyglassError(what, "Save it in another folder.", repr(error))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        what = Wording("{name} could not be saved: the disk is full.", name=name)
        return SpyglassError(what, "Make room on the disk, or save it on another one.", repr(error))
    what = Wording("{name} could not be saved.", name=name)
    return SpyglassError(what, "Save it in another folder or by another name.", repr(error))
