"""Where frames come from: a camera, a video file, a folder of pictures, or a stream whose address a person gave."""

import re
from pathlib import Path

from app.capture.sources.base import MAX_PIXELS, Absent, Ended, Opener, Pixels, Source
from app.capture.sources.devices import CameraInfo, cameras, device_opener
from app.capture.sources.files import VIDEOS, FolderSource, VideoSource
from app.capture.sources.streams import address, stream_opener
from app.errors import CameraError
from app.wording import Wording


def opener(source: str, width: int = 1280, height: int = 720, fps: float = 30.0) -> Opener:
    """How to open what a person named: an address, a file, a folder, or a camera by name or number ("" is the first).

    A folder is a camera before which each picture is held for a second. Raises CameraError when nothing of that name
    can exist.
    """
    if "://" in source:
        return stream_opener(source)
    path = Path(source).expanduser() if source else None
    if path is not None and path.is_dir():
        return lambda: FolderSource(path, 1.0)
    if path is not None and path.is_file():
        return lambda: VideoSource(path)
    if re.search(r"[\\/]|\.\w{2,4}$", source):
        raise CameraError(
            Wording('There is no file or folder "{name}".', name=str(source)),
            "Check the name, or name a camera instead.",
        )
    return device_opener(source, width, height, fps)


__all__ = [
    "MAX_PIXELS",
    "VIDEOS",
    "Absent",
    "CameraInfo",
    "Ended",
    "FolderSource",
    "Opener",
    "Pixels",
    "Source",
    "VideoSource",
    "address",
    "cameras",
    "device_opener",
    "opener",
]
