"""What becomes of a sign's word on its way through Translate, beside the model asked directly.

Signs with one word each, of which the meaning in several languages is known (`training/words.tsv`), are drawn with the
fonts that this machine has and read and translated twice: by the pipeline of `app.modes.translate`, as the window and
the command line run it, and by the model's two fixed questions about the whole picture, as its card
(`assets/starter/evaluation.json`) was measured.

    python -m benchmarks.signs [--count 200] [--seed 1] [--model M] [--show]

Ends with status 1 if the pipeline gets fewer signs right than asking directly does, by more than chance explains.
"""

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from app import paths
from app.engine.client import EngineClient
from app.library import disk
from app.modes.translate import prompts
from app.modes.translate.answers import answer
from app.modes.translate.languages import language
from app.modes.translate.pipeline import Wish, translate_picture
from app.values import EngineOptions, ModelSpec, Picture

WORDS = Path(__file__).parent.parent / "training" / "words.tsv"
TARGETS = ("en", "de", "fr", "es")
FONTS = Path("/usr/share/fonts")
_SIZE = (640, 480)


@dataclass(frozen=True)
class Sign:
    """A picture of a word, its language, the language wanted, and what is right in it."""

    picture: Picture
    word: str
    source: str
    target: str
    right: frozenset[str]


@dataclass
class Outcome:
    """What was read and what it was translated into."""

    read: str
    translated: str


def fonts() -> list[str]:
    """Upright text fonts of this machine, the program's own among them."""
    own = [paths.assets_dir() / "fonts" / "NotoSans-Regular.ttf"]
    system = (f for ending in ("ttf", "otf") for f in FONTS.rglob(f"*.{ending}"))
    plain = (f for f in system if f.stem.startswith(("DejaVu", "Nimbus", "URWBookman", "P052", "C059", "Liberation")))
    return sorted(str(f) for f in (*own, *plain) if not any(word in f.stem for word in ("Italic", "Oblique", "Math")))


def meanings() -> tuple[list[str], list[list[str]]]:
    """The languages, and each meaning's word in them."""
    first, *rest = (line.split("\t") for line in WORDS.read_text("utf-8").splitlines())
    return first, rest


def draw(seed: int, faces: list[str]) -> Sign:
    """One word on a plate on a soft background, 40 to 95 % of the picture wide, a little aslant."""
    chance = np.random.default_rng(seed)
    languages, rows = meanings()
    row, source = rows[chance.integers(len(rows))], str(chance.choice(languages))
    target = str(chance.choice([code for code in TARGETS if code != source]))
    word = row[languages.index(source)]
    style = chance.random()
    shown = word.upper() if style < 0.4 and "ß" not in word else word[0].upper() + word[1:] if style < 0.7 else word
    same = [r for r in rows if word.casefold() in (w.casefold() for w in r)]
    right = frozenset(r[languages.index(target)].casefold() for r in same)
    return Sign(_picture(shown, str(chance.choice(faces)), chance), shown, source, target, right)


def _picture(word: str, face: str, chance: np.random.Generator) -> Picture:
    top, bottom = chance.uniform(60, 230, (2, 3))
    shade = np.linspace(top, bottom, _SIZE[1])[:, None].repeat(_SIZE[0], 1)
    scene = Image.fromarray(np.clip(shade + chance.normal(0, 3, shade.shape), 0, 255).astype(np.uint8))
    board = chance.uniform(0, 255, 3)
    ink = (255, 255, 255) if board @ (0.3, 0.59, 0.11) < 128 else (15, 15, 20)
    unit = ImageFont.truetype(face, 100).getlength(word)
    size = min(100 * chance.uniform(0.4, 0.95) * 0.85 * _SIZE[0] / unit, 170.0)
    font = ImageFont.truetype(face, size)
    left, upper, right, lower = font.getbbox(word)
    pad = 0.3 * size
    plate = Image.new("RGBA", (int(right - left + 2 * pad), int(lower - upper + 2 * pad)), (*board.astype(int), 255))
    ImageDraw.Draw(plate).text((pad - left, pad - upper), word, ink, font)
    lean = float(chance.normal(0, 3)) if chance.random() < 0.5 else 0.0
    plate = plate.rotate(lean, Image.Resampling.BICUBIC, expand=True)
    room = (max(1, _SIZE[0] - plate.width), max(1, _SIZE[1] - plate.height))
    scene.paste(plate, tuple(int(chance.integers(side)) for side in room), plate)
    return Picture(*_SIZE, scene.tobytes())


def directly(sign: Sign, spec: ModelSpec, client: EngineClient) -> Outcome:
    """The picture's text is asked for, then the translation of that."""
    read = _asked(client, prompts.read(spec, sign.picture), sign.picture)
    asked = prompts.translate(spec, read, read, language(sign.target), {})
    return Outcome(read, _asked(client, asked))


def _asked(client: EngineClient, job: object, *pictures: Picture) -> str:
    text = ""
    for written in answer(client, job, pictures):  # type: ignore[arg-type]
        text = written.text
    return text.strip()


def by_pipeline(sign: Sign, spec: ModelSpec, client: EngineClient) -> Outcome:
    *_, state = translate_picture(sign.picture, Wish(spec, sign.target), client)
    return Outcome(state.original, state.original if state.outcome == "already" else state.text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--show", action="store_true", help="each sign that the two ways differ about")
    options = parser.parse_args()
    spec, faces = disk.resolve(options.model, None, EngineOptions()), fonts()
    counts: Counter[str] = Counter()
    with EngineClient() as client:
        for number in range(options.count):
            sign = draw(1000 * options.seed + number, faces)
            ways = {"directly": directly(sign, spec, client), "pipeline": by_pipeline(sign, spec, client)}
            good = {way: made.translated.casefold() in sign.right for way, made in ways.items()}
            for way, made in ways.items():
                counts[f"read {way}"] += made.read == sign.word
                counts[f"translated {way}"] += good[way]
            counts["lost"] += good["directly"] and not good["pipeline"]
            counts["won"] += good["pipeline"] and not good["directly"]
            if options.show and ways["directly"] != ways["pipeline"]:
                print(sign.word, sign.source, "->", sign.target, ways)
    return _report(counts, options.count)


def _report(counts: "Counter[str]", count: int) -> int:
    for what in ("read", "translated"):
        shares = "   ".join(f"{way} {counts[f'{what} {way}'] / count:.3f}" for way in ("directly", "pipeline"))
        print(f"{what + ' exactly':20} {shares}")
    print(f"{'lost by the pipeline':20} {counts['lost']}   won {counts['won']}")
    card = json.loads((paths.assets_dir() / "starter" / "evaluation.json").read_text("utf-8"))
    print(f"{'on the card':20} read {card['word_exact']}   translated {card['sign_translation']} (other signs)")
    differ = counts["lost"] + counts["won"]
    return int(counts["lost"] - counts["won"] > 2 * differ**0.5)


if __name__ == "__main__":
    sys.exit(main())
