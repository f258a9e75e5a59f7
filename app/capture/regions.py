"""Where the lines of text in a picture are: quadrilaterals found from ink alone, without a model.

Marks of letter size (`ink`) are chained to lines in an upright copy of the picture (`chains`: neighbours of like height
on a common line), each line gets a tight box at its own slope, and of several finds in one place (another octave, the
other polarity) the most letter-like is kept (`rivals`). The same marks seen from the side make lines that run up or
down.
"""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capture import chains, ink, rivals, tilt
from app.capture.facing import facing
from app.capture.ink import Gray, Marks
from app.capture.region import Pixels, Region, rectify

_LEAST_SURE = 0.28
_LONG = 2.5
"""How many times longer than wide a line must be that runs down."""


def find(pixels: Pixels) -> list[Region]:
    """The lines of text in (H, W, 3) uint8 RGB pixels, in no particular order (see `layout`)."""
    grays = ink.contrasts(pixels)
    lean, back = tilt.tilt(grays[0]), np.eye(2, 3)
    level: list[Region] = []
    down: list[Region] = []
    for gray in grays:
        upright, back = tilt.turned(gray, lean) if abs(lean) > 0.7 else (gray, back)
        for octave, scale in ink.octaves(upright):
            for marks, turned in ink.marks(octave, scale):
                level += _lines(octave, marks)
                down += [_down(one, upright.shape[1]) for one in _lines(np.rot90(octave), turned, _LONG)]
    kept = rivals.agreed(rivals.best(level), rivals.best(down))
    placed = [replace(one, quad=cv2.transform(one.quad[None], back)[0].astype(np.float32)) for one in kept]
    return [_faced(one, grays[0]) if one.turned else one for one in placed]


# --- lines of one octave ---------------------------------------------------------------------------------------------


def _lines(octave: Gray, marks: Marks, letters: float = 1) -> list[Region]:
    """Chain the marks of one octave and polarity to lines and fit each with a box, in pixels of the upright picture.

    letters: how many times longer than high a line must be, at least.
    """
    found = []
    owner = chains.chain(marks.box, marks.letter)
    if letters > 1:
        owner = chains.paced(marks.box, owner)
    for line in range(owner.max(initial=-1) + 1):
        own = np.flatnonzero(owner == line)
        if letters > 1 and not _long(marks.box[own], letters):
            continue
        region = _fit(octave, marks, own)
        if region is not None:
            found.append(region)
    return found


def _long(box: NDArray[np.float32], times: float) -> bool:
    size = box[:, 2:].max(axis=0) - box[:, :2].min(axis=0)
    return bool(size[0] > times * size[1])


def _spacing(box: NDArray[np.float32]) -> float:
    """How far apart letters are where they are far, as a part of the tallest one's height."""
    box = box[np.argsort(box[:, 0])]
    gaps = box[1:, 0] - np.maximum.accumulate(box[:, 2])[:-1]
    tall = float((box[:, 3] - box[:, 1]).max())
    return float(np.quantile(np.maximum(gaps, 0), 0.8)) / tall if len(gaps) else np.inf


def _fit(octave: Gray, marks: Marks, own: NDArray[np.intp]) -> Region | None:
    box = marks.box[own]
    left, top = np.floor(box[:, :2].min(axis=0)).astype(int)
    right, bottom = np.ceil(box[:, 2:].max(axis=0)).astype(int)
    labels = marks.labels[top:bottom, left:right]
    inside = np.isin(labels, marks.ids[own])
    sure = _letterlike(octave[top:bottom, left:right], labels == 0, inside, box[marks.letter[own]])
    if sure < _LEAST_SURE or sure * _alone(octave, inside, left, top) < _LEAST_SURE:
        return None
    ys, xs = np.nonzero(inside)
    slope = _slope(xs, ys, len(own))
    upright = ys - slope * xs
    low, high = upright.min(), upright.max() + 1
    x0, x1 = xs.min(), xs.max() + 1
    if _several(np.bincount((upright - low).astype(np.int64))) or len(xs) > 0.75 * (x1 - x0) * (high - low):
        return None
    corners = np.array(
        [(x0, low + slope * x0), (x1, low + slope * x1), (x1, high + slope * x1), (x0, high + slope * x0)]
    )
    corners += np.array([left, top])
    return Region((corners * marks.scale).astype(np.float32), sure, _spacing(box))


def _several(rows: NDArray[np.int64]) -> bool:
    """Whether ink per row shows more than one line: a gap with much ink, or rows as full as any, on both of its sides.

    It tells two lines that touch, and a rim with its sign, from a row of i-dots or accents, which holds little.
    """
    total, peak = rows.sum(), rows.max()
    above, below = np.maximum.accumulate(rows), np.maximum.accumulate(rows[::-1])[::-1]
    mass = np.cumsum(rows)
    lesser = np.minimum(mass, total - mass) / total
    side = np.minimum(above, below)
    return bool(((rows < 0.12 * side) & ((lesser > 0.25) | (side > 0.7 * peak))).any())


