"""The bar on top: menu, name, modes, and which model answers in what state."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.modes.base import Mode
from app.ui import icons, theme
from app.ui.actions import Actions
from app.ui.buttons import ActionButton, IconButton, below
from app.ui.i18n import say, shown
from app.wording import Wording

_NARROW, _ICONS_ONLY = 640, 480

_OFFLINE = Wording("Nothing leaves this machine: pictures, questions and answers stay here.")
_FETCHING = Wording("A model is being fetched. Nothing else goes over the network.")
_STATES = {
    "stopped": Wording("Resting"),
    "starting": Wording("Starting"),
    "ready": Wording("Ready"),
    "busy": Wording("Working"),
    "restarting": Wording("Restarting"),
}


class _Dot(QWidget):
    """The engine's state as a shape: full, half or hollow; in words in the tip, and beside it where there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(12, 12)
        self._state = "stopped"

    def show_state(self, state: str) -> None:
        self._state = state
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colours = theme.current()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            ink = QColor(colours.danger if self._state == "restarting" else colours.ok)
            if self._state == "stopped":
                ink = QColor(colours.soft)
            painter.setPen(ink)
            painter.drawEllipse(2, 2, 8, 8)
            painter.setBrush(ink)
            painter.setPen(Qt.PenStyle.NoPen)
            if self._state in ("ready", "busy"):
                painter.drawEllipse(2, 2, 8, 8)
            elif self._state in ("starting", "restarting"):
                painter.drawPie(2, 2, 8, 8, 90 * 16, 180 * 16)


