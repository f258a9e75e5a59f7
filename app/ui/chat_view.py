"""The conversation: a list view that lays out only what changed, follows the newest words, and has text to select."""

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDesktopServices,
    QFocusEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
)
from PySide6.QtWidgets import QListView, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.chat.conversation import Turn
from app.ui import theme
from app.ui.blocks import Selection
from app.ui.chat_model import IS_ANSWER, TURN, ChatModel
from app.ui.chat_rows import AnswerRow, Look, QuestionRow, Row
from app.ui.chat_selection import ChatSelection
from app.ui.i18n import say
from app.ui.row_heights import RowHeights
from app.wording import Wording

Index = QModelIndex | QPersistentModelIndex


class _Delegate(QStyledItemDelegate):
    """Paints rows."""

    def __init__(self, view: "ChatView") -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002
        width = self._view.viewport().width()
        return QSize(width, self._view.heights.height(index.row(), width))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        if self._view.row(index).height(rect.width()) != rect.height():  # it was guessed
            self._view.heights.better.emit()
        self._view.row(index).paint(painter, rect, self._view.viewport().rect(), self._view.selection.within(index))
        if self._view.is_held(index):
            painter.setPen(QColor(theme.current().accent))
            painter.drawRoundedRect(QRectF(rect).adjusted(4.5, 2.5, -4.5, -2.5), 8, 8)


