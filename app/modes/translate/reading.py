"""Reading the text of a picture: the whole at once, or in strips at native resolution when the print is small."""

import unicodedata
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.capture import layout
from app.capture.region import Pixels, Region
from app.modes.translate import closer, laying, pointing, prompts, turned
from app.modes.translate.answers import Engine, Step
from app.modes.translate.closer import ReadLine, picture_of
from app.values import ModelSpec, Picture

SEEN = 1120
"""Pixels of the longer side of what a model sees at once: four tiles of 560 in Llama 3.2 Vision."""
_SMALL_PRINT = 11.0
"""Height of a line, in pixels the model sees, below which it is better looked at closer."""


@dataclass(frozen=True)
class Reading:
    """The lines in reading order and, as indices into them, the passages they make up."""

    lines: tuple[ReadLine, ...] = ()
    passages: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class _Part:
    """What was read at once. told: its lines with how sure each is; alone: those read alone, by their place in some."""

    some: Sequence[Region]
    told: list[tuple[str, float]]
    alone: Mapping[int, ReadLine]

    @property
    def turned(self) -> bool:
        return any(region.turned for region in self.some)


def read(
    engine: Engine, model: ModelSpec, picture: Picture, found: Sequence[Region], *, point: bool = True
) -> Generator[Step, None, Reading]:
    """Read a picture whose lines of text were found. Yields (part done 0..1, the text so far); returns the reading.

    point: whether the model is asked where lines stand that were read and not found.
    Lines that run up or down are brought upright and read after the others, from a sheet of their own. Where nothing is
    read at once, or nothing surely, the lines are read one by one.
    """
    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
    parts = list[_Part]()
    views = _views(picture, pixels, found)
    for number, (view, some) in enumerate(views):
        so_far = "".join(f"{text}\n" for part in parts for text, _ in part.told)
        part = yield from _read_part(engine, model, pixels, (view, some), number / len(views), so_far)
        parts.append(part)
    if not any(part.told or part.alone for part in parts) and all(view is not picture for view, _ in views):
        parts.append((yield from _read_part(engine, model, pixels, (picture, []), 1.0, "")))
    lines, passages = list[ReadLine](), list[tuple[int, ...]]()
    beside = {text.casefold() for part in parts if part.turned for text, _ in part.told}
    for part in parts:
        told = part.told if part.turned else _without(part.told, beside, len(part.told) - len(part.some))
        placed = _closer(_placed(told, part.some), part)
        passages += [tuple(i + len(lines) for i in passage) for passage in placed.passages]
        lines += placed.lines
    known = [line for part in parts for line in part.alone.values()]
    yield from closer.again(engine, model, pixels, lines, known)
    if point:
        yield from pointing.place(engine, model, picture, pixels, lines)
    return Reading(tuple(lines), tuple(passages))


def _views(picture: Picture, pixels: Pixels, found: Sequence[Region]) -> list[tuple[Picture, Sequence[Region]]]:
    """What is looked at, one after the other, each with the lines that it shows."""
    level = [region for region in found if not region.turned]
    sheets = [(sheet, some) for way in turned.ways(found) for sheet, some in _sheets(pixels, way)]
    strips = _strips([level[i] for row in layout.rows(level) for i in row], pixels.shape)
    if len(strips) > 1:
        return [*((cut(pixels, strip), strip) for strip in strips), *sheets]
    return [(picture, level), *sheets] if level or not sheets else [*sheets]


def _read_part(
    engine: Engine,
    model: ModelSpec,
    pixels: Pixels,
    view: tuple[Picture, Sequence[Region]],
    fraction: float,
    before: str,
) -> Generator[Step, None, _Part]:
    """Read what is seen at once; if that says nothing, or nothing surely, its lines one by one."""
    seen, some = view
    written = yield from closer.ask(engine, model, seen, fraction, before)
    told = [] if prompts.says_nothing(written.text) else written.lines()
    alone: Mapping[int, ReadLine] = {}
    if not told or written.sure < closer.UNSURE:
        before += "".join(f"{text}\n" for text, _ in told)
        alone = yield from closer.each(engine, model, pixels, some, fraction, before)
    return _Part(some, told, alone)


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
            yield picture_of(turned.sheet(pixels, some)), some
            some = []
        some.append(region)
    yield picture_of(turned.sheet(pixels, some)), some


def cut(pixels: Pixels, some: Sequence[Region]) -> Picture:
    """The upright piece of a picture that holds some lines, at native resolution, with a margin."""
    corners = np.concatenate([region.quad for region in some])
    margin = max(8.0, 0.6 * float(np.median([region.height for region in some])))
    left, top = np.maximum(0, np.floor(corners.min(axis=0) - margin)).astype(int)
    right, bottom = np.ceil(corners.max(axis=0) + margin).astype(int)
    return picture_of(np.ascontiguousarray(pixels[top:bottom, left:right]))


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
        candidate = layout.rows(found, order, _from_the_right(texts))
        if candidate not in orders:
            orders.append(candidate)
    fits = [(laying.lay(texts, [found[i] for row in rows for i in row]), rows) for rows in orders]
    laid, rows = min(fits, key=lambda fit: fit[0].cost)
    number = {i: at for at, i in enumerate(i for row in rows for i in row)}
    lines = {
        i: ReadLine(laid.texts[slot], found[i], written[laid.lines[slot]][1])
        for i, slot in number.items()
        if laid.texts[slot]
    }
    return _arranged(found, rows, lines, [ReadLine(texts[i], None, written[i][1]) for i in laid.left])


def _closer(placed: Reading, part: _Part) -> Reading:
    """The surer of two readings of each line: as it was read with the others, and alone."""
    if not part.alone:
        return placed
    at = {id(region): i for i, region in enumerate(part.some)}
    lines = {at[id(line.region)]: line for line in placed.lines if line.region is not None}
    for i, line in part.alone.items():
        lines[i] = max(line, lines.get(i, line), key=lambda one: one.sure)
    left = [line for line in placed.lines if line.region is None and line.sure >= closer.UNSURE]
    from_the_right = _from_the_right([line.text for line in (*lines.values(), *left)])
    return _arranged(part.some, layout.rows(part.some, right_to_left=from_the_right), lines, left)


def _from_the_right(texts: Sequence[str]) -> bool:
    """Whether most letters are Arabic or Hebrew: the rows of such a page are read from its right edge, prices last."""
    kinds = [unicodedata.bidirectional(c) for text in texts for c in text]
    return sum(kind in ("R", "AL") for kind in kinds) > kinds.count("L")


def _arranged(
    found: Sequence[Region], rows: Sequence[Sequence[int]], known: Mapping[int, ReadLine], left: Sequence[ReadLine]
) -> Reading:
    """What was read of the regions, by their number, in reading order and passages; at the end what found no place."""
    kept = [[i for i in row if i in known] for row in rows]
    order = [i for row in kept for i in row]
    at = {i: number for number, i in enumerate(order)}
    groups = layout.paragraphs(found, [row for row in kept if row])
    passages = [tuple(at[i] for i in group) for group in groups]
    passages += [(len(order) + i,) for i in range(len(left))]
    return Reading((*(known[i] for i in order), *left), tuple(passages))
