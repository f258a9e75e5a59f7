"""The room that the words of a translation have in a picture: the line they replace, and the plain ground beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capture.region import Pixels, Quad, rectify
from app.modes.translate import frames
from app.modes.translate.ground import Ground
from app.modes.translate.specks import DOT, specks, without

Anchor = Literal["centre", "left", "right"]
_ANCHORS: tuple[Anchor, ...] = ("centre", "left", "right")


@dataclass(frozen=True, eq=False)
class Slot:
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


class Rooms:
    """The rooms of all the lines of a picture, which may not get into each other's."""

    def __init__(self, every: Sequence[Quad], right_to_left: bool) -> None:
        """every: the lines, known again by their identity; right_to_left: whether the translation is written so."""
        self._every, self.right_to_left = every, right_to_left
        self._anchors = {
            id(quad): anchor
            for way in _ways(every)
            for quad, anchor in zip(way, _anchors(way, right_to_left), strict=True)
        }

    def others(self, quad: Quad) -> list[Quad]:
        """All lines but this one."""
        return [other for other in self._every if other is not quad]

    def slot(self, canvas: Pixels, quad: Quad, paper: Ground) -> Slot:
        """The room of one of the lines, in a picture from which the lines to be written over are gone."""
        anchor, reach = self._anchors[id(quad)]
        return Slot(quad, paper, anchor, _room(canvas, quad, paper, self._every, anchor, reach))


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
        if not near.any():
            near = (left < right[i]) & (right > left[i]) & (np.arange(len(quads)) != i)
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
    """Whether a rectangle (left, top, right, bottom) of the line's frame shows nothing but the line's ground.

    Dots that lead to a price count as ground: what is written over them takes their place.
    """
    piece = frames.placed(quad, *part)
    if (piece < 0).any() or (piece >= canvas.shape[1::-1]).any():
        return False
    if any(cv2.intersectConvexConvex(piece, other)[0] > 0 for other in others):
        return False
    crop = rectify(canvas, piece, 0.0)
    expected = paper.at(crop.shape[1], crop.shape[0], part[0], part[1])
    dots = specks(crop, expected, paper, DOT * frames.size(quad)[1], cut=True)
    crop = without(crop, expected, dots) if dots.any() else crop
    return bool(np.abs(crop.astype(np.int16) - expected).max(axis=-1).mean() < 14 and crop.std(axis=(0, 1)).max() < 12)
