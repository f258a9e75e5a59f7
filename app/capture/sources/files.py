"""Video files and folders of pictures as cameras."""

import time
from pathlib import Path

import cv2

from app.capture.sources.base import Absent, Ended, Pixels, decoded, next_frame, open_capture
from app.errors import CameraError
from app.wording import Wording

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv", ".wmv", ".3gp")
"""File name endings of what is played and not opened as a picture; what a file really is, its content says."""
_FOLDER_FPS = 10.0
"""A folder is delivered at this rate, however long each picture is shown."""

_CATCH_UP_S = 0.5
"""Missed frames are passed over for so long at once: a machine too slow for the video shows it late, but shows it."""


class VideoSource:
    """A video file at its own speed: who reads too slowly misses frames, as with a camera.

    With `paced=False` every frame comes, as fast as it can be read.
    """

    def __init__(self, path: Path, paced: bool = True) -> None:
        self._capture = open_capture(str(path.resolve()), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise Absent(Wording('"{name}" is not a video that can be read.', name=path.name), "Try another file.")
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if 1 <= fps <= 240 else 30.0
        self.position = 0.0
        """Seconds from the start of the video to the frame read last."""
        self._next = 0
        self._start = time.monotonic() if paced else None

    def read(self) -> Pixels:
        if self._start is not None:
            self._keep_pace(self._start)
        frame = next_frame(self._capture)
        if frame is None:
            raise Ended
        self.position = self._next / self.fps
        self._next += 1
        return frame

    def _keep_pace(self, start: float) -> None:
        now = time.monotonic()
        while start + (self._next + 1) / self.fps < now > time.monotonic() - _CATCH_UP_S and self._capture.grab():
            self._next += 1
        time.sleep(max(0.0, start + self._next / self.fps - now))

    def close(self) -> None:
        self._capture.release()


class FolderSource:
    """The pictures of a folder in the order of their names, each for `1 / fps` seconds."""

    def __init__(self, folder: Path, fps: float) -> None:
        self._paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURES)
        if not self._paths:
            raise Absent(
                Wording('There is no picture in "{name}".', name=folder.name), "Choose a folder of JPEG or PNG files."
            )
        self._fps = fps
        self._shown: tuple[int, Pixels] | None = None
        self._start = time.monotonic()
        self._reads = 0

    def read(self) -> Pixels:
        due = self._start + self._reads / _FOLDER_FPS
        self._reads += 1
        time.sleep(max(0.0, due - time.monotonic()))
        number = int((time.monotonic() - self._start) * self._fps)
        if number >= len(self._paths):
            raise Ended
        if self._shown is None or self._shown[0] != number:
            self._shown = (number, _picture(self._paths[number]))
        return self._shown[1]

    def close(self) -> None:
        self._shown = None


def _picture(path: Path) -> Pixels:
    frame = decoded(path.read_bytes())
    if frame is None:
        raise CameraError(
            Wording('"{name}" is not a picture that can be read.', name=path.name), "Take it out of the folder."
        )
    return frame
