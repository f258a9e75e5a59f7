"""The window's layout: header on top, the stage beside the conversation, or above it where there is little room."""

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QSplitter, QVBoxLayout, QWidget

from app.capture.qt.incoming import holds_picture
from app.ui.conversation_pane import ConversationPane
from app.ui.header import Header
from app.ui.stage import Stage

NARROW = 900
"""Pixels of width below which the stage stands above the conversation."""


class MainWindow(QWidget):
    """dropped: something was dropped anywhere on the window. closing: it is about to go."""

    dropped = Signal(QMimeData)
    closing = Signal()
    system_theme_changed = Signal()

    def __init__(self, header: Header, stage: Stage, pane: ConversationPane) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setWindowTitle("Spyglass")
        self.setMinimumSize(340, 600)
        self.setAcceptDrops(True)
        self.stage, self.pane, self.header = stage, pane, header
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(header)
        self._splitter = QSplitter()
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setHandleWidth(1)
        self._splitter.addWidget(stage)
        self._splitter.addWidget(pane)
        column.addWidget(self._splitter, 1)
        stage.setMinimumSize(320, 152)
        self._wide: bool | None = None
        self.split: dict[bool, list[int]] = {}
        """Pixels of stage and conversation as the person chose them, beside (True) and above (False) one another."""
        self._splitter.splitterMoved.connect(self._on_moved)
        app = QApplication.instance()
        assert app
        app.installEventFilter(self)
        self.resize(1200, 800)

    @property
    def is_wide(self) -> bool:
        return self.width() >= NARROW

    def come_forward(self) -> None:
        """Before all other windows, as far as the desktop allows it."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._wide == self.is_wide:
            return
        self._wide = self.is_wide
        self._splitter.setOrientation(Qt.Orientation.Horizontal if self._wide else Qt.Orientation.Vertical)
        self._splitter.setStretchFactor(0, 1)
        self._splitter.setStretchFactor(1, 0 if self._wide else 1)
        self._splitter.setSizes(self.split.get(self._wide) or self._default_sizes())

    def _default_sizes(self) -> list[int]:
        if self._wide:
            right = min(max(400, self.width() * 2 // 5), 560)
            return [self.width() - right, right]
        height = self.height() - self.header.height()
        return [height * 2 // 5, height * 3 // 5]

    def _on_moved(self) -> None:
        self.split[self.is_wide] = self._splitter.sizes()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Remember whether the person steers by keyboard: only then the stage shows its focus."""
        if event.type() in (QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress):
            self.setProperty("keyboard", event.type() == QEvent.Type.KeyPress)
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ThemeChange:
            self.system_theme_changed.emit()
        elif event.type() == QEvent.Type.LayoutDirectionChange:
            self._splitter.setSizes(self._splitter.sizes())  # by itself it would not mirror before it is resized

    # --- a drop works anywhere ---

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        data = event.mimeData()
        picture = holds_picture(data)
        foreign = event.source() is None  # words of our own are there already
        if (picture or (foreign and (data.hasText() or data.hasUrls()))) and _accept(event):
            self.stage.show_drop(picture)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: ARG002
        self.stage.show_drop(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.stage.show_drop(False)
        if _accept(event):
            self.dropped.emit(event.mimeData())

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closing.emit()
        super().closeEvent(event)


def _accept(event: QDropEvent) -> bool:
    """Take a copy and never the thing itself, which would be gone where it came from; False if only that is offered."""
    offered = event.possibleActions()
    action = next((one for one in (Qt.DropAction.CopyAction, Qt.DropAction.LinkAction) if one & offered), None)
    if action is not None:
        event.setDropAction(action)
        event.accept()
    return action is not None
