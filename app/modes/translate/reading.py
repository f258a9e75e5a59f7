"""Reading the text of a picture: the whole at once, or in strips at native resolution when the print is small."""

import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from app.capture import layout
from app.capture.region import Pixels, Quad, Region
from app.errors import EngineError, MemoryShortError, SpyglassError, of_kind
from app.modes.translate import laying, prompts, turned
from app.values import Ask, Event, Failed, Finished, Job, Loading, Looking, ModelSpec, Picture, Piece
from app.values import Reading as EngineReading

Progress = Loading | Looking | EngineReading

SEEN = 1120
"""Pixels of the longer side of what a model sees at once: four tiles of 560 in Llama 3.2 Vision."""
_SMALL_PRINT = 11.0
"""Height of a line, in pixels the model sees, below which it is better looked at closer."""
_UNSURE = 0.6
_SECOND_LOOKS = 8
"""How many unsure lines are looked at once more; each costs an encoding of a picture."""


class Engine(Protocol):
    """What is needed of `app.engine.client.EngineClient`."""

    def run(self, job: Job, pictures: Iterable[Picture] = ()) -> Iterator[Event]:
        """The events of a job; closing the iterator cancels it."""
        ...


class Step(NamedTuple):
    """News of a stage. fraction: 0..1 of it, None if unknown; draft: what is being written; progress: the engine's."""

    fraction: float | None
    draft: str
    progress: Progress | None


@dataclass
class Answer:
    """An answer as it is written. Each piece keeps its probability, so that a line of it can say how sure it is.

    progress: what the engine does before it writes.
    """

    pieces: list[Piece] = field(default_factory=list)
    progress: Progress | None = None

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    @property
    def sure(self) -> float:
        """Geometric mean of the probabilities."""
        return _mean([piece.probability for piece in self.pieces])

    def lines(self) -> list[tuple[str, float]]:
        """The lines of the text that hold something, each with how sure it is."""
        found: list[tuple[str, float]] = []
        text, chances = "", list[float]()
        for piece in (*self.pieces, Piece(text="\n")):
            first, *rest = piece.text.split("\n")
            text, chances = text + first, [*chances, piece.probability] if first else chances
            for part in rest:
                if text.strip():
                    found.append((text.strip(), _mean(chances)))
                text, chances = part, [piece.probability] if part else []
        return found


@dataclass(frozen=True)
class ReadLine:
    """A line of the picture's text. region: where it stands, or None if that could not be told; sure: 0..1."""

    text: str
    region: Region | None
    sure: float

    @property
    def quad(self) -> Quad | None:
        return None if self.region is None else self.region.quad


@dataclass(frozen=True)
class Reading:
    """The lines in reading order and, as indices into them, the passages they make up."""

    lines: tuple[ReadLine, ...] = ()
    passages: tuple[tuple[int, ...], ...] = ()


def answer(engine: Engine, job: Ask, pictures: Iterable[Picture] = ()) -> Generator[Answer, None, Answer]:
    """Run a job, yielding its answer as it grows. Raises the engine's error; returns the whole answer."""
    written = Answer()
    events = engine.run(job, pictures)
    try:
        for event in events:
            if isinstance(event, Piece):
                written.pieces.append(event)
                written.progress = None
                yield written
            elif isinstance(event, Loading | Looking | EngineReading):
                written.progress = event
                yield written
            elif isinstance(event, Failed):
                raise _failure(event, job.aside)
            elif isinstance(event, Finished) and event.reason in ("cancelled", "replaced"):
                raise EngineError("The translation was stopped.", "Start it again to go on.")
    finally:
        close = getattr(events, "close", None)
        if close is not None:
            close()
    return written


def _failure(event: Failed, aside: bool) -> SpyglassError:
    """The engine's error; that a translator has no room is said as what it is."""
    error = of_kind(event.kind, event.what, event.todo, event.detail)
    if not aside or not isinstance(error, MemoryShortError):
        return error
    return MemoryShortError(
        "There is not enough memory left for the model that translates.",
        "Choose a smaller one to translate with, or let the model that reads pictures translate too.",
        f"{error.what} {error.detail}".strip(),
    )


def read(engine: Engine, model: ModelSpec, picture: Picture, found: Sequence[Region]) -> Generator[Step, None, Reading]:
    """Read a picture whose lines of text were found. Yields (part done 0..1, the text so far); returns the reading.

    Lines that run up or down are brought upright and read after the others, from a sheet of their own.
    """
    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
    level = [region for region in found if not region.turned]
    parts = [(sheet, some) for way in turned.ways(found) for sheet, some in _sheets(pixels, way)]
    strips = _strips([level[i] for row in layout.rows(level) for i in row], pixels.shape)
    if len(strips) > 1:
        parts = [(cut(pixels, strip), strip) for strip in strips] + parts
    elif level or not parts:
        parts = [(picture, level), *parts]
    answers = list[list[tuple[str, float]]]()
    for number, (part, _) in enumerate(parts):
        so_far = "".join(f"{text}\n" for told in answers for text, _ in told)
        written = yield from _shown(engine, model, part, number / len(parts), so_far)
        answers.append([] if prompts.says_nothing(written.text) else written.lines())
    both = list(zip(parts, answers, strict=True))
    beside = {text.casefold() for (_, some), told in both if _turned(some) for text, _ in told}
    lines, passages = list[ReadLine](), list[tuple[int, ...]]()
    for (_, some), told in both:
        placed = _placed(told if _turned(some) else _without(told, beside, len(told) - len(some)), some)
        passages += [tuple(i + len(lines) for i in passage) for passage in placed.passages]
        lines += placed.lines
    yield from _look_again(engine, model, pixels, lines)
    return Reading(tuple(lines), tuple(passages))


