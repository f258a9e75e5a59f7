"""The conversation with its buttons over it: those of a turn, and the way to the newest words.

They are no children of the list: of a list, screen readers are shown its rows only.
"""

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QRect, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QListView, QStyle, QToolButton, QWidget

from app.chat.conversation import Turn
from app.ui import icons, theme
from app.ui.answer_tools import AnswerTools, EditButton
from app.ui.chat_model import IS_ANSWER, TURN
from app.ui.chat_rows import TOOLS, QuestionRow, side_margin
from app.ui.chat_view import ChatView
from app.ui.i18n import say
from app.wording import Wording


class TurnTools(QWidget):
    """chosen: what the person wants ("edit", or as AnswerTools says), and of which turn."""

    chosen = Signal(str, object)

    def __init__(self, view: ChatView) -> None:
        super().__init__()
        self._view = view
        view.setParent(self)
        self.question = EditButton(self)
        self.question.chosen.connect(lambda turn: self.chosen.emit("edit", turn))
        self.answer = AnswerTools(self)
        self.answer.chosen.connect(self.chosen)
        self.newest = self._make_newest()
        self._at: dict[QWidget, QModelIndex] = {}
        self.setFocusProxy(view)
        view.moved.connect(self._place)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._on_focus)
        self.retint()

    def _make_newest(self) -> QToolButton:
        newest = QToolButton(self)
        newest.setObjectName("newest")
        for setter in (newest.setAccessibleName, newest.setToolTip):
            say(setter, Wording("Go to the newest words"))
        newest.clicked.connect(self._view.follow)
        newest.hide()
        return newest

    def retint(self) -> None:
        """Take on the colours of the theme that holds now."""
        self.answer.retint()
        self.question.retint()
        self.newest.setIcon(icons.icon("arrow-down", theme.current().text))

    def allow_speech(self) -> None:
        """Offer to read answers aloud."""
        self.answer.can_speak = True

    def show_reading(self, turn: Turn | None) -> None:
        """This answer is being read aloud now, or none is."""
        self.answer.reading = turn
        self._place()

    # --- where they stand ---

    def _place(self) -> None:
        """At the turn that the keyboard or the pointer is at, and else under the last answer."""
        ended = [index for index in reversed(self._rows()) if index.isValid() and index.data(TURN).ended]
        answer = next((index for index in ended if index.data(IS_ANSWER)), None)
        self.answer.setVisible(answer is not None)
        if answer is not None:
            self.answer.show_for(answer.data(TURN))
            left, bottom = side_margin(self._view.viewport().width()) - 6, self._view.visualRect(answer).bottom()
            self._put(self.answer, answer, self._across(QRect(QPoint(left, bottom - TOOLS + 2), self.answer.size())))
        # A note of a watch is about no question that could be asked in other words.
        question = next((i for i in ended if not i.data(IS_ANSWER) and not i.data(TURN).note), None)
        row = self._view.row(question) if question is not None else None
        self.question.setVisible(question is not None)
        if question is not None and isinstance(row, QuestionRow):
            bubble = row.bubble.translated(self._view.visualRect(question).topLeft())
            self._put(self.question, question, self.question.show_for(row.turn, bubble))
        self.newest.setVisible(not self._view.following)

    def _rows(self) -> list[QModelIndex]:
        """Whose buttons are shown; the later ones go before."""
        model = self._view.model()
        rows = [model.index(model.rowCount() - 1, 0)]
        if self.underMouse():
            rows.append(self._view.indexAt(self._view.viewport().mapFromGlobal(self.cursor().pos())))
        if self._view.hasFocus() or self._has_focus():
            current = self._view.currentIndex()
            rows += [current.siblingAtRow(current.row() ^ 1), current]  # question and answer stand in pairs
        return rows

    def _across(self, rect: QRect) -> QRect:
        """Where `rect` is in a language that is written from the right."""
        return QStyle.visualRect(self.layoutDirection(), self._view.viewport().rect(), rect)

    def _put(self, buttons: QWidget, index: QModelIndex, place: QRect) -> None:
        """place: in the viewport."""
        self._at[buttons] = index
        buttons.setGeometry(place.translated(self._view.viewport().mapTo(self, QPoint())))

    def _has_focus(self) -> bool:
        return self.answer.has_focus() or self.question.hasFocus()

    def _on_focus(self, _: QWidget | None, now: QWidget | None) -> None:
        """Tab goes to buttons that were scrolled out of sight: bring them back."""
        for buttons, index in self._at.items():
            out = not self.rect().contains(buttons.geometry())
            if now is not None and (now is buttons or buttons.isAncestorOf(now)) and index.isValid() and out:
                self._view.scrollTo(index, QListView.ScrollHint.EnsureVisible)

    # --- what is none of theirs ---

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._view.setGeometry(self.rect())  # a layout would do so later, when rows were measured for another width
        size = self.newest.sizeHint()
        self.newest.setGeometry(
            QRect(QPoint((self.width() - size.width()) // 2, self.height() - size.height() - 8), size)
        )

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._place()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turned over a button, it scrolls the conversation."""
        QApplication.sendEvent(self._view.verticalScrollBar(), event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._has_focus():
            self._view.keyPressEvent(event)
        else:
            super().keyPressEvent(event)
