"""How one row of the conversation is measured and painted: a question in a bubble, an answer as a flow of text."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QGuiApplication, QPainter, QPainterPath, QPixmap
from PySide6.QtWidgets import QStyle

from app.chat.conversation import State, Turn
from app.ui import figures, icons, theme
from app.ui.blocks import Flow, Selection
from app.ui.i18n import shown
from app.wording import Wording

COLUMN = 720
"""Pixels of text beyond which lines get too long to read."""
TOOLS = 36
"""Height kept free under an answer for its buttons."""

_BUBBLE = 14
_LEAST_HEIGHT = 72
_THUMB, _ONE_OF_SEVERAL = QSize(160, 120), QSize(96, 72)
_GAP = 8
_DOT = 7


@dataclass(frozen=True)
class Look:
    """What rows need to know of the view."""

    font: QFont
    thumbnail: Callable[[str], QPixmap | None]
    markdown: Callable[[Turn], str]


class Row:
    """A measured row. `flow` is its selectable text, at `origin` inside the row."""

    def __init__(self, turn: Turn, look: Look, plain: bool) -> None:
        self.turn = turn
        self.flow = Flow(look.font, plain)
        self.origin = QPoint(0, 0)
        self._look = look
        self._width = 0
        self._height = 0

    def height(self, width: int) -> int:
        """Measured once for a width, until the turn changes."""
        if width != self._width:
            self._width = width
            self._height = self._measure(width)
        return self._height

    def is_measured(self, width: int) -> bool:
        """Whether `height` knows the answer without laying text out."""
        return width == self._width

    def guess(self, width: int) -> int:
        """About how high it is, for nothing: from another width, or from the length of the text."""
        if self._height:
            return max(_LEAST_HEIGHT, self._height * max(self._width, 1) // max(width, 1))
        text = self.turn.answer if isinstance(self, AnswerRow) else self.turn.question
        letters = max(1, (width - 2 * side_margin(width)) // 8)
        lines = sum(1 + len(line) // letters for line in text.split("\n"))
        return _LEAST_HEIGHT + lines * QFontMetrics(self._look.font).lineSpacing()

    def changed(self) -> None:
        """The turn says something new."""
        self._width = 0

    def paint(self, painter: QPainter, rect: QRect, clip: QRect, selection: Selection | None) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(rect.topLeft())
        self._paint_around(painter)
        painter.translate(self.origin)
        self.flow.paint(painter, selection, QRectF(clip.translated(-rect.topLeft() - self.origin)))
        painter.restore()

    def _across(self, rect: QRect) -> QRect:
        """Where `rect` is in a language that is written from the right."""
        return QStyle.visualRect(QGuiApplication.layoutDirection(), QRect(0, 0, self._width, 0), rect)

    def _measure(self, width: int) -> int:
        raise NotImplementedError

    def _paint_around(self, painter: QPainter) -> None:
        raise NotImplementedError


def side_margin(width: int) -> int:
    """Space left and right of the text column."""
    return max(16 if width < 440 else 24, (width - COLUMN) // 2)


class QuestionRow(Row):
    """The person's words, where lines end, with the pictures they are about above them."""

    def __init__(self, turn: Turn, look: Look) -> None:
        super().__init__(turn, look, plain=True)
        self.bubble = QRect()
        """Around the words, inside the row."""
        self._thumbs: list[QRect] = []

    def picture_at(self, point: QPoint) -> str:
        """The digest of the picture that is shown at `point` inside the row, or nothing."""
        there = zip(self.turn.pictures, self._thumbs, strict=False)  # none are placed before it is measured
        return next((digest for digest, rect in there if rect.contains(point)), "")

    def _measure(self, width: int) -> int:
        margin = side_margin(width)
        room = width - 2 * margin
        right, top = width - margin, self._place_thumbs(width - margin, room)
        self.flow.show(self.turn.question)
        self.flow.lay_out(room * 0.85 - 2 * _BUBBLE)
        self.flow.lay_out(min(self.flow.width, self.flow.ideal_width() + 1))
        size = QSize(int(self.flow.width) + 2 * _BUBBLE, int(self.flow.height) + 20)
        self.bubble = self._across(QRect(QPoint(right - size.width(), top), size))
        self.origin = self.bubble.topLeft() + QPoint(_BUBBLE, 10)
        return self.bubble.bottom() + 8

    def _place_thumbs(self, right: int, room: int) -> int:
        """Put the pictures beside one another, line under line, each line ending at `right`; returns where they end."""
        most = (_THUMB if len(self.turn.pictures) == 1 else _ONE_OF_SEVERAL).boundedTo(QSize(room, _THUMB.height()))
        lines: list[list[QSize]] = [[]]
        for digest in self.turn.pictures:
            size = self._thumb_size(digest).scaled(most, Qt.AspectRatioMode.KeepAspectRatio)
            if sum(one.width() + _GAP for one in lines[-1]) + size.width() > room:
                lines.append([])
            lines[-1].append(size)
        self._thumbs, top = [], 12
        for line in filter(None, lines):
            left = right + _GAP - sum(size.width() + _GAP for size in line)
            for size in line:
                self._thumbs.append(self._across(QRect(QPoint(left, top), size)))
                left += size.width() + _GAP
            top += max(size.height() for size in line) + _GAP
        return top

    def _thumb_size(self, digest: str) -> QSize:
        thumb = self._look.thumbnail(digest)
        return thumb.deviceIndependentSize().toSize() if thumb else QSize(80, 60)

    def _paint_around(self, painter: QPainter) -> None:
        colours = theme.current()
        for digest, rect in zip(self.turn.pictures, self._thumbs, strict=True):
            thumb = self._look.thumbnail(digest)
            if thumb:
                _draw_rounded(painter, rect, thumb)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.bubble))
        painter.drawRoundedRect(self.bubble, 14, 14)


