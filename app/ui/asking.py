"""Where a line goes that was written: it is translated, watched for, or asked about the pictures at hand."""

from PySide6.QtCore import QObject, Signal

from app.modes.translate import prompts
from app.modes.translate.languages import Guess, guess
from app.ui.bridge import Background
from app.ui.composer import Composer
from app.ui.desk import Desk
from app.ui.i18n import shown
from app.ui.live import LiveStage
from app.ui.picture_doors import PictureDoors
from app.ui.session import Session
from app.ui.translate import Translate
from app.wording import Wording

_SURE = 0.9
"""From which a question's language is taken for told: not from one or two words."""


class Asking(QObject):
    """A question about a picture that is still being made ready is held until it is.

    asking: the Sheets that a question is about, just before it is asked. asked: it is on its way. foreign: it is in a
    language that the model was not taught.
    """

    asking = Signal(list)
    asked = Signal()
    foreign = Signal()

    def __init__(
        self,
        session: Session,
        desk: Desk,
        doors: PictureDoors,
        composer: Composer,
        translate: Translate,
        live: LiveStage,
        background: Background,
    ) -> None:
        super().__init__(composer)
        self._session, self._desk, self._doors = session, desk, doors
        self._composer, self._translate, self._live, self._background = composer, translate, live, background
        self._held = ""
        self._offered = ""
        """The question that is held, if it is one of the program's own."""

    def ask(self, line: str) -> None:
        """Do with a line that was written what it is for now."""
        self._offered = ""
        if self._translate.on:
            self._translate.translate_text(line)
            self._composer.take(line)
        elif self._live.on and line.strip():
            if self._live.watch(line):
                self._composer.take(line)
        else:
            self._ask_or_hold(line)

    def _ask_or_hold(self, question: str) -> None:
        if self._desk.busy:  # the picture the question is about is still being made ready
            self._held = question
        elif self._doors.camera_shows:  # it is about what the camera sees
            self._held = question
            self._doors.shoot()
        else:
            self._ask(question)

    def _ask(self, question: str) -> None:
        sheets = self._desk.attached
        self.asking.emit(sheets)
        self._session.ask(question, [sheet.picture for sheet in sheets])
        self._composer.take(question)
        self._desk.sent()
        self.asked.emit()
        if self._knows_only_english():
            self._background.run(lambda: guess(question), self._on_guessed, lambda _: None)

    def _knows_only_english(self) -> bool:
        spec = self._session.spec
        return spec is not None and prompts.plain(spec)

    def _on_guessed(self, language: Guess | None) -> None:
        if language is not None and language.code != "en" and language.sure >= _SURE:
            self.foreign.emit()

    def ask_offered(self, question: Wording) -> None:
        """Ask one of the program's own questions; in English where the model was taught nothing else.

        What a person has asked and what still waits for its picture goes before it.
        """
        if self._held:
            return
        self._offered = str(question) if self._knows_only_english() else shown(question)
        self._ask_or_hold(self._offered)

    def on_opening(self, opening: bool) -> None:
        """A picture is being opened, or no longer: a question that waited for it can be asked."""
        held = self._held
        if held and not opening:
            self._held = ""
            self._ask_or_hold(held)

    def give_back(self) -> None:
        """A picture could not be had; a question that waited for it is not asked without."""
        held, self._held = self._held, ""
        if held not in ("", self._offered, self._composer.edit.toPlainText().strip()):
            self._composer.replace(held)

    def invitation(self, live: bool) -> Wording:
        """What stands in the composer while nothing is written. live: whether the camera is on the stage."""
        if self._translate.on:
            return Wording("Write a text to translate…")
        if self._live.on:
            return Wording("Tell me when… (for example: a bus comes)")
        if live:
            return Wording("Ask about what the camera sees…")
        if self._session.conversation.turns and not self._desk.attached:
            return Wording("Ask a follow-up…")
        return Wording("Ask about the picture…") if self._desk.stage is not None else Wording("Ask anything…")
