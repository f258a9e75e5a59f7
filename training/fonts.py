"""Fonts for words. Families are told apart by their file names; the unseen ones serve the evaluation only."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from .paths import WORK

_ROOTS = (WORK / "fonts", Path("/usr/share/fonts"))
"""The first is for machines that have no fonts of their own: copy them there."""

UNSEEN_FAMILIES = ("Cantarell-", "RobotoSlab-", "Carlito-", "Vollkorn-", "Quicksand-", "NimbusSansNarrow-", "P052-")
TRAIN_FAMILIES = (
    "DejaVu",
    "Liberation",
    "OpenSans-",
    "Lato-",
    "Roboto-",
    "RobotoCondensed-",
    "ComicNeue-",
    "EBGaramond12-",
    "Andika-",
    "GentiumPlus-",
    "Comfortaa-",
    "Inconsolata",
    "Caladea-",
    "Dosis-",
    "Hack-",
    "Jura-",
    "LeagueSpartan-",
    "NotoSans-",
    "NotoSerif-",
    "NotoSansDisplay-",
    "NotoMono-",
    "Sora-",
    "Cabin-",
    "LinLibertine_R",
    "LinBiolinum_R",
    "URWGothic-",
    "URWBookman-",
    "C059-",
    "NimbusMonoPS-",
    "NimbusSans-",
    "NimbusRoman-",
)
_TOO_THIN = ("Thin", "ExtraLight", "Hairline", "UltraLight")


def find(families: tuple[str, ...]) -> list[str]:
    """Font files of the families, sorted; at most eight of one family so that none rules. Raises FileNotFoundError for
    one that is missing: fewer fonts would go unnoticed until the figures are in."""
    found = (file for root in _ROOTS for file in root.rglob("*") if file.suffix in (".ttf", ".otf"))
    files = sorted(file for file in found if not any(thin in file.name for thin in _TOO_THIN))
    chosen: list[str] = []
    for family in families:
        mine = [str(f) for f in files if f.name.startswith(family)]
        if not mine:
            raise FileNotFoundError(f"no font {family}* is installed; training/README.md lists the packages")
        chosen += mine[:: max(1, len(mine) // 8)][:8]
    return chosen


@lru_cache(maxsize=4096)
def load(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=2**17)
def advance(path: str, size: int, character: str) -> float:
    return load(path, size).getlength(character)


def draw(text: str, path: str, size: int) -> tuple[NDArray[np.uint8], float, NDArray[np.float64]]:
    """The text's ink (rows, columns), where it begins seen from the pen, and the pen's place before each letter and
    after the last (kerning left out: to learn letters by, a pixel does not matter)."""
    face = load(path, size)
    left, top, right, bottom = face.getbbox(text)
    mask = Image.new("L", (int(right - left), int(bottom - top)))
    ImageDraw.Draw(mask).text((-left, -top), text, font=face, fill=255)
    return np.asarray(mask), left, np.cumsum([0.0] + [advance(path, size, character) for character in text])
