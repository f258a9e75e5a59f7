"""Recognise on a still picture: what an answer points at is drawn on the stage, while its picture is there."""

from PySide6.QtCore import QObject, QRect, QSize, Signal

from app.chat.conversation import Turn
from app.modes.labels import Label
from app.modes.objects import ObjectsBlock
from app.modes.recognise import RecogniseMode
from app.ui.camera_view import CameraFeed
from app.ui.canvas import Canvas
from app.ui.desk import Desk, Sheet
from app.ui.label_keys import LabelKeys
from app.ui.overlay import LabelClicks, LabelOverlay, around, still
from app.ui.session import Session
from app.wording import Wording


class StillLabels(QObject):
    """Labels over the picture on the canvas.

    asked: the part of the picture, in pixels, whose label was clicked, or chosen by key. wondered: a Wording to be
    asked, for Recognise needs no question from the person.
    """

    asked = Signal(QRect)
    wondered = Signal(object)

    def __init__(self, session: Session, desk: Desk, camera: CameraFeed, canvas: Canvas) -> None:
        super().__init__(canvas)
        self.overlay = LabelOverlay()
        self._session, self._desk, self._camera, self._canvas = session, desk, camera, canvas
        canvas.overlays.append(self.overlay)
        self._size = QSize()
        self._keys = LabelKeys(canvas, self.overlay)
        for chosen in (LabelClicks(canvas, self.overlay).clicked, self._keys.chosen):
            chosen.connect(self._on_chosen)

    @property
    def missing(self) -> bool:
        """Whether the picture on the stage is to have labels and no answer named any."""
        sheet = self._wanted()
        return sheet is not None and self._last_about(sheet) is None

    def recognise(self) -> None:
        """Show again what was said about the picture on the stage, or wonder, if it goes with the next question."""
        self.clear()
        sheet = self._wanted()
        if sheet is None:
            return
        said = self._last_about(sheet)
        if said is not None:
            self.show(said)
        elif sheet in self._desk.attached and not self._session.running:
            self.wondered.emit(Wording("What is in this picture?"))

    def show(self, turn: Turn) -> None:
        """Draw what the answer of `turn` points at, if it is about the picture on the stage."""
        sheet = self._desk.stage
        if sheet is None or self._session.mode != RecogniseMode.id or not _points_at(turn, sheet):
            return
        blocks = self._session.modes[turn.mode].blocks(turn.answer)
        found = [one for block in blocks if isinstance(block, ObjectsBlock) for one in block.objects]
        self._size = QSize(sheet.picture.width, sheet.picture.height)
        self.overlay.show(still(found), self._size)
        self._keys.follow()
        self._canvas.update()

    def clear(self) -> None:
        self.overlay.clear()
        self._keys.follow()
        self._canvas.update()

    def _on_chosen(self, label: Label) -> None:
        if label.box is not None:
            self.asked.emit(around(label.box, self._size))

    def _wanted(self) -> Sheet | None:
        """The picture that is to have labels now."""
        return self._desk.stage if self._session.mode == RecogniseMode.id and not self._camera.on else None

    def _last_about(self, sheet: Sheet) -> Turn | None:
        """The last turn that named what is in `sheet`."""
        turns = reversed(self._session.conversation.turns)
        return next((turn for turn in turns if _points_at(turn, sheet)), None)


def _points_at(turn: Turn, sheet: Sheet) -> bool:
    return turn.mode == RecogniseMode.id and sheet.picture.digest in turn.pictures[:1]
