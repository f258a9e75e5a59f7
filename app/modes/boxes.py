"""Boxes on a picture: left, top, right and bottom as shares of its size."""

from app.values import Box


def area(box: Box) -> float:
    """The share of the picture."""
    return (box[2] - box[0]) * (box[3] - box[1])


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (area(one) + area(other) - both)


def between(one: Box, other: Box, share: float) -> Box:
    """The box that is `share` of the way from one to the other."""
    x0, y0, x1, y1 = (a + share * (b - a) for a, b in zip(one, other, strict=True))
    return x0, y0, x1, y1


def within(box: Box, part: Box) -> Box:
    """Where `box` is in a part of the picture, as shares of that part's size."""
    width, height = part[2] - part[0], part[3] - part[1]
    x0, x1 = ((x - part[0]) / width for x in box[::2])
    y0, y1 = ((y - part[1]) / height for y in box[1::2])
    return x0, y0, x1, y1
