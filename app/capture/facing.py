"""Which way the letters of a line that runs down a picture face: turned with it, down or up, or stacked upright.

Each letter is compared with those of the font that ships, turned every way; the way in which most look like some letter
is theirs. Scripts of square signs are not in that font: they stand on another unless they look like turned letters.
"""

import functools
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from app import paths

Facing = Literal["down", "up", "stacked"]
Gray = NDArray[np.uint8]

_LETTERS = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ÄÖÜäöüßéБГДЖЗИЛПФЦЧШЭЮЯвгдзклтшяΓΔΘΛΣΨΩαβγδλμπσω"
)
_SIDE = 16
"""Pixels of a letter's pattern."""
_HEIGHT = 64
"""Pixels to which a line is brought before its letters are told apart."""
_TURNS: dict[Facing, int] = {"down": 0, "up": 2, "stacked": -1}
"""Quarter turns to the left after which the letters of a line that reads to the right after one are upright."""
_KNOWN = 0.62
"""How alike letters must be, in the mean, to be some of the font's."""
_MOST = 24
"""Letters that are compared."""
_BESIDE, _SPECK = 0.5, 12
"""How much of the shorter of two pieces must lie beside the other for both to be of one letter, and what is too small
to be a piece, in pixels."""


def facing(line: Gray) -> Facing:
    """Tell from the crop of a line, (h, w) uint8, turned so that it runs from left to right as it ran down."""
    letters = _letters(line)
    if not letters:
        return "down"
    alike = {way: float(np.mean([_alike(np.rot90(one, turn)) for one in letters])) for way, turn in _TURNS.items()}
    if max(alike.values()) < _KNOWN and _square(letters):
        return "stacked"
    return max(_TURNS, key=lambda way: alike[way])


def _letters(line: Gray) -> list[NDArray[np.bool_]]:
    """The letters or signs of a line, each in its own box.

    A sign may be of several pieces, which lie beside each other as the line runs: the strokes of a Chinese one, taken
    alone, look like an I or an L of any way.
    """
    scale = _HEIGHT / line.shape[0]
    size = (max(1, round(line.shape[1] * scale)), _HEIGHT)
    even = cv2.resize(line, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    _, light = cv2.threshold(even, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    rim = np.concatenate([light[:3].ravel(), light[-3:].ravel()])
    ink = (light if rim.mean() < 0.5 else 1 - light).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    found = []
    for x0, x1, own in _gathered(stats):
        inside = np.isin(labels[:, x0:x1], own)
        rows = np.flatnonzero(inside.any(axis=1))
        letter = inside[rows[0] : rows[-1] + 1]
        height, width = letter.shape
        if max(width, height) > 0.35 * _HEIGHT and letter.sum() > 30 and width < 4 * height:
            found.append(letter)
    step = max(1, len(found) // _MOST)
    return found[::step]


def _gathered(stats: NDArray[np.int32]) -> list[tuple[int, int, list[int]]]:
    """Where each letter begins and ends along the line, and the labels of its pieces, of which the first is paper."""
    found: list[tuple[int, int, list[int]]] = []
    for i in 1 + np.argsort(stats[1:, cv2.CC_STAT_LEFT], kind="stable"):
        x, _, width, _, area = (int(v) for v in stats[i])
        if area < _SPECK:
            continue
        start, end, own = found[-1] if found else (0, -1, [])
        if min(end, x + width) - x > _BESIDE * min(end - start, width):
            found[-1] = (start, max(end, x + width), [*own, int(i)])
        else:
            found.append((x, x + width, [int(i)]))
    return found


def _square(letters: list[NDArray[np.bool_]]) -> bool:
    """Whether most letters are no longer than they are high: words of letters that join are."""
    short = [letter for letter in letters if letter.shape[1] < 1.8 * letter.shape[0]]
    return len(short) > 0.6 * len(letters)


def _alike(piece: NDArray[np.bool_]) -> float:
    """-1..1: how much like the most similar letter."""
    return float((_patterns() @ _pattern(piece)).max())


@functools.cache
def _patterns() -> NDArray[np.float32]:
    """(letters, side * side) float32, each of length 1."""
    font = ImageFont.truetype(str(paths.assets_dir() / "fonts" / "NotoSans-Regular.ttf"), 48)
    drawn = []
    for letter in _LETTERS:
        layer = Image.new("L", (120, 120), 0)
        ImageDraw.Draw(layer).text((60, 60), letter, 255, font, anchor="mm")
        left, top, right, bottom = layer.getbbox() or (0, 0, 1, 1)
        drawn.append(_pattern(np.asarray(layer)[top:bottom, left:right] > 127))
    return np.stack(drawn)


def _pattern(piece: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(side * side,) float32: a piece in a square, a little soft, its mean taken away, of length 1."""
    height, width = piece.shape
    side = max(height, width)
    square = np.zeros((side, side), np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = piece
    small = cv2.GaussianBlur(cv2.resize(square, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), (0, 0), 1.0)
    flat = (small - small.mean()).ravel()
    pattern: NDArray[np.float32] = flat / max(float(np.linalg.norm(flat)), 1e-6)
    return pattern
