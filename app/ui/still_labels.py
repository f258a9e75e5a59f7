"""Recognise on a still picture: what an answer points at is drawn on the stage, while its picture is there."""

from PySide6.QtCore import QObject, QRect, QSize, Signal

from app.chat.conversation import Turn
from app.modes.labels import Label
from app.modes.objects import ObjectsBlock
from app.modes.recognise import RecogniseMode
from app.ui.canvas import Canvas
from app.ui.desk import Sheet
from app.ui.overlay import LabelClicks, LabelOverlay, around, still
from app.ui.session import Session


class StillLabels(QObject):
    """Labels over the picture on the canvas. asked: the part of the picture, in pixels, whose label was clicked."""

    asked = Signal(QRect)

    def __init__(self, session: Session, canvas: Canvas) -> None:
        super().__init__(canvas)
        self.overlay = LabelOverlay()
        self._session, self._canvas = session, canvas
        canvas.overlays.append(self.overlay)
        self._size = QSize()
        LabelClicks(canvas, self.overlay).clicked.connect(self._on_clicked)

    def clear(self) -> None:
        self.overlay.clear()
        self._canvas.update()

    def show(self, turn: Turn, sheet: Sheet | None) -> None:
        """Draw what the answer of `turn` points at, if it is about `sheet`."""
        if sheet is None or self._session.mode != RecogniseMode.id or not _points_at(turn, sheet):
            return
        blocks = self._session.modes[turn.mode].blocks(turn.answer)
        found = [one for block in blocks if isinstance(block, ObjectsBlock) for one in block.objects]
        self._size = QSize(sheet.picture.width, sheet.picture.height)
        self.overlay.show(still(found), self._size)
        self._canvas.update()

    def _on_clicked(self, label: Label) -> None:
        if label.box is not None:
            self.asked.emit(around(label.box, self._size))

    def last_about(self, sheet: Sheet | None) -> Turn | None:
        """The last turn that named what is in `sheet`."""
        turns = reversed(self._session.conversation.turns)
        return next((turn for turn in turns if sheet is not None and _points_at(turn, sheet)), None)


def _points_at(turn: Turn, sheet: Sheet) -> bool:
    return turn.mode == RecogniseMode.id and sheet.picture.digest in turn.pictures[:1]
