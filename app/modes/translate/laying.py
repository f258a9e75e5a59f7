"""Laying the words of a reading back onto the lines of the picture they were read from.

A model reads a whole picture at once and does not say where. The lines found in the picture (`capture.regions`) have a
width in letters; the reading has words with a width each. The cheapest way to cut the one sequence over the other is
found by dynamic programming, so that a stray region, a missed line or a line break of the model's own costs little.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from app.capture.region import Region
from app.modes.translate.breaks import pieces

_NARROW, _WIDE = frozenset("iljtfrI.,:;!'|()[]´`·-"), frozenset("mwMW@%&€")
_STRAY, _SKIPPED, _CUT, _JOINED = 0.8, 0.3, 0.8, 0.8
"""Costs: a region without words, a word (per width) without a region, a region's end inside a line, a line's end inside
a region."""
_INFINITE = float("inf")


@dataclass(frozen=True)
class Word:
    """A piece of the reading that stays whole. width: in heights of a capital; starts: if it is first in its line."""

    text: str
    width: float
    starts: bool
    spaced: bool
    line: int


@dataclass(frozen=True)
class Laid:
    """texts: one for each slot, "" for none; lines: for each slot the line of the reading its text begins in, or -1;
    left: the lines of the reading that found no slot; cost: how badly it fits."""

    texts: tuple[str, ...]
    lines: tuple[int, ...]
    left: tuple[int, ...]
    cost: float


def lay(reading: Sequence[str], slots: Sequence[Region]) -> Laid:
    """Cut the lines of a reading over regions given in reading order."""
    words = _words(reading)
    rooms = _rooms(slots, words)
    ends, cost = _cheapest(words, rooms, [region.sure for region in slots])
    texts, lines, used = [], [], set()
    for first, last in ends:
        part = words[first:last]
        texts.append("".join((" " if w.spaced and i else "") + w.text for i, w in enumerate(part)))
        lines.append(part[0].line if part else -1)
        used |= {w.line for w in part}
    left = tuple(i for i, line in enumerate(reading) if line.strip() and i not in used)
    return Laid(tuple(texts), tuple(lines), left, cost)


def _words(reading: Sequence[str]) -> list[Word]:
    words = []
    for number, line in enumerate(reading):
        for at, (piece, spaced) in enumerate(pieces(line)):
            words.append(Word(piece, _width(piece), at == 0, spaced, number))
    return words


def _width(text: str) -> float:
    """In heights of a capital letter, as sans-serif type has it."""
    total = 0.0
    for c in text:
        if unicodedata.combining(c):
            continue
        wide = unicodedata.east_asian_width(c) in "WF"
        total += 1.4 if wide else 0.42 if c in _NARROW else 1.15 if c in _WIDE else 0.92 if c.isupper() else 0.77
    return total


def _rooms(slots: Sequence[Region], words: Sequence[Word]) -> list[float]:
    """The width of each slot in heights of a capital, in the type of this picture: condensed or wide as a whole."""
    rooms = [region.width / (0.85 * region.height) for region in slots]
    needed = sum(w.width + 0.35 * w.spaced for w in words)
    stretch = min(1.6, max(0.6, needed / sum(rooms))) if rooms and words else 1.0
    return [room * stretch for room in rooms]


def _cheapest(words: list[Word], rooms: list[float], sure: list[float]) -> tuple[list[tuple[int, int]], float]:
    """For each slot the range of words it gets, and the cost. Words stay in order; whole lines may be left out."""
    count = len(words)
    reach = [0.0]
    for w in words:
        reach.append(reach[-1] + w.width + 0.35 * w.spaced)
    breaks = [0]
    for i in range(count):
        breaks.append(breaks[-1] + (words[i].starts and i > 0))
    following = _following(words)
    table: list[dict[int, tuple[float, int, int]]] = [{0: (0.0, -1, -1)}]
    _skip(table[0], following, reach)
    done, slack = 0.0, 12 + 0.3 * sum(rooms)
    for room, weight in zip(rooms, sure, strict=True):
        done += room
        here: dict[int, tuple[float, int, int]] = {}
        for start, (cost, _, _) in table[-1].items():
            _offer(here, start, cost + _STRAY * (0.5 + weight), start, start)
            for end in range(start + 1, count + 1):
                width = reach[end] - reach[start]
                if width > 2.2 * room + 3 or reach[end] > done + slack:
                    break
                inside = breaks[end] - breaks[start + 1]
                cut = end < count and not words[end].starts
                misfit = abs(width - room) / (0.3 * room + 1)
                _offer(here, end, cost + misfit + _JOINED * inside + _CUT * cut, start, end)
        _skip(here, following, reach)
        table.append(here)
    if count not in table[-1]:
        _offer(table[-1], count, _INFINITE, 0, 0)
    return _trace(table, count)


def _following(words: list[Word]) -> list[int]:
    """For each word that starts a line, where the next line starts; else -1."""
    following, upcoming = [-1] * len(words), len(words)
    for i in range(len(words) - 1, -1, -1):
        if words[i].starts:
            following[i], upcoming = upcoming, i
    return following


def _skip(here: dict[int, tuple[float, int, int]], following: list[int], reach: list[float]) -> None:
    """Let whole lines of the reading go without a slot."""
    at = min(here, default=0)
    while at < len(following):
        if at in here and following[at] > 0:
            cost, start, end = here[at]
            _offer(here, following[at], cost + _SKIPPED * (2 + reach[following[at]] - reach[at]), start, end)
        at += 1


def _offer(here: dict[int, tuple[float, int, int]], at: int, cost: float, start: int, end: int) -> None:
    if at not in here or cost < here[at][0]:
        here[at] = (cost, start, end)


def _trace(table: list[dict[int, tuple[float, int, int]]], at: int) -> tuple[list[tuple[int, int]], float]:
    cost = table[-1][at][0]
    ranges = []
    for here in reversed(table[1:]):
        _, start, end = here[at]
        ranges.append((start, end))
        at = start
    return ranges[::-1], cost
