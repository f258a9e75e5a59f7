"""The translation drawn over the picture: the original covered with its own ground, the words in its size and colour.

Every line is worked on in its straightened frame and put back through the same homography, so the drawn text leans and
recedes as the line did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from PIL import Image, ImageDraw

from app.capture.region import Pixels, Quad
from app.modes.translate import column, frames
from app.modes.translate.breaks import pieces
from app.modes.translate.evening import evened
from app.modes.translate.ground import Ground, ground
from app.modes.translate.languages import language
from app.modes.translate.pipeline import Passage, Translation
from app.modes.translate.rooms import Rooms, Slot
from app.modes.translate.specks import DOT, MARK, erase
from app.modes.translate.typeset import Extent, SetLine
from app.values import Picture

_BLEED = 0.1
"""How far the cover reaches beyond the ink's box: letters are blurred there."""
_SMALLEST = 4.0
"""Pixels of an em below which no text is drawn smaller."""
_BESIDE, _BELOW = 0.5, 0.4
"""How far beside and below a line, in its heights, marks are looked for that go with it."""


@dataclass(frozen=True, eq=False)
class Label:
    """A line of translation as drawn. over: the line it replaces; box: the room it had; ink: the box of its letters;
    size: pixels of an em."""

    text: str
    over: Quad
    box: Quad
    ink: Quad
    size: float


@dataclass(frozen=True, eq=False)
class Overlay:
    picture: Picture
    labels: tuple[Label, ...]


def overlay(picture: Picture, translation: Translation) -> Overlay:
    """Draw what is translated over the picture; passages that are unfinished, unplaced or unchanged stay as they are.

    Raises SpyglassError if the language's letters cannot be drawn on this machine.
    """
    canvas, labels = drawn(picture, translation)
    return Overlay(Picture(picture.width, picture.height, canvas.tobytes(), picture.name), labels)


def drawn(picture: Picture, translation: Translation) -> tuple[Pixels, tuple[Label, ...]]:
    """The pixels of `overlay`, (H, W, 3) uint8, for whoever needs no picture of them: its digest would take a while."""
    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
    done = [p for p in translation.passages if p.quads and p.translation and p.translation != p.source]
    grounds = {id(quad): ground(pixels, quad) for passage in done for quad in passage.quads}
    right_to_left = language(translation.target).right_to_left
    rooms = Rooms([quad for passage in translation.passages for quad in passage.quads], right_to_left)
    canvas = pixels.copy()
    for passage in done:
        for quad in passage.quads:
            _cover(canvas, quad, grounds[id(quad)])
            _take_marks(canvas, quad, grounds[id(quad)], rooms)
    slots = [[rooms.slot(canvas, quad, grounds[id(quad)]) for quad in passage.quads] for passage in done]
    level = [not (p.stacked and column.suits(p.translation or "")) for p in done]
    fits = [_fitting(p, some, right_to_left) if one else 0.0 for p, some, one in zip(done, slots, level, strict=True)]
    places = [np.mean(passage.quads, axis=(0, 1)) for passage in done]
    sizes = evened([_natural(p, some) for p, some in zip(done, slots, strict=True)], fits, places)
    labels: list[Label] = []
    for passage, some, size in zip(done, slots, sizes, strict=True):
        if size:
            labels += _set(canvas, passage, some, size, rooms)
        else:
            labels += _set_columns(canvas, passage, some)
    return canvas, tuple(labels)


def cover(quad: Quad) -> Quad:
    """The part of the picture that is covered to take a line away."""
    width, height = frames.size(quad)
    bleed = _bleed(height)
    return frames.placed(quad, -bleed, -bleed, width + bleed, height + bleed)


def _bleed(height: float) -> float:
    return _BLEED * height + 1.5


def _cover(canvas: Pixels, quad: Quad, paper: Ground) -> None:
    width, height = frames.size(quad)
    bleed = _bleed(height)
    size = (round(width + 2 * bleed), round(height + 2 * bleed))
    patch = paper.at(*size, -bleed, -bleed)
    mask = np.full(patch.shape[:2], 255, np.uint8)
    frames.put(canvas, patch, mask, quad, (bleed, bleed), 1.0)


def _take_marks(canvas: Pixels, quad: Quad, paper: Ground, rooms: Rooms) -> None:
    """Take away what hangs on a line that is covered: a comma's tail, a full stop or an accent beyond its box."""
    width, height = frames.size(quad)
    beside, below = _BESIDE * height, _BELOW * height
    erase(canvas, quad, paper, rooms.others(quad), (-beside, -below, width + beside, height + below), MARK)


def _originals(passage: Passage, slots: Sequence[Slot]) -> list[Extent]:
    """The ink of what stood in each line; where that is not known for each, that of all of it."""
    own = passage.lines if len(passage.lines) == len(slots) else (" ".join(passage.lines),) * len(slots)
    return [SetLine(line, False).extent() for line in own]


def _natural(passage: Passage, slots: Sequence[Slot]) -> float:
    """The size of the original: pixels of an em, if it were written in the fonts that ship."""
    originals = zip(slots, _originals(passage, slots), strict=True)
    return median(frames.size(slot.quad)[1] / max(ink.bottom - ink.top, 0.2) for slot, ink in originals)


def _fitting(passage: Passage, slots: Sequence[Slot], right_to_left: bool) -> float:
    """The size in which a passage is written over its lines: as the original's, smaller if the words would not fit."""
    text = passage.translation or ""
    whole = SetLine(text, right_to_left).extent()
    size = min(_natural(passage, slots), *(slot.height / max(whole.bottom - whole.top, 0.2) for slot in slots))
    while not _broken(text, slots, size, right_to_left) and size > _SMALLEST:
        size *= 0.95
    return size


