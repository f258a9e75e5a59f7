"""A line of Chinese, Japanese or Korean set from the top down, its signs upright, as columns are written."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from app.modes.translate.breaks import SMALL_KANA, pieces
from app.modes.translate.typeset import sign_font

_LAID = frozenset("ー―—–…‥~〜～-（）()「」『』【】《》〈〉［］[]〔〕{}｛｝:：")
"""Signs that lie on their side in a column: what they join or enclose stands above and below them."""
_RAISED = frozenset("、。，．,.")
"""Signs that stand in the upper right quarter of their place in a column; in a line they stand at the lower left."""
_QUARTER, _MOVED = 0.27, 0.1
"""How far right and up of the middle, in ems, the ink of these stands, and how far that way small kana are moved."""
_CELL = re.compile(r"[0-9]{1,2}(?![0-9])(?<![0-9]{3})|\s+|.", re.DOTALL)
"""What takes one place: a number of one or two digits side by side, a gap, any other sign alone."""
_WHOLE = 6
"""Places that what belongs together may take; what is longer is broken anywhere."""


def suits(text: str) -> bool:
    """Whether a text is written in signs that may stand in a column."""
    letters = [c for c in text if c.isalpha()]
    return sum(unicodedata.east_asian_width(c) in "WF" for c in letters) > 0.5 * len(letters)


def broken(text: str, lengths: Sequence[float], size: float) -> list[list[str]] | None:
    """The places of each column, for columns of these lengths in pixels, or None if the text does not fit."""
    columns: list[list[str]] = [[] for _ in lengths]
    at = 0
    for group in _groups(text):
        while at < len(columns) and (len(columns[at]) + len(group)) * size > lengths[at]:
            at += 1
        if at == len(columns):
            return None
        columns[at] += group if columns[at] else [cell for cell in group if not cell.isspace()]
    return columns


def _groups(text: str) -> Iterator[list[str]]:
    """The places of a text, those together between which no column ends: a number, a sign with its full stop."""
    for piece, spaced in pieces(text):
        cells = [*([" "] if spaced else []), *_CELL.findall(piece)]
        yield from [cells] if len(cells) <= _WHOLE else ([cell] for cell in cells)


def drawn(cells: Sequence[str], width: int, height: int, middle: float, size: float) -> NDArray[np.uint8]:
    """A column as it is seen, (height, width) uint8. middle: x of its axis; size: pixels of an em."""
    layer = Image.new("L", (max(1, width), max(1, height)), 0)
    edge = max(1, round(1.5 * size))
    for number, cell in enumerate(cells):
        if cell.isspace():
            continue
        place = Image.new("L", (edge, edge), 0)
        font = sign_font(cell, min(size, size * 1.6 / len(cell)))
        ImageDraw.Draw(place).text((edge / 2, edge / 2), cell, font=font, fill=255, anchor="mm")
        if cell in _LAID:
            place = place.rotate(-90)
        right, up = _off_middle(cell, place.getbbox(), edge, size)
        corner = (round(middle - edge / 2 + right), round((number + 0.5) * size - edge / 2 - up))
        layer.paste(255, corner, place)
    return np.asarray(layer)


def _off_middle(cell: str, ink: tuple[int, ...] | None, edge: int, size: float) -> tuple[float, float]:
    """How far right and up of its place's middle a sign stands; fonts differ in where they have a full stop's ink.

    ink: left, top, right, bottom of what is drawn, in a square of `edge` pixels.
    """
    if cell in SMALL_KANA:
        return _MOVED * size, _MOVED * size
    if cell not in _RAISED or ink is None:
        return 0.0, 0.0
    left, top, right, bottom = ink
    return _QUARTER * size + (edge - left - right) / 2, _QUARTER * size - (edge - top - bottom) / 2
