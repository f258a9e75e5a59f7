"""A closer look: one thing of a frame by itself, where a model that saw all of them at once may have mixed them up.

Pure: `around` says which part of a frame to ask about, `named` what the answer calls the thing in its middle.
"""

from collections.abc import Iterable

from app.modes.boxes import overlap, within
from app.modes.objects import Found
from app.values import Box

_MARGIN = 0.1
"""Share of a thing's longer side that is shown around it: more, and a small model begins to see its neighbours."""
_ITSELF = 0.2
"""Overlap with the thing's place from which on a name can be the thing's."""


def around(box: Box, size: tuple[int, int]) -> Box:
    """The part of a picture of `size` (width, height) to show: a square in pixels, cut off at the picture's rim."""
    width, height = size
    half = (0.5 + _MARGIN) * max((box[2] - box[0]) * width, (box[3] - box[1]) * height)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    x0, y0, x1, y1 = x - half / width, y - half / height, x + half / width, y + half / height
    return max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)


def named(found: Iterable[Found], box: Box, part: Box) -> Found | None:
    """What the answer about `part` named where `box` is (both in the whole picture); None if it saw nothing there."""
    place = within(box, part)
    there = [(overlap(one.box, place) if one.box is not None else 1.0, one) for one in found]
    best = max(there, key=lambda pair: pair[0], default=(0.0, None))
    return best[1] if best[0] > _ITSELF else None
