"""A file that is being made: beside its place under a name of its own, and there in one step once it is complete.

Who makes one holds a lock on it, which the system takes away however a run ends. So what nobody holds was left by a run
that was killed: it goes as soon as anything is made in the same folder.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from app.errors import ModelError

_SUFFIX = ".spyglass-part"
"""No other program's: browsers call what they download .part or .download."""

if sys.platform == "win32":

    def _lock(_: BinaryIO) -> None:
        raise OSError("no lock of this kind")

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        """Raises BlockingIOError if another run holds it, OSError where there are no locks."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def unfinished(path: Path) -> Iterator[BinaryIO]:
    """An empty file that takes the place of `path` at the end, and is gone if anything fails meanwhile.

    Raises ModelError if another run is making the same file, and OSError.
    """
    _sweep(path.parent)
    part = path.with_name(path.name + _SUFFIX)
    file = hold(part, path.name)
    try:
        file.truncate()
        yield file
        file.flush()
        os.fsync(file.fileno())
        if sys.platform == "win32":
            file.close()  # or it could not be moved; elsewhere it is held until it is moved
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    finally:
        with contextlib.suppress(OSError):
            file.close()


def hold(part: Path, name: str) -> BinaryIO:
    """The file `part`, made if it is not there, for this run alone; `name` is that of what becomes of it.

    Raises ModelError if another run holds it, and OSError.
    """
    while True:
        file = _open(part, os.O_CREAT)
        try:
            _lock(file)
        except BlockingIOError as error:
            file.close()
            raise ModelError(
                f"{name} is being written already, by another run.", "Wait until it is done, or choose another name."
            ) from error
        except OSError:  # a disk without locks, on which two runs at once are not told apart
            break
        if _is_at(file, part):
            break
        file.close()  # swept away by another run before it was locked
    return file


def _sweep(folder: Path) -> None:
    """Take away what killed runs left: it would take the room that is needed now."""
    for part in folder.glob(f"*{_SUFFIX}"):
        with contextlib.suppress(OSError), _open(part) as file:
            _lock(file)
            if _is_at(file, part):
                part.unlink()


def _open(part: Path, flags: int = 0) -> BinaryIO:
    flags |= os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return open(part, "r+b", opener=lambda name, _: os.open(name, flags, 0o666))


def _is_at(file: BinaryIO, part: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), part.lstat())
    return False
