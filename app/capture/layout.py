"""In which order the lines of a picture are read, and which of them make up a paragraph. Geometry only.

Recursive cuts along white space (the XY-cut of Nagy and Seth, 1984), in coordinates turned and sheared so that lines
lie level and gutters stand upright. A gutter divides columns, unless both sides share their rows and one is narrow:
then it is a table or a list of prices and is read row by row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.capture.region import Region

Order = Literal["auto", "rows", "columns"]


@dataclass(frozen=True, eq=False)
class _Plan:
    """Each region in upright coordinates: left, right, top, bottom, all (n,) float64."""

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]

    @property
    def height(self) -> NDArray[np.float64]:
        return self.bottom - self.top

    @property
    def middle(self) -> NDArray[np.float64]:
        return (self.top + self.bottom) / 2


def rows(regions: Sequence[Region], order: Order = "auto", right_to_left: bool = False) -> list[list[int]]:
    """Indices of the regions in reading order: a list of rows, each from left to right (or right to left).

    order: "columns" always reads down a column first, "rows" never does, "auto" decides from the geometry.
    """
    if not regions:
        return []
    plan = _plan(regions)
    return _read(plan, np.arange(len(regions)), order, right_to_left)


def paragraphs(regions: Sequence[Region], reading: Sequence[Sequence[int]]) -> list[list[int]]:
    """The regions grouped to passages that belong together as sentences do: lines set close, of one size, and full.

    A line that leaves room for the next one's first word ends its paragraph; a region that shares its row stands alone.
    """
    if not regions:
        return []
    plan = _plan(regions)
    groups: list[list[int]] = []
    for row in reading:
        if len(row) == 1 and groups and len(groups[-1]) and _goes_on(plan, groups[-1], row[0], reading):
            groups[-1].append(row[0])
        else:
            groups += [[i] for i in row]
    return groups


def _goes_on(plan: _Plan, group: list[int], line: int, reading: Sequence[Sequence[int]]) -> bool:
    last = group[-1]
    if any(last in row and len(row) > 1 for row in reading):
        return False
    height = min(plan.height[last], plan.height[line])
    if max(plan.height[last], plan.height[line]) > 1.6 * height:
        return False
    full_height = max(plan.height[i] for i in (*group, line))  # a line without descenders is lower than its neighbours
    gap = plan.top[line] - plan.top[last] - full_height
    widest = max(plan.right[i] - plan.left[i] for i in (*group, line))
    level = min(abs(side[line] - side[last]) for side in (plan.left, plan.right)) < 1.2 * height
    full = plan.right[last] - plan.left[last] > 0.8 * widest and widest > 8 * height
    return bool(-0.5 * height < gap < 0.75 * full_height and level and full)


def _plan(regions: Sequence[Region]) -> _Plan:
    quads = np.array([region.quad for region in regions], np.float64)
    across = (quads[:, 1] - quads[:, 0] + quads[:, 2] - quads[:, 3]).sum(axis=0)
    cos, sin = across / max(float(np.linalg.norm(across)), 1e-9)
    x, y = quads[..., 0] * cos + quads[..., 1] * sin, quads[..., 1] * cos - quads[..., 0] * sin
    top, bottom = (y[:, 0] + y[:, 1]) / 2, (y[:, 2] + y[:, 3]) / 2
    slopes = ((y[:, 1] - y[:, 0]) + (y[:, 2] - y[:, 3])) / np.maximum((x[:, 1] - x[:, 0]) + (x[:, 2] - x[:, 3]), 1)
    fan = _fan(x.mean(axis=1), (top + bottom) / 2, slopes, x[:, 1] - x[:, 0])
    shears = np.tan(np.deg2rad(np.arange(-18, 19, 3)))
    left, right = (x[:, 0] + x[:, 3]) / 2, (x[:, 1] + x[:, 2]) / 2
    best = max(shears, key=lambda s: _widest(left + s * top, right + s * top)[0] - 0.01 * abs(s))
    return _Plan(left + best * top, right + best * top, top - fan, bottom - fan)


def _fan(
    x: NDArray[np.float64], y: NDArray[np.float64], slope: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far each line's middle lies off its row because rows spread like a fan in perspective: slope = a + b y."""
    spread = y - np.average(y, weights=weight)
    lean = np.average(slope, weights=weight)
    fanning = float((weight * spread * (slope - lean)).sum() / max((weight * spread**2).sum(), 1e-9))
    off: NDArray[np.float64] = (x - x.mean()) * (lean + fanning * spread)
    return off


def _widest(start: NDArray[np.float64], end: NDArray[np.float64]) -> tuple[float, float]:
    """The widest gap that no interval covers, and the place of its middle; width 0 when there is none."""
    order = np.argsort(start)
    reach = np.maximum.accumulate(end[order])[:-1]
    gaps = start[order][1:] - reach
    if not len(gaps) or gaps.max() <= 0:
        return 0.0, 0.0
    i = int(np.argmax(gaps))
    return float(gaps[i]), float(reach[i] + gaps[i] / 2)


def _read(plan: _Plan, some: NDArray[np.intp], order: Order, right_to_left: bool) -> list[list[int]]:
    if len(some) == 1:
        return [[int(some[0])]]
    height = float(np.median(plan.height[some]))
    if order != "rows":
        gutter, x = _widest(plan.left[some], plan.right[some])
        first, second = some[plan.right[some] <= x], some[plan.left[some] >= x]
        if gutter > 0.8 * height and (order == "columns" or not _tabular(plan, first, second)):
            if right_to_left:
                first, second = second, first
            return _read(plan, first, order, right_to_left) + _read(plan, second, order, right_to_left)
    gap, y = _widest(plan.top[some], plan.bottom[some])
    if gap > 0:
        above, below = some[plan.bottom[some] <= y], some[plan.top[some] >= y]
        return _read(plan, above, order, right_to_left) + _read(plan, below, order, right_to_left)
    return _sorted(plan, some, right_to_left)


def _tabular(plan: _Plan, first: NDArray[np.intp], second: NDArray[np.intp]) -> bool:
    """Whether two sides of a gutter share their rows and are cells, not columns of running text."""
    few, many = sorted((first, second), key=len)
    apart = np.abs(plan.middle[few][:, None] - plan.middle[many][None, :]).min(axis=1)
    shared = float(np.mean(apart < 0.5 * np.minimum(plan.height[few], np.median(plan.height[many]))))
    narrow = min(float(np.median((plan.right[side] - plan.left[side]) / plan.height[side])) for side in (first, second))
    middles = np.sort(plan.middle[many])
    pitch = float(np.median(np.diff(middles))) / float(np.median(plan.height[many])) if len(many) > 1 else 9.0
    return shared > 0.6 and (narrow < 6 or pitch > 1.8)


def _sorted(plan: _Plan, some: NDArray[np.intp], right_to_left: bool) -> list[list[int]]:
    """Rows of regions whose bands overlap, from the top down."""
    found: list[list[int]] = []
    for i in some[np.argsort(plan.middle[some])]:
        row = found[-1] if found else []
        if row and abs(plan.middle[i] - plan.middle[row].mean()) < 0.5 * min(plan.height[i], plan.height[row].min()):
            row.append(int(i))
        else:
            found.append([int(i)])
    return [sorted(row, key=lambda i: plan.left[i], reverse=right_to_left) for row in found]
