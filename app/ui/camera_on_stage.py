"""The camera on the stage: what it sees or says, its menu, and the picture of the desk again once it is off."""

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QWidget

from app.errors import CameraError
from app.ui import menus
from app.ui.camera_view import CameraFeed
from app.ui.desk import Desk
from app.ui.notify import Notice
from app.ui.stage import Stage
from app.wording import Wording

_ENDED = Wording("The video has ended.")


class CameraOnStage(QObject):
    """changed: the camera came to the stage, or says something else. left: the desk's picture stands there again."""

    changed = Signal()
    left = Signal()

    def __init__(self, window: QWidget, camera: CameraFeed, stage: Stage, desk: Desk, notice: Notice) -> None:
        super().__init__(window)
        self._window, self._camera, self._stage = window, camera, stage
        self._desk, self._notice = desk, notice
        camera.frame.connect(stage.show_frame)
        camera.words.connect(self._on_words)
        camera.starting.connect(stage.clear_live)
        camera.starting.connect(self._forgive)
        camera.started.connect(self._forgive)
        camera.stopped.connect(self._on_stopped)
        camera.ended.connect(self._on_ended)
        camera.failed.connect(self._on_failed)
        stage.live_closed.connect(camera.stop)
        stage.camera_menu_wanted.connect(self._show_menu)
        stage.address_wanted.connect(self.name_network_camera)

    def name_network_camera(self) -> None:
        """Let the person say where a camera in the network is."""
        menus.ask_address(self._window, self._camera)

    def _show_menu(self, place: QPoint) -> None:
        self._camera.find_devices(lambda: menus.open_at(menus.cameras(self._window, self._camera), place))

    def _on_words(self, words: Wording) -> None:
        self._stage.show_live(words, self._camera.wrong_address)
        self.changed.emit()

    def _forgive(self) -> None:
        """What was wrong with the camera before is over, and so is the video."""
        if isinstance(self._notice.error, CameraError) or self._notice.said is _ENDED:
            self._notice.hide()

    def _on_stopped(self) -> None:
        if self._stage.live:
            self._stage.show_sheet(self._desk.stage)
            self.left.emit()

    def _on_ended(self) -> None:
        source = self._camera.source

        def play_again() -> None:
            self._desk.sent()  # the next question is about what the video shows
            self._camera.start(source)

        self._notice.show_hint(_ENDED, "", Wording("Play again"), play_again)

    def _on_failed(self, error: CameraError) -> None:
        self._notice.show_error(error, Wording("Network camera…"), self.name_network_camera)
