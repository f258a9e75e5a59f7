"""Setting a line of text in the fonts that ship with the program: which font for which letters, in which order.

Pillow shapes with raqm (HarfBuzz and FriBidi). One line may need two fonts (an Arabic sentence with a brand's name), so
the order of its runs is found here, by rule L2 of the Unicode bidirectional algorithm (UAX #9) over embedding levels in
their plainest form: letters by their own direction, digits left to right, the rest by what surrounds it.
"""

import functools
import unicodedata
from dataclasses import dataclass

from PIL import ImageDraw, ImageFont, features

from app import paths
from app.errors import SpyglassError

FONTS = (
    "NotoSans-Regular.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "DroidSansFallbackFull.ttf",
    "NanumSquareR.ttf",
)
_SHAPED = ("ARABIC", "HEBREW", "DEVANAGARI", "THAI")
_UNIT = 100
"""Size at which texts are measured; widths scale."""


@dataclass(frozen=True)
class Run:
    """A piece of a line in one font and direction."""

    text: str
    font: str
    right_to_left: bool


@dataclass(frozen=True)
class Extent:
    """Of a line's ink around its origin on the baseline, in ems: left and top are usually negative or zero."""

    left: float
    top: float
    right: float
    bottom: float


class SetLine:
    """A line of text ready to be drawn: its runs in visual order."""

    def __init__(self, text: str, right_to_left: bool) -> None:
        """Raises SpyglassError if the text needs shaping that this machine's Pillow lacks."""
        self.text = text
        self.runs = tuple(_visual(text, right_to_left))

    def extent(self) -> Extent:
        """The box of the ink, in ems."""
        boxes, x = [], 0.0
        for run in self.runs:
            left, top, right, bottom = _font(run.font, _UNIT).getbbox(run.text, anchor="ls", direction=_direction(run))
            boxes.append((x + left, top, x + right, bottom))
            x += _advance(run, _UNIT)
        if not boxes:
            return Extent(0, 0, 0, 0)
        sides = zip(*boxes, strict=True)
        left, top, right, bottom = (f(side) for f, side in zip((min, min, max, max), sides, strict=True))
        return Extent(left / _UNIT, top / _UNIT, right / _UNIT, bottom / _UNIT)

    def draw(self, pen: ImageDraw.ImageDraw, x: float, baseline: float, size: float, colour: tuple[int, ...]) -> None:
        """size: pixels of an em."""
        for run in self.runs:
            font = _font(run.font, size)
            pen.text((x, baseline), run.text, font=font, fill=colour, anchor="ls", direction=_direction(run))
            x += _advance(run, size)


def sign_font(text: str, size: float) -> ImageFont.FreeTypeFont:
    """The font for a single sign, or digits, of `size` pixels of an em."""
    return _font(_font_for(text[0], None), size)


@functools.lru_cache(maxsize=256)
def _font(name: str, size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(paths.assets_dir() / "fonts" / name), size)


def _direction(run: Run) -> str | None:
    if not features.check("raqm"):
        return None
    return "rtl" if run.right_to_left else "ltr"


def _advance(run: Run, size: float) -> float:
    return _font(run.font, size).getlength(run.text, direction=_direction(run))


@functools.lru_cache(maxsize=4096)
def _covers(font: str, char: str) -> bool:
    """Whether a font has a glyph of its own for a character. One without ink is had by all."""
    face = ImageFont.truetype(str(paths.assets_dir() / "fonts" / font), 24, layout_engine=ImageFont.Layout.BASIC)
    return bytes(face.getmask(char)) != bytes(face.getmask("\U0010fffe"))


def _font_for(char: str, before: str | None) -> str:
    """The font that goes on if it can, else the first that has the character; spaces and accents go on."""
    if before is not None and (char.isspace() or unicodedata.combining(char) or _covers(before, char)):
        return before
    return next((font for font in FONTS if _covers(font, char)), before or FONTS[0])


def _levels(text: str, base: int) -> list[int]:
    levels: list[int | None] = []
    for char in text:
        kind = unicodedata.bidirectional(char)
        odd = 1
        even = 2 if base else 0
        levels.append(odd if kind in ("R", "AL") else even if kind in ("L", "EN", "AN") else None)
    for i, level in enumerate(levels):
        if level is None:
            ahead = next((other for other in levels[i:] if other is not None), base)
            behind = levels[i - 1] if i else base
            levels[i] = behind if behind == ahead else base
    return [level or 0 for level in levels]


def _visual(text: str, right_to_left: bool) -> list[Run]:
    levels = _levels(text, int(right_to_left))
    runs: list[tuple[int, Run]] = []
    font: str | None = None
    for char, level in zip(text, levels, strict=True):
        font = _font_for(char, font)
        if runs and runs[-1][0] == level and runs[-1][1].font == font:
            runs[-1] = (level, Run(runs[-1][1].text + char, font, bool(level % 2)))
        else:
            runs.append((level, Run(char, font, bool(level % 2))))
    if not features.check("raqm") and any(unicodedata.name(c, "").startswith(_SHAPED) for c in text):
        raise SpyglassError(
            "This text cannot be drawn: its letters join, and the library that joins them is missing.",
            "Install FriBidi (libfribidi) or use the translation beside the picture.",
        )
    return [run for _, run in _reordered(runs)]


def _reordered(runs: list[tuple[int, Run]]) -> list[tuple[int, Run]]:
    """Rule L2: from the highest level down, reverse every stretch of runs at that level or higher."""
    for level in range(max((level for level, _ in runs), default=0), 0, -1):
        at = 0
        while at < len(runs):
            end = at
            while end < len(runs) and runs[end][0] >= level:
                end += 1
            runs[at:end] = runs[at:end][::-1]
            at = max(end, at + 1)
    return runs
