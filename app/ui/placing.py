"""Where the window stood last, and how it was divided: so it comes back, and a first one fits the screen."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings, QSize
from PySide6.QtWidgets import QWidget

FIRST = QSize(1200, 800)
_LARGEST = 1 << 16

Split = dict[bool, list[int]]
"""Pixels of the two halves of the window, beside (True) and above (False) one another."""

_SPLIT = {True: "beside", False: "above"}


def restore(window: QWidget, split: Split, file: Path) -> None:
    """Put the window, and in `split` its halves, where `keep` found them.

    Without a usable record, give it a size that fits the screen.
    """
    record = QSettings(str(file), QSettings.Format.IniFormat)
    for beside, key in _SPLIT.items():
        sizes = _sizes(record.value(key))
        if sizes:
            split[beside] = sizes
    geometry = record.value("geometry")
    if isinstance(geometry, QByteArray) and window.restoreGeometry(geometry):
        return
    room = window.screen().availableGeometry().size()
    # A title bar and a frame come on top of the window's own size.
    window.resize(FIRST.boundedTo(QSize(room.width() - 16, room.height() - 48)))


def keep(window: QWidget, split: Split, file: Path) -> None:
    """Write down where the window and its halves stand. A folder that cannot be written to costs nothing else."""
    record = QSettings(str(file), QSettings.Format.IniFormat)
    record.setValue("geometry", window.saveGeometry())
    for beside, sizes in split.items():
        record.setValue(_SPLIT[beside], sizes)


def _sizes(value: object) -> list[int]:
    """What a record says of the two halves; nothing if that is no pair of sizes."""
    texts = [str(one) for one in value] if isinstance(value, list) else []
    sizes = [int(text) for text in texts if text.isdecimal() and 0 < int(text) < _LARGEST]
    return sizes if len(sizes) == len(texts) == 2 else []
