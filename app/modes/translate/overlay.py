"""The translation drawn over the picture: the original covered with its own ground, the words in its size and colour.

Every line is worked on in its straightened frame and put back through the same homography, so the drawn text leans and
recedes as the line did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from app.capture.region import Pixels, Quad, rectify
from app.modes.translate import column, frames
from app.modes.translate.breaks import pieces
from app.modes.translate.ground import Ground, ground
from app.modes.translate.languages import language
from app.modes.translate.pipeline import Passage, Translation
from app.modes.translate.typeset import SetLine
from app.values import Picture

_BLEED = 0.1
"""How far the cover reaches beyond the ink's box: letters are blurred there."""
Anchor = Literal["centre", "left", "right"]
_ANCHORS: tuple[Anchor, ...] = ("centre", "left", "right")
_SMALLEST = 4.0
"""Pixels of an em below which no text is drawn smaller."""


@dataclass(frozen=True, eq=False)
class Label:
    """A line of translation as drawn. box: the room it had; ink: the box of its letters; size: pixels of an em."""

    text: str
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
    every = [quad for passage in translation.passages for quad in passage.quads]
    right_to_left = language(translation.target).right_to_left
    anchors = {
        id(quad): anchor for way in _ways(every) for quad, anchor in zip(way, _anchors(way, right_to_left), strict=True)
    }
    grounds = {id(quad): ground(pixels, quad) for passage in done for quad in passage.quads}
    canvas = pixels.copy()
    for passage in done:
        for quad in passage.quads:
            _cover(canvas, quad, grounds[id(quad)])
    labels: list[Label] = []
    for passage in done:
        slots = []
        for quad in passage.quads:
            paper, (anchor, reach) = grounds[id(quad)], anchors[id(quad)]
            slots.append(_Slot(quad, paper, anchor, _room(canvas, quad, paper, every, anchor, reach)))
        upright = passage.stacked and column.suits(passage.translation or "")
        labels += _set_columns(canvas, passage, slots) if upright else _set(canvas, passage, slots, right_to_left)
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


@dataclass(frozen=True, eq=False)
class _Slot:
    """A line to be written over. room: how far letters may go beyond it: left, up, right, down, in pixels."""

    quad: Quad
    paper: Ground
    anchor: Anchor
    room: tuple[float, float, float, float]

    @property
    def width(self) -> float:
        return frames.size(self.quad)[0] + self.room[0] + self.room[2]

    @property
    def height(self) -> float:
        return frames.size(self.quad)[1] + self.room[1] + self.room[3]

    @property
    def box(self) -> Quad:
        left, up, right, down = self.room
        width, height = frames.size(self.quad)
        return frames.placed(self.quad, -left, -up, width + right, height + down)


def _set(canvas: Pixels, passage: Passage, slots: Sequence[_Slot], right_to_left: bool) -> list[Label]:
    """Set a passage over its lines: one size, as large as the original's, smaller only if the words would not fit."""
    text = passage.translation or ""
    whole = SetLine(text, right_to_left).extent()
    original = SetLine(" ".join(passage.lines), right_to_left).extent()
    size = min(frames.size(slot.quad)[1] for slot in slots) / max(original.bottom - original.top, 0.2)
    size = min(size, *(slot.height / max(whole.bottom - whole.top, 0.2) for slot in slots))
    texts = _wrapped(text, [slot.width for slot in slots], size, right_to_left)
    while texts is None and size > _SMALLEST:
        size *= 0.95
        texts = _wrapped(text, [slot.width for slot in slots], size, right_to_left)
    lines = texts or [text]
    descent = original.bottom / max(original.bottom - original.top, 0.2)
    return [
        _letter(canvas, SetLine(line, right_to_left), slot, size, descent)
        for line, slot in zip(lines, slots, strict=False)
        if line
    ]


def _set_columns(canvas: Pixels, passage: Passage, slots: Sequence[_Slot]) -> list[Label]:
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


def _letter_down(canvas: Pixels, cells: Sequence[str], slot: _Slot, size: float) -> Label:
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
    return Label("".join(cells), slot.box, frames.placed(slot.quad, left, top - up, right, bottom - up), size)


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


def _ways(quads: Sequence[Quad]) -> list[list[Quad]]:
    """Lines that run level, down and up, each for themselves: one's edges say nothing about another's."""
    found: dict[int, list[Quad]] = {}
    for quad in quads:
        across = quad[1] - quad[0] + quad[2] - quad[3]
        found.setdefault(round(float(np.degrees(np.arctan2(across[1], across[0]))) / 90) % 4, []).append(quad)
    return list(found.values())


