"""Keeping what the camera shows: a snapshot as JPEG, or the last ten seconds as a video."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Signal

from app.capture.camera import Frame
from app.capture.clip import Clip, as_jpeg
from app.errors import CameraError
from app.ui.bridge import Background
from app.wording import Wording


class Clips(QObject):
    """Keeps the newest frames of a camera, and saves them when asked.

    clip: takes the frames, on the camera's thread. told: a Wording. failed: a SpyglassError.
    """

    told = Signal(object)
    failed = Signal(object)

    def __init__(self, background: Background, parent: QObject) -> None:
        super().__init__(parent)
        self._background = background
        self.clip = Clip()

    def clear(self) -> None:
        """Keep nothing any more. What is being added just now is added to the clip that is given up."""
        self.clip = Clip()

    def save_snapshot(self, frame: Frame | None) -> None:
        """Save a frame in the folder for pictures."""
        if frame is not None:
            path = _new_file(QStandardPaths.StandardLocation.PicturesLocation, ".jpg")
            self._save(path, lambda: path.write_bytes(as_jpeg(frame)))

    def save_clip(self) -> None:
        """Save the last ten seconds in the folder for videos."""
        path = _new_file(QStandardPaths.StandardLocation.MoviesLocation, ".avi")
        self._save(path, partial(self.clip.save, path))

    def _save(self, path: Path, write: Callable[[], object]) -> None:
        def work() -> str:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                write()
            except OSError as error:
                what = Wording("{name} could not be saved.", name=path.name)
                raise CameraError(what, "Check the folder.", str(error)) from error
            return str(path)

        def done(saved: str) -> None:
            self.told.emit(Wording("Saved as {name}", name=saved))

        self._background.run(work, done, self.failed.emit)


def _new_file(where: QStandardPaths.StandardLocation, ending: str) -> Path:
    folder = Path(QStandardPaths.writableLocation(where))
    stem = time.strftime("Spyglass %Y-%m-%d %H.%M.%S")
    names = (stem if n == 0 else f"{stem} ({n})" for n in range(1000))
    return next(path for name in names if not (path := folder / (name + ending)).exists())
