"""Icons: SVG files of one family in assets/icons, drawn in the colour of the text or in one that is asked for."""

from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app import paths

_SCALES = (1, 2, 3)


def folder() -> Path:
    return paths.assets_dir() / "icons"


def icon(name: str, colour: str, disabled: str = "", size: int = 20) -> QIcon:
    """The icon `name` in `colour`, sharp on every screen. disabled: its colour where it cannot be used."""
    result = QIcon()
    for scale in _SCALES:
        result.addPixmap(pixmap(name, colour, size, scale))
        if disabled:
            result.addPixmap(pixmap(name, disabled, size, scale), QIcon.Mode.Disabled)
    return result


@lru_cache(maxsize=512)
def pixmap(name: str, colour: str, size: int = 20, scale: float = 1.0) -> QPixmap:
    """The icon `name` as `size` x `size` logical pixels."""
    source = (folder() / f"{name}.svg").read_text("utf-8").replace("currentColor", QColor(colour).name())
    result = QPixmap(QSize(size, size) * scale)
    result.fill(Qt.GlobalColor.transparent)
    with QPainter(result) as painter:
        QSvgRenderer(QByteArray(source.encode())).render(painter, QRectF(result.rect()))
    result.setDevicePixelRatio(scale)
    return result


def application() -> QIcon:
    """The program's own icon."""
    result = QIcon()
    renderer = QSvgRenderer(str(paths.assets_dir() / "spyglass.svg"))
    for size in (16, 24, 32, 48, 64, 128, 256):
        image = QPixmap(size, size)
        image.fill(Qt.GlobalColor.transparent)
        with QPainter(image) as painter:
            renderer.render(painter)
        result.addPixmap(image)
    return result
