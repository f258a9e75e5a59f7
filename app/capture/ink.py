"""Marks that may be letters: connected pieces of ink, dark on light and light on dark, at every scale of a picture.

One octave of scale is searched at a time: the picture is halved until the marks in it are between `SMALLEST` and
`LARGEST` pixels high, so that one window of local contrast serves small print and a shop's name alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SMALLEST, LARGEST = 5, 34
"""Heights of a letter in pixels of its octave. They span more than one octave on purpose: neighbours overlap."""
TALLEST = 1.5 * LARGEST
"""Height of a capital whose small neighbours are as high as a letter may be: it goes with them, but makes no line."""
_WINDOW = 2 * LARGEST + 1
_THICKEST = 15
"""Pixels of its octave that a stroke may be thick. What is larger is ground: a shadow, a lamp's glare, a bubble."""
_SHARE = 1.3
"""By how much ink is stronger than the quadratic mean of what is thin around it: paint on a wall, not its joints."""
_DIFFERENT, _UNSEEN = 40.0, 0.002
"""Levels by which a colour is another than those around it, and the share of such pixels that may go unseen."""
_FAINTEST = 12.0
"""Levels by which ink must differ from the paper around it."""

Gray = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Marks:
    """The pieces of ink of one octave and polarity.

    labels: (H, W) int32, 0 is paper; box: (n, 4) float32 left, top, right, bottom (exclusive); area: (n,) pixels;
    letter: (n,) bool, whether its size and shape suit a letter or a short word (the rest are dots, dashes and accents).
    `ids` are the values of `labels`. `scale`: pixels of the picture to a pixel of the octave; boxes are in the latter.
    """

    labels: NDArray[np.int32]
    ids: NDArray[np.int32]
    box: NDArray[np.float32]
    area: NDArray[np.float32]
    letter: NDArray[np.bool_]
    scale: float


def contrasts(pixels: NDArray[np.uint8]) -> list[Gray]:
    """(H, W, 3) RGB -> (H, W) each: the projection of colour along which neighbouring pixels differ most.

    Red letters on green of the same brightness vanish in a plain grey picture; in this one they do not. But beside
    black print on white they would: then there is a second projection for what the first does not show, or a third.
    """
    small = pixels[:: max(1, pixels.shape[0] // 400), :: max(1, pixels.shape[1] // 400)].astype(np.float32)
    left = (small - cv2.blur(small, (15, 15))).reshape(-1, 3)
    enough = _UNSEEN * len(left)
    found: list[Gray] = []
    while not found or (len(left) > enough and len(found) < 3):
        _, axes = np.linalg.eigh(left.T @ left + np.eye(3))
        axis = axes[:, -1]
        found.append(_projected(pixels, axis * (np.sign(axis.sum()) or 1)))
        size = np.linalg.norm(left, axis=1)
        left = left[(size > _DIFFERENT) & (np.abs(left @ axis) < 0.3 * size)]
    return found


def _projected(pixels: NDArray[np.uint8], axis: NDArray[np.float32]) -> Gray:
    """Each pixel's place along an axis of colour, stretched so that no colour falls off either end."""
    low, high = np.minimum(axis, 0).sum() * 255, np.maximum(axis, 0).sum() * 255
    matrix = (axis * 255 / (high - low)).astype(np.float32).reshape(1, 3)
    offset = np.float32(-low * 255 / (high - low))
    gray: Gray = cv2.transform(pixels, np.hstack([matrix, [[offset]]])).reshape(pixels.shape[:2])
    return gray


def octaves(gray: Gray) -> Iterator[tuple[Gray, float]]:
    """The picture and its halves with their scale, down to where no letter would fit."""
    scale = 1.0
    while min(gray.shape) >= 2 * SMALLEST:
        yield gray, scale
        gray = cv2.pyrDown(gray)
        scale *= 2


def marks(gray: Gray, scale: float) -> list[tuple[Marks, Marks]]:
    """The marks of one octave, dark ones first, then light ones: as they stand, and as they stand in the picture turned
    to the left by a quarter, where what ran down runs level."""
    faintest = max(_FAINTEST, 4 * noise(gray))
    element = cv2.getStructuringElement(cv2.MORPH_RECT, (_THICKEST, _THICKEST))
    found = []
    for hat in (cv2.MORPH_BLACKHAT, cv2.MORPH_TOPHAT):
        ink = cv2.morphologyEx(gray, hat, element, borderType=cv2.BORDER_REPLICATE)
        around = cv2.sqrt(cv2.sqrBoxFilter(ink, cv2.CV_32F, (_WINDOW, _WINDOW), borderType=cv2.BORDER_REPLICATE))
        found.append(_pieces((ink > cv2.max(_SHARE * around, faintest)).astype(np.uint8), scale))
    return found


def noise(gray: Gray) -> float:
    """Standard deviation of the noise in levels: from the median of the Laplacian, which on flat paper is all noise."""
    step = max(1, min(gray.shape) // 500)
    rough = np.abs(cv2.Laplacian(gray, cv2.CV_16S))[::step, ::step]
    return float(np.median(rough)) / 0.6745 / 20**0.5


def _pieces(ink: NDArray[np.uint8], scale: float) -> tuple[Marks, Marks]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8, ltype=cv2.CV_32S)
    left, top, width, height, area = stats.astype(np.float32).T
    box = np.stack([left, top, left + width, top + height], axis=1)
    turned = np.stack([top, ink.shape[1] - left - width, top + height, ink.shape[1] - left], axis=1)
    return _chosen(labels, box, area, scale), _chosen(np.rot90(labels), turned, area, scale)


def _chosen(labels: NDArray[np.int32], box: NDArray[np.float32], area: NDArray[np.float32], scale: float) -> Marks:
    """Of all pieces (the first is the paper) those that may be letters, or dots, dashes and accents."""
    width, height = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
    fill = (area / np.maximum(width * height, 1)).astype(np.float32)
    letter = (height >= SMALLEST) & (height <= LARGEST) & (width <= 12 * height) & (fill > 0.1) & (area > 8)
    letter &= ~((fill > 0.9) & (width > 2.5 * height))  # bars
    letter[_frames(box, letter, fill)] = False
    small = (area >= 3) & (height < LARGEST) & (width < LARGEST) & (fill > 0.2)
    tall = (height > LARGEST) & (height <= TALLEST) & (width > 0.3 * height) & (width < 2 * height) & (fill > 0.1)
    kept = letter | small | tall
    kept[0] = False
    return Marks(labels, np.flatnonzero(kept).astype(np.int32), box[kept], area[kept], letter[kept], scale)


def _frames(box: NDArray[np.float32], letter: NDArray[np.bool_], fill: NDArray[np.float32]) -> list[int]:
    """The thin, wide marks that go around others: the rim of a plate, a cell of a table. Returns their indices."""
    width, height = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
    inner = box[letter]
    frames = []
    for i in np.flatnonzero(letter & (fill < 0.4) & (width > 1.6 * height)):
        edge = 0.08 * height[i]
        inside = (inner[:, :2] > box[i, :2] + edge).all(axis=1) & (inner[:, 2:] < box[i, 2:] - edge).all(axis=1)
        if np.count_nonzero(inside & (inner[:, 3] - inner[:, 1] > 0.2 * height[i])) >= 2:
            frames.append(int(i))
    return frames
