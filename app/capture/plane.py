"""Where a flat thing seen in one frame is in the frames after it: a homography, for text that is drawn where it stands.

The points are followed from frame to frame, and then looked for once more from the anchor itself: so nothing drifts,
and a point that was covered is found again.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capture.gate import Grey, View, as_view
from app.capture.track import Track

Corners = NDArray[np.float64]
"""(4, 2) float64: corners in pixels of the small view, clockwise."""
Matrix = NDArray[np.float64]
"""(3, 3) float64: a homography between pixels."""

_FEW = 4
_PROJECTIVE = 12
"""Points from which a homography is fitted; with fewer, shift, turn and scale alone."""
_OFF = 1.0
"""Pixels of the small view by which a point may miss the fit."""
_COHERENT = 0.75
"""Share of the points that must agree for the whole picture to count as one plane."""
_WINDOW = (15, 15)
_UNTIL = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 15, 0.01)
_PATCH = (64, 24)
_ALIKE = 0.5
_INSIDE = 0.5
"""Share of a thing that must still be inside the picture."""


class Plane(Track):
    """Follows the anchor's points as Track does, and says where a quadrilateral of it is now."""

    def __init__(self, anchor: View) -> None:
        super().__init__(anchor)
        self.matrix: Matrix | None = np.eye(3)
        """From the anchor's small view to the newest; None while it cannot be told."""
        self._whole = True

    def step(self, seen: View) -> None:
        super().step(seen)
        self.matrix, agreed = _fit(self._start, self._here)
        if self.matrix is not None and self._look_again(seen.grey):
            self.matrix, agreed = _fit(self._start, self._here)
        self._whole = agreed >= _COHERENT

    def where(self, corners: Corners) -> Corners | None:
        """Where these corners of the anchor are now; None when what was in them cannot be seen there."""
        matrix = self.matrix_at(corners)
        if matrix is None:
            return None
        moved = mapped(matrix, corners)
        return moved if _seen(self.anchor.small, corners, self._now.small, moved) else None

    def matrix_at(self, corners: Corners) -> Matrix | None:
        """The way of what is around these corners: that of the whole picture if it moves as one, else its own."""
        if self._whole or self.matrix is None:
            return self.matrix
        margin = 0.5 * float(np.linalg.norm(corners[3] - corners[0])) + 6
        low, high = corners.min(0) - margin, corners.max(0) + margin
        near = (self._start >= low).all(1) & (self._start <= high).all(1)
        own, _ = _fit(self._start[near], self._here[near])
        return self.matrix if own is None else own

    def view_from_here(self) -> View | None:
        """The anchor as it would look from where the camera is now; what it did not show is taken from the newest."""
        now, matrix = self._now, self.matrix
        if matrix is None or now.small.shape != self.anchor.small.shape:
            return None
        picture = now.small.copy()
        cv2.warpPerspective(
            self.anchor.small,
            matrix,
            picture.shape[1::-1],
            dst=picture,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_TRANSPARENT,
        )
        return as_view(picture, now.time)

    def revealed(self) -> float:
        """The share of the newest frame that the anchor did not show, 0..1."""
        if self.matrix is None:
            return 1.0
        height, width = self.anchor.grey.shape
        frame = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
        common, _ = cv2.intersectConvexConvex(frame.astype(np.float32), mapped(self.matrix, frame).astype(np.float32))
        return 1.0 - float(common) / float(width * height)

    def _look_again(self, grey: Grey) -> bool:
        """Look for every point of the anchor where it should be now; whether enough were found."""
        assert self.matrix is not None
        expected = mapped(self.matrix, self._all).astype(np.float32)
        height, width = grey.shape
        inside = (expected >= 1).all(1) & (expected < (width - 1, height - 1)).all(1)
        start, expected = self._all[inside], expected[inside]
        if len(start) < _FEW:
            return False
        flow: Callable[..., tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32]]]
        flow = cv2.calcOpticalFlowPyrLK
        there, found, _ = flow(
            self.anchor.grey,
            grey,
            start,
            expected.copy(),
            winSize=_WINDOW,
            maxLevel=0,
            criteria=_UNTIL,
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )
        good = (found.reshape(-1) == 1) & (np.abs(there - expected).max(1) < 2 * _OFF)
        if good.sum() < max(_FEW, 0.5 * len(self._here)):
            return False
        self._start, self._here = start[good], there[good]
        return True


def mapped(matrix: Matrix, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Points (n, 2) through a homography."""
    if not len(points):
        return np.empty((0, 2))
    return np.asarray(cv2.perspectiveTransform(points.reshape(1, -1, 2).astype(np.float64), matrix)[0])


def _fit(start: NDArray[np.float32], here: NDArray[np.float32]) -> tuple[Matrix | None, float]:
    """The way from one set of points to the other, and the share of them that agree with it."""
    if len(start) < _FEW:
        return None, 0.0
    if len(start) >= _PROJECTIVE:
        matrix, agree = cv2.findHomography(start, here, cv2.RANSAC, _OFF)
    else:
        part, agree = cv2.estimateAffinePartial2D(start, here, method=cv2.RANSAC, ransacReprojThreshold=_OFF)
        matrix = None if part is None else np.vstack([part, (0.0, 0.0, 1.0)])
    if matrix is None or not np.isfinite(matrix).all() or abs(float(np.linalg.det(matrix))) < 1e-3:
        return None, 0.0
    return np.asarray(matrix, np.float64), float(np.mean(agree))


def _seen(one: NDArray[np.uint8], corners: Corners, other: NDArray[np.uint8], moved: Corners) -> bool:
    """Whether two quadrilaterals, with a little around them, show the same: by correlation of their patterns."""
    height, width = other.shape[:2]
    area = abs(float(cv2.contourArea(moved.astype(np.float32))))
    frame = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    if area < 4 or not cv2.isContourConvex(moved.astype(np.float32)):
        return False
    common, _ = cv2.intersectConvexConvex(frame, moved.astype(np.float32))
    if float(common) < _INSIDE * area:
        return False
    a, b = _patch(one, corners), _patch(other, moved)
    a, b = a - a.mean(), b - b.mean()
    spread = float(a.std()) * float(b.std())
    return spread > 1 and float((a * b).mean()) / spread > _ALIKE


def _patch(picture: NDArray[np.uint8], corners: Corners) -> NDArray[np.float32]:
    """(24, 64, 3) float32: a quadrilateral straightened, with a quarter of its size around it, fine detail smoothed."""
    width, height = _PATCH
    inner = np.array([(width, height)], np.float32) * np.array(
        [(0.15, 0.25), (0.85, 0.25), (0.85, 0.75), (0.15, 0.75)], np.float32
    )
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), inner)
    patch = cv2.warpPerspective(picture, matrix, _PATCH, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.GaussianBlur(patch, (5, 5), 1.2), np.float32)
