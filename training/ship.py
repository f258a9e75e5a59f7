"""``python -m training.ship CHECKPOINT``: convert, evaluate, and write the card into ``assets/starter``.

Runs in the application's environment: its own converter makes the file and its own engine is what is measured.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from app.library.convert import convert

from .evaluate import evaluate
from .kinds import NAMES
from .paths import STARTER
from .words import LANGUAGES, MEANINGS, TARGETS

TYPE = "Q8_0"

# Figure, what it means, and what is aimed at ("" where nothing is).
_FIGURES = (
    ("object_known_style", "one thing, known art style, new picture: named exactly", ">= 0.95"),
    ("object_unseen_style", "one thing, art style never seen (OpenMoji)", ">= 0.70"),
    ("object_camera_like", "one thing, blurred, noisy, badly lit", "<= 0.10 below clean"),
    ("several_f1", "two to five things, names, F1", ">= 0.85"),
    ("box_overlap", "mean overlap of their boxes", ">= 0.60"),
    ("counting_exact", "how many of a kind, up to five", ">= 0.85"),
    ("yes_or_no", "whether a kind of thing is there", ""),
    ("colour", "colour of a shape", ">= 0.95"),
    ("place", "in which ninth of the picture", ""),
    ("word_exact", "dictionary word on a sign, fonts never seen, exact", ">= 0.90"),
    ("any_text_exact", "any word or number, fonts never seen, exact", ""),
    ("sign_translation", "sign read, then translated", ">= 0.85"),
    ("highest_bar", "label of the highest bar", ""),
    ("unknown_admitted", "nothing known there: says it is not sure", ">= 0.80"),
    ("unknown_named", "nothing known there: names a known thing", "<= 0.10"),
    ("same_as_float", "answers the same, to the letter, as the float file's", ""),
    ("first_token_s_median", "seconds to the first token, median", "<= 0.5"),
    ("answer_s_worst", "seconds to the end of the answer, the longest of all", "<= 1.5"),
    ("cold_start_s_median", "seconds from starting the program to the end of its answer, median of 5", "<= 6"),
)

_CARD = """# The starter's card

A small model of Llama 3.2 Vision's architecture ({size:.1f} MB, {type}), trained from nothing by `training/` on drawn
pictures only. It contains no weights of Meta's or anybody else's.

**What it was taught:** to name {kinds} kinds of drawn things and shapes, count up to five, give boxes, colours and
places, read one word or number, translate {words} sign words ({languages}) into {targets}, and read the highest bar
of a chart. How well it does each is what the figures below say: where one is low, do not rely on it.

**What it is not for:** photographs of the world. It does not know them, and does not always know that it does not.

Figures over {count} new pictures each, measured by `training/evaluate.py` on this file through the application's
engine:

| Figure | Measured | Aim |
| --- | --- | --- |
{rows}

Where a figure falls short of its aim, longer training is what is missing: see `training/README.md`.
{note}
The art it learned from: Noto Emoji, Noto Emoji v1 and Firefox OS Emoji (Apache-2.0), Fluent Emoji (MIT), Twemoji,
EmojiOne (EmojiTwo) and Streamline Emojis (CC BY 4.0); and, for more styles, Material Design Icons and IconPark
(Apache-2.0), Phosphor and Tabler Icons (MIT), Lucide (ISC), Font Awesome, Solar and Streamline's colour icons (CC BY
4.0), Game Icons (CC BY 3.0), Open Clip Art (public domain) and Symbola (free for any use); see `docs/licences.md`.
"""


def card(figures: dict[str, Any], size: int, note: str = "") -> str:
    rows = "\n".join(f"| {text} | {figures[key]} | {aim} |" for key, text, aim in _FIGURES)
    return _CARD.format(
        size=size / 1e6,
        type=TYPE,
        kinds=len(NAMES),
        words=len(MEANINGS),
        languages=", ".join(LANGUAGES.values()),
        targets=", ".join(LANGUAGES[t] for t in TARGETS),
        count=figures["pictures_each"],
        rows=rows,
        note=f"\n{note}\n" if note else "",
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.ship", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="a folder in Hugging Face form, written by training.export")
    parser.add_argument("--count", type=int, default=200, help="pictures for each figure")
    parser.add_argument("--note", default="", help="a sentence for the card, such as how long it was trained")
    options = parser.parse_args()
    STARTER.mkdir(parents=True, exist_ok=True)
    gguf = STARTER / "starter.gguf"
    convert(options.checkpoint, gguf, type=TYPE, vision_type=TYPE)
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.gguf"
        convert(options.checkpoint, exact, type="F32", vision_type="F32")
        figures = evaluate(gguf, options.count, exact)
    (STARTER / "evaluation.json").write_text(json.dumps(figures, indent=1) + "\n")
    (STARTER / "README.md").write_text(card(figures, gguf.stat().st_size, options.note))


if __name__ == "__main__":
    main()
