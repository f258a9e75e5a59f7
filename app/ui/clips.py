"""Keeping what the camera shows: a snapshot as JPEG, or the last ten seconds as a video."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Signal

from app.capture.camera import Frame
from app.capture.clip import Clip, as_jpeg
from app.errors import SpyglassError
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
            folder = _folder(QStandardPaths.StandardLocation.PicturesLocation)
            self._save(folder, ".jpg", lambda path: path.write_bytes(as_jpeg(frame)))

    def save_clip(self) -> None:
        """Save the last ten seconds in the folder for videos."""
        self._save(_folder(QStandardPaths.StandardLocation.MoviesLocation), ".avi", self.clip.save)

    def _save(self, folder: Path, ending: str, write: Callable[[Path], object]) -> None:
        stem = time.strftime("Spyglass %Y-%m-%d %H.%M.%S")

        def work() -> str:
            try:
                return str(_written(folder, stem, ending, write))
            except OSError as error:
                what = Wording("{name} could not be saved.", name=str(folder / (stem + ending)))
                raise SpyglassError(what, "Check the folder.", str(error)) from error

        def done(saved: str) -> None:
            self.told.emit(Wording("Saved as {name}", name=saved))

        self._background.run(work, done, self.failed.emit)


def _folder(where: QStandardPaths.StandardLocation) -> Path:
    return Path(QStandardPaths.writableLocation(where))


def _written(folder: Path, stem: str, ending: str, write: Callable[[Path], object]) -> Path:
    """The new file of that name or the next free one, once it is written; half a picture or video is not left there."""
    folder.mkdir(parents=True, exist_ok=True)
    names = (f"{stem} ({n}){ending}" if n else stem + ending for n in itertools.count())
    path = next(path for name in names if _claimed(path := folder / name))
    try:
        write(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _claimed(path: Path) -> bool:
    """Whether the file is new and ours: made at once, for another one of the same second may be saved beside it."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
