"""A passage's translation as a piece of picture of its own, to be laid over frames in which the text has moved."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capture.region import Quad
from app.modes.translate.overlay import cover, drawn
from app.modes.translate.pipeline import Translation
from app.values import Picture

_SOFT = 2
"""Pixels over which the rim fades into the picture below: light may change after it was drawn."""


@dataclass(frozen=True, eq=False)
class CutOut:
    """pixels: (h, w, 4) uint8 RGBA, not premultiplied; left, top: where it stands in the picture it was drawn for."""

    pixels: NDArray[np.uint8]
    left: int
    top: int

    @property
    def corners(self) -> NDArray[np.float64]:
        """(4, 2) float64, clockwise from the top left, in the picture's pixels."""
        height, width = self.pixels.shape[:2]
        x, y = self.left, self.top
        return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], np.float64)


def cut_out(picture: Picture, state: Translation, at: int) -> CutOut | None:
    """The drawn translation of passage number `at`; None if there is nothing to draw over it.

    Raises SpyglassError if the language's letters cannot be drawn on this machine.
    """
    alone = tuple(p if i == at else replace(p, translation=None) for i, p in enumerate(state.passages))
    whole, labels = drawn(picture, replace(state, passages=alone))
    if not labels:
        return None
    places: list[Quad] = [cover(quad) for quad in state.passages[at].quads]
    places += [cover(label.ink) for label in labels]
    corners = np.concatenate(places)
    left, top = np.maximum(np.floor(corners.min(0)).astype(int) - _SOFT, 0)
    right, bottom = np.minimum(np.ceil(corners.max(0)).astype(int) + 1 + _SOFT, (picture.width, picture.height))
    mask = np.zeros((bottom - top, right - left), np.uint8)
    for place in places:
        cv2.fillConvexPoly(mask, np.rint(place - (left, top)).astype(np.int32), 255)
    mask = np.asarray(cv2.blur(mask, (_SOFT + 1, _SOFT + 1)))
    return CutOut(np.dstack([whole[top:bottom, left:right], mask]), int(left), int(top))
