"""An answer of the engine as it is written: its lines, and how sure each of them is."""

import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from app.errors import EngineError, MemoryShortError, ModelError, SpyglassError, of_kind
from app.values import Ask, Event, Failed, Finished, Job, Loading, Looking, Picture, Piece
from app.values import Reading as EngineReading

Progress = Loading | Looking | EngineReading


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
    error = of_kind(event.kind, event.what, event.todo, event.detail)
    return of_translator(error) if aside else error


def of_translator(error: SpyglassError) -> SpyglassError:
    """The same failure, with what to do about it where the model only translates: another one can."""
    if isinstance(error, MemoryShortError):
        return MemoryShortError(
            "There is not enough memory left for the model that translates.",
            "Choose a smaller one to translate with, or let the model that reads pictures translate too.",
            f"{error.what} {error.detail}".strip(),
        )
    if isinstance(error, ModelError):
        return ModelError(
            error.what,
            "Choose another model to translate with, or let the model that reads pictures translate too.",
            f"{error.todo} {error.detail}".strip(),
        )
    return error


def _mean(chances: Sequence[float]) -> float:
    return math.exp(sum(math.log(max(c, 1e-9)) for c in chances) / len(chances)) if chances else 0.0
