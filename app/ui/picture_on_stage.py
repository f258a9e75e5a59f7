"""The picture of the desk on the stage, and the part of it that was drawn there."""

from PySide6.QtCore import QObject

from app.errors import PictureError
from app.ui.camera_view import CameraFeed
from app.ui.desk import Desk, Sheet
from app.ui.i18n import shown
from app.ui.notify import Notice, announce
from app.ui.session import Session
from app.ui.stage import Stage
from app.wording import Wording


class PictureOnStage(QObject):
    """Shows what the desk has, and tells the desk what is done on the stage."""

    def __init__(self, stage: Stage, desk: Desk, camera: CameraFeed, session: Session, notice: Notice) -> None:
        super().__init__(stage)
        self._stage, self._desk, self._camera = stage, desk, camera
        self._session, self._notice = session, notice
        desk.stage_changed.connect(self._on_changed)
        desk.opening.connect(stage.show_opening)
        stage.sample.connect(lambda path: desk.open([path]))
        stage.canvas.part_chosen.connect(desk.cut)
        stage.canvas.part_dropped.connect(desk.uncut)

    def remove(self, sheet: Sheet) -> None:
        """Do not send this one along; of a part that the stage shows, the whole picture goes instead."""
        stage = self._desk.stage
        if stage is not None and sheet.part_of == stage.picture.digest and self._stage.canvas.part is not None:
            self._stage.canvas.drop_part()
        else:
            self._desk.detach(sheet)

    def look_again(self, digest: str) -> None:
        """Show a picture of the conversation."""
        picture = self._session.conversation.picture(digest)
        if picture is not None:
            self._camera.stop()
            self._desk.look_again(picture)

    def _on_changed(self, sheet: Sheet | None) -> None:
        if isinstance(self._notice.error, PictureError):  # what was wrong with the one before is over
            self._notice.hide()
        self._stage.show_sheet(sheet)
        if sheet:
            announce(self._stage, shown(Wording("Picture {name} is on the stage", name=sheet.picture.name)))
