"""The cameras of this machine."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

import cv2
from cv2_enumerate_cameras import enumerate_cameras

from app.capture.sources.base import HICCUPS, Absent, Opener, Pixels, next_frame, open_capture
from app.errors import CameraError
from app.wording import Wording

# DSHOW opens at once where Media Foundation takes seconds.
_BACKEND = {"win32": cv2.CAP_DSHOW, "darwin": cv2.CAP_AVFOUNDATION}.get(sys.platform, cv2.CAP_V4L2)
_BUSY = Wording("Close other programs that use the camera, or unplug it and plug it in again.")
_ALLOW = {
    "win32": Wording("Allow it under Settings, Privacy & security, Camera."),
    "darwin": Wording("Allow it under System Settings, Privacy & Security, Camera."),
}.get(sys.platform, Wording('Add your account to the group "video" and log in again.'))


@dataclass(frozen=True)
class CameraInfo:
    """A camera of this machine. `index` and `backend` are OpenCV's and may change when something is plugged in."""

    name: str
    index: int
    backend: int
    path: str = ""


def cameras() -> list[CameraInfo]:
    """The cameras plugged in right now."""
    try:
        found = enumerate_cameras(_BACKEND)
    except (OSError, RuntimeError, NotImplementedError):
        return []
    infos = (CameraInfo(c.name or f"Camera {c.index}", c.index, c.backend, c.path or "") for c in found)
    return sorted(infos, key=lambda info: info.index)


def device_opener(camera: CameraInfo | str, width: int, height: int, fps: float) -> Opener:
    """How to open that camera, wherever it is now: a camera plugged in again often has another index."""

    def find() -> CameraInfo:
        return _pick(camera, cameras()) if isinstance(camera, str) else _again(camera, cameras())

    return lambda: DeviceSource(find(), width, height, fps)


class DeviceSource:
    """A camera of this machine."""

    def __init__(self, info: CameraInfo, width: int, height: int, fps: float) -> None:
        _may_open(info)
        wanted = [(cv2.CAP_PROP_FRAME_WIDTH, width), (cv2.CAP_PROP_FRAME_HEIGHT, height), (cv2.CAP_PROP_FPS, fps)]
        if info.backend != cv2.CAP_AVFOUNDATION:
            # Uncompressed, USB 2 carries 720p only ten times a second.
            wanted.insert(0, (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")))
        self._capture = open_capture(info.index, info.backend)
        if not self._capture.isOpened():
            what = Wording('The camera "{name}" could not be opened.', name=info.name)
            raise CameraError(what, Wording("{one} {other}", one=_BUSY, other=_ALLOW))
        for setting, value in wanted:
            self._capture.set(setting, value)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._name = info.name

    def read(self) -> Pixels:
        for _ in range(HICCUPS):
            frame = next_frame(self._capture)
            if frame is not None:
                return frame
        what = Wording('The camera "{name}" stopped delivering.', name=self._name)
        raise CameraError(what, "Check its cable, or plug it in again.")

    def close(self) -> None:
        self._capture.release()


def _pick(name: str, infos: list[CameraInfo]) -> CameraInfo:
    """The camera called `name`: exactly, by its number, or by a part of its name."""
    if not infos:
        raise Absent("No camera was found.", "Plug one in, or give a video file or the address of a network camera.")
    if not name:
        return infos[0]
    tests: tuple[Callable[[CameraInfo], bool], ...] = (
        lambda info: name in (info.name, info.path),
        lambda info: name == str(info.index),
        lambda info: name.casefold() in info.name.casefold(),
    )
    for test in tests:
        for info in infos:
            if test(info):
                return info
    there = ", ".join(f'"{info.name}"' for info in infos)
    raise Absent(
        Wording('There is no camera called "{name}".', name=name),
        Wording("Plug it in, or use one of these: {names}.", names=there),
    )


def _again(known: CameraInfo, infos: list[CameraInfo]) -> CameraInfo:
    """`known` among what is plugged in now: in its old place, or anywhere."""
    same = [info for info in infos if info.name == known.name]
    if not same:
        raise Absent(Wording('The camera "{name}" is not there.', name=known.name), "Plug it in.")
    return next((info for info in same if info.path == known.path), same[0])


def _may_open(info: CameraInfo) -> None:
    """OpenCV only says that it failed; where the camera is a file, the system says why."""
    if not info.path.startswith("/dev/"):
        return
    try:
        os.close(os.open(info.path, os.O_RDWR | os.O_NONBLOCK))
    except PermissionError as error:
        what = Wording('This account may not use the camera "{name}".', name=info.name)
        raise CameraError(what, _ALLOW, str(error)) from error
    except FileNotFoundError as error:
        what = Wording('The camera "{name}" was unplugged.', name=info.name)
        raise Absent(what, "Plug it in again.", str(error)) from error
    except OSError as error:
        raise CameraError(Wording('The camera "{name}" is busy.', name=info.name), _BUSY, str(error)) from error
