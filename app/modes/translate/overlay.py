"""The translation drawn over the picture: the original covered with its own ground, the words in its size and colour.

Every line is worked on in its straightened frame and put back through the same homography, so the drawn text leans and
recedes as the line did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from PIL import Image, ImageDraw

from app.capture.regions import Pixels, Quad, rectify
from app.modes.translate import frames
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
    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
    done = [p for p in translation.passages if p.quads and p.translation and p.translation != p.source]
    every = [quad for passage in translation.passages for quad in passage.quads]
    right_to_left = language(translation.target).right_to_left
    anchors = dict(zip(map(id, every), _anchors(every, right_to_left), strict=True)) if every else {}
    grounds = {id(quad): ground(pixels, quad) for passage in done for quad in passage.quads}
    canvas = pixels.copy()
    for passage in done:
        for quad in passage.quads:
            _cover(canvas, quad, grounds[id(quad)])
    labels: list[Label] = []
    for passage in done:
        slots = []
        for quad in passage.quads:
            paper, anchor = grounds[id(quad)], anchors[id(quad)]
            slots.append(_Slot(quad, paper, anchor, _room(canvas, quad, paper, every, anchor)))
        labels += _set(canvas, passage, slots, right_to_left)
    return Overlay(Picture(picture.width, picture.height, canvas.tobytes(), picture.name), tuple(labels))


def _cover(canvas: Pixels, quad: Quad, paper: Ground) -> None:
    width, height = frames.size(quad)
    bleed = _BLEED * height + 1.5
    size = (round(width + 2 * bleed), round(height + 2 * bleed))
    patch = paper.at(*size, -bleed, -bleed)
    mask = np.full(patch.shape[:2], 255, np.uint8)
    frames.put(canvas, patch, mask, quad, (bleed, bleed), 1.0)


@dataclass(frozen=True, eq=False)
class _Slot:
    """A line to be written over: room is how far the words may run over to its left and right, in pixels."""

    quad: Quad
    paper: Ground
    anchor: Anchor
    room: tuple[float, float]

    @property
    def width(self) -> float:
        return frames.size(self.quad)[0] + sum(self.room)

    @property
    def height(self) -> float:
        return frames.size(self.quad)[1]


def _set(canvas: Pixels, passage: Passage, slots: Sequence[_Slot], right_to_left: bool) -> list[Label]:
    """Set a passage over its lines: one size, as large as the original's, smaller only if the words would not fit."""
    text = passage.translation or ""
    whole = SetLine(text, right_to_left).extent()
    original = SetLine(" ".join(passage.lines), right_to_left).extent()
    tallest = max(whole.bottom - whole.top, original.bottom - original.top, 0.2)
    size = min(slot.height for slot in slots) / tallest
    texts = _wrapped(text, [slot.width for slot in slots], size, right_to_left)
    while texts is None and size > _SMALLEST:
        size *= 0.95
        texts = _wrapped(text, [slot.width for slot in slots], size, right_to_left)
    lines = texts or [text]
    return [
        _letter(canvas, SetLine(line, right_to_left), slot, size)
        for line, slot in zip(lines, slots, strict=False)
        if line
    ]


def _wrapped(text: str, widths: Sequence[float], size: float, right_to_left: bool) -> list[str] | None:
    """The text broken over lines of the given widths, or None if it does not fit."""
    glue = " " if " " in text.strip() else ""
    lines = [""] * len(widths)
    at = 0
    for word in text.split() if glue else text:
        while True:
            longer = lines[at] + glue * bool(lines[at]) + word
            extent = SetLine(longer, right_to_left).extent()
            if (extent.right - extent.left) * size <= widths[at]:
                lines[at] = longer
                break
            at += 1
            if at == len(widths):
                return None
    return lines


