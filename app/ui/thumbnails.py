"""Small pictures: those beside the questions of the conversation, and buttons and rows with round corners."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPixmap

from app.ui.desk import THUMBNAIL, Sheet


class Thumbnails(QObject):
    """One a picture, by the picture's digest."""

    def __init__(self) -> None:
        super().__init__()
        self._pixmaps: dict[str, QPixmap] = {}

    def get(self, digest: str) -> QPixmap | None:
        return self._pixmaps.get(digest)

    def remember(self, sheets: Sequence[Sheet]) -> None:
        """Keep those of pictures that a question is about."""
        for sheet in sheets:
            pixmap = QPixmap.fromImage(sheet.thumbnail)
            if pixmap.width() > THUMBNAIL.width() // 2 or pixmap.height() > THUMBNAIL.height() // 2:
                pixmap.setDevicePixelRatio(2)
            self._pixmaps[sheet.picture.digest] = pixmap

    def forget(self, shows: Callable[[str], bool]) -> None:
        """Keep only those that the conversation shows."""
        self._pixmaps = {digest: pixmap for digest, pixmap in self._pixmaps.items() if shows(digest)}


def rounded(image: QImage, size: QSize) -> QPixmap:
    """The middle of `image`, filling `size` with round corners; drawn for screens of twice the pixels."""
    filled = image.scaled(
        size * 2, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    )
    result = QPixmap(size * 2)
    result.fill(Qt.GlobalColor.transparent)
    with QPainter(result) as painter:
        path = QPainterPath()
        path.addRoundedRect(result.rect(), 16, 16)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipPath(path)
        painter.drawImage((result.width() - filled.width()) // 2, (result.height() - filled.height()) // 2, filled)
    result.setDevicePixelRatio(2)
    return result
