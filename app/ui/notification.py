"""A notification of the desktop where there is no tray to show one, as on plain GNOME: with what the system has for it.

Qt's own D-Bus cannot be used from Python for this: there is no way to say that a number is unsigned, as it has to be.
"""

import json
import os
import shutil
import sys
from pathlib import Path

from PySide6.QtCore import QProcess

_SERVICE, _OBJECT = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"


def show(words: str) -> None:
    """Show `words`, if that can be; waits for nothing."""
    program, *arguments = command(words) or [""]
    if program:
        process = QProcess()
        process.setProgram(program)
        process.setArguments(arguments)
        for let_go in (process.setStandardOutputFile, process.setStandardErrorFile):
            let_go(QProcess.nullDevice())
        process.startDetached()


def command(words: str) -> list[str]:
    """The program that shows `words`, and its arguments; empty where there is none, or nobody who would hear it.

    The words are those of a person: they are no markup, and no option though they begin with a dash.
    """
    if sys.platform in ("win32", "darwin") or not _has_desktop():
        return []
    if program := shutil.which("notify-send"):
        return [program, "--app-name=Spyglass", "--icon=spyglass", "--", words]
    if program := shutil.which("gdbus"):
        where = ["--session", "--dest", _SERVICE, "--object-path", _OBJECT, "--method", f"{_SERVICE}.Notify"]
        what = ["Spyglass", "uint32 0", "spyglass", json.dumps(words, ensure_ascii=False), '""']
        return [program, "call", *where, *what, "@as []", "@a{sv} {}", "int32 -1"]
    return []


def _has_desktop() -> bool:
    """Whether a session's bus runs; asking for one that does not would start it."""
    bus = Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent"), "bus")
    return bool(os.environ.get("DBUS_SESSION_BUS_ADDRESS")) or bus.exists()