def _anchors(quads: Sequence[Quad], right_to_left: bool) -> list[Anchor]:
    """For each line the edge (or middle) at which it stands under or over its neighbours; alone, its middle."""
    lines = np.array(quads, np.float64)
    across = (lines[:, 1] - lines[:, 0] + lines[:, 2] - lines[:, 3]).sum(axis=0)
    cos, sin = across / max(float(np.linalg.norm(across)), 1e-9)
    x, y = lines[..., 0] * cos + lines[..., 1] * sin, (lines[..., 1] * cos - lines[..., 0] * sin).mean(axis=1)
    left, right = (x[:, 0] + x[:, 3]) / 2, (x[:, 1] + x[:, 2]) / 2
    anchors: list[Anchor] = []
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
        best: Anchor = min(_ANCHORS, key=lambda edge: off[edge][near].min()) if near.any() else "centre"
        anchors.append("right" if best == "left" and right_to_left else best)
    return anchors


def _room(canvas: Pixels, quad: Quad, paper: Ground, every: Sequence[Quad], anchor: Anchor) -> tuple[float, float]:
    """How far text may run over to the left and right: where the plain ground goes on and no other line is."""
    width, height = frames.size(quad)
    most, step, margin = 0.5 * width + 8 * height, max(1.0, 0.25 * height), 0.3 * height
    others = [other for other in every if other is not quad]
    free = {"left": 0.0, "right": 0.0}
    for side in free:
        while anchor in ("centre", "right" if side == "left" else "left") and free[side] + step <= most:
            start = -free[side] - step - margin if side == "left" else width + free[side]
            if not _plain(canvas, quad, paper, others, start, start + step + margin):
                break
            free[side] += step
    return max(0.0, free["left"] - margin), max(0.0, free["right"] - margin)


def _plain(canvas: Pixels, quad: Quad, paper: Ground, others: Sequence[Quad], start: float, end: float) -> bool:
    """Whether the piece of the line's strip from start to end shows nothing but the line's ground."""
    height = frames.size(quad)[1]
    piece = frames.placed(quad, start, -0.1 * height, end, 1.1 * height)
    if (piece < 0).any() or (piece >= canvas.shape[1::-1]).any():
        return False
    if any(cv2.intersectConvexConvex(piece, other)[0] > 0 for other in others):
        return False
    crop = rectify(canvas, piece, 0.0)
    expected = paper.at(crop.shape[1], crop.shape[0], start, -0.1 * height)
    return bool(np.abs(crop.astype(np.int16) - expected).max(axis=-1).mean() < 14 and crop.std(axis=(0, 1)).max() < 12)


def _letter(canvas: Pixels, line: SetLine, slot: _Slot, size: float) -> Label:
    """Draw one line into its room, within its height, and return where it went."""
    width, height = frames.size(slot.quad)
    extent = line.extent()
    edge = 1.0  # rounding to whole pixels shall not leave the room
    size = min(
        size,
        max(slot.width - edge, 1) / max(extent.right - extent.left, 1e-6),
        max(height - edge, 1) / max(extent.bottom - extent.top, 1e-6),
    )
    long, tall = (extent.right - extent.left) * size, (extent.bottom - extent.top) * size
    wanted = {"left": 0.0, "centre": (width - long) / 2, "right": width - long}[slot.anchor]
    left, top = min(max(wanted, -slot.room[0]), width + slot.room[1] - long), (height - tall) / 2
    scale = 2 if height < 60 else 1
    layer = Image.new("L", (max(1, round(slot.width * scale)), max(1, round(height * scale))), 0)
    x, baseline = (left + slot.room[0] - extent.left * size) * scale, (top - extent.top * size) * scale
    line.draw(ImageDraw.Draw(layer), x, baseline, size * scale, (255,))
    mask = np.asarray(layer)
    patch = np.empty((*mask.shape, 3), np.uint8)
    patch[:] = slot.paper.ink
    frames.put(canvas, patch, mask, slot.quad, (slot.room[0] * scale, 0.0), float(scale))
    box = frames.placed(slot.quad, -slot.room[0], 0, width + slot.room[1], height)
    return Label(line.text, box, frames.placed(slot.quad, left, top, left + long, top + tall), size)
