"""What Qt made of Markdown, given the spacing, sizes and colours of the program."""

from PySide6.QtGui import (
    QColor,
    QFont,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrameFormat,
    QTextLength,
    QTextTable,
)

from app.ui import fonts, theme

_CODE_SIZE = 0.92
_HEADINGS = (1.0, 1.35, 1.2, 1.1, 1.0, 1.0, 1.0)
_LINE_HEIGHT = 118.0


def monospaced(font: QFont) -> QFont:
    """The letters of code, to stand among those of `font`."""
    result = theme.scaled(font, _CODE_SIZE)
    result.setFamilies([fonts.fixed().family()])
    return result


def dress(document: QTextDocument) -> None:
    """Give what Qt made of Markdown the spacing and colours of the program."""
    cursor = QTextCursor(document)
    cursor.beginEditBlock()
    cursor.select(QTextCursor.SelectionType.Document)
    lines = QTextBlockFormat()
    lines.setLineHeight(_LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
    cursor.mergeBlockFormat(lines)
    block = document.begin()
    while block.isValid():
        _dress_block(block)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            _dress_table(frame)
    cursor.endEditBlock()


def _dress_block(block: QTextBlock) -> None:
    # Formats change pieces, so all are noted before one is changed.
    pieces = []
    walk = block.begin()
    while not walk.atEnd():
        piece = walk.fragment()
        pieces.append((piece.position(), piece.length(), piece.charFormat()))
        walk += 1
    QTextCursor(block).mergeBlockFormat(_shape(block))
    level = block.blockFormat().headingLevel()
    quoted = block.blockFormat().hasProperty(QTextFormat.Property.BlockQuoteLevel)
    for start, length, letters in pieces:
        cursor = QTextCursor(block.document())
        cursor.setPosition(start)
        cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
        cursor.setCharFormat(_letters(letters, block.document().defaultFont(), level, quoted))


def _shape(block: QTextBlock) -> QTextBlockFormat:
    """Margins of a paragraph, list item or heading."""
    shape, was = QTextBlockFormat(), block.blockFormat()
    if was.headingLevel():
        shape.setTopMargin(16 if block.position() else 0)
        shape.setBottomMargin(6)
    elif block.textList() is not None:
        shape.setTopMargin(2)
        shape.setBottomMargin(2)
    else:
        loose = block.next().isValid() and QTextCursor(block).currentTable() is None
        shape.setTopMargin(0)
        shape.setBottomMargin(8 if loose else 0)
    if was.hasProperty(QTextFormat.Property.BlockQuoteLevel):
        shape.setLeftMargin(16)
    return shape


def _letters(was: QTextCharFormat, font: QFont, level: int, quoted: bool) -> QTextCharFormat:
    """The format of a piece of text: what Qt gave it, in the sizes and colours of the program."""
    colours, letters = theme.current(), QTextCharFormat(was)
    letters.clearProperty(QTextFormat.Property.FontSizeAdjustment)
    if level:
        letters.setFontPointSize(font.pointSizeF() * _HEADINGS[min(level, 6)])
        letters.setFontWeight(QFont.Weight.DemiBold)
    if quoted:
        letters.setForeground(QColor(colours.soft))
    if was.isAnchor():
        letters.setForeground(QColor(colours.accent))
        letters.setFontUnderline(True)
    elif was.fontFixedPitch():
        letters.setFontFamilies(monospaced(font).families())
        letters.setFontPointSize(font.pointSizeF() * _HEADINGS[min(level, 6)] * _CODE_SIZE)
        letters.setBackground(QColor(colours.bubble))
    return letters


def _dress_table(table: QTextTable) -> None:
    colours = theme.current()
    shape = table.format()
    shape.setBorder(1)
    shape.setBorderCollapse(True)
    shape.setBorderBrush(QColor(colours.line))
    shape.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    shape.setCellPadding(6)
    shape.setCellSpacing(0)
    shape.setTopMargin(4)
    shape.setBottomMargin(8)
    shape.setWidth(QTextLength())
    table.setFormat(shape)
    for column in range(table.columns()):
        cell = table.cellAt(0, column)
        letters = cell.format()
        letters.setBackground(QColor(colours.bubble))
        cell.setFormat(letters)
