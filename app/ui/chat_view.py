"""The conversation: a list view that lays out only what changed, follows the newest words, and has text to select."""

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QPointF, QRect, QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDesktopServices,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QResizeEvent,
)
from PySide6.QtWidgets import QListView, QMenu, QStyledItemDelegate, QStyleOptionViewItem, QToolButton, QWidget

from app.chat.conversation import Turn
from app.ui import icons, theme
from app.ui.answer_tools import AnswerTools
from app.ui.blocks import Selection
from app.ui.chat_model import IS_ANSWER, TURN, ChatModel
from app.ui.chat_rows import TOOLS, AnswerRow, Look, QuestionRow, Row, side_margin
from app.ui.i18n import say, shown
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
        self._view.row(index).paint(painter, rect, self._view.viewport().rect(), self._view.selection_in(index))


class ChatView(QListView):
    """Shows a ChatModel. again, change, details, speak: the person wants that of a turn. languages: its answer in
    another language; a menu is to open at the place on the screen."""

    again = Signal(object)
    change = Signal(object)
    details = Signal(object)
    speak = Signal(object)
    languages = Signal(object, QPoint)

    def __init__(self, model: ChatModel, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._chat = model
        self._rows: dict[tuple[Turn, bool], Row] = {}
        self.heights = RowHeights(self._row_at, model.rowCount, self)
        self.heights.better.connect(self.scheduleDelayedItemsLayout)
        self._anchor: tuple[QPersistentModelIndex, int] | None = None
        self._selected: tuple[QPersistentModelIndex, Selection] | None = None
        self._pressed_link = ""
        self._following = True
        self.setModel(model)
        self._tools = AnswerTools(self.viewport())
        self._tools.chosen.connect(self._on_tool)
        self._newest = QToolButton(self)
        self._newest.setObjectName("newest")
        say(self._newest.setAccessibleName, Wording("Go to the newest words"))
        say(self._newest.setToolTip, Wording("Go to the newest words"))
        self._newest.clicked.connect(self.follow)
        self._newest.hide()
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

    def row(self, index: Index) -> Row:
        """The row at `index`."""
        return self._row_at(index.row())

    def _row_at(self, number: int) -> Row:
        key = self._chat.entry(number)
        if key not in self._rows:
            self._rows[key] = (AnswerRow if key[1] else QuestionRow)(key[0], self._look)
        return self._rows[key]

    def selection_in(self, index: Index) -> Selection | None:
        """The selected text of a row."""
        return self._selected[1] if self._selected and self._selected[0] == index else None

    def retint(self) -> None:
        """Take on the colours of the theme that holds now."""
        self._rows.clear()
        self.heights.forget()
        colours = theme.current()
        self._newest.setIcon(icons.icon("arrow-down", colours.text))
        self._tools.retint()
        self.scheduleDelayedItemsLayout()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.retint()  # what is painted has words in it, too

    def _forget(self) -> None:
        shown = {self._chat.entry(i) for i in range(self._chat.rowCount())}
        self._rows = {key: row for key, row in self._rows.items() if key in shown}
        self.heights.forget()
        self._selected = None
        self._place_tools()

    def _on_changed(self, first: QModelIndex) -> None:
        row, width = self.row(first), self.viewport().width()
        before = row.height(width)
        row.changed()
        if row.height(width) != before:
            self._delegate.sizeHintChanged.emit(first)
        self._place_tools()

    # --- following the newest words ---

    def follow(self) -> None:
        """Show the end, and keep showing it while it grows."""
        self._following = True
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())
        self._newest.hide()

    def updateGeometries(self) -> None:
        following, anchor = self._following, self._anchor
        super().updateGeometries()
        bar = self.verticalScrollBar()
        bar.setEnabled(bar.maximum() > 0)
        if following:
            bar.setValue(bar.maximum())
        elif anchor is not None and anchor[0].isValid():
            # Rows above may have turned out higher or lower than guessed; what is read stays where it is.
            moved = self.visualRect(self._chat.index(anchor[0].row())).top() - anchor[1]
            bar.setValue(bar.value() + moved)
        self._following, self._anchor = following, anchor
        self._newest.setVisible(not self._following)
        self._place_tools()

    def _on_scrolled(self, value: int) -> None:
        self._following = value >= self.verticalScrollBar().maximum() - 2
        self._look_around()
        self._newest.setVisible(not self._following)
        self._place_tools()

    def _look_around(self) -> None:
        """Note which rows are in view, and where the first of them stands."""
        first, last = self.indexAt(QPoint(0, 0)), self.indexAt(QPoint(0, self.viewport().height() - 1))
        if first.isValid():
            end = last.row() if last.isValid() else self._chat.rowCount() - 1
            self.heights.look_at(range(first.row(), end + 1))
            self._anchor = (QPersistentModelIndex(first), self.visualRect(first).top())

    # --- the buttons of an answer ---

    def _place_tools(self) -> None:
        """Under the answer that the pointer or the keyboard is at; else under the last one."""
        count = self.model().rowCount()
        index = self.model().index(count - 1, 0)
        pointed = (
            self.indexAt(self.viewport().mapFromGlobal(self.cursor().pos())) if self.underMouse() else QModelIndex()
        )
        for candidate in (
            pointed,
            self.currentIndex() if self.hasFocus() or self._tools.has_focus() else QModelIndex(),
        ):
            if candidate.isValid() and candidate.data(IS_ANSWER):
                index = candidate
        turn = index.data(TURN) if index.isValid() else None
        if turn is None or not turn.ended:
            self._tools.hide()
            return
        rect = self.visualRect(index)
        self._tools.show_for(turn, QPoint(side_margin(self.viewport().width()) - 6, rect.bottom() - TOOLS + 2))

    def _on_tool(self, name: str, turn: Turn) -> None:
        match name:
            case "copy":
                QGuiApplication.clipboard().setText(turn.answer)
            case "again":
                self.again.emit(turn)
            case "details":
                self.details.emit(turn)
            case "speak":
                self.speak.emit(turn)
            case "translate":
                self.languages.emit(turn, self._tools.below("translate"))

    def allow_speech(self) -> None:
        """Offer to read answers aloud."""
        self._tools.can_speak = True

    def show_reading(self, turn: Turn | None) -> None:
        """This answer is being read aloud now, or none is."""
        self._tools.reading = turn
        self._place_tools()

    # --- selecting text ---

    def _at(self, point: QPointF) -> tuple[QModelIndex, QPointF]:
        index = self.indexAt(point.toPoint())
        if not index.isValid():
            return index, point
        return index, point - QPointF(self.visualRect(index).topLeft() + self.row(index).origin)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index, point = self._at(event.position())
        self._selected = None
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            flow = self.row(index).flow
            self._pressed_link = flow.link(point)
            at = flow.hit(point)
            self._selected = (QPersistentModelIndex(index), Selection(at, at))
            self.setCurrentIndex(index)
        self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index, point = self._at(event.position())
        if event.buttons() & Qt.MouseButton.LeftButton and self._selected:
            pressed = self._selected[0]
            origin = self.visualRect(QModelIndex(pressed)).topLeft() + self.row(pressed).origin  # type: ignore[call-overload]
            at = self.row(pressed).flow.hit(event.position() - QPointF(origin))
            self._selected = (pressed, Selection(self._selected[1].anchor, at))
            self.viewport().update()
        elif index.isValid():
            flow = self.row(index).flow
            over = 0 <= point.y() <= flow.height and 0 <= point.x() <= flow.width
            shape = Qt.CursorShape.IBeamCursor if over else Qt.CursorShape.ArrowCursor
            self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if flow.link(point) else shape)
        self._place_tools()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index, point = self._at(event.position())
        same = index.isValid() and self.row(index).flow.link(point) == self._pressed_link
        if self._pressed_link and same and not self.selected_text():
            QDesktopServices.openUrl(QUrl(self._pressed_link))
        self._pressed_link = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index, point = self._at(event.position())
        if index.isValid() and self.row(index).flow.blocks:
            flow = self.row(index).flow
            self._selected = (QPersistentModelIndex(index), flow.word(flow.hit(point)))
            self.viewport().update()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._place_tools()

    def selected_text(self) -> str:
        return self.row(self._selected[0]).flow.text(self._selected[1]) if self._selected else ""

    def select(self, index: QModelIndex, selection: Selection) -> None:
        """Select text of a row and bring it into view."""
        self._following = False
        self._selected = (QPersistentModelIndex(index), selection)
        self.scrollTo(index, QListView.ScrollHint.EnsureVisible)
        self.viewport().update()

    def places(self, needle: str) -> list[tuple[QModelIndex, Selection]]:
        """Every place where `needle` stands, from the top."""
        if not needle:
            return []
        width = self.viewport().width()
        found = []
        for i in range(self.model().rowCount()):
            index = self.model().index(i, 0)
            row = self.row(index)
            row.height(width)  # an unmeasured row holds no text yet
            found += [(index, selection) for selection in row.flow.find(needle)]
        return found

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.matches(QKeySequence.StandardKey.SelectAll) and self.currentIndex().isValid():
            self.select(self.currentIndex(), self.row(self.currentIndex()).flow.everything())
        elif event.key() in (
            Qt.Key.Key_Home,
            Qt.Key.Key_End,
            Qt.Key.Key_Up,
            Qt.Key.Key_Down,
            Qt.Key.Key_PageUp,
            Qt.Key.Key_PageDown,
        ):
            super().keyPressEvent(event)
            self._place_tools()
        else:
            event.ignore()

    def copy(self) -> None:
        """Copy the selected text, or else the whole text of the current row."""
        text = self.selected_text() or str(self.currentIndex().data() or "")
        if text:
            QGuiApplication.clipboard().setText(text)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        index = self.indexAt(event.pos()) if event.reason() == QContextMenuEvent.Reason.Mouse else self.currentIndex()
        if not index.isValid():
            return
        turn = index.data(TURN)
        menu = QMenu(self)
        menu.addAction(
            shown(Wording("Copy")), lambda: QGuiApplication.clipboard().setText(self.selected_text() or index.data())
        )
        if turn.ended and index.data(IS_ANSWER):
            menu.addAction(shown(Wording("Answer again")), lambda: self.again.emit(turn))
            if self._tools.can_speak and turn.answer:
                reading = self._tools.reading is turn
                words = shown(Wording("Stop reading" if reading else "Read aloud"))
                menu.addAction(words, lambda: self.speak.emit(turn))
            if turn.answer:
                place = event.globalPos()
                menu.addAction(shown(Wording("Translate the answer")), lambda: self.languages.emit(turn, place))
        elif turn.ended:
            menu.addAction(shown(Wording("Edit question")), lambda: self.change.emit(turn))
        menu.exec(event.globalPos())
        menu.deleteLater()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        size = self._newest.sizeHint()
        self._newest.setGeometry(
            QRect(QPoint((self.width() - size.width()) // 2, self.height() - size.height() - 8), size)
        )
        self._newest.raise_()
