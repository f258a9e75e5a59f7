"""Recognise on a still picture: what an answer points at is drawn on the stage, while its picture is there."""

from PySide6.QtCore import QSize

from app.chat.conversation import Turn
from app.modes.objects import ObjectsBlock
from app.modes.recognise import RecogniseMode
from app.ui.canvas import Canvas
from app.ui.desk import Sheet
from app.ui.overlay import LabelOverlay, still
from app.ui.session import Session


class StillLabels:
    """Labels over the picture on the canvas."""

    def __init__(self, session: Session, canvas: Canvas) -> None:
        self.overlay = LabelOverlay()
        self._session, self._canvas = session, canvas
        canvas.overlays.append(self.overlay)

    def clear(self) -> None:
        self.overlay.clear()
        self._canvas.update()

    def show(self, turn: Turn, sheet: Sheet | None) -> None:
        """Draw what the answer of `turn` points at, if it is about `sheet`."""
        if sheet is None or self._session.mode != RecogniseMode.id or not _points_at(turn, sheet):
            return
        blocks = self._session.modes[turn.mode].blocks(turn.answer)
        found = [one for block in blocks if isinstance(block, ObjectsBlock) for one in block.objects]
        self.overlay.show(still(found), QSize(sheet.picture.width, sheet.picture.height))
        self._canvas.update()

    def last_about(self, sheet: Sheet | None) -> Turn | None:
        """The last turn that named what is in `sheet`."""
        turns = reversed(self._session.conversation.turns)
        return next((turn for turn in turns if sheet is not None and _points_at(turn, sheet)), None)


def _points_at(turn: Turn, sheet: Sheet) -> bool:
    return turn.mode == RecogniseMode.id and sheet.picture.digest in turn.pictures[:1]
