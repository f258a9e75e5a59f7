"""A line of Chinese, Japanese or Korean set from the top down, its signs upright, as columns are written."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from app.modes.translate.typeset import sign_font

_LAID = frozenset("ー―—–…‥~〜～-（）()「」『』【】《》〈〉［］[]〔〕{}｛｝:：")
"""Signs that lie on their side in a column: what they join or enclose stands above and below them."""
_RAISED = frozenset("、。，．,.")
"""Signs that stand at the upper right of their place in a column, where in a line they stand at the lower left."""
_CELL = re.compile(r"[0-9]{1,2}(?![0-9])(?<![0-9]{3})|\s+|.", re.DOTALL)
"""What takes one place: a number of one or two digits side by side, a gap, any other sign alone."""


def suits(text: str) -> bool:
    """Whether a text is written in signs that may stand in a column."""
    letters = [c for c in text if c.isalpha()]
    return sum(unicodedata.east_asian_width(c) in "WF" for c in letters) > 0.5 * len(letters)


def broken(text: str, lengths: Sequence[float], size: float) -> list[list[str]] | None:
    """The places of each column, for columns of these lengths in pixels, or None if the text does not fit."""
    columns: list[list[str]] = [[] for _ in lengths]
    at = 0
    for cell in _CELL.findall(text.strip()):
        while at < len(columns) and (len(columns[at]) + 1) * size > lengths[at]:
            at += 1
        if at == len(columns):
            return None
        if columns[at] or not cell.isspace():
            columns[at].append(cell)
    return columns


def drawn(cells: Sequence[str], width: int, height: int, middle: float, size: float) -> NDArray[np.uint8]:
    """A column as it is seen, (height, width) uint8. middle: x of its axis; size: pixels of an em."""
    layer = Image.new("L", (max(1, width), max(1, height)), 0)
    edge = max(1, round(1.5 * size))
    for number, cell in enumerate(cells):
        if cell.isspace():
            continue
        place = Image.new("L", (edge, edge), 0)
        right, up = (0.5 * size, 0.5 * size) if cell in _RAISED else (0.0, 0.0)
        font = sign_font(cell, min(size, size * 1.6 / len(cell)))
        at = (edge / 2 + right, edge / 2 - up)
        ImageDraw.Draw(place).text(at, cell, font=font, fill=255, anchor="mm")
        if cell in _LAID:
            place = place.rotate(-90)
        corner = (round(middle - edge / 2), round((number + 0.5) * size - edge / 2))
        layer.paste(255, corner, place)
    return np.asarray(layer)
