"""Chaining marks to lines: which mark is whose right-hand neighbour. Arrays only, no pictures."""

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
Index = NDArray[np.intp]

_GAP = 0.95
"""Widest gap between neighbours in a line, as a part of the lower one's height: a wide space, not a column's gutter."""
_STRETCHED = 2.0
"""Widest gap if the rows around show that it is a space: in justified columns some are as wide as a gutter."""
_CELL, _EVEN = 0.12, 0.2
"""How far pieces of one sign of a column lie apart, as a part of the column's width, and by how much the pitch of its
signs varies, as a part of it."""
_CAPITAL = 1.6
"""How much higher than small letters a capital beside them, or one that hangs below the line, may be."""


def chain(box: Boxes, letter: NDArray[np.bool_]) -> Index:
    """The line each mark belongs to, (n,), -1 for none.

    box: (n, 4) left, top, right, bottom; letter: (n,) bool. Letters are chained first, then pieces of lines are joined,
    then the dots, dashes and accents beside them are taken in and the pieces they bridge are joined too.
    """
    owner = np.full(len(box), -1, np.intp)
    letters = np.flatnonzero(letter)
    if not len(letters):
        return owner
    owner[letters] = _heads(_neighbours(box[letters], _GAP))
    for _ in range(3):
        before = owner.copy()
        owner = _join(box, owner)
        owner = _take_in(box, owner)
        if np.array_equal(before, owner):
            break
    for _ in range(2):  # what was bridged runs across the gaps of others
        owner = _bridge(box, owner)
    return owner


def paced(box: Boxes, owner: Index) -> Index:
    """The lines with what stands at their ends at the pitch of their marks.

    Letters of a word leave even gaps, but signs that stand one on another have an even pitch: an L or an I, which are
    low when they are seen from the side, leave a gap that no word has.
    """
    owner = owner.copy()
    for line in np.flatnonzero(np.bincount(owner[owner >= 0]) >= 3):
        for end in (0, 2):
            while len(more := _next(box, owner, int(line), end)):
                owner[more] = line
    taken = owner >= 0
    owner[taken] = np.unique(owner[taken], return_inverse=True)[1]
    return owner


def _next(box: Boxes, owner: Index, line: int, end: int) -> Index:
    """The marks that are the sign before a line's first (end 0) or after its last (end 2), if its pitch is even."""
    own = box[owner == line]
    if len(own) < 3:
        return np.empty(0, np.intp)
    top, bottom = own[:, 1].min(), own[:, 3].max()
    middle = _cells(own, _CELL * (bottom - top))
    steps = np.diff(middle)
    pitch = float(np.median(steps)) if len(steps) >= 2 else 0.0
    if not pitch or np.abs(steps - pitch).max() > _EVEN * pitch:
        return np.empty(0, np.intp)
    at = middle[0] - pitch if end == 0 else middle[-1] + pitch
    edge = _CELL * (bottom - top)
    near = (owner != line) & (box[:, 0] > at - pitch / 2) & (box[:, 2] < at + pitch / 2)
    near &= (box[:, 1] > top - edge) & (box[:, 3] < bottom + edge)
    found = np.flatnonzero(near)
    if len(found) and abs(box[found, 0].min() + box[found, 2].max() - 2 * at) < 2 * _EVEN * pitch:
        return found
    return np.empty(0, np.intp)


def _cells(box: Boxes, gap: float) -> NDArray[np.float32]:
    """The middles of a line's signs, each of marks that lie no farther apart than `gap` along the line."""
    box = box[np.argsort(box[:, 0])]
    reach = np.maximum.accumulate(box[:, 2])
    first = np.flatnonzero(np.r_[True, box[1:, 0] > reach[:-1] + gap])
    last = np.r_[first[1:], len(box)] - 1
    middle: NDArray[np.float32] = (box[first, 0] + reach[last]) / 2
    return middle


def _neighbours(box: Boxes, gap: float) -> Index:
    """For each box the right-hand neighbour that also has it as its nearest left-hand one, or -1."""
    nobody = np.full(len(box), -1, np.intp)
    one, other = _candidates(box)
    tall = np.maximum(box[one, 3] - box[one, 1], box[other, 3] - box[other, 1])
    small = np.minimum(box[one, 3] - box[one, 1], box[other, 3] - box[other, 1])
    away = box[other, 0] - box[one, 2]
    shared = np.minimum(box[one, 3], box[other, 3]) - np.maximum(box[one, 1], box[other, 1])
    fits = (away < gap * small) & (away > -0.5 * small) & (shared > 0.5 * small) & (small > 0.35 * tall)
    fits &= box[other, 0] + box[other, 2] > box[one, 0] + box[one, 2]
    one, other, cost = one[fits], other[fits], (np.abs(away) + 0.5 * (tall - shared))[fits]
    order = np.argsort(cost, kind="stable")[::-1]
    right, left = nobody.copy(), nobody.copy()
    right[one[order]] = other[order]  # the last write, the cheapest, stays
    left[other[order]] = one[order]
    mutual = (right >= 0) & (left[right] == np.arange(len(box)))
    return np.where(mutual, right, -1)


