"""An answer as laid-out text: Markdown and code blocks, one under the other, that can be painted, hit and selected."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt, QUrl
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QFont,
    QImage,
    QPainter,
    QPalette,
    QTextCursor,
    QTextDocument,
    QTextOption,
)

from app.ui import theme
from app.ui.dress import dress, monospaced
from app.ui.markdown import Part, split, without_images

LINK_SCHEMES = ("http", "https", "mailto")
"""What a link in an answer may lead to; never a file of this machine or a command."""

_GAP = 12
_CODE_MARGIN = 12


@dataclass(frozen=True, order=True)
class Position:
    """A place between two characters: number of the block, character inside it."""

    block: int
    at: int


@dataclass(frozen=True)
class Selection:
    """From where the mouse went down to where it is."""

    anchor: Position
    cursor: Position

    def span(self, block: int, length: int) -> tuple[int, int]:
        """Start and end of the selected characters in a block of `length` characters; equal if there are none."""
        first, last = min(self.anchor, self.cursor), max(self.anchor, self.cursor)
        if not first.block <= block <= last.block:
            return 0, 0
        return first.at if block == first.block else 0, last.at if block == last.block else length


class _Document(QTextDocument):
    """A document that loads nothing. An image is an empty one: told that there is none, Qt would try the disk."""

    def loadResource(self, kind: int, name: QUrl | str) -> object:  # noqa: ARG002
        return QImage(1, 1, QImage.Format.Format_ARGB32_Premultiplied)


class Block:
    """One part of a flow."""

    def __init__(self, part: Part, font: QFont, plain: bool) -> None:
        self.part = part
        self.height = 0.0
        self._plain = plain
        self.document = _Document()
        self.document.setUndoRedoEnabled(False)
        self.document.setDocumentMargin(0)
        self.document.setDefaultFont(monospaced(font) if part.kind == "code" else font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.document.setDefaultTextOption(option)
        self._fill()

    @property
    def margin(self) -> int:
        return _CODE_MARGIN if self.part.kind == "code" else 0

    def change(self, part: Part) -> None:
        """Show another text of the same kind; one that only grew is extended where that gives the same."""
        before, self.part = self.part, part
        if (part.kind == "code" or self._plain) and part.text.startswith(before.text):
            cursor = QTextCursor(self.document)
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(part.text[len(before.text) :])
        else:
            self._fill()

    def _fill(self) -> None:
        if self.part.kind == "code" or self._plain:
            self.document.setPlainText(self.part.text)
            return
        features = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
        self.document.setMarkdown(without_images(self.part.text), features)
        dress(self.document)

    def lay_out(self, width: float) -> None:
        self.document.setTextWidth(max(1.0, width - 2 * self.margin))
        self.height = self.document.size().height() + 2 * self.margin

    def paint(self, painter: QPainter, width: float, selected: tuple[int, int]) -> None:
        colours = theme.current()
        if self.part.kind == "code":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.bubble))
            painter.drawRoundedRect(QRectF(0, 0, width, self.height), 10, 10)
            painter.translate(self.margin, self.margin)
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette = theme.palette(colours)
        if selected[0] < selected[1]:
            cursor = QTextCursor(self.document)
            cursor.setPosition(selected[0])
            cursor.setPosition(selected[1], QTextCursor.MoveMode.KeepAnchor)
            mark = QAbstractTextDocumentLayout.Selection()
            mark.cursor = cursor
            mark.format.setBackground(context.palette.color(QPalette.ColorRole.Highlight))
            mark.format.setForeground(context.palette.color(QPalette.ColorRole.HighlightedText))
            context.selections = [mark]
        self.document.documentLayout().draw(painter, context)

    def text(self, start: int, end: int) -> str:
        """The characters between two places, as plain text."""
        cursor = QTextCursor(self.document)
        cursor.setPosition(start)
        cursor.setPosition(min(end, self.length), QTextCursor.MoveMode.KeepAnchor)
        return cursor.selection().toPlainText()

    @property
    def length(self) -> int:
        return self.document.characterCount() - 1


def plain(markdown: str) -> str:
    """The words of an answer without its marks."""
    document = QTextDocument()
    document.setMarkdown(without_images(markdown), QTextDocument.MarkdownFeature.MarkdownNoHTML)
    return document.toPlainText()


class Flow:
    """Blocks under one another. Call `lay_out` after each `show` and for each width."""

    def __init__(self, font: QFont, plain: bool = False) -> None:
        self.blocks: list[Block] = []
        self.width = 0.0
        self.height = 0.0
        self._font = font
        self._plain = plain

    def show(self, text: str) -> None:
        """Show Markdown (or plain text); what is the same as before is not touched."""
        parts = [Part("text", text)] if self._plain else split(text)
        del self.blocks[len(parts) :]
        for i, part in enumerate(parts):
            if i == len(self.blocks):
                self.blocks.append(Block(part, self._font, self._plain))
            elif self.blocks[i].part.kind != part.kind:
                self.blocks[i] = Block(part, self._font, self._plain)
            elif self.blocks[i].part != part:
                self.blocks[i].change(part)
                self.blocks[i].height = 0.0

    def lay_out(self, width: float) -> float:
        """Fit everything to `width` and return the height."""
        for block in self.blocks:
            if width != self.width or not block.height:
                block.lay_out(width)
        self.width = width
        self.height = sum(b.height for b in self.blocks) + _GAP * max(0, len(self.blocks) - 1)
        return self.height

    def ideal_width(self) -> float:
        """The width its longest line needs, once laid out."""
        return max((b.document.idealWidth() + 2 * b.margin for b in self.blocks), default=0.0)

    def paint(self, painter: QPainter, selection: Selection | None, clip: QRectF) -> None:
        """Paint what meets `clip`, which is in the coordinates of the flow."""
        for i, (top, block) in enumerate(self._tops()):
            if top + block.height < clip.top() or top > clip.bottom():
                continue
            painter.save()
            painter.translate(0, top)
            block.paint(painter, self.width, selection.span(i, block.length) if selection else (0, 0))
            painter.restore()

    def hit(self, point: QPointF) -> Position:
        """The place nearest to `point`."""
        best = Position(0, 0)
        for i, (top, block) in enumerate(self._tops()):
            if i and point.y() < top:
                break
            inside = point - QPointF(block.margin, top + block.margin)
            at = block.document.documentLayout().hitTest(inside, Qt.HitTestAccuracy.FuzzyHit)
            best = Position(i, max(0, at))
        return best

    def link(self, point: QPointF) -> str:
        """Where the link under `point` leads, or nothing; also nothing where links must not lead."""
        for top, block in self._tops():
            inside = point - QPointF(block.margin, top + block.margin)
            target = block.document.documentLayout().anchorAt(inside)
            if target and QUrl(target).scheme() in LINK_SCHEMES:
                return target
        return ""

    def word(self, at: Position) -> Selection:
        """The word around a place."""
        cursor = QTextCursor(self.blocks[at.block].document)
        cursor.setPosition(at.at)
        cursor.select(QTextCursor.SelectionType.WordUnderCursor)
        return Selection(Position(at.block, cursor.selectionStart()), Position(at.block, cursor.selectionEnd()))

    def everything(self) -> Selection:
        last = len(self.blocks) - 1
        return Selection(Position(0, 0), Position(last, self.blocks[last].length if self.blocks else 0))

    def text(self, selection: Selection) -> str:
        """What is selected, as plain text."""
        spans = ((b, selection.span(i, b.length)) for i, b in enumerate(self.blocks))
        return "\n\n".join(block.text(start, end) for block, (start, end) in spans if start < end)

    def find(self, needle: str) -> list[Selection]:
        """Every place where `needle` stands, upper and lower case alike."""
        found = []
        for i, block in enumerate(self.blocks):
            cursor = block.document.find(needle, 0)
            while not cursor.isNull():
                found.append(Selection(Position(i, cursor.selectionStart()), Position(i, cursor.selectionEnd())))
                cursor = block.document.find(needle, cursor)
        return found

    def _tops(self) -> list[tuple[float, Block]]:
        tops, top = [], 0.0
        for block in self.blocks:
            tops.append((top, block))
            top += block.height + _GAP
        return tops