def _broken(text: str, slots: Sequence[Slot], size: float, right_to_left: bool) -> list[str] | None:
    """The text broken over its lines: no wider than the original was if it fits, else as wide as there is room."""
    widest = max(frames.size(slot.quad)[0] for slot in slots)
    own = [min(slot.width, widest) for slot in slots]
    column = _wrapped(text, own, size, right_to_left) if len(slots) > 1 else None
    return column or _wrapped(text, [slot.width for slot in slots], size, right_to_left)


def _set(canvas: Pixels, passage: Passage, slots: Sequence[Slot], size: float, rooms: Rooms) -> list[Label]:
    """Set a passage over its lines in a size."""
    text, right_to_left = passage.translation or "", rooms.right_to_left
    lines = _broken(text, slots, size, right_to_left) or [text]
    descents = [ink.bottom / max(ink.bottom - ink.top, 0.2) for ink in _originals(passage, slots)]
    return [
        _letter(canvas, SetLine(line, right_to_left), slot, size, descent, rooms)
        for line, slot, descent in zip(lines, slots, descents, strict=False)
        if line
    ]


def _set_columns(canvas: Pixels, passage: Passage, slots: Sequence[Slot]) -> list[Label]:
    """Set a passage down the columns it replaces, its signs upright: as large as the original's, or as they fit."""
    text = passage.translation or ""
    lengths = [frames.size(slot.quad)[0] + slot.room[2] for slot in slots]
    size = min(frames.size(slot.quad)[1] for slot in slots)
    columns = column.broken(text, lengths, size)
    while columns is None and size > _SMALLEST:
        size *= 0.95
        columns = column.broken(text, lengths, size)
    return [
        _letter_down(canvas, cells, slot, size)
        for cells, slot in zip(columns or [[*text]], slots, strict=False)
        if cells
    ]


def _letter_down(canvas: Pixels, cells: Sequence[str], slot: Slot, size: float) -> Label:
    """Draw one column into its room, from its upper end, and return where it went."""
    room_left, up, _, down = slot.room
    height = frames.size(slot.quad)[1]
    scale = 2 if height < 60 else 1
    across, along = round(slot.height * scale), round((slot.width - room_left) * scale)
    # the line's own pixels lie a quarter turned: their x runs down the column, their y from its right to its left
    mask = np.ascontiguousarray(np.rot90(column.drawn(cells, across, along, (height / 2 + down) * scale, size * scale)))
    patch = np.empty((*mask.shape, 3), np.uint8)
    patch[:] = slot.paper.ink
    frames.put(canvas, patch, mask, slot.quad, (0.0, up * scale), float(scale))
    ys, xs = np.nonzero(mask)
    ink = [xs.min(initial=along), ys.min(initial=across), xs.max(initial=0) + 1, ys.max(initial=0) + 1]
    left, top, right, bottom = (float(v) / scale for v in ink)
    placed = frames.placed(slot.quad, left, top - up, right, bottom - up)
    return Label("".join(cells), slot.quad, slot.box, placed, size)


def _wrapped(text: str, widths: Sequence[float], size: float, right_to_left: bool) -> list[str] | None:
    """The text broken over lines of the given widths, or None if it does not fit."""
    lines = [""] * len(widths)
    at = 0
    for word, spaced in pieces(text):
        while True:
            longer = lines[at] + " " * (spaced and bool(lines[at])) + word
            extent = SetLine(longer, right_to_left).extent()
            if (extent.right - extent.left) * size <= widths[at]:
                lines[at] = longer
                break
            at += 1
            if at == len(widths):
                return None
    return lines


def _letter(canvas: Pixels, line: SetLine, slot: Slot, size: float, descent: float, rooms: Rooms) -> Label:
    """Draw one line into its room and return where it went. descent: where the original's baseline was, from below, as
    a part of the line's height."""
    width, height = frames.size(slot.quad)
    room_left, up, room_right, down = slot.room
    extent = line.extent()
    edge = 1.0  # rounding to whole pixels shall not leave the room
    size = min(
        size,
        max(slot.width - edge, 1) / max(extent.right - extent.left, 1e-6),
        max(slot.height - edge, 1) / max(extent.bottom - extent.top, 1e-6),
    )
    long, tall = (extent.right - extent.left) * size, (extent.bottom - extent.top) * size
    wanted = {"left": 0.0, "centre": (width - long) / 2, "right": width + room_right - long}[slot.anchor]
    left = min(max(wanted, -room_left), width + room_right - long)
    top = min(max(height * (1 - descent) + extent.top * size, edge / 2 - up), height + down - edge / 2 - tall)
    beyond = (min(left, 0.0) - DOT * height, -0.2 * height, max(left + long, width) + DOT * height, 1.2 * height)
    erase(canvas, slot.quad, slot.paper, rooms.others(slot.quad), beyond, DOT)
    scale = 2 if height < 60 else 1
    layer = Image.new("L", (max(1, round(slot.width * scale)), max(1, round(slot.height * scale))), 0)
    x, baseline = (left + room_left - extent.left * size) * scale, (top + up - extent.top * size) * scale
    line.draw(ImageDraw.Draw(layer), x, baseline, size * scale, (255,))
    mask = np.asarray(layer)
    patch = np.empty((*mask.shape, 3), np.uint8)
    patch[:] = slot.paper.ink
    frames.put(canvas, patch, mask, slot.quad, (room_left * scale, up * scale), float(scale))
    ink = frames.placed(slot.quad, left, top, left + long, top + tall)
    return Label(line.text, slot.quad, slot.box, ink, size)