def _candidates(box: Boxes) -> tuple[Index, Index]:
    """Pairs (one, other) whose other's left edge may be near one's right edge: bucketed by cells of the tallest box."""
    cell = float(max(8.0, (box[:, 3] - box[:, 1]).max()))
    middle = ((box[:, 1] + box[:, 3]) / 2 / cell).astype(np.int64) + 1
    starts, ends = (box[:, 0] / cell).astype(np.int64) + 2, (box[:, 2] / cell).astype(np.int64) + 2
    stride = int(max(starts.max(), ends.max())) + 4
    keys = middle * stride + starts
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    ones, others = [], []
    for down in (-1, 0, 1):
        for along in (-1, 0, 1):
            wanted = (middle + down) * stride + ends + along
            first, last = np.searchsorted(sorted_keys, wanted), np.searchsorted(sorted_keys, wanted, side="right")
            counts = last - first
            one = np.repeat(np.arange(len(box)), counts)
            offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            other = order[np.repeat(first, counts) + offset]
            ones.append(one[one != other])
            others.append(other[one != other])
    return np.concatenate(ones), np.concatenate(others)


def _heads(following: Index) -> Index:
    """Chains numbered from 0, given each element's follower or -1."""
    head = np.arange(len(following))
    linked = following >= 0
    head[following[linked]] = np.flatnonzero(linked)
    while True:
        further = head[head]
        if np.array_equal(further, head):
            return np.unique(head, return_inverse=True)[1]
        head = further


def _frames(box: Boxes, owner: Index) -> Boxes:
    """The box around each line's marks."""
    count = owner.max() + 1
    frame = np.empty((count, 4), np.float32)
    frame[:, :2], frame[:, 2:] = np.inf, -np.inf
    own = owner >= 0
    for side in (0, 1):
        np.minimum.at(frame[:, side], owner[own], box[own, side])
        np.maximum.at(frame[:, side + 2], owner[own], box[own, side + 2])
    return frame


def _ends(box: Boxes, owner: Index) -> tuple[Boxes, Boxes]:
    """For each line the box of its marks' rows near its left end and near its right end, at the line's full width.

    A line that still leans meets its neighbour at another height than its middle's, so ends are compared, not frames.
    """
    frame = _frames(box, owner)
    height = _heights(box, owner)
    starts, ends = frame.copy(), frame.copy()
    own = np.flatnonzero(owner >= 0)
    line = owner[own]
    for part, near in (
        (starts, box[own, 0] < frame[line, 0] + 2 * height[line]),
        (ends, box[own, 2] > frame[line, 2] - 2 * height[line]),
    ):
        part[:, 1], part[:, 3] = np.inf, -np.inf
        np.minimum.at(part[:, 1], line[near], box[own[near], 1])
        np.maximum.at(part[:, 3], line[near], box[own[near], 3])
    return starts, ends


def _heights(box: Boxes, owner: Index) -> NDArray[np.float32]:
    """The height of each line's tallest mark."""
    height = np.zeros(owner.max() + 1, np.float32)
    own = owner >= 0
    np.maximum.at(height, owner[own], (box[own, 3] - box[own, 1]))
    return height


def _join(box: Boxes, owner: Index) -> Index:
    """Join pieces of one line: end to start within a gap, or one inside the other's band."""
    starts, ends = _ends(box, owner)
    one, other, away, _ = _level(starts, ends, _heights(box, owner), _GAP)
    return _merged(owner, one[away < _GAP], other[away < _GAP])


def _bridge(box: Boxes, owner: Index) -> Index:
    """Join pieces over a gap as wide as a gutter where more rows around run across it than end or begin at it."""
    if owner.max(initial=-1) < 0:
        return owner
    starts, ends = _ends(box, owner)
    height = _heights(box, owner)
    one, other, away, small = _level(starts, ends, height, _STRETCHED)
    wide = (away >= _GAP) & (away < _STRETCHED)
    one, other, small = one[wide], other[wide], small[wide]
    middle = (starts[:, 1] + starts[:, 3] + ends[:, 1] + ends[:, 3]) / 4
    begin, end = starts[:, 0], ends[:, 2]
    spaces = np.zeros(len(one), bool)
    for i, (a, b, h) in enumerate(zip(one, other, small, strict=True)):
        far = np.abs(middle - middle[a])
        near = (far > 0.6 * h) & (far < 6 * h) & (height > 0.5 * h) & (height < 2 * h)
        across = near & (begin < end[a] - h) & (end > begin[b] + h)
        at_it = near & ((np.abs(begin - begin[b]) < 0.6 * h) | (np.abs(end - end[a]) < 0.6 * h))
        spaces[i] = np.count_nonzero(across) > np.count_nonzero(at_it)
    return _merged(owner, one[spaces], other[spaces])


