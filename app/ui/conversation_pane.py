"""The right or lower half of the window: notices, the conversation, what is being done, and where the question goes."""

from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.buttons import push
from app.ui.chat_view import ChatView
from app.ui.composer import Composer
from app.ui.find_bar import FindBar
from app.ui.i18n import say
from app.ui.notify import ActivityLine, Notice
from app.ui.turn_tools import TurnTools
from app.wording import Wording

_LEAST = QSize(320, 200)

_WHAT = Wording("What would you like to know?")
_POINT = Wording("Point the camera at something")
_CLICK = Wording("Click a name to ask about it. Or write what to wait for, and be told when it comes.")
_BRING = Wording("Bring a picture, then ask about it in your own words.")
_DRAG = Wording("Drag a rectangle on the picture to ask about a part of it.")
_QUESTIONS = (
    Wording("What is in this picture?"),
    Wording("What does the text say?"),
    Wording("Describe it in one sentence."),
)
_STARTER = Wording("The starter is small and often wrong. It was taught drawings, not photographs, and only English.")


class Opening(QWidget):
    """What stands where the conversation will be. question: a Wording to be asked. larger_model: one is wanted."""

    question = Signal(object)
    larger_model = Signal()

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 16)
        column.setSpacing(12)
        column.addStretch()
        head = QLabel()
        head.setFont(theme.scaled(self.font(), 1.4, bold=True))
        head.setAlignment(Qt.AlignmentFlag.AlignCenter)
        head.setWordWrap(True)
        column.addWidget(head)
        self._line = QLabel()
        self._line.setObjectName("soft")
        self._line.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._line.setWordWrap(True)
        column.addWidget(self._line)
        column.addWidget(self._make_questions())
        column.addStretch()
        column.addWidget(self._make_starter_line())
        self._there = self._is_starter = self._live = False
        self._head = head
        self._say()

    def _make_questions(self) -> QWidget:
        self._questions = QWidget()
        chips = QVBoxLayout(self._questions)
        chips.setContentsMargins(0, 8, 0, 0)
        chips.setSpacing(8)
        self._fitting: Wording | None = None
        self._chips = [push(words, partial(self._ask, n), "chip") for n, words in enumerate(_QUESTIONS)]
        for chip in self._chips:
            chips.addWidget(chip, 0, Qt.AlignmentFlag.AlignHCenter)
        self._questions.hide()
        return self._questions

    def _make_starter_line(self) -> QWidget:
        self._starter = QWidget()
        row = QVBoxLayout(self._starter)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        words = QLabel()
        say(words.setText, _STARTER)
        words.setObjectName("soft")
        words.setFont(theme.scaled(self.font(), 0.88))
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        words.setWordWrap(True)
        row.addWidget(words)
        larger = push(Wording("Larger models…"), self.larger_model.emit, "link")
        row.addWidget(larger, 0, Qt.AlignmentFlag.AlignHCenter)
        self._starter.hide()
        return self._starter

    def show_starter(self, is_starter: bool) -> None:
        """Say what the model that ships with the program can and cannot do, while it is the one that answers."""
        self._is_starter = is_starter
        self._fit()
        self._say()

    def show_picture(self, there: bool, first: Wording | None = None) -> None:
        """Offer questions once there is something to ask about. first: one that fits the picture."""
        self._there = there
        self._fitting = first
        self._fit()
        self._say()

    def show_live(self, live: bool) -> None:
        """Things before the camera are being named, or no longer."""
        self._live = live
        self._fit()
        self._say()

    def _offered(self) -> tuple[Wording, ...]:
        first, *others = _QUESTIONS
        return (self._fitting or first, *others)

    def _ask(self, number: int) -> None:
        self.question.emit(self._offered()[number])

    def _say(self) -> None:
        for chip, words in zip(self._chips, self._offered(), strict=True):
            say(chip.setText, words)
        say(self._head.setText, _POINT if self._live else _WHAT)
        say(self._line.setText, _CLICK if self._live else _DRAG if self._there else _BRING)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Leave out what does not fit, the least needed first."""
        questions = self._there and not self._live and self.height() >= 260
        self._questions.setVisible(questions)
        self._starter.setVisible(self._is_starter and self.height() >= (350 if questions else 200))
        self._line.setVisible(self.height() >= 130)
        self._head.setVisible(self.height() >= 72)


class _Rest(QStackedWidget):
    """Takes whatever height is left, even none."""

    def hasHeightForWidth(self) -> bool:
        return False

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)


class ConversationPane(QFrame):
    """Lays out its parts; knows nothing of what they mean."""

    def __init__(self, view: ChatView, tools: TurnTools, composer: Composer) -> None:
        super().__init__()
        self.setObjectName("conversation")
        self.composer = composer
        self._conversation = tools
        self.opening = Opening()
        self.notice = Notice()
        self.activity = ActivityLine()
        self.find_bar = FindBar(view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 16)
        column.setSpacing(0)
        column.addWidget(self.find_bar)
        self._notice_box = _padded(self.notice, 8)
        column.addWidget(self._notice_box)
        self._stack = _Rest()
        self._stack.addWidget(self.opening)
        self._stack.addWidget(tools)
        self._main: QWidget = self.opening
        self._page: QWidget | None = None
        column.addWidget(self._stack, 1)
        column.addWidget(_padded(self.activity, 0))
        column.addWidget(_padded(composer, 0))

    def minimumSizeHint(self) -> QSize:
        """As high as its words need at this width: a notice must not be squeezed, the stage gives way instead."""
        layout = self.layout()
        needed = layout.minimumHeightForWidth(max(self.width(), _LEAST.width())) if layout else 0
        return _LEAST.expandedTo(QSize(0, needed))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def add_strip(self, strip: QWidget) -> None:
        """Let something stand above the notice, which then moves none of its buttons; it shows and hides itself."""
        column = self.layout()
        assert isinstance(column, QVBoxLayout)
        column.insertWidget(column.indexOf(self._notice_box), strip)

    def show_conversation(self, there: bool) -> None:
        """Show the conversation, or the opening while there is none."""
        self._main = self._conversation if there else self.opening
        self.show_page(self._page)

    def show_page(self, page: QWidget | None) -> None:
        """Show a mode's own page in place of the conversation, or the conversation again."""
        self._page = page
        if page is not None and self._stack.indexOf(page) < 0:
            self._stack.addWidget(page)
        self._stack.setCurrentWidget(page or self._main)


def _padded(widget: QWidget, top: int) -> QWidget:
    box = QWidget()
    row = QHBoxLayout(box)
    row.setContentsMargins(16, top, 16, 0)
    row.addWidget(widget)
    return box
