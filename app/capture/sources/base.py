"""What a source of frames is.

A source is opened, read and closed by one thread. `read` may block for as long as the driver pleases, so whoever must
not wait reads it in a thread of its own (see app.capture.camera).
"""

import io
import os
from collections.abc import Callable
from typing import Any, Protocol

import cv2
import numpy as np
from PIL import Image

from app.errors import CameraError

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
"""(H, W, 3) uint8."""

NATIVE_WAIT_S = 5
"""Seconds after which a driver or a network gives up."""
HICCUPS = 5
"""So many broken frames in a row are skipped before the source counts as broken."""
MAX_PIXELS = 50_000_000
"""Pixels of a frame: no camera sends more, and what claims to would cost gigabytes."""


class Ended(Exception):
    """A source with an end has reached it."""


class Absent(CameraError):
    """There is no such source: a camera that is unplugged and may come back, a file that is no video."""


class Source(Protocol):
    """One opening of a source of frames."""

    def read(self) -> Pixels:
        """The next frame, BGR. Raises Ended after the last one, CameraError when the source broke."""
        ...

    def close(self) -> None: ...


Opener = Callable[[], Source]
"""Opens a source afresh each time it is called. Raises CameraError."""


def open_capture(source: int | str, backend: int, parameters: list[int] | None = None) -> cv2.VideoCapture:
    """Open with OpenCV, its own complaints on standard error silenced and its waits limited."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(NATIVE_WAIT_S))
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2.VideoCapture(source, backend, parameters or [])


def next_frame(capture: cv2.VideoCapture) -> Pixels | None:
    """The next frame, or None where OpenCV has none."""
    ok, frame = capture.read()
    return np.asarray(frame) if ok and frame is not None else None


def decoded(data: bytes) -> Pixels | None:
    """The frame, BGR, in a picture file's bytes; None for what is none, or says that it is larger than `MAX_PIXELS`."""
    try:
        with Image.open(io.BytesIO(data)) as header:
            width, height = header.size
        frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if width * height <= MAX_PIXELS else None
    except Exception:  # a stranger's bytes: decoders raise what they please
        return None
    return np.asarray(frame) if frame is not None else None
