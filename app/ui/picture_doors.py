"""The doors by which pictures come in: drop, paste, files, the screen, the camera. Videos and models too."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, QStandardPaths, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.capture.files import SUFFIXES
from app.capture.qt.incoming import holds_picture, incoming, is_address
from app.capture.qt.screen import ScreenPicker
from app.capture.sources import VIDEOS
from app.errors import PictureError
from app.ui.camera_view import CameraFeed
from app.ui.desk import Desk
from app.ui.i18n import shown
from app.wording import Wording

_MODEL = ".gguf"


class PictureDoors(QObject):
    """Everything ends on the desk. text: words came in, and no picture. model: the path of a model's file. failed: a
    SpyglassError."""

    text = Signal(str)
    model = Signal(str)
    failed = Signal(object)

    def __init__(self, window: QWidget, desk: Desk, camera: CameraFeed) -> None:
        super().__init__(window)
        self._window, self._desk, self._camera = window, desk, camera
        self._folder = ""

    def take(self, data: QMimeData) -> None:
        """Take what came in."""
        found = incoming(data)
        if self._is_other(found.paths):
            return
        if self._camera.on and found.has_picture():
            self._camera.stop()
        if not self._desk.take(found) and found.text:
            self.text.emit(found.text)

    def take_dropped(self, data: QMimeData) -> None:
        """Take what was dropped, but no address: who drags one out of a browser means the picture there."""
        if is_address(data):
            self.failed.emit(
                PictureError(
                    "Spyglass does not fetch pictures from addresses.",
                    "Copy the picture itself and paste it here, or save it to a file and open that.",
                )
            )
        else:
            self.take(data)

    def paste(self) -> None:
        """Take what was copied."""
        data = QGuiApplication.clipboard().mimeData()
        if data is not None and (holds_picture(data) or data.text()):
            self.take(data)
        else:
            self.failed.emit(PictureError("There is nothing to paste.", "Copy a picture, a file or a text first."))

    def open_files(self) -> None:
        """Let the person name picture files."""
        endings = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in SUFFIXES)
        videos = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in VIDEOS)
        kinds = (
            f"{shown(Wording('Pictures'))} ({endings})",
            f"{shown(Wording('Videos'))} ({videos})",
            f"{shown(Wording('All files'))} (*)",
        )
        title = shown(Wording("Open picture"))
        folder = self._folder or _pictures_folder()
        brief = QFileDialog.Option.HideNameFilterDetails
        chosen, _ = QFileDialog.getOpenFileNames(self._window, title, folder, ";;".join(kinds), "", brief)
        if chosen:
            self._folder = str(Path(chosen[0]).parent)
            self.open([Path(one) for one in chosen])

    def open(self, paths: Sequence[Path]) -> None:
        """Open picture files; or play a video as if a camera saw it, or take a model's file."""
        if paths and not self._is_other(paths):
            self._camera.stop()
            self._desk.open(paths)

    def _is_other(self, paths: Sequence[Path]) -> bool:
        """Whether it was a video or a model, which are on their way then."""
        ending = paths[0].suffix.lower() if len(paths) == 1 else ""
        if ending in VIDEOS:
            self._desk.sent()
            self._camera.start(str(paths[0]))
        elif ending == _MODEL:
            self.model.emit(str(paths[0]))
        return ending in VIDEOS or ending == _MODEL

    def pick_screen(self) -> None:
        """Let the person draw a rectangle on the screen."""
        name = shown(Wording("Part of the screen"))
        ScreenPicker(self._window, lambda image: self._desk.open_image(image, name), self.failed.emit).start()

    def toggle_camera(self) -> None:
        if self._camera.on:
            self._camera.stop()
        else:
            self._desk.sent()  # the next question is about what the camera sees
            self._camera.start()

    @property
    def camera_shows(self) -> bool:
        """Whether there is something to `shoot`."""
        return self._camera.on and self._camera.latest is not None

    def shoot(self) -> None:
        """Put what the camera shows on the stage and turn it off."""
        frame = self._camera.latest
        if frame is not None:
            self._desk.open_frame(frame.rgb, shown(Wording("Camera picture")))
            self._camera.stop()


def _pictures_folder() -> str:
    """The person's folder of pictures, or their home where they have none: one that is not there would stand in the
    dialog as the name of a file."""
    pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    return pictures if Path(pictures).is_dir() else str(Path.home())
