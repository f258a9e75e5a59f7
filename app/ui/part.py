"""The part of a picture that a question is about, as keys choose it. Geometry only, in the picture's pixels."""

from PySide6.QtCore import QPoint, QRect, QSize

SMALLEST = 8
"""Pixels of the shorter side of a part."""

_STEPS = 20


def middle(size: QSize) -> QRect:
    """Half as wide and half as high as a picture of this size, in its middle."""
    part = QRect(QPoint(0, 0), (size / 2).expandedTo(QSize(1, 1)))
    part.moveCenter(QRect(QPoint(0, 0), size).center())
    return part


def moved(part: QRect, size: QSize, way: QPoint, sizing: bool) -> QRect:
    """`part` one step that way, or with its lower right corner there (sizing); at an edge as far as there is room.

    way: a step of one, across or down. size: of the picture.
    """
    step = way * max(1, min(size.width(), size.height()) // _STEPS)
    if sizing:
        sized = part.adjusted(0, 0, step.x(), step.y()).intersected(QRect(QPoint(0, 0), size))
        return sized if min(sized.width(), sized.height()) >= SMALLEST else part
    room = size - part.size()
    left, top = part.left() + step.x(), part.top() + step.y()
    return QRect(QPoint(min(max(left, 0), room.width()), min(max(top, 0), room.height())), part.size())