def _anchors(quads: Sequence[Quad], right_to_left: bool) -> list[tuple[Anchor, float]]:
    """For each line the edge (or middle) at which it stands under or over its neighbours; alone, its middle.

    Lines ranged left become lines ranged right where the language is written so; with it comes how far beyond its own
    end, in pixels, such a line may reach: to the right edge of all that were ranged left together.
    """
    lines = np.array(quads, np.float64)
    across = (lines[:, 1] - lines[:, 0] + lines[:, 2] - lines[:, 3]).sum(axis=0)
    cos, sin = across / max(float(np.linalg.norm(across)), 1e-9)
    x, y = lines[..., 0] * cos + lines[..., 1] * sin, (lines[..., 1] * cos - lines[..., 0] * sin).mean(axis=1)
    left, right = (x[:, 0] + x[:, 3]) / 2, (x[:, 1] + x[:, 2]) / 2
    anchors: list[Anchor] = []
    ranged = np.zeros((len(quads), len(quads)), bool)
    for i, quad in enumerate(quads):
        height = frames.size(quad)[1]
        near = (
            (np.abs(y - y[i]) > 0.6 * height) & (np.abs(y - y[i]) < 4 * height) & (left < right[i]) & (right > left[i])
        )
        off = {
            "centre": np.abs(left + right - left[i] - right[i]) / 2,
            "left": np.abs(left - left[i]),
            "right": np.abs(right - right[i]),
        }
        nearest = {edge: off[edge][near].min(initial=np.inf) for edge in _ANCHORS}
        usual = {edge: float(np.median(off[edge][near])) if near.any() else 0.0 for edge in _ANCHORS}
        best: Anchor = min(_ANCHORS, key=lambda edge: (nearest[edge] >= 0.6 * height, usual[edge]))
        anchors.append(best if nearest[best] < 0.6 * height else "centre")
        ranged[i] = near & (off["left"] < 0.6 * height)
    if not right_to_left:
        return [(anchor, 0.0) for anchor in anchors]
    edges = [right[_together(ranged, i)].max() - right[i] if a == "left" else 0.0 for i, a in enumerate(anchors)]
    return [("right" if a == "left" else a, float(edge)) for a, edge in zip(anchors, edges, strict=True)]


def _together(linked: NDArray[np.bool_], first: int) -> list[int]:
    """All that is linked to the first, directly or through others, itself included."""
    found, left = {first}, [first]
    while left:
        new = {int(i) for i in np.flatnonzero(linked[left.pop()])} - found
        found |= new
        left += new
    return sorted(found)


def _room(
    canvas: Pixels, quad: Quad, paper: Ground, every: Sequence[Quad], anchor: Anchor, reach: float
) -> tuple[float, float, float, float]:
    """How far letters may go beyond a line, left, up, right, down: where its plain ground goes on, without other lines.

    reach: how far a line ranged right may go beyond its own end. Up and down it is little, for the accents and
    descenders that the original did not have.
    """
    width, height = frames.size(quad)
    step, margin = max(1.0, 0.25 * height), 0.3 * height
    most = max(0.5 * width + 8 * height, reach + step + margin)
    others = [other for other in every if other is not quad]

    def along(sign: int) -> float:
        free = 0.0
        while free + step <= most:
            start = -free - step - margin if sign < 0 else width + free
            if not _plain(canvas, quad, paper, others, (start, -0.1 * height, start + step + margin, 1.1 * height)):
                break
            free += step
        return max(0.0, free - margin)

    high = 0.25 * height
    up = high * _plain(canvas, quad, paper, others, (0.0, -1.4 * high, width, -0.4 * high))
    down = high * _plain(canvas, quad, paper, others, (0.0, height + 0.4 * high, width, height + 1.4 * high))
    left = along(-1) if anchor != "left" else 0.0
    right = along(1)
    if anchor == "right":
        right = min(right, reach)
    return left, up, right, down


def _plain(
    canvas: Pixels, quad: Quad, paper: Ground, others: Sequence[Quad], part: tuple[float, float, float, float]
) -> bool:
    """Whether a rectangle (left, top, right, bottom) of the line's frame shows nothing but the line's ground."""
    piece = frames.placed(quad, *part)
    if (piece < 0).any() or (piece >= canvas.shape[1::-1]).any():
        return False
    if any(cv2.intersectConvexConvex(piece, other)[0] > 0 for other in others):
        return False
    crop = rectify(canvas, piece, 0.0)
    expected = paper.at(crop.shape[1], crop.shape[0], part[0], part[1])
    return bool(np.abs(crop.astype(np.int16) - expected).max(axis=-1).mean() < 14 and crop.std(axis=(0, 1)).max() < 12)


def _letter(canvas: Pixels, line: SetLine, slot: _Slot, size: float, descent: float) -> Label:
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
    scale = 2 if height < 60 else 1
    layer = Image.new("L", (max(1, round(slot.width * scale)), max(1, round(slot.height * scale))), 0)
    x, baseline = (left + room_left - extent.left * size) * scale, (top + up - extent.top * size) * scale
    line.draw(ImageDraw.Draw(layer), x, baseline, size * scale, (255,))
    mask = np.asarray(layer)
    patch = np.empty((*mask.shape, 3), np.uint8)
    patch[:] = slot.paper.ink
    frames.put(canvas, patch, mask, slot.quad, (room_left * scale, up * scale), float(scale))
    return Label(line.text, slot.box, frames.placed(slot.quad, left, top, left + long, top + tall), size)
