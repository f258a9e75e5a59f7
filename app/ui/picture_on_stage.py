"""The picture of the desk on the stage, and the part of it that was drawn there."""

from PySide6.QtCore import QObject

from app.ui.desk import Desk, Sheet
from app.ui.i18n import shown
from app.ui.notify import announce
from app.ui.stage import Stage
from app.wording import Wording


class PictureOnStage(QObject):
    """Shows what the desk has, and tells the desk what is done on the stage."""

    def __init__(self, stage: Stage, desk: Desk) -> None:
        super().__init__(stage)
        self._stage, self._desk = stage, desk
        desk.stage_changed.connect(self._on_changed)
        desk.opening.connect(stage.show_opening)
        stage.sample.connect(lambda path: desk.open([path]))
        stage.canvas.part_chosen.connect(desk.cut)
        stage.canvas.part_dropped.connect(desk.uncut)

    def remove(self, sheet: Sheet) -> None:
        """Do not send this one along; of a part, the whole picture goes instead."""
        if sheet.part_of:
            self._stage.canvas.drop_part()
        else:
            self._desk.detach(sheet)

    def _on_changed(self, sheet: Sheet | None) -> None:
        self._stage.show_sheet(sheet)
        if sheet:
            announce(self._stage, shown(Wording("Picture {name} is on the stage", name=sheet.picture.name)))
