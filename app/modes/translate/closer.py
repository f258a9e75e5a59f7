"""A second look at lines of a picture, each alone: where the first reading was unsure, or saw nothing."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from app.capture.region import Pixels, Quad, Region
from app.modes.translate import prompts, turned
from app.modes.translate.answers import Answer, Engine, Step, answer
from app.values import Ask, ModelSpec, Picture

UNSURE = 0.6
"""How sure a reading must be not to be looked at again."""
_LOOKS = 8
"""How many unsure lines are looked at once more; each costs an encoding of a picture."""
_TRIALS = 4
"""After this many lines in which nothing is read either, the others are taken for no text."""


@dataclass(frozen=True)
class ReadLine:
    """A line of the picture's text. region: where it stands, or None if that could not be told; sure: 0..1."""

    text: str
    region: Region | None
    sure: float

    @property
    def quad(self) -> Quad | None:
        return None if self.region is None else self.region.quad


def ask(
    engine: Engine, model: ModelSpec, picture: Picture, fraction: float, before: str
) -> Generator[Step, None, Answer]:
    """Read one picture, yielding what is known with each piece. before: what was read until now.

    That nothing was read is no text of the picture: its words are not told, nor what may become them.
    """
    with closing(answer(engine, prompts.read(model, picture), (picture,))) as growing:
        written = Answer()
        for written in growing:
            read = "" if prompts.may_say_nothing(written.text) else written.text
            yield Step(fraction, before + read, written.progress)
    return written


def quietly(engine: Engine, job: Ask, picture: Picture) -> Generator[Step, None, Answer]:
    """Run a job about a picture whose answer is not for people: of its steps only the progress is told."""
    with closing(answer(engine, job, (picture,))) as growing:
        written = Answer()
        for written in growing:
            yield Step(None, "", written.progress)
    return written


def picture_of(pixels: Pixels) -> Picture:
    """Pixels, (H, W, 3) uint8, as a picture."""
    return Picture(pixels.shape[1], pixels.shape[0], pixels.tobytes())


def each(
    engine: Engine, model: ModelSpec, pixels: Pixels, some: Sequence[Region], fraction: float, before: str
) -> Generator[Step, None, dict[int, ReadLine]]:
    """Read lines one by one, those first that look most like text: for each, by its place in `some`, what it says.

    It ends early if the first few say nothing. Lines that say nothing are left out.
    """
    found: dict[int, ReadLine] = {}
    for tried, i in enumerate(sorted(range(len(some)), key=lambda i: -some[i].sure)):
        if tried >= _TRIALS and not found:
            break
        line = yield from alone(engine, model, pixels, some[i], fraction, before)
        if line is not None:
            found[i] = line
            before += f"{line.text}\n"
    return found


def again(
    engine: Engine, model: ModelSpec, pixels: Pixels, lines: list[ReadLine], known: Sequence[ReadLine]
) -> Generator[Step, None, None]:
    """Read unsure lines once more and keep the surer reading (in place). known: lines that were read alone already."""
    unsure = sorted(
        (i for i, line in enumerate(lines) if line.sure < UNSURE and line.region is not None and line not in known),
        key=lambda i: lines[i].sure,
    )
    for i in unsure[:_LOOKS]:
        region = lines[i].region
        assert region is not None
        line = yield from alone(engine, model, pixels, region)
        if line is not None and line.sure > lines[i].sure:
            lines[i] = line


def alone(
    engine: Engine, model: ModelSpec, pixels: Pixels, region: Region, fraction: float = 1.0, before: str = ""
) -> Generator[Step, None, ReadLine | None]:
    """One line from its own upright crop at native resolution, the way round that is read most surely."""
    best: ReadLine | None = None
    for one in (region, *turned.otherwise(region)):
        crop = picture_of(turned.upright(pixels, one))
        written = yield from ask(engine, model, crop, fraction, before)
        text = " ".join(text for text, _ in written.lines())
        if text and not prompts.says_nothing(written.text) and (best is None or written.sure > best.sure):
            best = ReadLine(text, one, written.sure)
    return best
