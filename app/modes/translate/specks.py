"""Small ink that goes with a line but lies outside its box: a comma that hangs, the dots that lead to a price."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capture.region import Pixels, Quad, rectify
from app.modes.translate import frames
from app.modes.translate.ground import Ground

Part = tuple[float, float, float, float]
"""A rectangle of a line's own pixels: left, top, right, bottom."""
DOT, MARK = 0.2, 0.42
"""How long and high, as a part of the line's height, the dots of a row may be, and what hangs on a line."""
_SEEN, _FAINT = 0.35, 20
"""How far off the ground ink is, as a part of how far the line's own ink is, and at least, in shades."""


def specks(crop: Pixels, expected: Pixels, paper: Ground, most: float, cut: bool) -> NDArray[np.bool_]:
    """What of a crop is ink no longer or higher than `most` pixels. cut: also where it touches the crop's edge."""
    off = np.abs(crop.astype(np.int16) - expected).max(axis=-1)
    contrast = float(np.abs(np.array(paper.ink) - expected.mean(axis=(0, 1))).max())
    ink = (off > max(_FAINT, _SEEN * contrast)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    left, top, wide, high = stats[:, :4].T
    small = (wide <= most) & (high <= most)
    if not cut:
        small &= (left > 0) & (top > 0) & (left + wide < crop.shape[1]) & (top + high < crop.shape[0])
    small[0] = False
    found: NDArray[np.bool_] = small[labels]
    return found


def without(crop: Pixels, expected: Pixels, found: NDArray[np.bool_]) -> Pixels:
    """The crop with ground in place of specks and their soft rims."""
    clean = crop.copy()
    wide = _grown(found) > 0
    clean[wide] = expected[wide]
    return clean


def erase(canvas: Pixels, quad: Quad, paper: Ground, others: Sequence[Quad], part: Part, most: float) -> None:
    """Take away the specks in a part of a line's frame, but those of other lines. most: how large, in line heights."""
    place = frames.placed(quad, *part)
    crop = rectify(canvas, place, 0.0)
    expected = paper.at(crop.shape[1], crop.shape[0], part[0], part[1])
    found = specks(crop, expected, paper, most * frames.size(quad)[1], cut=False)
    if not found.any():
        return
    mask = _grown(found)
    back = np.linalg.inv(frames.homography(place))
    for other in others:
        corners = cv2.perspectiveTransform(other[None].astype(np.float32), back)[0]
        cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), 0)
    frames.put(canvas, expected, mask * 255, quad, (-part[0], -part[1]), 1.0)


def _grown(found: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.asarray(cv2.dilate(found.astype(np.uint8), np.ones((5, 5), np.uint8)), np.uint8)
