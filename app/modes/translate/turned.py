"""Lines that run up or down a picture, brought upright for whoever reads from left to right."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capture.region import Pixels, Region, rectify

_PAD = 0.25
"""Ground around a line, as a part of its height."""
_SHORTEST, _LONGEST = 0.45, 1.6
"""How long a sign of a column may be, as a part of the column's width."""


def ways(found: Sequence[Region]) -> list[list[Region]]:
    """The lines that run up or down, those of each way for themselves."""
    down = [one for one in found if one.turned and 0 < one.angle <= 135]
    up = [one for one in found if one.turned and one not in down]
    return [some for some in (down, up) if some]


def otherwise(region: Region) -> list[Region]:
    """The other ways in which a line that runs up or down may have to be read."""
    if not region.turned:
        return []
    about = replace(region, quad=np.roll(region.quad, 2, axis=0), stacked=False)
    return [about, replace(region, stacked=False)] if region.stacked else [about]


def upright(pixels: Pixels, region: Region) -> Pixels:
    """The crop of one line, (h, w, 3) uint8, level; the signs of a column stand side by side in it."""
    level = rectify(pixels, region.quad, _PAD)
    return _side_by_side(level) if region.stacked else level


def sheet(pixels: Pixels, some: Sequence[Region]) -> Pixels:
    """Lines brought upright, one below another, (h, w, 3) uint8."""
    crops = [upright(pixels, region) for region in some]
    width = max(crop.shape[1] for crop in crops)
    rows = []
    for crop in crops:
        ground = np.median(crop[:, -1], axis=0)
        row = np.empty((crop.shape[0], width, 3), np.uint8)
        row[:] = ground
        row[:, : crop.shape[1]] = crop
        rows.append(row)
    return np.concatenate(rows)


def _side_by_side(level: Pixels) -> Pixels:
    """A column that was laid on its side, cut between its signs, each of them stood up."""
    signs = [np.rot90(level[:, first:last], -1) for first, last in _signs(level)]
    tall = max(sign.shape[0] for sign in signs)
    rows = []
    for sign in signs:
        above = (tall - sign.shape[0]) // 2
        edges = ((above, tall - sign.shape[0] - above), (0, 0), (0, 0))
        rows.append(np.pad(sign, edges, mode="edge"))
    return np.concatenate(rows, axis=1)


def _signs(level: Pixels) -> list[tuple[int, int]]:
    """Where each sign of a column begins and ends: cut where there is little ink, into pieces of about one length."""
    length, height = level.shape[1], level.shape[0]
    gray = cv2.cvtColor(level, cv2.COLOR_RGB2GRAY).astype(np.float32)
    ink = np.abs(gray - np.median(np.concatenate([gray[:2].ravel(), gray[-2:].ravel()])))
    weight = ink.mean(axis=0) / max(float(ink.mean()), 1e-6)
    edge, width = _PAD / (1 + 2 * _PAD) * height, height / (1 + 2 * _PAD)
    begin, end = round(edge / 2), max(round(edge / 2) + 1, length - round(edge / 2))
    cuts = _cuts(weight[begin:end], width)
    return [(begin + first, begin + last) for first, last in itertools.pairwise(cuts)]


def _cuts(weight: NDArray[np.float32], width: float) -> list[int]:
    """The cheapest places to cut, the ends among them, by dynamic programming over the length of the pieces."""
    length = len(weight)
    pieces = np.arange(max(1, round(_SHORTEST * width)), max(2, round(_LONGEST * width)) + 1)
    cost, before = np.full(length + 1, np.inf), np.zeros(length + 1, np.intp)
    cost[0] = 0.0
    for at in range(1, length + 1):
        some = pieces[pieces <= at]
        if not len(some):
            continue
        ways = cost[at - some] + 0.3 * (some / width - 1.1) ** 2
        best = int(np.argmin(ways))
        cost[at] = ways[best] + (float(weight[at]) if at < length else 0.0)
        before[at] = at - some[best]
    if not np.isfinite(cost[length]):
        return [0, length]
    cuts = [length]
    while cuts[-1] > 0:
        cuts.append(int(before[cuts[-1]]))
    return cuts[::-1]
