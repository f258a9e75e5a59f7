"""Lines that are read and not found: put where the model points, if the same words are read there alone."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from app.capture import regions
from app.modes.translate import pointing
from app.modes.translate.pipeline import Wish, translate_picture
from app.values import Ask, Event, Finished, Job, ModelSpec, Picture, Piece
from tests import signs

WORDS = "Way out to the street and to the trains"
FAINT = (40, 262, 580, 300)
"""Where the letters stand that are too light for the search for strokes: left, top, right, bottom in pixels."""


def sheet() -> signs.Sheet:
    pen = signs.Pen(600, 400, (206, 206, 206), (20, 20, 20))
    pen.write(60, 80, "Ticket office", 50)
    pen.write(300, 180, "Lift", 40)
    pixels = pen.sheet().pixels.copy()
    faint = signs.Pen(600, 400, (206, 206, 206), (203, 203, 203))
    faint.write(FAINT[0], FAINT[3] - 9, WORDS, 27)
    lower = slice(200, 400)
    pixels[lower] = faint.sheet().pixels[lower]
    return signs.Sheet(pixels, pen.sheet().lines)


class Reader:
    """Reads the sheet, and a piece of it by what of the faint letters it shows; points where it is told to."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, list[Ask]()

    def run(self, job: Job, pictures: Iterable[Picture] = ()) -> Iterator[Event]:
        assert isinstance(job, Ask)
        shown = [p for p in pictures if p.digest in job.messages[-1].pictures]
        if job.schema is not None:
            self.asked.append(job)
            text = self.answer if isinstance(self.answer, str) else json.dumps({"lines": self.answer})
        elif not shown:
            text = job.messages[-1].text.removeprefix('Translate "').rpartition('" into ')[0].upper()
        elif (shown[0].width, shown[0].height) == (600, 400):
            text = f"Ticket office\nLift\n{WORDS}"
        else:
            seen = np.frombuffer(shown[0].pixels, np.uint8)
            text = (
                WORDS.replace("e", "c")
                if seen.min() > 190 and (seen == 203).sum() > 1500
                else "Something else entirely"
            )
        yield Piece(text=text, probability=0.9)
        yield Finished(reason="stop")


def box(left: float, top: float, right: float, bottom: float) -> list[int]:
    return [round(left / 0.6), round(top / 0.4), round(right / 0.6), round(bottom / 0.4)]


def run(reader: Reader, model: str = "reader.gguf", **more: Any) -> list[tuple[str, int]]:
    pixels = sheet().pixels
    picture = Picture(600, 400, pixels.tobytes())
    state = list(translate_picture(picture, Wish(ModelSpec(path=model), "fr", **more), reader))[-1]
    assert state.stage == "done"
    return [(p.translation or "", len(p.quads)) for p in state.passages]


PLACED = [("TICKET OFFICE", 1), ("LIFT", 1), (WORDS.upper(), 1)]
UNPLACED = [("TICKET OFFICE", 1), ("LIFT", 1), (WORDS.upper(), 0)]


def test_the_faint_line_is_not_found_by_its_strokes() -> None:
    assert len(regions.find(sheet().pixels)) == 2


def test_a_line_is_put_where_the_model_points_and_it_can_be_read() -> None:
    reader = Reader([{"line": 1, "box": box(*FAINT)}])
    assert run(reader) == PLACED
    assert f"1. {WORDS}" in reader.asked[0].messages[-1].text
    assert reader.asked[0].schema == pointing.SCHEMA


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [{"line": 1, "box": box(60, 340, 460, 390)}],
        [{"line": 1, "box": box(60, 40, 380, 90)}],
        [{"line": 2, "box": box(*FAINT)}],
        [{"line": 1, "box": [10, 10, 10, 10]}],
        [{"line": 1, "box": box(60, 200, 80, 390)}],
        [{"box": 3}, 7, None],
        "I cannot.",
        "",
    ],
    ids=[
        "none",
        "empty place",
        "another line",
        "no such line",
        "no area",
        "too slender",
        "no boxes",
        "prose",
        "silence",
    ],
)
def test_a_box_that_does_not_hold_the_words_is_not_believed(answer: Any) -> None:
    assert run(Reader(answer)) == UNPLACED


def test_the_starter_is_not_asked_and_a_live_frame_asks_nobody() -> None:
    for model, more in (("starter.gguf", {}), ("reader.gguf", {"point": False})):
        reader = Reader([{"line": 1, "box": box(*FAINT)}])
        assert run(reader, model, **more) == UNPLACED
        assert reader.asked == []