class AnswerRow(Row):
    """The model's words, full width; below them an error if there was one, and the figures."""

    def __init__(self, turn: Turn, look: Look) -> None:
        super().__init__(turn, look, plain=False)
        self._small = theme.scaled(look.font, 0.88)
        self._error = QRect()
        self._meta = QRect()

    def _measure(self, width: int) -> int:
        margin = side_margin(width)
        room = width - 2 * margin
        self.origin = QPoint(margin, 12)
        self.flow.show(self._look.markdown(self.turn))
        bottom = self.origin.y() + int(self.flow.lay_out(room))
        self._error, self._meta = QRect(), QRect()
        if self.turn.error:
            top = bottom + (12 if self.flow.blocks else 0)
            todo = self._text_height(self._look.font, shown(self.turn.error.todo), room - 56)
            text = self._what_height(room - 56) + 2 + todo
            self._error = QRect(margin, top, room, text + 24)
            bottom = self._error.bottom()
        if not self.turn.ended:
            return max(bottom, 44) + TOOLS
        left = margin + self._dots_width()
        words = self._meta_words()
        if words:
            height = self._text_height(self._small, words, room - self._dots_width())
            self._meta = self._across(QRect(left, bottom + 10, width - margin - left, height))
            bottom = self._meta.bottom()
        return bottom + 4 + TOOLS

    def _text_height(self, font: QFont, text: str, width: int) -> int:
        metrics = QFontMetrics(font)
        return metrics.boundingRect(QRect(0, 0, max(width, 40), 10000), Qt.TextFlag.TextWordWrap, text).height()

    def _what_height(self, width: int) -> int:
        what = shown(self.turn.error.what) if self.turn.error else ""
        return self._text_height(theme.scaled(self._look.font, 1.0, bold=True), what, width)

    def _meta_words(self) -> str:
        turn = self.turn
        words = []
        if turn.stats and self._has_dots():
            sure = shown(figures.sure_words(turn.stats.probability))
            words.append(sure[:1].upper() + sure[1:])
        if turn.state is State.STOPPED:
            words.append(shown(Wording("Stopped")))
        if turn.cut_off:
            words.append(shown(Wording("Cut off: the longest answer allowed")))
        if turn.stats and turn.state is State.FINISHED:
            words.append(figures.figures(turn.stats))
        return " · ".join(filter(None, words))

    def _has_dots(self) -> bool:
        return self.turn.state is State.FINISHED and self.turn.stats is not None and self.turn.stats.written_tokens > 0

    def _dots_width(self) -> int:
        return figures.DOTS * (_DOT + 4) + 6 if self._has_dots() else 0

    def _paint_around(self, painter: QPainter) -> None:
        colours = theme.current()
        if not self.turn.ended and not self.flow.blocks:
            self._paint_waiting(painter, colours)
        if self._error.isValid():
            self._paint_error(painter, colours)
        if self._meta.isValid():
            painter.setFont(self._small)
            painter.setPen(QColor(colours.soft))
            painter.drawText(self._meta, Qt.TextFlag.TextWordWrap, self._meta_words())
        if self._has_dots() and self.turn.stats:
            self._paint_dots(painter, colours, figures.sure_dots(self.turn.stats.probability))

    def _paint_waiting(self, painter: QPainter, colours: theme.Theme) -> None:
        """Only that something comes: the line above the composer says what is being done."""
        painter.setPen(QColor(colours.soft))
        painter.setFont(self._look.font)
        room = QRect(self.origin, QSize(self._width - 2 * self.origin.x(), QFontMetrics(self._look.font).height() + 4))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, "…")

    def _paint_error(self, painter: QPainter, colours: theme.Theme) -> None:
        error = self.turn.error
        assert error
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.danger_soft))
        painter.drawRoundedRect(self._error, 10, 10)
        sign = icons.pixmap("circle-alert", colours.danger, 20, painter.device().devicePixelRatio())
        painter.drawPixmap(self._across(QRect(self._error.topLeft() + QPoint(12, 12), QSize(20, 20))), sign)
        painter.setPen(QColor(colours.text))
        room = self._across(self._error.adjusted(44, 12, -12, -12))
        painter.setFont(theme.scaled(self._look.font, 1.0, bold=True))
        painter.drawText(room, Qt.TextFlag.TextWordWrap, shown(error.what))
        painter.setFont(self._look.font)
        below = room.adjusted(0, self._what_height(room.width()) + 2, 0, 0)
        painter.drawText(below, Qt.TextFlag.TextWordWrap, shown(error.todo))

    def _paint_dots(self, painter: QPainter, colours: theme.Theme, filled: int) -> None:
        top = self._meta.top() + (QFontMetrics(self._small).height() - _DOT) // 2
        painter.setPen(QColor(colours.accent))
        for i in range(figures.DOTS):
            painter.setBrush(QColor(colours.accent) if i < filled else Qt.BrushStyle.NoBrush)
            dot = QRect(self.origin.x() + 1 + i * (_DOT + 4), top, _DOT, _DOT)
            painter.drawEllipse(QRectF(self._across(dot)))


def _draw_rounded(painter: QPainter, rect: QRect, pixmap: QPixmap) -> None:
    path = QPainterPath()
    path.addRoundedRect(QRectF(rect), 10, 10)
    painter.save()
    painter.setClipPath(path)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawPixmap(rect, pixmap)
    painter.restore()