def _level(
    starts: Boxes, ends: Boxes, height: NDArray[np.float32], gap: float
) -> tuple[Index, Index, NDArray[np.float32], NDArray[np.float32]]:
    """Pairs of pieces that lie on one line: the first, the second, the gap between as a part of the lower one's height
    (`gap` at most, or little more), and that height."""
    one, other = _candidates_of(starts, ends, height, gap)
    tall, small = np.maximum(height[one], height[other]), np.minimum(height[one], height[other])
    shared = np.minimum(ends[one, 3], starts[other, 3]) - np.maximum(ends[one, 1], starts[other, 1])
    fits = (shared > 0.6 * small) & (small > 0.4 * tall)
    one, other, small = one[fits], other[fits], small[fits]
    return one, other, (starts[other, 0] - ends[one, 2]) / np.maximum(small, 1), small


def _merged(owner: Index, one: Index, other: Index) -> Index:
    """The lines with each pair of them made one."""
    group = np.arange(owner.max() + 1)
    for a, b in zip(one, other, strict=True):
        root_a, root_b = _root(group, int(a)), _root(group, int(b))
        group[max(root_a, root_b)] = min(root_a, root_b)
    roots = np.array([_root(group, i) for i in range(len(group))], np.intp)
    number = np.unique(roots, return_inverse=True)[1]
    return np.where(owner >= 0, number[owner], -1)


def _candidates_of(starts: Boxes, ends: Boxes, height: NDArray[np.float32], gap: float) -> tuple[Index, Index]:
    """Pairs of lines whose bands meet and of which the second starts after the first does and hardly beyond its end.

    gap: how far beyond, as a part of a height. Compared in runs, so that a page of thousands of specks needs little
    memory.
    """
    ones, others = [], []
    order = np.argsort(starts[:, 0], kind="stable")
    for begin in range(0, len(starts), 512):
        some = order[begin : begin + 512]
        near = starts[None, :, 0] <= ends[some, None, 2] + gap * np.maximum(height[some, None], height[None, :])
        near &= starts[None, :, 0] >= starts[some, None, 0]
        near &= (starts[None, :, 1] < ends[some, None, 3]) & (starts[None, :, 3] > ends[some, None, 1])
        near[np.arange(len(some)), some] = False
        one, other = np.nonzero(near)
        ones.append(some[one])
        others.append(other)
    return np.concatenate(ones), np.concatenate(others)


def _root(group: Index, i: int) -> int:
    while group[i] != i:
        group[i] = group[group[i]]
        i = int(group[i])
    return i


def _take_in(box: Boxes, owner: Index) -> Index:
    """Give each free dot, dash or accent to the line whose band it stands in or touches, and a capital to its word."""
    free = np.flatnonzero(owner < 0)
    if not len(free):
        return owner
    starts, ends = _ends(box, owner)
    height = _heights(box, owner)
    owner = owner.copy()
    order = np.argsort(starts[:, 0], kind="stable")
    for begin in range(0, len(free), 2048):
        some = free[begin : begin + 2048]
        x, y = (box[some, 0] + box[some, 2]) / 2, (box[some, 1] + box[some, 3]) / 2
        left, right = starts[order, 0], ends[order, 2]
        along = np.clip((x[:, None] - left) / np.maximum(right - left, 1), 0, 1)
        top = starts[order, 1] * (1 - along) + ends[order, 1] * along
        bottom = starts[order, 3] * (1 - along) + ends[order, 3] * along
        room = height[order]
        fits = (box[some, 0, None] < right + 0.5 * room) & (box[some, 2, None] > left - 0.5 * room)
        fits &= (y[:, None] > top - 0.3 * room) & (y[:, None] < bottom + 0.2 * room)
        high = (box[some, 3] - box[some, 1])[:, None] / room
        level = np.minimum(np.abs(box[some, 3, None] - bottom), np.abs(box[some, 1, None] - top)) < 0.2 * room
        fits &= (high < 1.1) | ((high < _CAPITAL) & level)
        found = fits.any(axis=1)
        owner[some[found]] = order[np.argmax(fits[found], axis=1)]
    return owner