def _slope(xs: NDArray[np.intp], ys: NDArray[np.intp], letters: int) -> float:
    """The slope at which the ink's rows are the most uneven: there, stems end and bars lie on few rows."""
    if letters < 2 or np.ptp(xs) < 1.5 * np.ptp(ys):
        return 0.0
    step = 1 + len(xs) // 3000
    x, y = (xs[::step] - xs.mean()).astype(np.float32), ys[::step].astype(np.float32)
    best, span = 0.0, np.tan(np.deg2rad(10))
    for width in (span, span / 8):
        slopes = best + np.linspace(-width, width, 17)
        scores = []
        for slope in slopes:
            rows = y - slope * x
            counts = np.bincount(np.rint(rows - rows.min()).astype(np.int64)).astype(np.float64)
            scores.append((counts**2).sum() * (1 - 0.3 * abs(slope)))
        best = float(slopes[int(np.argmax(scores))])
    return best


def _letterlike(crop: Gray, paper: NDArray[np.bool_], inside: NDArray[np.bool_], letters: NDArray[np.float32]) -> float:
    """0..1: ink of one shade on paper of one shade, in thin strokes, in several letters of like height; no frame."""
    ground, shades = crop[paper], crop[inside]
    heights = letters[:, 3] - letters[:, 1]
    if ground.size < 8 or shades.size < 12 or not len(heights):
        return 0.0
    gap = abs(float(shades.mean()) - float(ground.mean()))
    apart = gap / (gap + float(shades.std()) + float(ground.std()) + 1) * min(1.0, gap / 25)
    alike = 1 - min(1.0, float(heights.std() / heights.mean()))
    depth = cv2.distanceTransform(np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, 3)
    stroke = 4 * float(depth[depth > 0].mean()) / float(heights.max())
    thin = float(np.clip((0.75 - stroke) / 0.3, 0, 1))
    strokes = float(np.count_nonzero(np.diff(inside.astype(np.int8), axis=1) == 1)) / len(inside)
    count = 1 - 0.5 ** max(len(heights), 0.7 * strokes)  # letters that touch are one mark, but of many strokes
    count *= min(1.0, strokes * len(inside) / (0.6 * inside.shape[1]))  # a piece of a rim has few for its width
    framed = min(1.0, (1 - _framing(inside)) / 0.15)
    return float(apart * alike * thin * count * framed)


def _alone(octave: Gray, inside: NDArray[np.bool_], left: int, top: int) -> float:
    """0..1: whether the ink ends where its marks do. The tip of a star goes on in the star, and is no letter."""
    above, before = min(top, 2), min(left, 2)
    height, width = inside.shape
    crop = octave[top - above : top + height + 2, left - before : left + width + 2]
    rest = (crop.shape[0] - above - height, crop.shape[1] - before - width)
    marks = np.pad(inside, ((above, rest[0]), (before, rest[1]))).astype(np.uint8)
    near, far = (cv2.dilate(marks, np.ones((side, side), np.uint8)) for side in (3, 5))
    around, shade = crop[far > near].astype(np.float32), float(crop[marks > 0].mean())
    if around.size < 8:
        return 1.0
    off = np.abs(around - shade)
    going_on = float(np.mean(off < 0.4 * np.quantile(off, 0.75)))
    return float(np.clip(1 - (going_on - 0.1) / 0.2, 0, 1))


def _framing(inside: NDArray[np.bool_]) -> float:
    """0..1: how far ink runs along the emptiest of the four sides: 1 for the rim of a plate, or a cell around words."""
    height, width = inside.shape
    band = max(1, round(0.25 * height))
    if width < 1.6 * height:
        return 0.0
    sides = (
        inside[:band].any(axis=0),
        inside[-band:].any(axis=0),
        inside[:, :band].any(axis=1),
        inside[:, -band:].any(axis=1),
    )
    return min(float(side.mean()) for side in sides)


# --- lines that run up or down ---------------------------------------------------------------------------------------


def _down(region: Region, width: int) -> Region:
    """A line of the picture turned to the left by a quarter, where it stands in the picture, `width` pixels wide."""
    return replace(region, quad=np.stack([width - region.quad[:, 1], region.quad[:, 0]], axis=1))


def _faced(region: Region, gray: Gray) -> Region:
    """With its corners in the order in which it is read."""
    way = facing(rectify(gray, region.quad, 0.1))
    if way == "up":
        return replace(region, quad=np.roll(region.quad, 2, axis=0))
    return replace(region, stacked=way == "stacked")
