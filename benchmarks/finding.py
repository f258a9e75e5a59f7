"""How many lines of text are found on drawn signs: `app.capture.regions` against where they were drawn.

Plates of every colour with one to three lines, words, numbers and other scripts, letters of 14 to 120 pixels, leaning
by up to 15 degrees and seen in perspective, in a scene of blotches and edges, with noise and as JPEG
(`tests/signs.py`). It needs no model.

    python -m benchmarks.finding [--count 200] [--seed 1] [--show]

Ends with status 1 if less than 95 % of the lines are found with an intersection over union of at least 0.7.
"""

import argparse
import sys
from collections import Counter

import numpy as np

from app.capture import regions
from tests import signs

_WORDS = (*signs.WORDS, "office", "taxi", "bar", "stop", "hotel")
_NUMBERS = ("12", "8 - 18 h", "€ 4,50", "A 7", "24", "No 5", "3 km", "Exit 9")
_SCRIPTS = {
    "zh": ("禁止停车", "紧急出口", "小心地滑", "售票处在二楼"),
    "ar": ("ممنوع الوقوف", "مخرج الطوارئ", "مكتب التذاكر"),
    "hi": ("कृपया धीरे चलें", "निकास"),
    "th": ("ห้ามจอด", "ทางออก"),
    "he": ("אין חניה", "יציאה"),
}
_KINDS = ("one word", "two lines", "three lines", "number", "script")
_WANTED, _SHARE = 0.7, 0.95


def draw(number: int, seed: int) -> tuple[str, signs.Sheet, str]:
    """A kind of sign, the sign in its scene, and how it was drawn, in words."""
    chance = np.random.default_rng((seed, number))
    kind, font = _KINDS[number % len(_KINDS)], signs.SANS
    rows = [_words(chance, 1)]
    if kind == "two lines":
        rows = [_words(chance, 2), _words(chance, 3).upper()]
    elif kind == "three lines":
        rows = [_words(chance, int(chance.integers(1, 4))) for _ in range(3)]
    elif kind == "number":
        rows = [str(chance.choice(_NUMBERS))]
    elif kind == "script":
        kind = str(chance.choice(list(_SCRIPTS)))
        rows, font = [str(chance.choice(_SCRIPTS[kind]))], signs.SCRIPT_FONTS[kind]
    size = int(np.exp(chance.uniform(np.log(14), np.log(120))))
    flat = signs.sign(rows, size, *_colours(chance), font)
    tilt, perspective = float(chance.uniform(-15, 15)), float(chance.choice([0, 0.05, 0.1]))
    photo = signs.photograph(flat, tilt, perspective, margin=float(chance.uniform(0.1, 0.5)), seed=number)
    return kind, photo, f"{size} pixels, {tilt:.0f} degrees, perspective {perspective}"


def _words(chance: np.random.Generator, count: int) -> str:
    return " ".join(chance.choice(_WORDS, count)).capitalize()


def _colours(chance: np.random.Generator) -> tuple[signs.Colour, signs.Colour]:
    """Of plate and letters, apart in brightness."""
    while True:
        paper, ink = (tuple(int(v) for v in chance.integers(0, 256, 3)) for _ in range(2))
        if abs(np.subtract(paper, ink) @ (0.3, 0.59, 0.11)) >= 60:
            return paper, ink  # type: ignore[return-value]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="each line that is missed")
    options = parser.parse_args()
    lines, found, strays = Counter[str](), Counter[str](), 0
    for number in range(options.count):
        kind, photo, how = draw(number, options.seed)
        places = [region.quad for region in regions.find(photo.pixels)]
        for line in photo.lines:
            overlap = max((signs.overlap(line.quad, place) for place in places), default=0.0)
            lines[kind] += 1
            found[kind] += overlap >= _WANTED
            if options.show and overlap < _WANTED:
                print(f"missed: {line.text} ({how}), {overlap:.2f}", flush=True)
        strays += sum(all(signs.overlap(line.quad, place) < 0.3 for line in photo.lines) for place in places)
    for kind in lines:
        print(f"{kind:12} {found[kind] / lines[kind]:6.1%} of {lines[kind]} lines")
    share = found.total() / lines.total()
    print(f"{'all':12} {share:6.1%} of {lines.total()} lines   {strays} strays")
    return int(share < _SHARE)


if __name__ == "__main__":
    sys.exit(main())
