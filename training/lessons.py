"""One training sample from its number: a scene, the tower's lessons about it, and conversations."""

import dataclasses
from functools import cache
from typing import Any

import numpy as np

from . import art, fonts, gallery, prompts, questions, samples, tokens
from .painter import Painter
from .paths import TOKENIZER, WORK
from .plans import Stage
from .scenes import Scene, resized
from .sizes import VisionSize

TALKS = 5
"""Conversations about one picture, as many of them as fit in a row of ``ROW`` tokens; they share its tower pass."""
ROW, TEXT_ROW = 144, 120
FINER, FINEST = 0.4, 2.2
"""How many of the pictures talked about are drawn larger, up to so many times, and made smaller as the application does
it: what a picture looks like after that is not what it looks like drawn small."""
UNKNOWN_DRAWINGS = 700
"""How many drawings of each set show what has no name."""
WILD = 0.3
"""The share of drawings changed more than other hands would, so that a style never seen is less of a surprise."""
GUESTS = 0.3
"""The share of things drawn by other hands (``gallery``), where these have drawn them."""
TEXT_EVERY = 2
"""One in so many of the pictures talked about brings conversations without a picture along."""


@cache
def painter(seen: bool = True) -> Painter:
    """The painter of the training: its art sets and fonts, or those kept unseen."""
    sets, families = (art.TRAIN_SETS, fonts.TRAIN_FAMILIES) if seen else (art.UNSEEN_SETS, fonts.UNSEEN_FAMILIES)
    drawings = art.load(sets, WORK, unknown=UNKNOWN_DRAWINGS)
    guests = gallery.load(WORK) if seen else None
    return Painter(drawings, fonts.find(families), stylise=seen, dirt=0.45, wild=WILD, guests=guests, invited=GUESTS)


@cache
def writer() -> tokens.Writer:
    return tokens.Writer(tokens.load_or_train(TOKENIZER))


def sample(index: int, stage: Stage, size: VisionSize, salt: int = 0) -> dict[str, Any]:
    """Arrays for the tower and, for every ``talk_every``-th picture, one row of conversations about it; for some of
    these also a row of conversations without a picture. salt: another one, other pictures."""
    rng = np.random.default_rng([stage.seed, stage.tiles, index, salt])
    talking = "language" in stage.learns and index % stage.talk_every == 0
    if stage.tiles == 1:
        canvas = samples.Canvas((1, 1), size.tile, size.tile)
    else:
        full = not talking and rng.random() < stage.full
        canvas = samples.full_canvas(rng, size) if full else samples.random_canvas(rng, size)
    shares = dict(stage.scenes if talking or not stage.silent else stage.silent)
    scene = _scene(shares, canvas, float(rng.uniform(1.2, FINEST)) if talking and rng.random() < FINER else 1.0, rng)
    tiles = stage.tiles or size.tiles
    made = samples.encode(scene, canvas, size, tiles)
    made["talking"] = np.bool_(talking)
    if talking:
        made["spots"] = samples.marks(scene, canvas, size, tiles)
        talks = []
        for _ in range(TALKS):
            system = str(rng.choice(prompts.SYSTEM)) if rng.random() < 0.12 else None
            talks.append((questions.conversation(scene, rng), True, system))
        made |= _columns("seen", writer().pack(talks, ROW))
        if index // stage.talk_every % TEXT_EVERY == 0:
            texts = [(tokens.text_conversation(rng), False, None) for _ in range(4)]
            made |= _columns("text", writer().pack(texts, TEXT_ROW))
    return made


def _scene(shares: dict[str, float], canvas: samples.Canvas, scale: float, rng: np.random.Generator) -> Scene:
    drawn = painter().one_of(shares, round(canvas.height * scale), round(canvas.width * scale), rng)
    return resized(drawn, canvas.height, canvas.width) if scale > 1 else drawn


def _columns(prefix: str, row: tokens.Packed) -> dict[str, Any]:
    return {f"{prefix}_{field.name}": getattr(row, field.name) for field in dataclasses.fields(row)}
