"""How far a picture of text leans, and the picture turned level.

Where there are many letters, their tops and feet gather on the fewest rows at the right angle. A word or a number has
too few for that: there, the bars and stems of its letters tell.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capture import ink
from app.capture.ink import Gray, Marks

_ANGLES = np.arange(-24, 24.5, 0.5)
_DOWNWARD = 1.3
"""How much more must gather on columns than on rows for the picture's tilt to be that of lines that run down."""
_STROKES = 100.0
"""How much the strokes of a letter say beside the pairs that it makes with others."""
_STEMS = 0.3
"""How much stems say beside bars: in perspective and in italics they do not stand across their line."""


def tilt(gray: Gray) -> float:
    """Degrees clockwise by which most lines lean."""
    gathered = np.zeros((2, len(_ANGLES)))  # of lines as they stand, and as they stand after a quarter turn
    strokes = np.zeros_like(gathered)
    for octave, scale in ink.octaves(gray):
        if min(octave.shape) * scale > 1600 and scale < 2:
            continue
        for both in ink.marks(octave, scale):
            bars, stems = _strokes(octave, both[0])
            for way, marks in enumerate(both):
                box = marks.box[marks.letter]
                if len(box) >= 4:
                    gathered[way] += _gathering(box[:: 1 + len(box) // 4000], np.deg2rad(_ANGLES))
                along, across = (stems, bars) if way else (bars, stems)
                strokes[way] += _STROKES * len(box) ** 1.5 * (along + _STEMS * across)
    straight = 1 - 0.002 * np.abs(_ANGLES)
    down = (gathered[1] * straight).max() > _DOWNWARD * (gathered[0] * straight).max()
    score = (gathered + strokes)[int(down)] * straight
    return float(_ANGLES[np.argmax(score)]) if score.any() else 0.0


def turned(gray: Gray, angle: float) -> tuple[Gray, NDArray[np.float64]]:
    """The picture turned level with all its corners, and the (2, 3) transform back."""
    height, width = gray.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    size = (int(np.ceil(width * cos + height * sin)), int(np.ceil(width * sin + height * cos)))
    turn[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    level: Gray = cv2.warpAffine(gray, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return level, cv2.invertAffineTransform(turn)


def _gathering(box: NDArray[np.float32], angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """For every angle, how many pairs of letters share a row (of a fifth of a letter) there: (angles,) float64."""
    row = max(1.5, float(np.median(box[:, 3] - box[:, 1])) / 5)
    middle = (box[:, 0] + box[:, 2]) / 2
    pairs = np.zeros(len(angles))
    for i, angle in enumerate(angles):
        for edge in (box[:, 1], box[:, 3]):
            rows = (edge * np.cos(angle) - middle * np.sin(angle)) / row
            counts = np.bincount((rows - rows.min()).astype(np.int64)).astype(np.float64)
            pairs[i] += (counts * (counts - 1)).sum() + 2 * (counts[1:] * counts[:-1]).sum()
    return pairs


def _strokes(octave: Gray, marks: Marks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For every angle, the share of the letters' edges that lean by it from level, and from upright: (angles,) each."""
    letters = np.zeros(int(marks.labels.max()) + 1, np.uint8)
    letters[marks.ids[marks.letter]] = 1
    ys, xs = np.nonzero(cv2.dilate(letters[marks.labels], np.ones((3, 3), np.uint8)))
    right, down = (cv2.Scharr(octave, cv2.CV_32F, *way)[ys, xs] for way in ((1, 0), (0, 1)))
    strength = np.hypot(right, down)
    facing = np.degrees(np.arctan2(down, right))  # an edge faces away from its ink, at a right angle to its stroke
    step = _ANGLES[1] - _ANGLES[0]
    margin = 4
    ends = step * (np.arange(len(_ANGLES) + 2 * margin + 1) - margin - 0.5) + _ANGLES[0]
    found = []
    for upright in (90.0, 0.0):
        leaning = (facing - upright + 90) % 180 - 90
        counts, _ = np.histogram(leaning, bins=ends, weights=strength)
        smooth = cv2.GaussianBlur(counts[None].astype(np.float64), (0, 0), 3.0)[0]
        found.append(smooth[margin:-margin] / max(float(strength.sum()), 1e-9))
    return found[0], found[1]
