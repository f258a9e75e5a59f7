"""Where the window stood last: it comes back there, and a first one fits the screen."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings, QSize
from PySide6.QtWidgets import QWidget

FIRST = QSize(1200, 800)


def restore(window: QWidget, file: Path) -> None:
    """Put the window where `keep` found it; without a usable record, give it a size that fits the screen."""
    record = QSettings(str(file), QSettings.Format.IniFormat).value("geometry")
    if isinstance(record, QByteArray) and window.restoreGeometry(record):
        return
    room = window.screen().availableGeometry().size()
    # A title bar and a frame come on top of the window's own size.
    window.resize(FIRST.boundedTo(QSize(room.width() - 16, room.height() - 48)))


def keep(window: QWidget, file: Path) -> None:
    """Write down where the window stands. A folder that cannot be written to costs the record, nothing else."""
    QSettings(str(file), QSettings.Format.IniFormat).setValue("geometry", window.saveGeometry())
