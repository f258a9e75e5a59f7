"""Drawings by many more hands, for the training alone: icon sets, which draw in lines or in one flat colour, clip art,
and the letters of a font that are pictures.

They are there for a style never seen. Few of them show all kinds, and an icon's lines say little in few pixels, so a
scene takes them now and then (``lessons.GUESTS``); the figures of the evaluation are taken without them.
"""

import csv
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from . import art
from .kinds import KINDS, NAMES
from .scenes import Art

ICON_SETS = {
    "game-icons": "1.2.4",
    "mdi": "1.2.3",
    "ph": "1.2.2",
    "icon-park": "1.2.4",
    "lucide": "1.2.137",
    "tabler": "1.2.41",
    "fa6-solid": "1.2.4",
    "solar": "1.2.13",
    "streamline-color": "1.2.2",
    "streamline-cyber-color": "1.2.2",
    "streamline-flex-color": "1.2.2",
    "streamline-plump-color": "1.2.2",
    "streamline-kameleon-color": "1.2.2",
}
_COLOURED = ("icon-park", "streamline")
"""How the names of the sets begin that have colours of their own."""
_FILLED = ("bold", "duotone", "fill", "filled", "solid", "twotone")
_VARIANTS = frozenset((*_FILLED, "outline", "line", "linear", "light", "thin", "variant", "alt", "1", "2", "3"))
"""What icons' names end in that show the same in another way."""
_WRONG = {
    "*": ("mouse",),
    "game-icons": ("sheep", "snake", "crab", "watermelon", "volcano"),
    "mdi": ("bee", "globe"),
    "ph": ("money",),
    "icon-park": ("anchor", "chicken", "trumpet", "envelope", "ring", "heart", "fork", "telescope"),
    "tabler": ("globe",),
    "fa6-solid": ("tree",),
    "solar": ("money",),
    "streamline-color": ("ball", "glasses"),
    "streamline-flex-color": ("ball", "bell"),
    "streamline-plump-color": ("ball", "bell", "candle", "cloud"),
    "streamline-kameleon-color": ("chicken",),
}
"""Looked at: kinds whose name means something else there (a computer's mouse, a fork of branches), or is drawn too
unlike."""
CLIP_ART = Path("/usr/share/openclipart/svg")
"""Debian's openclipart-svg."""
_CHOSEN = Path(__file__).with_name("clipart.tsv")
"""Which of it shows what, chosen by eye: a kind and a file a line."""
_STRANGERS = frozenset(Path(__file__).with_name("strangers.txt").read_text("utf-8").split())
"""Icons of what has no name here and looks like nothing that has one."""
SYMBOLS = Path("/usr/share/fonts/truetype/ancient-scripts/Symbola_hint.ttf")
"""Debian's fonts-symbola."""

_BY_ICON = {icon: index for index, kind in enumerate(KINDS) for icon in kind.icons}
_BY_NAME = {kind.name: index for index, kind in enumerate(KINDS)}
_BY_ICON |= {name.replace(" ", ""): index for name, index in _BY_NAME.items()}

Drawing = tuple[int, art.Rgba, bool]
"""The kind's index, -1 if it is none; the picture; whether it is one flat colour."""


def icons(name: str, version: str, work: Path) -> Iterator[Drawing]:
    """What a set shows of the kinds, each in all its variants, and of ``_STRANGERS``; the rest has too often a kind's
    look."""
    mono = not name.startswith(_COLOURED)
    wrong = {_BY_NAME[kind] for kind in (*_WRONG["*"], *_WRONG.get(name, ()))}
    for icon, svg in art.read_icons(art.fetch(name, version, work / "npm"), hyphens=True).items():
        stem = icon.split("-")
        while len(stem) > 1 and stem[-1] in _VARIANTS:
            stem.pop()
        kind = _BY_ICON.get("".join(stem), -1)
        if "-".join(stem) in _STRANGERS or (kind >= 0 and kind not in wrong):
            yield from _drawn(kind, svg, mono)


def _drawn(kind: int, svg: str, mono: bool) -> Iterator[Drawing]:
    picture = art.render_or_none(svg)
    if picture is not None:
        yield kind, picture, mono


def clip_art() -> Iterator[Drawing]:
    with open(_CHOSEN, newline="", encoding="utf-8") as lines:
        for kind, file in csv.reader(lines, delimiter="\t"):
            yield from _drawn(NAMES.index(kind), (CLIP_ART / file).read_text("utf-8", "replace"), False)


def symbols() -> Iterator[Drawing]:
    """The font's pictures of kinds, by the names that Unicode gives them."""
    font = ImageFont.truetype(str(SYMBOLS), 2 * art.SIZE)
    missing = bytes(font.getmask("\U0010fffe"))
    for code in (*range(0x2600, 0x27C0), *range(0x1F300, 0x1F700)):
        name = "".join(letter for letter in unicodedata.name(chr(code), "").lower() if letter.isalpha())
        kind = _BY_ICON.get(name, -1)
        if kind < 0 or bytes(font.getmask(chr(code))) == missing:
            continue
        page = Image.new("L", (4 * art.SIZE, 4 * art.SIZE))
        ImageDraw.Draw(page).text((2 * art.SIZE, 2 * art.SIZE), chr(code), fill=255, font=font, anchor="mm")
        black = Image.new("RGBA", page.size)
        black.putalpha(page)
        yield kind, art.trimmed(black), True


def load(work: Path) -> Art:
    """All of it, from the cache in ``work`` or drawn now. Raises SystemExit where what it is drawn from is missing."""
    parts = (ICON_SETS, sorted(_VARIANTS), _WRONG, sorted(_STRANGERS), _CHOSEN.read_text("utf-8"), KINDS, art.SIZE)
    key = art.key_of(*parts)

    def drawings() -> Iterator[Drawing]:
        if not (CLIP_ART.is_dir() and SYMBOLS.is_file()):
            raise SystemExit("drawings are missing; install Debian's openclipart-svg and fonts-symbola")
        for name, version in ICON_SETS.items():
            yield from icons(name, version, work)
        yield from clip_art()
        yield from symbols()

    return art.cached(work / f"gallery-{key}", drawings)
