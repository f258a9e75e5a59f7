"""What a drop or a paste brings: files, pixels, or text."""

import re
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QImage, QPainter

from app.capture.files import SUFFIXES
from app.values import Picture

_LONGEST_PATH = 4096
_MOST_LINES = 100
"""Of a text that are looked at: nobody means so many pictures."""
_PNG = "image/png"
"""Among the forms a picture is offered in, one that every program knows and that loses nothing."""


@dataclass(frozen=True)
class Incoming:
    """paths: files named; encoded: a picture as in a file; image: pixels (None: none); text: words that name no
    picture."""

    paths: tuple[Path, ...] = ()
    encoded: bytes = b""
    image: QImage | None = None
    text: str = ""

    def has_picture(self) -> bool:
        return bool(self.paths or self.encoded) or self.image is not None


def holds_picture(data: QMimeData) -> bool:
    """Whether `incoming` will find one, without fetching it: who offers it may be slow to hand it over."""
    named = any(url.isLocalFile() for url in data.urls()) or bool(_paths_in(data.text()))
    return named or data.hasImage() or data.hasFormat(_PNG)


def incoming(data: QMimeData) -> Incoming:
    """What is in `data`. Files come before pixels: browsers offer both, and the file has the better picture.

    Text counts as files if each of its lines is an absolute path with the ending of a picture. No disk is touched here,
    and what came encoded stays so: decoding it takes long, and may be done on another thread.
    """
    paths = tuple(Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile())
    if paths:
        return Incoming(paths=paths)
    encoded = bytes(data.data(_PNG).data()) if data.hasFormat(_PNG) else b""
    if encoded:
        return Incoming(encoded=encoded)
    if data.hasImage():
        image = data.imageData()
        if isinstance(image, QImage) and not image.isNull():
            return Incoming(image=image)
    text = data.text()
    paths = _paths_in(text)
    return Incoming(paths=paths) if paths else Incoming(text=text)


def is_address(data: QMimeData) -> bool:
    """Whether `data` only says where on the web something is, as a picture does that is dragged out of a browser."""
    return not holds_picture(data) and any(url.scheme() in ("http", "https") for url in data.urls())


def picture_of(image: QImage, name: str) -> Picture:
    """The pixels of `image`, on white where it is transparent. May run on any thread. `image` must not be empty."""
    if image.hasAlphaChannel():
        white = QImage(image.size(), QImage.Format.Format_RGB32)
        white.fill(0xFFFFFFFF)
        with QPainter(white) as painter:
            painter.drawImage(0, 0, image)
        image = white
    opaque = image.convertToFormat(QImage.Format.Format_RGB888)
    row, stride = opaque.width() * 3, opaque.bytesPerLine()
    bits = bytes(opaque.constBits())
    if stride != row:  # rows are padded to four bytes
        bits = b"".join(bits[y * stride : y * stride + row] for y in range(opaque.height()))
    return Picture(width=opaque.width(), height=opaque.height(), pixels=bits, name=name)


def _paths_in(text: str) -> tuple[Path, ...]:
    lines = text.split("\n", _MOST_LINES)
    found = [_path_in(line) for line in lines if line.strip()]
    return tuple(filter(None, found)) if all(found) else ()


def _path_in(line: str) -> Path | None:
    text = line.strip().strip("\"'")
    if "\n" in text or not 1 < len(text) < _LONGEST_PATH or not text.lower().endswith(SUFFIXES):
        return None
    if text.startswith("file://"):
        return Path(QUrl(text).toLocalFile())
    return Path(text).expanduser() if re.match(r"[/~]|[A-Za-z]:[\\/]", text) else None