class ChatView(QListView):
    """Shows a ChatModel. moved: rows stand elsewhere, or another one is pointed at. picture_wanted: the digest of one
    to be seen. menu_wanted: that of a turn, whether of its answer, with the words that would be copied, at a place on
    the screen."""

    moved = Signal()
    picture_wanted = Signal(str)
    menu_wanted = Signal(object, bool, str, QPoint)

    def __init__(self, model: ChatModel, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._chat = model
        self._rows: dict[tuple[Turn, bool], Row] = {}
        self.heights = RowHeights(self._row_at, model.rowCount, self)
        self.heights.better.connect(self.scheduleDelayedItemsLayout)
        self._anchor: tuple[QPersistentModelIndex, int] | None = None
        self.selection = ChatSelection(self)
        self.following = True
        """Whether the newest words are in view, and stay so."""
        self.setModel(model)
        self.setObjectName("chat")
        say(self.setAccessibleName, Wording("Conversation"))
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.verticalScrollBar().setSingleStep(24)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setSelectionMode(QListView.SelectionMode.NoSelection)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self._delegate = _Delegate(self)
        self.setItemDelegate(self._delegate)
        self.retint()
        model.dataChanged.connect(self._on_changed)
        model.modelReset.connect(self._forget)
        model.rowsRemoved.connect(self._forget)
        model.rowsInserted.connect(self.follow)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    # --- rows ---

    def is_held(self, index: Index) -> bool:
        """Whether the keyboard is at this row, and the person steers by it."""
        return self.hasFocus() and self.currentIndex() == index and bool(self.window().property("keyboard"))

    def row(self, index: Index) -> Row:
        """The row at `index`."""
        return self._row_at(index.row())

    def _row_at(self, number: int) -> Row:
        key = self._chat.entry(number)
        if key not in self._rows:
            self._rows[key] = (AnswerRow if key[1] else QuestionRow)(key[0], self._look)
        return self._rows[key]

    def retint(self) -> None:
        """Take on the colours of the theme that holds now."""
        self._rows.clear()
        self.heights.forget()
        self.scheduleDelayedItemsLayout()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.retint()  # what is painted has words in it, too

    def _forget(self) -> None:
        shown = {self._chat.entry(i) for i in range(self._chat.rowCount())}
        self._rows = {key: row for key, row in self._rows.items() if key in shown}
        self.heights.forget()
        self.selection.forget()
        self.moved.emit()

    def _on_changed(self, first: QModelIndex) -> None:
        row, width = self.row(first), self.viewport().width()
        before = row.height(width)
        row.changed()
        if row.height(width) != before:
            self._delegate.sizeHintChanged.emit(first)
        self.moved.emit()

    # --- following the newest words ---

    def follow(self) -> None:
        """Show the end, and keep showing it while it grows."""
        self.following = True
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
        self.moved.emit()

    def updateGeometries(self) -> None:
        following, anchor = self.following, self._anchor
        super().updateGeometries()
        bar = self.verticalScrollBar()
        bar.setEnabled(bar.maximum() > 0)
        if following:
            bar.setValue(bar.maximum())
        elif anchor is not None and anchor[0].isValid():
            # Rows above may have turned out higher or lower than guessed; what is read stays where it is.
            moved = self.visualRect(self._chat.index(anchor[0].row())).top() - anchor[1]
            bar.setValue(bar.value() + moved)
        self.following, self._anchor = following, anchor
        self.moved.emit()

    def _on_scrolled(self, value: int) -> None:
        self.following = value >= self.verticalScrollBar().maximum() - 2
        self._look_around()
        self.moved.emit()

    def _look_around(self) -> None:
        """Note which rows are in view, and where the first of them stands."""
        first, last = self.indexAt(QPoint(0, 0)), self.indexAt(QPoint(0, self.viewport().height() - 1))
        if first.isValid():
            end = last.row() if last.isValid() else self._chat.rowCount() - 1
            self.heights.look_at(range(first.row(), end + 1))
            self._anchor = (QPersistentModelIndex(first), self.visualRect(first).top())

    # --- selecting text ---

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left = event.button() == Qt.MouseButton.LeftButton
        digest = self._picture_at(event.position().toPoint())
        if left and digest:
            self.picture_wanted.emit(digest)
        index = self.selection.press(event.position()) if left else QModelIndex()
        if index.isValid():
            self.setCurrentIndex(index)
        self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.selection.drag(event.position())
            self.viewport().update()
        else:
            over_picture = self._picture_at(event.position().toPoint())
            hand = Qt.CursorShape.PointingHandCursor
            self.viewport().setCursor(hand if over_picture else self.selection.cursor(event.position()))
        self.moved.emit()

    def _picture_at(self, point: QPoint) -> str:
        index = self.indexAt(point)
        row = self.row(index) if index.isValid() else None
        return row.picture_at(point - self.visualRect(index).topLeft()) if isinstance(row, QuestionRow) else ""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        link = self.selection.release(event.position())
        if link:
            QDesktopServices.openUrl(QUrl(link))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.selection.take_word(event.position())
        self.viewport().update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        nowhere = not self.currentIndex().isValid()
        super().focusInEvent(event)  # which would begin at the first row
        if nowhere:
            self.setCurrentIndex(self.model().index(self.model().rowCount() - 1, 0))
        self.moved.emit()

    def select(self, index: QModelIndex, selection: Selection) -> None:
        """Select text of a row and bring it into view."""
        self.following = False
        self.selection.set(index, selection)
        self.scrollTo(index, QListView.ScrollHint.EnsureVisible)
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.matches(QKeySequence.StandardKey.SelectAll) and self.currentIndex().isValid():
            self.select(self.currentIndex(), self.row(self.currentIndex()).flow.everything())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._show_picture()
        elif event.key() in (
            Qt.Key.Key_Home,
            Qt.Key.Key_End,
            Qt.Key.Key_Up,
            Qt.Key.Key_Down,
            Qt.Key.Key_PageUp,
            Qt.Key.Key_PageDown,
        ):
            super().keyPressEvent(event)
            self.moved.emit()
        else:
            event.ignore()

    def _show_picture(self) -> None:
        """Want to see the first picture of the question that the keyboard is at."""
        turn, is_answer = self.currentIndex().data(TURN), self.currentIndex().data(IS_ANSWER)
        if turn is not None and turn.pictures and not is_answer:
            self.picture_wanted.emit(turn.pictures[0])

    def copy(self) -> None:
        """Copy the selected text, or else the whole text of the current row."""
        text = self.selection.text() or str(self.currentIndex().data() or "")
        if text:
            QGuiApplication.clipboard().setText(text)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        index = self.indexAt(event.pos()) if event.reason() == QContextMenuEvent.Reason.Mouse else self.currentIndex()
        if not index.isValid():
            return
        words = self.selection.text() or str(index.data())
        self.menu_wanted.emit(index.data(TURN), index.data(IS_ANSWER), words, event.globalPos())
