"""The last seconds of a camera, kept as JPEG so that they can be saved when something has just happened."""

import threading
from collections import deque
from pathlib import Path

import cv2
import numpy as np

from app.capture.camera import Frame
from app.errors import CameraError, SpyglassError

SECONDS = 10.0
FPS = 10.0
_MAX_BYTES = 64 << 20
_QUALITY = 85


class Clip:
    """Keeps frames at a steady rate. `add` is for the camera's thread, the rest for any."""

    def __init__(self, seconds: float = SECONDS, fps: float = FPS) -> None:
        self._seconds, self._fps = seconds, fps
        self._lock = threading.Lock()
        self._frames: deque[tuple[float, bytes]] = deque()
        self._bytes = 0
        self._next = float("-inf")

    def add(self, frame: Frame) -> None:
        """Keep the frame if it is time for one; forget what is too old."""
        if frame.time < self._next:
            return
        self._next = frame.time + 1 / self._fps - 0.01
        jpeg = as_jpeg(frame)
        with self._lock:
            self._frames.append((frame.time, jpeg))
            self._bytes += len(jpeg)
            while self._frames[0][0] < frame.time - self._seconds or self._bytes > _MAX_BYTES:
                self._bytes -= len(self._frames.popleft()[1])

    def save(self, path: Path) -> None:
        """Write what is kept as a Motion JPEG video. Raises SpyglassError."""
        with self._lock:
            frames = list(self._frames)
        if not frames:
            raise CameraError("There is nothing to save yet.", "Wait until the camera shows a picture.")
        last = _decoded(frames[-1][1])
        size = last.shape[1], last.shape[0]
        span = frames[-1][0] - frames[0][0]
        fps = (len(frames) - 1) / span if span > 0 else self._fps
        writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), fps, size)
        if not writer.isOpened():
            raise SpyglassError("The clip could not be saved.", "Check that the folder can be written.", str(path))
        written = 0
        for _, jpeg in frames:
            frame = _decoded(jpeg)
            if frame.shape == last.shape:  # the camera changed its size meanwhile
                writer.write(frame)
                written += 1
        writer.release()
        if _frames_in(path) < written:  # OpenCV says nothing of a disk that became full
            path.unlink(missing_ok=True)
            raise SpyglassError("The clip could not be saved.", "Check the folder and the disk.", str(path))


def as_jpeg(frame: Frame) -> bytes:
    """The frame as a JPEG file."""
    bgr = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])


def _frames_in(path: Path) -> int:
    reader = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    count = int(reader.get(cv2.CAP_PROP_FRAME_COUNT)) if reader.isOpened() else 0
    reader.release()
    return count


def _decoded(jpeg: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
