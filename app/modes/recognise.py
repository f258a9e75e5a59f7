"""Recognise: what is in the picture, by name and number, with boxes where the model can point.

The answer is JSON with one entry a kind, boxes as left, top, right, bottom in thousandths of the picture's size::

    {"objects":[{"name":"dog","count":2,"boxes":[[30,120,410,880],[520,90,960,870]]}]}

The starter is taught this form, and the grammar makes other models keep to it; those that cannot point leave the boxes
out. What is shown grows while the answer is written.
"""

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from app.modes.base import Block, TextBlock
from app.modes.objects import Found, ObjectsBlock, counts
from app.modes.partial_json import Text, parse
from app.settings.schema import Settings
from app.values import Ask, Box, Message, ModelSpec, Piece, Sampling
from app.wording import Wording

PROMPT = 'List the objects in this picture as JSON: {"objects":[{"name":"...","count":1,"boxes":[[x0,y0,x1,y1]]}]}'
MAX_TOKENS = 400
_MAX_KINDS = 12
_MAX_BOXES = 12
_NAME = re.compile(r'"name"\s*:\s*("(?:[^"\\]|\\.)*")')
_THOUSANDTHS = {"type": "integer", "minimum": 0, "maximum": 1000}
BOX = {"type": "array", "items": _THOUSANDTHS, "minItems": 4, "maxItems": 4}
_KIND = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 40},
        "count": {"type": "integer", "minimum": 1, "maximum": 99},
        "boxes": {"type": "array", "items": BOX, "maxItems": _MAX_BOXES},
    },
    "required": ["name", "count"],
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"objects": {"type": "array", "items": _KIND, "maxItems": _MAX_KINDS}},
    "required": ["objects"],
    "additionalProperties": False,
}


class RecogniseMode:
    """One question about one picture, the first of the newest; what was said before would only slow it down."""

    id = "recognise"
    title = Wording("Recognise")

    def job(self, messages: tuple[Message, ...], model: ModelSpec, settings: Settings) -> Ask:  # noqa: ARG002
        newest = next((m for m in reversed(messages) if m.pictures), None)
        return recognition(model, newest.pictures[:1] if newest is not None else ())

    def blocks(self, answer: str) -> tuple[Block, ...]:
        reading = Reading()
        reading.add(Piece(text=answer))
        found = reading.found()
        if not found:
            return (TextBlock(Wording("Nothing that I know.")),) if reading.finished() else ()
        lines = (f"- {name}" if number == 1 else f"- {number} × {name}" for name, number, _ in counts(found))
        return ObjectsBlock(found), TextBlock("\n".join(lines))


def names(answer: str) -> str:
    """The names in an answer, for who looks through a thousand of them: found far sooner than its blocks."""
    try:
        return ", ".join(json.loads(name) for name in _NAME.findall(answer))
    except ValueError:
        return answer


def recognition(model: ModelSpec, pictures: tuple[str, ...], lane: str | None = None) -> Ask:
    """The question about the picture with this digest."""
    message = Message(role="user", text=PROMPT, pictures=pictures)
    return Ask(model=model, messages=(message,), sampling=Sampling(max_tokens=MAX_TOKENS), schema=SCHEMA, lane=lane)


@dataclass
class Reading:
    """The answer as it comes in: feed it the pieces, ask what it has named so far."""

    text: str = ""
    _ends: list[int] = field(default_factory=list)
    _logs: list[float] = field(default_factory=list)

    def add(self, piece: Piece) -> None:
        self.text += piece.text
        self._ends.append(len(self.text))
        self._logs.append(math.log(max(piece.probability, 1e-12)))

    def finished(self) -> bool:
        """Whether the last bracket has come."""
        return self.text.rstrip().endswith("}")

    def found(self) -> tuple[Found, ...]:
        """What is certain so far: a kind counts from the moment its name is complete, a box when its numbers are."""
        value = parse(self.text)
        entries = value.get("objects") if isinstance(value, dict) else value
        if not isinstance(entries, list):
            return ()
        return tuple(one for entry in entries[:_MAX_KINDS] for one in self._kind(entry))

    def _kind(self, entry: Any) -> list[Found]:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, Text) or not name.whole or not name.strip():
            return []
        words = " ".join(name.split())  # one line, whatever was escaped in it
        sure, count, boxes = self._probability(name), entry.get("count"), entry.get("boxes")
        placed = [as_box(box) for box in boxes[:_MAX_BOXES]] if isinstance(boxes, list) else []
        found = [Found(words, sure, 1, box) for box in placed if box is not None]
        number = min(count, 99) if isinstance(count, int) else 1
        if number > len(found):
            found.append(Found(words, sure, number - len(found)))
        return found

    def _probability(self, text: Text) -> float:
        """The product over the pieces that hold any of the string."""
        total, start = 0.0, 0
        for end, log in zip(self._ends, self._logs, strict=True):
            if start < text.end and end > text.start:
                total += log
            start = end
        return math.exp(total)


def as_box(value: Any) -> Box | None:
    """Four numbers in thousandths as fractions, put in order and cut to the picture; None for what is no box."""
    if not isinstance(value, list) or len(value) != 4:
        return None
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in value):
        return None
    x0, y0, x1, y1 = (min(max(v / 1000, 0.0), 1.0) for v in value)
    box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
    return box if box[2] - box[0] > 0.002 and box[3] - box[1] > 0.002 else None
