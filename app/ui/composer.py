"""Where the question is written: it grows with its text, shows what goes with it, and turns Send into Stop."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QIcon, QKeyEvent, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.capture.qt.incoming import holds_picture
from app.ui.buttons import IconButton
from app.ui.desk import Sheet
from app.ui.i18n import as_tip, say, shown
from app.ui.wrapping_row import WrappingRow
from app.wording import Wording

_LINES = 6
_THUMBNAIL = QSize(40, 32)


class _Edit(QTextEdit):
    """Plain text; a picture pasted into it goes to the desk instead."""

    picture = Signal(QMimeData)
    submitted = Signal()
    focused = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptRichText(False)
        self.setAcceptDrops(False)
        self.setTabChangesFocus(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(1)  # room for the cursor where a line begins at the right edge
        self.enter_sends = True
        self.document().documentLayout().documentSizeChanged.connect(self.updateGeometry)
        self.textChanged.connect(self._face)
        self._face()

    def _face(self) -> None:
        """Text runs as its first letter says; while there is none the cursor stands where the placeholder begins."""
        empty = self.document().isEmpty()
        wanted = self.layoutDirection() if empty else Qt.LayoutDirection.LayoutDirectionAuto
        option = self.document().defaultTextOption()
        if option.textDirection() != wanted:
            option.setTextDirection(wanted)
            self.document().setDefaultTextOption(option)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self._face()

    def sizeHint(self) -> QSize:
        line = self.fontMetrics().lineSpacing()
        wanted = int(self.document().size().height()) + 2
        return QSize(120, min(max(wanted, line + 2), _LINES * line + 2))

    def minimumSizeHint(self) -> QSize:
        return QSize(60, self.sizeHint().height())

    def insertFromMimeData(self, source: QMimeData) -> None:
        if holds_picture(source):
            self.picture.emit(source)
        else:
            self.insertPlainText(source.text())

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasImage() or source.hasUrls() or source.hasText()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            with_control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            if with_control or (self.enter_sends and not shifted):
                self.submitted.emit()
            else:
                self.insertPlainText("\n")
                self.ensureCursorVisible()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focused.emit(False)


class Composer(QFrame):
    """submitted: the question, which stays until `take`. stopped. picture: a paste that holds one. removed: a Sheet
    that shall not go along. wanted: one that is to be seen."""

    submitted = Signal(str)
    stopped = Signal()
    picture = Signal(QMimeData)
    removed = Signal(object)
    wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("composer")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 8, 8)
        column.setSpacing(8)
        self._attachments = QWidget()
        self._attachment_row = WrappingRow(spacing=8)
        self._attachments.setLayout(self._attachment_row)
        self._attachments.hide()
        column.addWidget(self._attachments)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.edit = _Edit()
        say(self.edit.setAccessibleName, Wording("Question"))
        self.edit.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.edit.textChanged.connect(self._enable)
        self.edit.submitted.connect(self._submit)
        self.edit.picture.connect(self.picture)
        self.edit.focused.connect(self._on_focus)
        row.addWidget(self.edit, 1, Qt.AlignmentFlag.AlignVCenter)
        self._send = IconButton("arrow-up", Wording("Send"), self._press, ink="on_accent")
        self._send.setObjectName("send")
        self._send.setFixedSize(36, 36)
        row.addWidget(self._send, 0, Qt.AlignmentFlag.AlignBottom)
        column.addLayout(row)
        self._busy = False
        self._sheets: Sequence[Sheet] = ()
        self._enable()

    def set_placeholder(self, words: str) -> None:
        say(self.edit.setPlaceholderText, words)

    def set_enter_sends(self, enter: bool) -> None:
        """Whether Enter alone sends; Ctrl+Enter always does."""
        self.edit.enter_sends = enter

    def set_busy(self, busy: bool) -> None:
        """While an answer is awaited the button stops it; typing goes on."""
        if busy != self._busy:
            self._busy = busy
            self._send.become("stop" if busy else "arrow-up", Wording("Stop" if busy else "Send"))
            self._enable()

    def take(self, line: str) -> None:
        """`line` is on its way and is written here no longer; anything else that was typed stays."""
        if self.edit.toPlainText().strip() == line:
            self.edit.clear()

    def put(self, text: str) -> None:
        """Write `text` where the cursor is, in the place of nothing, and be ready for more."""
        cursor = self.edit.textCursor()
        cursor.clearSelection()
        self.edit.setTextCursor(cursor)
        self.edit.insertPlainText(text)
        self.edit.setFocus()

    def replace(self, text: str) -> None:
        """Put `text` in front of what is being typed, on a line of its own; nothing typed is lost."""
        typed = self.edit.toPlainText()
        self.edit.setPlainText(f"{text}\n{typed}" if typed else text)
        self.edit.moveCursor(self.edit.textCursor().MoveOperation.End)
        self.edit.setFocus()

    def show_attached(self, sheets: Sequence[Sheet]) -> None:
        """Show what goes with the next question."""
        self._sheets = sheets
        while item := self._attachment_row.takeAt(0):
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        for sheet in sheets:
            self._attachment_row.addWidget(self._attachment(sheet, alone=len(sheets) == 1))
        self._attachments.setVisible(bool(sheets))

    def _attachment(self, sheet: Sheet, alone: bool) -> QWidget:
        frame = QFrame()
        frame.setObjectName("attachment")
        row = QHBoxLayout(frame)
        row.setContentsMargins(6, 6, 4, 6)
        row.setSpacing(8 if alone else 2)
        name = sheet.picture.name or shown(Wording("Picture"))
        name = shown(Wording("Part of the picture")) if sheet.part_of else name
        row.addWidget(self._thumbnail(sheet, name))
        if alone:
            label = QLabel(self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, 180))
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setToolTip(as_tip(name))
            row.addWidget(label)
        remove = Wording("Do not send along: {name}", name=name)
        row.addWidget(IconButton("x", remove, lambda: self.removed.emit(sheet), size=14))
        return frame

    def _thumbnail(self, sheet: Sheet, name: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName("thumbnail")
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap.fromImage(sheet.thumbnail).scaled(
            _THUMBNAIL * ratio, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        pixmap.setDevicePixelRatio(ratio)
        button.setIcon(QIcon(pixmap))
        button.setIconSize(pixmap.deviceIndependentSize().toSize())
        for setter in (button.setAccessibleName, button.setToolTip):
            say(setter, Wording("Show {name}", name=name))
        button.clicked.connect(lambda: self.wanted.emit(sheet))
        return button

    def _press(self) -> None:
        if self._busy:
            self.stopped.emit()
        else:
            self._submit()

    def _submit(self) -> None:
        text = self.edit.toPlainText().strip()
        if text and not self._busy:
            self.submitted.emit(text)

    def _enable(self) -> None:
        self._send.setEnabled(self._busy or bool(self.edit.toPlainText().strip()))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.show_attached(self._sheets)

    def _on_focus(self, focused: bool) -> None:
        self.setProperty("focused", focused)
        self.style().unpolish(self)
        self.style().polish(self)
