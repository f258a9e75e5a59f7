"""Of several finds in one place the one that is a line: of other octaves, the other polarity, or across."""

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capture.region import Region

_GLYPH = 1.7
"""How many times wider than high a level find may be to be a single sign of a column."""
_CLOSER, _LONGER = 0.7, 0.6
"""How much closer its letters must be, and how long it must be, of a line that runs down, beside level ones it crosses.
"""
_NEARLY, _LOW, _SHORT = 0.93, 0.7, 0.6
"""How letter-like a find must be, beside what lies in it, to win over parts that are so much lower and shorter: pieces
of Chinese signs and of Arabic words look like letters, too."""
_INSET = 0.12
"""How far, as a part of its height, what a rim goes around keeps from it on every side; pieces of a line do not."""
_CROSSED = 0.3
"""How much of a line that runs down must lie on level ones, at least, for these to say anything against it: lines of a
page are twice as close."""
_CELLS, _ROWED, _LEVEL = 3, 0.7, 0.3
"""How many signs of a line that runs down, and which part of them, must stand in rows of words beside it to be cells of
a table; and how far a cell's middle may lie off its row's, as a part of its height."""
_FAR = 1.0
"""How far apart, at most and as a part of its width, the letters of a line that runs down are if it crosses none."""


def best(found: list[Region]) -> list[Region]:
    """One region for every place: of like-sized finds the longest good one, then of all the most letter-like.

    What lost only to a region that lost in turn gets its place back at the end.
    """
    lines = _unrivalled(sorted(found, key=lambda r: -r.sure * (r.width * r.height) ** 0.3), alike=2.0)
    letters = [found[i] for i in np.argsort(-_letterlike(found), kind="stable")]
    kept = _unrivalled([r for r in letters if r in lines], alike=np.inf)
    return _unrivalled(kept + letters, alike=np.inf)


def _letterlike(found: list[Region]) -> NDArray[np.float64]:
    """How letter-like each find is; one that is hardly less so than pieces of it is more so."""
    own = np.array([region.sure / region.height**0.05 for region in found])
    low = np.array([region.quad.min(axis=0) for region in found]).reshape(-1, 2)
    high = np.array([region.quad.max(axis=0) for region in found]).reshape(-1, 2)
    width, height = np.array([(region.width, region.height) for region in found]).reshape(-1, 2).T
    told = own.copy()
    for i in range(len(found)):
        inside = (low >= low[i] - 1).all(axis=1) & (high <= high[i] + 1).all(axis=1)
        pieces = inside & (own > own[i]) & (height < _LOW * height[i])
        inset = np.minimum(low[pieces] - low[i], high[i] - high[pieces]).min(axis=1, initial=np.inf)
        if pieces.any() and width[pieces].max() < _SHORT * width[i] and inset.max() < _INSET * height[i]:
            told[i] = own[i] / _NEARLY
    return told


def _unrivalled(ranked: list[Region], alike: float) -> list[Region]:
    """The regions no better one lies over; only rivals whose heights differ by less than `alike` times count."""
    kept: list[Region] = []
    frames: list[tuple[float, ...]] = []
    for region in ranked:
        frame = (*region.quad.min(axis=0), *region.quad.max(axis=0))
        rivals = (by for other, by in zip(frames, kept, strict=True) if _touch(frame, other))
        if not any(1 / alike < by.height / region.height < alike and _covered(region, by) > 0.3 for by in rivals):
            kept.append(region)
            frames.append(frame)
    return kept


def _touch(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _covered(one: Region, other: Region) -> float:
    """The part of the smaller region that lies in the other."""
    both, _ = cv2.intersectConvexConvex(one.quad, other.quad)
    return float(both) / max(1.0, min(one.width * one.height, other.width * other.height))


def agreed(level: list[Region], down: list[Region]) -> list[Region]:
    """Of lines that cross, those that are longer and closer set: letters are closer to each other than lines are."""
    kept, covered = list[Region](), np.zeros(len(level))
    for one in down:
        shares = np.array([_shared(one, other) for other in level])
        lines = [other for other in level if _is_line(other) and _cross(one, other)]
        if sum(line.height for line in lines) < _CROSSED * one.width:
            lines = []  # a part of one of its signs, or a few of its letters taken for one
        long = float(np.median([line.width / line.height for line in lines])) if lines else 0.0
        near = float(np.median([line.spacing for line in lines])) if lines else _FAR
        if sum(_is_word(line) and line.height < 0.55 * one.height for line in lines) > 1:
            continue  # a column of words, each seen as one letter
        if _tabular(one, level):
            continue
        if one.spacing < _CLOSER * near and one.width / one.height > _LONGER * long:
            kept.append(one)
            covered += shares
    return [one for one, share in zip(level, covered, strict=True) if share < 0.3] + kept


def _tabular(one: Region, level: list[Region]) -> bool:
    """Whether a line that runs down is a column of a table: short numbers, each in a row with words beside it."""
    inside = [_shared(one, other) > 0.6 for other in level]
    cells = [other for other, within in zip(level, inside, strict=True) if within and other.height < one.height]
    words = [other for other, within in zip(level, inside, strict=True) if not within and _is_word(other)]
    rowed = sum(any(_in_row(cell, word) for word in words) for cell in cells)
    return len(cells) >= _CELLS and rowed >= _ROWED * len(cells)


def _in_row(cell: Region, word: Region) -> bool:
    """Whether a cell stands where a line of words would go on; with descenders or without, their middles lie apart."""
    start, end = (word.quad[0] + word.quad[3]) / 2, (word.quad[1] + word.quad[2]) / 2
    place = cell.quad.mean(axis=0)
    row = start[1] + (end[1] - start[1]) * (place[0] - start[0]) / max(float(end[0] - start[0]), 1.0)
    low, high = sorted((cell.height, word.height))
    return bool(abs(place[1] - row) < _LEVEL * high) and high < 1.7 * low


def _cross(one: Region, other: Region) -> bool:
    """Whether one line runs over a good part of the other's height, or the other way round."""
    both = _shared(one, other) * other.width * other.height
    return both > 0.4 * min(one.height * other.height, one.width * one.height, other.width * other.height)


def _is_line(region: Region) -> bool:
    """Whether a level find is more than a single sign of a column."""
    return region.width > _GLYPH * region.height


def _is_word(region: Region) -> bool:
    """Whether it is one of several letters for sure; a lying i is long, and its dot is far."""
    return region.width > 2.4 * region.height and region.spacing < 0.5


def _shared(one: Region, other: Region) -> float:
    """The part of the other region that lies in the one."""
    if not _touch((*one.quad.min(axis=0), *one.quad.max(axis=0)), (*other.quad.min(axis=0), *other.quad.max(axis=0))):
        return 0.0
    return float(cv2.intersectConvexConvex(one.quad, other.quad)[0]) / max(1.0, other.width * other.height)
