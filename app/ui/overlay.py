"""Names and boxes over the picture: faint and dashed where the model was unsure; a click asks about the thing."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QMarginsF, QObject, QPoint, QPointF, QRect, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QMouseEvent, QPainter, QPen, QTransform

from app.modes.labels import Label
from app.modes.objects import Found
from app.ui import theme
from app.ui.canvas import Canvas
from app.ui.i18n import percent
from app.values import Box

_ROUND = 6.0
_PAD = 6.0
_LINE = 2.0
_FAINT = 0.6
_GUESS = 0.15
"""A name less likely than this stands in the list only: on the picture it would be taken for one that was seen."""
_HALO = QColor(255, 255, 255, 210)
_HOT = QColor(255, 255, 255, 60)
_DARK = QColor(16, 22, 22, 190)
"""Behind words on the picture: the same in both themes, as the picture is."""
_EDGE = 12.0
_SOFT = 12.0
_WRAPPED = (Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter).value | Qt.TextFlag.TextWordWrap.value
_LINED = (Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter).value
_AROUND = 0.1


class LabelOverlay:
    """Draws labels over the canvas. They are about a picture of `size`; boxes are fractions of it."""

    def __init__(self) -> None:
        self.labels: tuple[Label, ...] = ()
        self._size = QSize(1, 1)
        self._areas: list[tuple[QRectF, Label]] = []
        self._hot: int | None = None
        self._held: int | None = None

    def show(self, labels: Sequence[Label], size: QSize) -> None:
        """Draw these from the next painting on, but those without a box, that no longer belong, or are mere guesses."""
        fit = (label for label in labels if label.box is not None and not label.faded)
        self.labels = tuple(label for label in fit if label.probability >= _GUESS)
        self._size = size

    def clear(self) -> None:
        self.labels = ()
        self._areas = []
        self._hot = self._held = None

    def hold(self, label: Label | None) -> None:
        """The keyboard is at this label, or at none."""
        self._held = label.id if label is not None else None

    def heat(self, label: Label | None) -> bool:
        """The pointer is at this label, or at none; whether that is new."""
        before, self._hot = self._hot, label.id if label is not None else None
        return before != self._hot

    def hit(self, point: QPointF) -> Label | None:
        """The label at a point of the widget: the smallest box, its name included."""
        under = [(area.width() * area.height(), label) for area, label in self._areas if area.contains(point)]
        return min(under, key=lambda pair: pair[0])[1] if under else None

    def areas(self, canvas: Canvas) -> list[QRectF]:
        """Where each label stands on the widget now, its name included; in the order of the labels."""
        return [box.united(chip) for _, box, chip in self._lay(canvas.to_view(), canvas.font())]

    def paint(self, painter: QPainter, to_view: QTransform) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        laid = self._lay(to_view, painter.font())
        painter.setFont(_font(painter.font()))
        for label, box, chip in laid:
            _paint_label(painter, label, box, chip, label.id in (self._hot, self._held))
        for label, box, chip in laid:  # over all others
            if label.id == self._held:
                _paint_ring(painter, box.united(chip))
        self._areas = [(box.united(chip), label) for label, box, chip in laid]

    def _lay(self, to_view: QTransform, font: QFont) -> list[tuple[Label, QRectF, QRectF]]:
        """Each label with the place of its box and that of its name."""
        whole = to_view.mapRect(QRectF(0, 0, self._size.width(), self._size.height()))
        laid: list[tuple[Label, QRectF, QRectF]] = []
        for label in self.labels:
            assert label.box is not None
            box = to_view.mapRect(in_pixels(label.box, self._size)).intersected(whole)
            chip = _chip(box, whole, caption(label), _font(font), [taken for _, _, taken in laid])
            laid.append((label, box, chip))
        return laid


class LabelClicks(QObject):
    """Makes labels things that can be clicked. clicked: a Label."""

    clicked = Signal(object)

    def __init__(self, canvas: Canvas, overlay: LabelOverlay) -> None:
        super().__init__(canvas)
        self._canvas, self._overlay = canvas, overlay
        canvas.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not self._overlay.labels:
            return super().eventFilter(watched, event)
        if isinstance(event, QMouseEvent):
            label = self._overlay.hit(event.position())
            pressed = event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton
            if pressed and label is not None and not event.modifiers():
                self.clicked.emit(label)
                return True
            if event.type() == QEvent.Type.MouseMove and not event.buttons():
                self._point_at(label)
        elif event.type() == QEvent.Type.Leave:
            self._point_at(None)
        return super().eventFilter(watched, event)

    def _point_at(self, label: Label | None) -> None:
        if self._overlay.heat(label):
            self._canvas.point(label is not None)
            self._canvas.update_picture()


class Hint:
    """A line of advice at the top of the picture, where the eyes are."""

    def __init__(self) -> None:
        self.words = ""
        self._size = QSize(1, 1)

    def show(self, words: str, size: QSize) -> None:
        """Show this, or nothing, on a picture of `size`."""
        self.words, self._size = words, size

    def paint(self, painter: QPainter, to_view: QTransform) -> None:
        if self.words:
            view = _visible(painter, to_view, self._size)
            font = theme.scaled(painter.font(), 1.05, bold=True)
            room = QRectF(0, 0, view.width() - 2 * _EDGE - 4 * _PAD, view.height())
            size = QFontMetricsF(font).boundingRect(room, _WRAPPED, self.words).size()
            size = size.grownBy(QMarginsF(2 * _PAD, _PAD, 2 * _PAD, _PAD))
            pill = QRectF(QPointF(view.center().x() - size.width() / 2, view.top() + _EDGE), size)
            _paint_words(painter, self.words, font, pill, _WRAPPED)


class FiguresCard:
    """Small print in the lower left corner of the picture."""

    def __init__(self, covered: Callable[[], int] = lambda: 0) -> None:
        """covered: how many pixels at the bottom of the view others stand on."""
        self.lines: tuple[str, ...] = ()
        self._size = QSize(1, 1)
        self._covered = covered

    def show(self, lines: Sequence[str], size: QSize) -> None:
        """Show these, or nothing, on a picture of `size`."""
        self.lines, self._size = tuple(lines), size

    def paint(self, painter: QPainter, to_view: QTransform) -> None:
        view = _visible(painter, to_view, self._size)
        view.setBottom(min(view.bottom(), painter.window().height() - self._covered()))
        font = theme.scaled(painter.font(), 0.85)
        metrics = QFontMetricsF(font)
        lines = self.lines[: max(0, int((view.height() - 2 * _EDGE - 2 * _PAD) / metrics.lineSpacing()))]
        if lines:
            size = QSizeF(max(map(metrics.horizontalAdvance, lines)) + 1, metrics.lineSpacing() * len(lines))
            size = size.grownBy(QMarginsF(_PAD, _PAD, _PAD, _PAD))
            card = QRectF(QPointF(view.left() + _EDGE, view.bottom() - _EDGE - size.height()), size)
            _paint_words(painter, "\n".join(lines), font, card, _LINED)


def _visible(painter: QPainter, to_view: QTransform, size: QSize) -> QRectF:
    """What of a picture of `size` is seen on the widget."""
    return to_view.mapRect(QRectF(QPointF(), QSizeF(size))).intersected(QRectF(painter.window()))


def _paint_words(painter: QPainter, words: str, font: QFont, area: QRectF, how: int) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_DARK)
    painter.drawRoundedRect(area, _SOFT, _SOFT)
    painter.setPen(QColor("#ffffff"))
    painter.drawText(area.adjusted(_PAD, 0, -_PAD, 0), how, words)


def in_pixels(box: Box, size: QSize) -> QRectF:
    """A box in the pixels of a picture."""
    x0, y0, x1, y1 = box
    return QRectF(QPointF(x0 * size.width(), y0 * size.height()), QPointF(x1 * size.width(), y1 * size.height()))


def around(box: Box, size: QSize) -> QRect:
    """The part of a picture that shows what is in a box, with a little of what is around it."""
    inside = in_pixels(box, size)
    margin = _AROUND * max(inside.width(), inside.height())
    return inside.adjusted(-margin, -margin, margin, margin).toAlignedRect().intersected(QRect(QPoint(0, 0), size))


def caption(label: Label) -> str:
    """The name; how likely it is only where that is in doubt, and then with a question mark."""
    return label.name if label.sure else f"{label.name}? {percent(label.probability)}"


def still(objects: Sequence[Found]) -> tuple[Label, ...]:
    """Labels for a picture that does not move."""
    return tuple(Label(i, o.name, o.probability, o.count, o.box, 0.0) for i, o in enumerate(objects))


def _font(beside: QFont) -> QFont:
    """That of the names on the picture."""
    return theme.scaled(beside, 1.0, bold=True)


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


def _paint_label(painter: QPainter, label: Label, box: QRectF, chip: QRectF, hot: bool) -> None:
    painter.setOpacity(1.0 if label.sure or hot else _FAINT)
    style = Qt.PenStyle.SolidLine if label.sure else Qt.PenStyle.DashLine
    if hot:
        painter.fillRect(box, _HOT)
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


def _paint_ring(painter: QPainter, area: QRectF) -> None:
    """Around the label that the keyboard is at: dark between two light lines, so that it is seen on any picture."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((_HALO, 4 * _LINE), (_DARK, 2 * _LINE)):
        painter.setPen(QPen(colour, width))
        painter.drawRoundedRect(area.adjusted(-_PAD, -_PAD, _PAD, _PAD), _ROUND, _ROUND)
