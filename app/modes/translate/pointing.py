"""Where lines stand that were read and not found: a model that can point is asked, and not believed until looked at.

Lines are found by their strokes, which fails where letters are curved, broken or nearly as light as their ground. Some
models were taught to give the boxes of what they read. One that was not gives boxes all the same, so a line is put into
a box only if the same words are read from it alone. Boxes are in thousandths of the picture's size, as in Recognise.
"""

import re
from collections.abc import Generator
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from app.capture.region import Pixels, Region
from app.modes.boxes import overlap
from app.modes.partial_json import parse
from app.modes.recognise import BOX, as_box
from app.modes.translate import closer, prompts
from app.modes.translate.answers import Engine, Step
from app.modes.translate.closer import ReadLine
from app.values import Box, ModelSpec, Picture

MOST = 12
"""How many lines are asked for; each one that is pointed at costs another look at the picture."""
_ALIKE = 0.6
"""How alike (0..1) the words must be that are read from a box alone."""
_TAKEN = 0.3
"""Overlap with another line's box from which on a box is that line's."""
_SLENDER, _WIDE = 0.2, 2.0
"""A letter's width as a part of the line's height: what is far outside is no box of these words."""

_LINE = {
    "type": "object",
    "properties": {"line": {"type": "integer", "minimum": 1, "maximum": MOST}, "box": BOX},
    "required": ["line", "box"],
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"lines": {"type": "array", "items": _LINE, "maxItems": MOST}},
    "required": ["lines"],
    "additionalProperties": False,
}


def place(
    engine: Engine, model: ModelSpec, picture: Picture, pixels: Pixels, lines: list[ReadLine]
) -> Generator[Step, None, None]:
    """Give lines without a place the one the model points at, where they can be read there alone (in place).

    pixels: the picture's, (H, W, 3) uint8. The small model that ships is not asked: it was not taught to point at text.
    """
    lost = [i for i, line in enumerate(lines) if line.region is None][:MOST]
    if not lost or prompts.plain(model):
        return
    texts = [lines[i].text for i in lost]
    written = yield from closer.quietly(engine, prompts.where(model, picture, texts, SCHEMA), picture)
    taken = [_box(line.region, picture) for line in lines if line.region is not None]
    for number, box in told(written.text, len(lost)).items():
        line = lines[lost[number]]
        if not _fits(line.text, box, picture) or any(overlap(box, other) > _TAKEN for other in taken):
            continue
        alone = yield from closer.alone(engine, model, pixels, _region(box, picture, line.sure))
        if alone is not None and _same(alone.text, line.text):
            lines[lost[number]] = ReadLine(line.text, alone.region, line.sure)
            taken.append(box)


def told(answer: str, count: int) -> dict[int, Box]:
    """The first box of each line in an answer, by the line's place among the `count` that were asked for."""
    value = parse(answer)
    entries = value.get("lines") if isinstance(value, dict) else None
    found: dict[int, Box] = {}
    for entry in entries if isinstance(entries, list) else ():
        number, box = (entry.get("line"), as_box(entry.get("box"))) if isinstance(entry, dict) else (None, None)
        if isinstance(number, int) and 1 <= number <= count and box is not None:
            found.setdefault(number - 1, box)
    return found


def _fits(text: str, box: Box, picture: Picture) -> bool:
    """Whether a box has room for these letters beside each other, and not for many more."""
    width, height = (box[2] - box[0]) * picture.width, (box[3] - box[1]) * picture.height
    return height >= 4 and _SLENDER <= width / height / max(len(text), 1) <= _WIDE


def _same(one: str, other: str) -> bool:
    a, b = (re.sub(r"\W", "", text.casefold()) for text in (one, other))
    return SequenceMatcher(None, a, b, autojunk=False).ratio() >= _ALIKE


def _region(box: Box, picture: Picture, sure: float) -> Region:
    left, right = box[0] * picture.width, box[2] * picture.width
    top, bottom = box[1] * picture.height, box[3] * picture.height
    return Region(np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32), sure)


def _box(region: Region, picture: Picture) -> Box:
    (left, top), (right, bottom) = region.quad.min(axis=0), region.quad.max(axis=0)
    return left / picture.width, top / picture.height, right / picture.width, bottom / picture.height
