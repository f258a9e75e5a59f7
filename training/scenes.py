"""Scenes: a picture made from a seed, together with all that is true about it."""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import drawing
from .kinds import KINDS, NAMES

UNKNOWN_MARK = 100
CLASS = {name: index for index, name in enumerate(NAMES)}


@dataclass(frozen=True)
class Art:
    """Drawings of one or more sets. ``pictures`` is (n, side, side, 4) uint8; ``kind[i]`` is the index into
    ``KINDS``, or -1 for a drawing of something that is no kind; ``mono[i]`` says whether it is one flat colour."""

    pictures: drawing.Sprite
    kind: NDArray[np.int16]
    mono: NDArray[np.bool_]

    def of_kind(self) -> list[NDArray[np.intp]]:
        """For each kind the rows that show it (possibly none)."""
        return [np.flatnonzero(self.kind == index) for index in range(len(KINDS))]


@dataclass(frozen=True)
class Thing:
    """A known thing: its box in pixels (x0, y0, x1, y1), its colour's name where it has just one, and its mark in
    ``owner``."""

    name: str
    box: tuple[float, float, float, float]
    colour: str | None
    mark: int


@dataclass(frozen=True)
class Word:
    """Something to read. ``meaning`` is (row of ``words.MEANINGS``, language) if a dictionary has it."""

    text: str
    centres: NDArray[np.float64]
    meaning: tuple[int, str] | None
    sizes: NDArray[np.float64] | None = None
    """Widths and heights of its letters in pixels (n, 2)."""


@dataclass
class Scene:
    picture: drawing.Picture
    owner: NDArray[np.int8]
    things: list[Thing] = field(default_factory=list)
    word: Word | None = None
    lines: list[Word] = field(default_factory=list)
    """Everything to read on a page of text; only the tower's lessons use it."""
    highest: Word | None = None
    """The label of a chart's highest bar."""
    unknown: int = 0
    """How many things without a known name it shows; these have marks from ``UNKNOWN_MARK`` on."""


def resized(scene: Scene, height: int, width: int) -> Scene:
    """The scene in another size, its picture as the application resizes pictures for the tower."""
    x, y = width / scene.picture.shape[1], height / scene.picture.shape[0]

    def written(word: Word | None) -> Word | None:
        if word is None:
            return None
        return replace(word, centres=word.centres * (x, y), sizes=None if word.sizes is None else word.sizes * (x, y))

    return replace(
        scene,
        picture=np.asarray(Image.fromarray(scene.picture).resize((width, height), Image.Resampling.BILINEAR)),
        owner=cv2.resize(scene.owner, (width, height), interpolation=cv2.INTER_NEAREST),
        things=[
            replace(thing, box=(thing.box[0] * x, thing.box[1] * y, thing.box[2] * x, thing.box[3] * y))
            for thing in scene.things
        ],
        word=written(scene.word),
        lines=[line for line in map(written, scene.lines) if line],
        highest=written(scene.highest),
    )