def _turned(some: Sequence[Region]) -> bool:
    return any(region.turned for region in some)


def _without(told: list[tuple[str, float]], beside: set[str], most: int) -> list[tuple[str, float]]:
    """The lines of a reading but those, `most` at most, that are known to run up or down and were seen all the same."""
    kept = []
    for line in told:
        if most > 0 and line[0].casefold() in beside:
            most -= 1
        else:
            kept.append(line)
    return kept


def _sheets(pixels: Pixels, way: Sequence[Region]) -> Iterator[tuple[Picture, list[Region]]]:
    """Lines that run one way, in reading order, in as many upright sheets as it takes to see them without shrinking."""
    some: list[Region] = []
    for region in (way[i] for row in layout.rows(way) for i in row):
        if some and sum(1.5 * one.height for one in (*some, region)) > SEEN:
            yield _picture(turned.sheet(pixels, some)), some
            some = []
        some.append(region)
    yield _picture(turned.sheet(pixels, some)), some


def _shown(
    engine: Engine, model: ModelSpec, picture: Picture, fraction: float, before: str
) -> Generator[Step, None, Answer]:
    """Read one picture, yielding what is known with each piece."""
    with closing(answer(engine, prompts.read(model, picture), (picture,))) as growing:
        written = Answer()
        for written in growing:
            yield Step(fraction, before + written.text, written.progress)
    return written


def cut(pixels: Pixels, some: Sequence[Region]) -> Picture:
    """The upright piece of a picture that holds some lines, at native resolution, with a margin."""
    corners = np.concatenate([region.quad for region in some])
    margin = max(8.0, 0.6 * float(np.median([region.height for region in some])))
    left, top = np.maximum(0, np.floor(corners.min(axis=0) - margin)).astype(int)
    right, bottom = np.ceil(corners.max(axis=0) + margin).astype(int)
    return _picture(np.ascontiguousarray(pixels[top:bottom, left:right]))


def _picture(pixels: Pixels) -> Picture:
    return Picture(pixels.shape[1], pixels.shape[0], pixels.tobytes())


def _strips(ordered: Sequence[Region], shape: Sequence[int]) -> list[list[Region]]:
    """The lines, in reading order, in runs to look at one by one: a single run unless their print is small.

    A run is as long as its piece of the picture is still seen without shrinking.
    """
    if not ordered:
        return []
    shrink = min(1.0, SEEN / max(shape[:2]))
    heights = sorted(region.height * shrink for region in ordered)
    if shrink == 1 or heights[len(heights) // 4] >= _SMALL_PRINT:
        return [list(ordered)]
    strips: list[list[Region]] = [[]]
    for region in ordered:
        frame = np.concatenate([r.quad for r in (*strips[-1], region)])
        if strips[-1] and np.ptp(frame, axis=0).max() > max(SEEN, 1.02 * region.width):
            strips.append([])
        strips[-1].append(region)
    return strips


def _placed(written: Sequence[tuple[str, float]], found: Sequence[Region]) -> Reading:
    """Where the lines of an answer stand in the picture, by the reading order that fits best."""
    texts = [text for text, _ in written]
    orders: list[list[list[int]]] = []
    for order in ("auto", "columns", "rows"):
        candidate = layout.rows(found, order)
        if candidate not in orders:
            orders.append(candidate)
    fits = [(laying.lay(texts, [found[i] for row in rows for i in row]), rows) for rows in orders]
    laid, rows = min(fits, key=lambda fit: fit[0].cost)
    lines, passages = list[ReadLine](), list[tuple[int, ...]]()
    number = {i: at for at, i in enumerate(i for row in rows for i in row)}
    kept = [[i for i in row if laid.texts[number[i]]] for row in rows]
    at: dict[int, int] = {}
    for i in (i for row in kept for i in row):
        at[i] = len(lines)
        slot = number[i]
        lines.append(ReadLine(laid.texts[slot], found[i], written[laid.lines[slot]][1]))
    for group in layout.paragraphs(found, [row for row in kept if row]):
        passages.append(tuple(at[i] for i in group))
    for i in laid.left:
        passages.append((len(lines),))
        lines.append(ReadLine(texts[i], None, written[i][1]))
    return Reading(tuple(lines), tuple(passages))


def _look_again(engine: Engine, model: ModelSpec, pixels: Pixels, lines: list[ReadLine]) -> Generator[Step, None, None]:
    """Read unsure lines once more, each from its own upright crop, and keep the surer reading (in place)."""
    unsure = sorted(
        (i for i, line in enumerate(lines) if line.sure < _UNSURE and line.region is not None),
        key=lambda i: lines[i].sure,
    )
    for i in unsure[:_SECOND_LOOKS]:
        region = lines[i].region
        assert region is not None
        for one in (region, *turned.otherwise(region)):
            crop = _picture(turned.upright(pixels, one))
            written = yield from _shown(engine, model, crop, 1.0, "")
            if written.sure > lines[i].sure and not prompts.says_nothing(written.text):
                lines[i] = ReadLine(" ".join(text for text, _ in written.lines()), one, written.sure)


def _mean(chances: Sequence[float]) -> float:
    return math.exp(sum(math.log(max(c, 1e-9)) for c in chances) / len(chances)) if chances else 0.0
