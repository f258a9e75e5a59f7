"""Where something seen in one frame is in the frames after it, by optical flow; and whether it is there at all."""

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capture.gate import Grey, View, change
from app.values import Box

_MAX_POINTS = 150
_APART = 8
_WINDOW = (11, 11)
_LEVELS = 2
_UNTIL = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.03)
_ASTRAY = 1.0
"""Pixels of the small picture by which a point followed forth and back may miss itself."""
_FEW = 3
_PATCH = 24
_ALIKE = 0.55
_MOST = 0.4
"""Share of a thing that must still be inside the picture."""
_FLAT = 4.0
"""Levels (standard deviation): a patch with less is compared by its mean, for it has no pattern."""
_LEVEL = 14.0
_SCENE_GONE = 0.5
_AROUND = 0.1
"""Share of a box's sides that is looked at around it, so that the outline of what is in it is seen."""
_STEP = 28.0
"""Levels within a cell or two of a patch from which on it is an outline: light hardly ever falls off like that."""
_OUTLINE = 0.02
"""Share of a patch that at least must be edges, where it shows anything."""
_NEAR = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Place:
    """Where what was in a box of the anchor is now.

    before, now: (24, 24, 3) float32, the patches; seen: (24, 24), which parts of them are inside the picture.
    """

    box: Box
    before: NDArray[np.float32] = field(repr=False)
    now: NDArray[np.float32] = field(repr=False)
    seen: NDArray[np.bool_] = field(repr=False)

    @cached_property
    def changed(self) -> float:
        """The share of it that looks different from anything near it before, exposure evened out."""
        before = self.before + np.median((self.now - self.before)[self.seen], axis=0).astype(np.float32)
        outside = np.maximum(self.now - cv2.dilate(before, _NEAR), cv2.erode(before, _NEAR) - self.now).max(2)
        return float((outside > _LEVEL)[self.seen].mean())

    @cached_property
    def gone(self) -> float:
        """The share of the outlines in it near which none half as strong is left; 0 where there were hardly any."""
        before, now = _steps(self.before), cv2.dilate(_steps(self.now), _NEAR)
        were = self.seen & (before > _STEP)
        if were.sum() <= _OUTLINE * were.size:
            return 0.0
        return float((now < before / 2)[were].mean())


def is_cut(before: View, seen: View) -> bool:
    """Whether the scene was replaced from one frame to the next: most of the picture jumped, light and all.

    A camera that is swung so fast that nothing can be followed counts as well.
    """
    if before.cells.shape != seen.cells.shape:
        return True
    if float((np.abs(before.cells - seen.cells).max(2) > _LEVEL).mean()) > _SCENE_GONE:
        return True
    return float(change(before, seen, _LEVEL).mean()) > _SCENE_GONE / 2


class Track:
    """Follows the points of one frame, the anchor. Every later frame must be shown to it, in order."""

    def __init__(self, anchor: View) -> None:
        self.anchor = anchor
        self._now = anchor
        self._start: NDArray[np.float32] = np.empty((0, 2), np.float32)
        self._here = self._start
        self._patches: dict[Box, NDArray[np.float32]] = {}
        """What the anchor shows in the boxes that were asked for."""

    @cached_property
    def _all(self) -> NDArray[np.float32]:
        """The anchor's points; found when first wanted, so that nobody waits for it while the anchor is on its way."""
        found = cv2.goodFeaturesToTrack(self.anchor.grey, _MAX_POINTS, 0.005, _APART)
        return np.empty((0, 2), np.float32) if found is None else np.asarray(found.reshape(-1, 2), np.float32)

    @property
    def newest(self) -> View:
        """The frame that was shown last."""
        return self._now

    @property
    def points(self) -> int:
        """How many points of the anchor are being followed."""
        return len(self._here)

    def step(self, seen: View) -> None:
        """Follow the points into the next frame; those that cannot be found again are dropped."""
        if seen is self.anchor:
            return
        if self._now is self.anchor:
            self._start = self._here = self._all
        if len(self._here) and seen.grey.shape == self._now.grey.shape:
            there, found = _flow(self._now.grey, seen.grey, self._here)
            back, _ = _flow(seen.grey, self._now.grey, there)
            height, width = seen.grey.shape
            inside = (there >= 0).all(1) & (there[:, 0] < width) & (there[:, 1] < height)
            kept = found & inside & (np.abs(back - self._here).max(1) < _ASTRAY)
            self._start, self._here = self._start[kept], there[kept]
        elif len(self._here):
            self._start = self._here = np.empty((0, 2), np.float32)
        self._now = seen

    def shows(self, box: Box) -> bool:
        """Whether anything in `box` of the anchor stands out, or is a wall, a table, the sky."""
        height, width = self.anchor.grey.shape
        x, y = _AROUND * (box[2] - box[0]), _AROUND * (box[3] - box[1])
        corners = np.array([(box[0] - x) * width, (box[1] - y) * height, (box[2] + x) * width, (box[3] + y) * height])
        patch = _patch(self.anchor, corners)
        return float((_steps(patch) > _STEP).mean()) > _OUTLINE

    def place(self, box: Box) -> Place | None:
        """Where `box` of the anchor is now; None when what was in it cannot be seen there any more."""
        height, width = self.anchor.grey.shape
        if self._now.grey.shape != (height, width):
            return None
        size = np.array([width, height, width, height], np.float64)
        corners = np.array(box) * size
        inside = _within(self._start, corners)
        start, here = self._start[inside], self._here[inside]
        if len(start) < _FEW:
            start, here = self._start, self._here  # nothing to hold on to: it moves as the picture does
        moved = _moved(corners, start, here) if len(start) else corners
        if _inside(moved, width, height) < _MOST:
            return None
        before, now = self._patches.get(box), _patch(self._now, moved)
        if before is None:
            before = self._patches[box] = _patch(self.anchor, corners)
        if not _alike(before, now):
            return None
        x0, y0, x1, y1 = (moved / size).tolist()
        return Place((x0, y0, x1, y1), before, now, _seen(moved, width, height))


