"""Which frames deserve an answer: sharp, lit, still, and different enough from the last one that was answered.

Everything is judged on a small picture, and time is what the caller says it is, so the same frames always get the
same verdicts.
"""

import enum
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capture.sources import Pixels
from app.wording import Wording

Grey = NDArray[np.uint8]
"""(h, w) uint8."""

SMALL = 320
"""Longest side of the small picture: enough to tell blur, little enough to take no time."""
_TINY = 8
"""Pixels of the shorter side that are halved no more."""
_CELL = 4
"""Side of a cell of the small picture; changes are counted in cells, where the camera's noise has averaged out."""

_EDGE = 5.0
"""Grey levels a pixel from which on a slope is an edge and not noise."""


class Reason(enum.Enum):
    """Why a frame passes or is refused. The value is what a person is told."""

    GOOD = Wording("")
    BLACK = Wording("The camera shows only black. Is it covered?")
    DARK = Wording("It is too dark.")
    BRIGHT = Wording("It is too bright.")
    BLURRED = Wording("Out of focus. Hold still, or move back a little.")
    MOVING = Wording("Hold still.")
    SAME = Wording("Nothing has changed.")


@dataclass(frozen=True)
class Limits:
    """black, dark, bright: levels 0..255. blur: 0 sharp .. 1 blurred (Crete et al. 2007), above it a frame is blurred.

    moved: share of cells that may change from frame to frame. patience_s: a scene that never rests is looked at so long
    after it began to move, if it is sharp. settle_s: what is new must have stood so long. changed: cells that make a
    difference worth an answer. level: levels by which a cell must change to count.
    """

    black: float = 8.0
    dark: float = 25.0
    bright: float = 245.0
    blur: float = 0.6
    moved: float = 0.004
    patience_s: float = 1.0
    settle_s: float = 0.1
    changed: int = 6
    level: float = 14.0


@dataclass(frozen=True, eq=False)
class View:
    """A frame as the gate and the tracker see it.

    small: (h, w, 3) uint8; grey: (h, w) uint8; cells: (h / 4, w / 4, 3) float32; light: (3,) float32, their median.
    """

    small: Pixels
    grey: Grey
    cells: NDArray[np.float32]
    light: NDArray[np.float32]
    time: float

    @cached_property
    def pyramid(self) -> tuple[Pixels, ...]:
        """The small picture and what is left of it halved again and again."""
        levels = [self.small]
        while min(levels[-1].shape[:2]) > _TINY:
            levels.append(np.asarray(cv2.pyrDown(levels[-1])))
        return tuple(levels)


def view(rgb: Pixels, time: float) -> View:
    """The small view of a frame of (H, W, 3)."""
    height, width = rgb.shape[:2]
    scale = min(1.0, SMALL / max(height, width))
    size = max(_CELL, round(width * scale)), max(_CELL, round(height * scale))
    small: Pixels = rgb
    while small.shape[1] >= 4 * size[0] and small.shape[0] >= 4 * size[1]:
        # Halving by linear interpolation is an average of four, and three times as fast as one large step by area.
        small = cv2.resize(small, (small.shape[1] // 2, small.shape[0] // 2), interpolation=cv2.INTER_LINEAR)
    return as_view(np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA)), time)


def as_view(small: Pixels, time: float) -> View:
    """The view whose small picture this is."""
    size = small.shape[1::-1]
    grid = max(1, size[0] // _CELL), max(1, size[1] // _CELL)
    cells = cv2.resize(small, grid, interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
    light = np.median(cells.reshape(-1, 3), axis=0).astype(np.float32)
    return View(small, grey, cells.astype(np.float32), light, time)


class Gate:
    """Looks at every frame and says whether it is worth an answer now."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self.limits = limits
        self._before: View | None = None
        self._answered: View | None = None
        self._restless_since: float | None = None
        self._new_since: float | None = None

    def check(self, seen: View) -> Reason:
        """The verdict on the next frame. Frames must be shown in order, every one of them or a steady share."""
        before, self._before = self._before, seen
        light = self._light(seen)
        if light is not Reason.GOOD:
            return light
        if blur(seen.grey) > self.limits.blur:
            return Reason.BLURRED
        new = self._answered is None or self.differs(self._answered, seen)
        if before is not None and change(before, seen, self.limits.level).mean() > self.limits.moved:
            self._new_since = None
            if not self._waited_enough(seen.time):
                return Reason.MOVING
            return Reason.GOOD if new else Reason.SAME
        self._restless_since = None
        if not new:
            self._new_since = None
            return Reason.SAME
        if self._new_since is None:
            self._new_since = seen.time
        return Reason.GOOD if seen.time - self._new_since >= self.limits.settle_s else Reason.MOVING

    def answered(self, seen: View | None) -> None:
        """From now on frames are compared with this one; None: the next good frame is worth an answer in any case."""
        self._answered = seen
        self._restless_since = self._new_since = None

    def compare(self, seen: View) -> None:
        """Compare frames with this one from now on, which is what was answered as it looks after the camera moved."""
        self._answered = seen

    def differs(self, one: View, other: View) -> bool:
        """Whether a person would call these two different scenes, shaking hands and flicker aside."""
        cells = cv2.morphologyEx(change(one, other, self.limits.level), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        return int(np.count_nonzero(cells)) >= self.limits.changed

    def _light(self, seen: View) -> Reason:
        low, mean, top = float(seen.cells.min()), float(seen.cells.mean()), float(seen.cells.max())
        if top < self.limits.black:
            return Reason.BLACK
        if mean < self.limits.dark and top < 4 * self.limits.dark:
            return Reason.DARK
        return Reason.BRIGHT if low > self.limits.bright else Reason.GOOD

    def _waited_enough(self, now: float) -> bool:
        if self._restless_since is None:
            self._restless_since = now
        return now - self._restless_since >= self.limits.patience_s


def change(one: View, other: View, level: float) -> NDArray[np.uint8]:
    """Which cells changed (1) between two views: by more than `level` from anything near them, exposure evened out.

    "Near" is the cell and its eight neighbours, so a hand that shakes by a cell changes nothing. All cells when the two
    are of different shapes.
    """
    a, b = one.cells, other.cells
    if a.shape != b.shape:
        return np.ones(b.shape[:2], np.uint8)
    a = a + (other.light - one.light)
    around = np.ones((3, 3), np.uint8)
    outside = np.maximum(b - cv2.dilate(a, around), cv2.erode(a, around) - b)
    return np.asarray(outside.max(2) > level, np.uint8)


def blur(grey: Grey) -> float:
    """0 sharp .. 1 blurred: how little a picture changes when it is blurred once more.

    After Crete, Dolmiere, Ladret, Nicolas (2007), "The blur effect"; the worse of the two directions, because motion
    blurs only one. A picture without edges is not called blurred.
    """
    levels = grey.astype(np.float32)
    worst = 0.0
    for axis, kernel in ((1, (9, 1)), (0, (1, 9))):
        sharp = np.abs(np.diff(levels, axis=axis))
        smooth = np.abs(np.diff(cv2.blur(levels, kernel), axis=axis))
        edges = sharp > _EDGE
        total = float(sharp[edges].sum())
        if np.count_nonzero(edges) > 0.001 * edges.size:
            lost = float(np.maximum(sharp - smooth, 0)[edges].sum())
            worst = max(worst, 1.0 - lost / total)
    return worst
