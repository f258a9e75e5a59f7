"""A frame of a camera, and how it becomes one from what a driver delivered."""

from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np

from app.capture.sources import MAX_PIXELS, Pixels
from app.errors import CameraError

Rotation = Literal[0, 90, 180, 270]
_ROTATE = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_TO_RGB = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}


@dataclass(frozen=True, eq=False)
class Frame:
    """rgb: (H, W, 3) uint8, read-only. `number` counts from 1 over all reopenings; `time` is that of
    time.monotonic(), seconds."""

    rgb: Pixels = field(repr=False)
    number: int
    time: float


def upright(raw: Pixels, rotate: Rotation, mirror: bool) -> Pixels:
    """RGB from what a driver delivered, whatever it had promised. Raises CameraError when that is no picture at all."""
    channels = 1 if raw.ndim == 2 else raw.shape[-1]
    fits = raw.dtype == np.uint8 and raw.ndim in (2, 3) and 0 < raw.size <= MAX_PIXELS * channels
    if not fits or channels not in _TO_RGB:
        detail = f"{raw.dtype} {raw.shape}"
        raise CameraError("The camera sends something that is not a picture.", "Use another camera.", detail)
    rgb: Pixels = cv2.cvtColor(raw, _TO_RGB[channels])
    if rotate:
        rgb = cv2.rotate(rgb, _ROTATE[rotate])
    if mirror:
        rgb = cv2.flip(rgb, 1)
    rgb.setflags(write=False)
    return rgb