def _flow(one: Grey, other: Grey, points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        one, other, points, None, winSize=_WINDOW, maxLevel=_LEVELS, criteria=_UNTIL
    )
    return np.asarray(there, np.float32), np.asarray(found.reshape(-1) == 1)


def _within(points: NDArray[np.float32], corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((points >= corners[:2]).all(1) & (points <= corners[2:]).all(1))


def _moved(corners: NDArray[np.float64], start: NDArray[np.float32], here: NDArray[np.float32]) -> NDArray[np.float64]:
    """The corners, shifted by the median of the points and scaled by how far these have spread."""
    middle, now = np.median(start, 0), np.median(here, 0)
    spread, wide = np.abs(start - middle).mean(), np.abs(here - now).mean()
    scale = float(np.clip(wide / spread, 0.5, 2.0)) if len(start) >= 2 * _FEW and spread > 1 else 1.0
    return np.concatenate([now + (corners[:2] - middle) * scale, now + (corners[2:] - middle) * scale])


def _inside(corners: NDArray[np.float64], width: int, height: int) -> float:
    """The share of a box that is inside the picture."""
    inside = np.minimum(corners[2:], (width, height)) - np.maximum(corners[:2], 0)
    return float((inside.clip(0) / (corners[2:] - corners[:2])).prod())


def _seen(corners: NDArray[np.float64], width: int, height: int) -> NDArray[np.bool_]:
    """(24, 24): which parts of a patch are inside the picture."""
    middles = (np.arange(_PATCH) + 0.5)[:, None] / _PATCH * (corners[2:] - corners[:2]) + corners[:2]
    within = (middles >= 0) & (middles < (width, height))
    return np.asarray(within[:, 1][:, None] & within[:, 0][None, :])


def _alike(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    """Whether two patches show the same thing: by correlation, or by their mean colours if there is no pattern."""
    middle_a, middle_b = a.mean((0, 1)), b.mean((0, 1))
    a, b = a - middle_a, b - middle_b
    pattern_a, pattern_b = float(a.std()), float(b.std())
    if pattern_a < _FLAT:
        return pattern_b < 2 * _FLAT and float(np.abs(middle_a - middle_b).max()) < 3 * _LEVEL
    if pattern_b < pattern_a / 4:
        return False
    return float((a * b).mean()) / (pattern_a * pattern_b) > _ALIKE


def _steps(patch: NDArray[np.float32]) -> NDArray[np.float32]:
    """(24, 24) float32: by how many levels a patch changes within a cell or two; an outline is a large step."""
    return np.asarray((cv2.dilate(patch, _NEAR) - cv2.erode(patch, _NEAR)).max(2), np.float32)


def _patch(view: View, corners: NDArray[np.float64]) -> NDArray[np.float32]:
    """(24, 24, 3) float32: what is inside the corners, the picture's rim repeated outside it."""
    scale, level = (corners[2:] - corners[:2]) / _PATCH, 0
    while scale.max() > 2 and level + 1 < len(view.pyramid):  # sampling what is much larger would see single pixels
        corners, scale, level = corners / 2, scale / 2, level + 1
    matrix = np.array([[scale[0], 0, corners[0] + scale[0] / 2], [0, scale[1], corners[1] + scale[1] / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(view.pyramid[level], matrix, (_PATCH, _PATCH), flags=flags, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )
