"""Names and boxes over the picture: faint and dashed where the model was unsure; a click asks about the thing."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QTransform

from app.modes.labels import Label
from app.modes.objects import Found
from app.ui import theme
from app.values import Box

_ROUND = 6.0
_PAD = 6.0
_LINE = 2.0
_FAINT = 0.6
_HALO = QColor(255, 255, 255, 210)


class LabelOverlay:
    """Draws labels over the canvas. They are about a picture of `size`; boxes are fractions of it."""

    def __init__(self) -> None:
        self.labels: tuple[Label, ...] = ()
        self._size = QSize(1, 1)
        self._areas: list[tuple[QRectF, Label]] = []

    def show(self, labels: Sequence[Label], size: QSize) -> None:
        """Draw these from the next painting on; those without a box, or that no longer belong, are left out."""
        self.labels = tuple(label for label in labels if label.box is not None and not label.faded)
        self._size = size

    def clear(self) -> None:
        self.labels = ()
        self._areas = []

    def hit(self, point: QPointF) -> Label | None:
        """The label at a point of the widget: the smallest box, its name included."""
        under = [(area.width() * area.height(), label) for area, label in self._areas if area.contains(point)]
        return min(under, key=lambda pair: pair[0])[1] if under else None

    def paint(self, painter: QPainter, to_view: QTransform) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.scaled(painter.font(), 1.0, bold=True))
        whole = to_view.mapRect(QRectF(0, 0, self._size.width(), self._size.height()))
        self._areas = []
        taken: list[QRectF] = []
        for label in self.labels:
            assert label.box is not None
            box = to_view.mapRect(in_pixels(label.box, self._size)).intersected(whole)
            chip = _chip(box, whole, caption(label), painter.font(), taken)
            taken.append(chip)
            _paint_label(painter, label, box, chip)
            self._areas.append((box.united(chip), label))


def in_pixels(box: Box, size: QSize) -> QRectF:
    """A box in the pixels of a picture."""
    x0, y0, x1, y1 = box
    return QRectF(QPointF(x0 * size.width(), y0 * size.height()), QPointF(x1 * size.width(), y1 * size.height()))


def caption(label: Label) -> str:
    """The name; how likely it is only where that is in doubt, and then with a question mark."""
    return label.name if label.sure else f"{label.name}? {label.probability:.0%}"


def still(objects: Sequence[Found]) -> tuple[Label, ...]:
    """Labels for a picture that does not move."""
    return tuple(Label(i, o.name, o.probability, o.count, o.box, 0.0) for i, o in enumerate(objects))


def _chip(box: QRectF, whole: QRectF, words: str, font: QFont, taken: Sequence[QRectF]) -> QRectF:
    """Where the name stands: above the box if there is room, else inside it, and not over another name."""
    metrics = QFontMetricsF(font)
    chip = QRectF(0, 0, metrics.horizontalAdvance(words) + 2 * _PAD, metrics.height() + _PAD)
    top = box.top() - chip.height() - _LINE
    chip.moveTo(box.left(), top if top >= whole.top() else box.top() + _LINE)
    chip.moveLeft(max(whole.left(), min(chip.left(), whole.right() - chip.width())))
    for other in sorted(taken, key=QRectF.top):
        if chip.intersects(other):
            chip.moveTop(other.bottom() + _LINE)
    chip.moveTop(min(chip.top(), max(whole.top(), whole.bottom() - chip.height())))
    return chip


def _paint_label(painter: QPainter, label: Label, box: QRectF, chip: QRectF) -> None:
    painter.setOpacity(1.0 if label.sure else _FAINT)
    style = Qt.PenStyle.SolidLine if label.sure else Qt.PenStyle.DashLine
    painter.setBrush(Qt.BrushStyle.NoBrush)
    # The coloured line stands on a white one, so that it is seen on any picture.
    for colour, width in ((_HALO, 2 * _LINE), (QColor(theme.LIGHT.accent), _LINE)):
        painter.setPen(QPen(colour, width, style))
        painter.drawRoundedRect(box, _ROUND, _ROUND)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.LIGHT.accent))
    painter.drawRoundedRect(chip, _ROUND, _ROUND)
    painter.setPen(QColor(theme.LIGHT.on_accent))
    painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, caption(label))
    painter.setOpacity(1.0)
