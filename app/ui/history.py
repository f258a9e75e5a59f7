"""Conversations outlive the program: they are written down as they go on, and can be opened again."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from app.chat.archive import Archive, snapshot
from app.chat.conversation import Conversation, Turn
from app.errors import SpyglassError
from app.settings.derived import conversations_limit
from app.ui.bridge import Background
from app.ui.desk import Desk, Sheet, make_sheet
from app.ui.history_list import Searchable, searchable
from app.ui.history_sheet import HistorySheet
from app.ui.session import Session
from app.ui.thumbnails import Thumbnails
from app.wording import Wording

_log = logging.getLogger(__name__)

_PAUSE_MS = 1500


@dataclass(frozen=True)
class _Read:
    """A conversation from the disk, with its pictures made ready. on_stage: the last of them."""

    conversation: Conversation
    sheets: Sequence[Sheet]
    on_stage: Sheet | None


class History(QObject):
    """opened: an earlier conversation is shown; whether the person chose it. typed: what was typed when the window
    closed. told: something to know. cut: a part of the conversation is about to go; what to call to see it as it was.
    failed: a SpyglassError, the same trouble once only. picture: a conversation's key and its picture, small."""

    opened = Signal(bool)
    typed = Signal(str)
    told = Signal(str)
    cut = Signal(object)
    failed = Signal(object)
    picture = Signal(str, QImage)

    def __init__(
        self,
        window: QWidget,
        session: Session,
        desk: Desk,
        thumbnails: Thumbnails,
        background: Background,
        show: Callable[[Conversation], object],
        draft: Callable[[], str],
    ) -> None:
        """show: what puts another conversation on the screen. draft: what is typed now."""
        super().__init__(window)
        self._window, self._session, self._desk = window, session, desk
        self._thumbnails, self._background, self._show = thumbnails, background, show
        self._draft = draft
        self._archive = Archive()
        self._last = session.conversation
        self._untouched: Conversation | None = None
        """What was shown again at the start, until something is done with it."""
        self._in_trouble = False
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._keep_draft)
        self._drafting = threading.Lock()  # guards the draft's file and the next
        self._closed = False
        desk.attached_changed.connect(self._on_attached)
        session.turns.connect(self._on_turns)
        session.answer.connect(self._on_answer)

    def resume(self) -> None:
        """Show the conversation that was shown last, unless another has begun by the time it is read."""

        def read() -> _Read | None:
            key = self._archive.shown_last()
            return _read(self._archive, key) if key else None

        def done(found: _Read | None) -> None:
            if found is not None and not self._session.conversation.turns and self._desk.stage is None:
                self._on_read(found, chosen=False)
                self._untouched = found.conversation

        self._background.run(read, done, self.failed.emit)

    def recall_draft(self) -> None:
        """Type again what was typed when the window closed."""
        draft = self._archive.draft()
        if draft:
            self.typed.emit(draft)

    def choose(self) -> None:
        """Let the person choose among the conversations that are kept."""

        def read() -> list[Searchable]:
            return [searchable(entry) for entry in self._archive.entries()]

        self._background.run(read, self._open_sheet, self.failed.emit)

    def follow_limit(self) -> None:
        """Another number of conversations may be kept from now on."""
        self._keep(self._session.conversation)

    def keep_copy(self) -> None:
        """Keep the conversation as it is among the earlier ones: a part of it is about to go."""
        limit = conversations_limit(self._session.settings)
        copy = replace(snapshot(self._session.conversation), key=Conversation().key)

        def done(nothing: None) -> None:
            self._on_kept(nothing)
            self.cut.emit(partial(self._open, copy.key))

        if limit:
            self._background.run(partial(self._archive.keep, copy, limit), done, self._on_not_kept)

    def close(self) -> None:
        """Write down what is not yet; the last chance, so it is waited for."""
        self._pause.stop()
        with self._drafting:
            self._closed = True
        limit = conversations_limit(self._session.settings)
        try:
            for key in (key for sheet in self._window.findChildren(HistorySheet) for key in sheet.gone):
                self._archive.forget(key)
            self._archive.keep(snapshot(self._session.conversation), limit)
            self._archive.mark_shown(self._session.conversation.key)
            self._archive.keep_draft(self._draft() if limit else "")
        except SpyglassError as error:
            _log.warning("%s %s", error, error.detail)

    def on_typed(self) -> None:
        """Something is typed: after a pause, write it down, for not every end of a program is an orderly one."""
        self._pause.start()

    def _keep_draft(self) -> None:
        draft = self._draft() if conversations_limit(self._session.settings) else ""

        def keep() -> None:
            with self._drafting:
                if not self._closed:
                    self._archive.keep_draft(draft)

        self._background.run(keep, lambda _: None, lambda error: _log.warning("%s %s", error, error.detail))

    def _open_sheet(self, kept: list[Searchable]) -> None:
        sheet = HistorySheet(kept, self._session.conversation.key, self._window)
        sheet.chosen.connect(self._open)
        sheet.deleted.connect(self._delete)
        sheet.list.picture_wanted.connect(self._find_picture)
        self.picture.connect(sheet.list.show_picture)
        sheet.open()

    def _find_picture(self, key: str, digest: str) -> None:
        def done(preview: bytes) -> None:
            self.picture.emit(key, QImage.fromData(preview))

        self._background.run(partial(self._archive.preview, key, digest), done, self.failed.emit)

    def _open(self, key: str) -> None:
        if key != self._session.conversation.key:
            self._background.run(partial(_read, self._archive, key), self._on_read, self.failed.emit)

    def _delete(self, key: str) -> None:
        if key == self._session.conversation.key:
            self._show(Conversation())
        self._background.run(partial(self._archive.forget, key), lambda _: None, self.failed.emit)

    def _on_read(self, read: _Read, chosen: bool = True) -> None:
        for turn in read.conversation.turns:
            if turn.mode not in self._session.modes:
                turn.mode = next(iter(self._session.modes))
        self._thumbnails.remember(read.sheets)
        self._show(read.conversation)
        self._desk.lay(read.on_stage)
        self.opened.emit(chosen)

    def _on_attached(self, sheets: list[Sheet]) -> None:
        """Whoever starts the program and brings another picture begins anew, without the old ones in view."""
        known = self._untouched
        old = [s for s in sheets if known is not None and (s.part_of or known.shows(s.picture.digest))]
        if known is not None and len(old) < len(sheets):
            self._show(Conversation())
            for sheet in old:
                self._desk.detach(sheet)
            self.told.emit(Wording("This is a new conversation. The one before is among the earlier ones."))

    # --- writing down ---

    def _on_turns(self) -> None:
        self._untouched = None
        now, before = self._session.conversation, self._last
        if now is not before:
            self._last = now
            self._keep(before)
            self._background.run(partial(self._archive.mark_shown, now.key), lambda _: None, self.failed.emit)
        # While an answer is awaited the engine has work to do; pictures are written when it is there.
        self._keep(now, pictures=not now.turns or now.turns[-1].ended)

    def _on_answer(self, turn: Turn) -> None:
        if turn.ended:
            self._keep(self._session.conversation)

    def _keep(self, conversation: Conversation, pictures: bool = True) -> None:
        work = partial(
            self._archive.keep, snapshot(conversation), conversations_limit(self._session.settings), pictures
        )
        self._background.run(work, self._on_kept, self._on_not_kept)

    def _on_kept(self, _: None) -> None:
        self._in_trouble = False

    def _on_not_kept(self, error: SpyglassError) -> None:
        if not self._in_trouble:
            self._in_trouble = True
            self.failed.emit(error)


def _read(archive: Archive, key: str) -> _Read:
    conversation = archive.open(key)
    digests = dict.fromkeys(digest for turn in conversation.turns for digest in turn.pictures)
    sheets = [make_sheet(picture) for digest in digests if (picture := conversation.picture(digest)) is not None]
    asked = [turn for turn in conversation.turns if turn.pictures]
    last = asked[-1].pictures[0] if asked else None
    on_stage = next((sheet for sheet in sheets if sheet.picture.digest == last), None)
    return _Read(conversation, sheets, on_stage)
