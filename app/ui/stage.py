"""The left or upper half of the window: a picture, the live camera, or the invitation to bring one."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QStyle, QToolButton, QWidget

from app.ui.actions import Actions
from app.ui.buttons import ActionButton, IconButton, below, push
from app.ui.canvas import Canvas
from app.ui.desk import Sheet
from app.ui.i18n import say
from app.ui.invitation import Invitation
from app.ui.samples import Sample
from app.values import Picture
from app.wording import Wording

_PATIENCE_MS = 250
_BAR, _LIVE_BAR = 64, 80
_TALL = 440
"""Pixels of height from which the live picture and its controls both find room."""
_MESSAGE = 480
"""Pixels of width that a message takes at most."""
_BESIDE, _ABOVE = 20, 10
"""Pixels free around its words; its style makes the corners as round as they allow."""


class Stage(QFrame):
    """The canvas with its controls. shot: the shutter was pressed. sample: one was chosen. camera_menu_wanted: open it
    below a place on the screen. address_wanted: let the person mend the network camera's."""

    shot = Signal()
    sample = Signal(Path)
    live_closed = Signal()
    camera_menu_wanted = Signal(QPoint)
    address_wanted = Signal()

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.setObjectName("stage")
        self._live = False
        self.canvas = Canvas(self)
        self._invitation = Invitation(actions)
        self._invitation.setParent(self)
        self._invitation.sample.connect(self.sample)
        self._message = QLabel(self)
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        self._message.setTextFormat(Qt.TextFormat.PlainText)
        self._message.setObjectName("soft")
        self._message.hide()
        self._mend = push(Wording("Network camera…"), self.address_wanted.emit, parent=self)
        self._mend.hide()
        self._opening = QTimer(self, singleShot=True)
        self._opening.timeout.connect(self._say_opening)
        self._bar = self._make_bar(actions)
        self._zoom = self._make_zoom()
        self._live_bar = self._make_live_bar()
        self._drop = QFrame(self)
        self._drop.setObjectName("dropzone")
        self._drop.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._drop.hide()
        self.show_sheet(None)

    def _make_bar(self, actions: Actions) -> QFrame:
        bar = QFrame(self)
        bar.setObjectName("bar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(4, 4, 4, 4)
        row.setSpacing(2)
        for name in ("camera", "open", "paste", "screen"):
            row.addWidget(ActionButton(actions[name]))
        return bar

    def _make_zoom(self) -> QFrame:
        frame = QFrame(self)
        frame.setObjectName("zoom")
        row = QHBoxLayout(frame)
        row.setContentsMargins(4, 4, 4, 4)
        row.setSpacing(0)
        self._percent = QToolButton()
        say(self._percent.setAccessibleName, Wording("Fit the picture"))
        say(self._percent.setToolTip, Wording("Fit the picture (double click)"))
        self._percent.clicked.connect(self.canvas.fit)
        row.addWidget(IconButton("zoom-out", Wording("Zoom out (-)"), self.canvas.zoom_out, size=18))
        row.addWidget(self._percent)
        row.addWidget(IconButton("zoom-in", Wording("Zoom in (+)"), self.canvas.zoom_in, size=18))
        self.canvas.zoomed.connect(self._on_zoomed)
        return frame

    def _make_live_bar(self) -> QWidget:
        bar = QWidget(self)
        row = QHBoxLayout(bar)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(24)
        choose = IconButton("switch-camera", Wording("Choose the camera"))
        choose.clicked.connect(lambda: self.camera_menu_wanted.emit(below(choose)))
        self._shutter = shutter = QToolButton()
        shutter.setObjectName("shutter")
        shutter.setFixedSize(56, 56)
        say(shutter.setAccessibleName, Wording("Take the picture"))
        say(shutter.setToolTip, Wording("Take the picture (Space)"))
        shutter.clicked.connect(self.shot)
        close = IconButton("x", Wording("Turn the camera off"), self.live_closed.emit)
        self._raised(choose, close)
        for button in (choose, shutter, close):
            row.addWidget(button)
        return bar

    def _raised(self, *buttons: QWidget) -> None:
        for button in buttons:
            button.setObjectName("newest")

    def _on_zoomed(self, scale: float) -> None:
        say(self._percent.setText, Wording("{share:.0%}", share=scale))
        self._place()

    # --- what is shown ---

    def show_sheet(self, sheet: Sheet | None) -> None:
        """Show a picture, or the invitation."""
        self._live = False
        self._hide_message()
        self.canvas.show_picture(sheet.levels if sheet else ())
        say(self.canvas.setAccessibleDescription, _described(sheet.picture) if sheet else "")
        self._show_parts(invitation=sheet is None, bar=sheet is not None)

    def show_live(self, words: Wording, wrong_address: bool = False) -> None:
        """Show a camera; `words` until its first frame is there, and a way to mend its address if that may be wrong."""
        if not self._live:
            self._live = True
            self.canvas.show_picture(())
            self._shutter.setEnabled(False)
            say(self.canvas.setAccessibleDescription, Wording("Live camera"))
            self._show_parts(invitation=False, bar=False)
            self.canvas.setFocus()
        say(self._message.setText, words)
        self._message.setVisible(bool(words))
        self._mend.setVisible(wrong_address)
        self._mark_message()
        self._place()

    def _hide_message(self) -> None:
        self._message.hide()
        self._mend.hide()

    def clear_live(self) -> None:
        """Another camera is about to be shown: what the last one saw is gone."""
        if self._live:
            self.canvas.show_picture(())
            self._shutter.setEnabled(False)

    def _mark_message(self) -> None:
        """Words over a picture need something dark behind them."""
        name = "over" if self.canvas.filled and not self.canvas.isHidden() else "soft"
        if self._message.objectName() != name:
            self._message.setObjectName(name)
            self._message.style().unpolish(self._message)
            self._message.style().polish(self._message)

    def show_frame(self, frame: QImage, size: QSize) -> None:
        if self._live:
            self._hide_message()
            self.canvas.show_frame(frame, size)
            self._shutter.setEnabled(True)

    def show_opening(self, opening: bool) -> None:
        """Say that a picture is being opened, if it takes so long that one wonders."""
        self._opening.start(_PATIENCE_MS) if opening else self._opening.stop()
        if not opening and not self._live:
            self._message.hide()

    def _say_opening(self) -> None:
        say(self._message.setText, Wording("Opening the picture…"))
        self._mark_message()
        self._place()
        self._message.setVisible(not self._invitation.isVisible())

    @property
    def live(self) -> bool:
        return self._live

    def offer(self, samples: Sequence[Sample]) -> None:
        """Offer pictures to try on the empty stage."""
        self._invitation.offer(samples)

    def show_drop(self, over: bool) -> None:
        """A picture is being dragged over the window, or not."""
        self._drop.setVisible(over)

    def retint(self) -> None:
        self._invitation.retint()

    def _show_parts(self, invitation: bool, bar: bool) -> None:
        self._invitation.setVisible(invitation)
        self.canvas.setVisible(not invitation)
        self._bar.setVisible(bar)
        self._zoom.setVisible(bar)
        self._live_bar.setVisible(self._live)
        self._place()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and self._live:
            self._shutter.click()
        else:
            super().keyPressEvent(event)

    # --- where it stands ---

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self._place()

    def _place(self) -> None:
        whole = self.rect()
        for full in (self.canvas, self._invitation):
            full.setGeometry(whole)
        self._drop.setGeometry(whole.adjusted(8, 8, -8, -8))
        self._message.setGeometry(self._message_place(whole.adjusted(32, 32, -32, -96)))
        mend = self._mend.sizeHint()
        corner = QPoint((whole.width() - mend.width()) // 2, self._message.geometry().bottom() + _BESIDE)
        self._mend.setGeometry(QRect(corner, mend))
        self._drop.raise_()
        self.canvas.leave(self._bottom())
        bar, zoom, live = self._bar.sizeHint(), self._zoom.sizeHint(), self._live_bar.sizeHint()
        low = whole.bottom() - 15
        free = whole.width() - zoom.width() - 40
        left = (whole.width() - bar.width()) // 2 if bar.width() + 2 * zoom.width() + 64 < whole.width() else 16
        corner = QPoint(whole.right() - 15 - zoom.width(), 16 if self._live else low - zoom.height())
        for widget, geometry in (
            (self._bar, QRect(QPoint(left, low - bar.height()), bar)),
            (self._zoom, QRect(corner, zoom)),
        ):
            widget.setGeometry(QStyle.visualRect(self.layoutDirection(), whole, geometry))
        still = self._bar.isVisibleTo(self) and bar.width() < free
        self._zoom.setVisible(still or (self._live and not self.canvas.fitted))
        self._live_bar.setGeometry(QRect(QPoint((whole.width() - live.width()) // 2, low - live.height()), live))

    def _bottom(self) -> int:
        """Height that is kept free for the controls; in a small window they lie on the live picture, as on a phone."""
        if self._live:
            return _LIVE_BAR - self.covered
        return _BAR

    @property
    def covered(self) -> int:
        """Height at the bottom of the live picture that its controls stand on."""
        return _LIVE_BAR if self._live and self.height() < _TALL else 0

    def _message_place(self, room: QRect) -> QRect:
        """No larger than its words, in the middle of the room there is."""
        most = min(room.width(), _MESSAGE) - 2 * _BESIDE
        words = self._message.fontMetrics().boundingRect(
            QRect(0, 0, max(1, most), room.height()), Qt.TextFlag.TextWordWrap.value, self._message.text()
        )
        size = words.size() + QSize(2 * _BESIDE, 2 * _ABOVE)
        return QRect(room.center() - QPoint(size.width() // 2, size.height() // 2), size)


def _described(picture: Picture) -> Wording:
    return Wording(
        "Picture {name}, {width} x {height} pixels", name=picture.name, width=picture.width, height=picture.height
    )