class Header(QFrame):
    """mode_chosen: id of a mode. menu_wanted, models_wanted: open one below a place: where it begins, or for
    the models where it ends."""

    mode_chosen = Signal(str)
    menu_wanted = Signal(QPoint)
    models_wanted = Signal(QPoint)

    def __init__(self, modes: Sequence[Mode], actions: Actions) -> None:
        super().__init__()
        self.setObjectName("header")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._row = row = QHBoxLayout()
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(8)
        column.addLayout(row)
        self._menu = IconButton("menu", Wording("Menu"))
        self._menu.clicked.connect(lambda: self.menu_wanted.emit(below(self._menu)))
        row.addWidget(self._menu)
        self._logo = QLabel()
        self._logo.setPixmap(icons.application().pixmap(QSize(24, 24), self.devicePixelRatioF()))
        row.addWidget(self._logo)
        self._name = QLabel("Spyglass")
        self._name.setObjectName("wordmark")
        self._name.setFont(theme.scaled(self.font(), 1.1, bold=True))
        row.addWidget(self._name)
        row.addStretch(1)
        self._modes = self._make_modes(modes)
        self._modes_at = row.count()
        row.addWidget(self._modes, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addStretch(1)
        self._second = QHBoxLayout()
        column.addLayout(self._second)
        self._offline = QLabel()
        row.addWidget(self._offline)
        self._offline_words = QLabel()
        self._offline_words.setObjectName("soft")
        row.addWidget(self._offline_words)
        self._dot = _Dot()
        row.addSpacing(8)
        row.addWidget(self._dot)
        self._state = QLabel()
        self._state.setObjectName("soft")
        row.addWidget(self._state)
        self._model = IconButton("chevron-down", Wording("Choose the model"), words=" ")
        self._turn()
        self._model.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self._model.clicked.connect(self._want_models)
        row.addWidget(self._model)
        self._new = ActionButton(actions["new"])
        row.addWidget(self._new)
        self._full_name = ""
        self.show_state("stopped")
        self._say_fetching(None)

    def _make_modes(self, modes: Sequence[Mode]) -> QFrame:
        frame = QFrame()
        frame.setObjectName("modes")
        row = QHBoxLayout(frame)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(0)
        group = QButtonGroup(frame)
        self._mode_buttons: dict[str, QToolButton] = {}
        for mode in modes:
            button = QToolButton()
            say(button.setText, mode.title)
            button.setCheckable(True)
            button.setAutoExclusive(True)  # the group sees to that already, but this is what screen readers are told
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.clicked.connect(lambda _=False, m=mode.id: self.mode_chosen.emit(m))
            group.addButton(button)
            row.addWidget(button)
            self._mode_buttons[mode.id] = button
        frame.setVisible(len(modes) > 1)
        return frame

    def _want_models(self) -> None:
        self.models_wanted.emit(below(self._model, end=True))

    def show_mode(self, mode: str) -> None:
        chosen = self._mode_buttons[mode]
        chosen.setChecked(True)
        if any(button.hasFocus() for button in self._mode_buttons.values()):  # by key, and then the ring goes along
            chosen.setFocus()

    def show_model(self, name: str) -> None:
        """The model's name; nothing while it is looked for."""
        self._full_name = name
        self._fit()

    def show_state(self, state: str) -> None:
        """The engine's state, as its client names it."""
        words = _STATES[state]
        say(self._state.setText, words)
        self._dot.show_state(state)
        say(self._dot.setToolTip, Wording("Engine: {state}", state=words))
        say(self._dot.setAccessibleName, Wording("Engine: {state}", state=words))

    def show_fetching(self, fraction: float | None) -> None:
        """How much of a model has come, 0 to 1; None while nothing is fetched."""
        was_fetching = self._fetching
        self._say_fetching(fraction)
        if self._fetching != was_fetching:
            self._fit()

    def _say_fetching(self, fraction: float | None) -> None:
        self._fetching = fraction is not None
        words = Wording("Offline") if fraction is None else Wording("Fetching {share:.0%}", share=fraction)
        say(self._offline_words.setText, words)
        for widget in (self._offline, self._offline_words):
            say(widget.setToolTip, _FETCHING if self._fetching else _OFFLINE)
        say(self._offline.setAccessibleName, words)
        self._tint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Leave out what does not fit: the words first, then the modes, which get a line of their own."""
        metrics = self._state.fontMetrics()
        self._state.setMinimumWidth(4 + max(metrics.horizontalAdvance(shown(words)) for words in _STATES.values()))
        name = self._full_name or shown(Wording("Looking…"))
        longest = 200 if self.width() >= _NARROW else 110
        self._model.set_words(self._model.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, longest))
        self._model.set_name(Wording("Model: {name}", name=name))
        symbols = (self._menu, self._logo, self._offline, self._dot, self._model, self._new)
        words = (self._name, self._offline_words, self._state)
        room = self.width() - _across(*symbols, self._modes) - 40
        beside = self.width() >= _NARROW and room >= 0
        self._place_modes(beside)
        for widget in words:
            widget.setVisible(beside and room >= _across(*words))
        self._offline.setVisible(self.width() >= _ICONS_ONLY)

    def _place_modes(self, wide: bool) -> None:
        """The modes stand in the middle, or on a line of their own where there is little room."""
        if len(self._mode_buttons) < 2 or wide == (self._second.count() == 0):
            return
        for button in self._mode_buttons.values():
            button.setProperty("tight", not wide)
            button.style().unpolish(button)
            button.style().polish(button)
        if wide:
            self._second.removeWidget(self._modes)
            self._row.insertWidget(self._modes_at, self._modes, 0, Qt.AlignmentFlag.AlignVCenter)
        else:
            self._row.removeWidget(self._modes)
            self._second.addWidget(self._modes)
        self._second.setContentsMargins(12, 0, 12, 0 if wide else 8)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_fetching"):
            self._tint()
        elif event.type() == QEvent.Type.LanguageChange:
            self._fit()
        elif event.type() == QEvent.Type.LayoutDirectionChange:
            self._turn()

    def _turn(self) -> None:
        """The arrow of the model's button stands behind the name."""
        right, left = Qt.LayoutDirection.RightToLeft, Qt.LayoutDirection.LeftToRight
        self._model.setLayoutDirection(left if self.isRightToLeft() else right)

    def _tint(self) -> None:
        name, ink = ("download", theme.current().accent) if self._fetching else ("wifi-off", theme.current().soft)
        self._offline.setPixmap(icons.pixmap(name, ink, 16, self.devicePixelRatioF()))


def _across(*widgets: QWidget) -> int:
    """The pixels these need beside each other."""
    return sum(widget.sizeHint().width() + 8 for widget in widgets)
