from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from app.engine.families import Cancel, mtmd
from app.engine.families.mtmd.model import MtmdModel
from app.values import Ask, EngineOptions, Event, Finished, Message, ModelSpec, Picture, Piece, Sampling
from tests import models

SHAPES = {
    "llava": models.TINY,
    "tiles": models.TILES,
    "qwen2vl": models.QWEN2VL,
    "gemma3": models.GEMMA3,
    "mamba": models.MAMBA,
}


def picture(seed: int, width: int = 130, height: int = 90) -> Picture:
    """Large noisy patches of colour, the same for the same seed."""
    generator = np.random.default_rng(seed)
    patches = generator.integers(0, 224, (4, 4, 3), dtype=np.uint8)
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    pixels = patches[rows[:, None], columns] + generator.integers(0, 32, (height, width, 3), dtype=np.uint8)
    return Picture(width, height, pixels.tobytes(), f"patches {seed}")


PICTURES = {each.digest: each for each in (picture(1), picture(2))}
FIRST, SECOND = PICTURES


def user(text: str, *pictures: str) -> Message:
    return Message(role="user", text=text, pictures=pictures)


def assistant(text: str) -> Message:
    return Message(role="assistant", text=text)


@dataclass
class Said:
    """What came of one question."""

    finished: Finished
    events: list[Event] = field(repr=False)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Piece))

    @property
    def pieces(self) -> list[Piece]:
        return [event for event in self.events if isinstance(event, Piece)]


class Talk:
    """A loaded model to ask."""

    def __init__(self, model: MtmdModel, spec: ModelSpec) -> None:
        self.model, self.spec = model, spec

    def ask(
        self,
        *messages: Message,
        pictures: Mapping[str, Picture] = PICTURES,
        cancel: Cancel | None = None,
        on_event: Callable[[Event], None] = lambda _: None,
        schema: dict[str, Any] | None = None,
        **sampling: Any,
    ) -> Said:
        events: list[Event] = []

        def emit(event: Event) -> None:
            events.append(event)
            on_event(event)

        ask = Ask(
            model=self.spec, messages=messages, sampling=Sampling(**{"max_tokens": 24, **sampling}), schema=schema
        )
        return Said(self.model.answer(ask, pictures, emit, cancel or Cancel()), events)


Load = Callable[..., Talk]


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[models.Shape], models.Pair]:
    """Writes the pair of a shape, once."""
    written: dict[models.Shape, models.Pair] = {}

    def pair(shape: models.Shape) -> models.Pair:
        if shape not in written:
            written[shape] = models.write_pair(tmp_path_factory.mktemp(shape.kind), shape)
        return written[shape]

    return pair


@pytest.fixture
def load(pairs: Callable[[models.Shape], models.Pair]) -> Iterator[Load]:
    """Loads the pair of a shape, on one thread: other tests need the second core, and spinning threads share badly."""
    with ExitStack() as stack:

        def talk(shape: models.Shape = models.TINY, projector: bool = True, **options: Any) -> Talk:
            pair = pairs(shape)
            spec = ModelSpec(
                path=str(pair.model),
                projector=str(pair.projector) if projector else None,
                options=EngineOptions(**{"context": 1024, "threads": 1, **options}),
            )
            model = mtmd.load(spec, lambda _: None, Cancel())
            stack.callback(model.close)
            return Talk(model, spec)

        yield talk
