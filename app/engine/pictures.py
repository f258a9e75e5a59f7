"""What a picture became in the vision tower, kept in memory and on disk, so that no picture is encoded twice.

An entry is a few numpy arrays under a key that names everything they depend on (see `key`). Both levels forget what
was used longest ago once they hold more bytes than they may. The disk level is shared by every process that uses the
folder: files are written beside their place and moved there, their modification time is when they were last used.
"""

import contextlib
import hashlib
import logging
import os
import tempfile
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

Arrays = Mapping[str, NDArray[Any]]
_SUFFIX = ".npz"
_STALE = 3600.0
"""Seconds after which an unfinished file belongs to a process that died."""


class Found(NamedTuple):
    """A cache hit and where it was."""

    arrays: Arrays
    where: Literal["memory", "disk"]


def key(*parts: str | int) -> str:
    """A key of 32 hexadecimal digits for everything an entry depends on: projector, pixels, limits, slice, version."""
    joined = "\0".join(str(part) for part in parts)
    return hashlib.blake2b(joined.encode(), digest_size=16).hexdigest()


class PictureCache:
    """Arrays by key, least recently used forgotten first. Used by one thread.

    memory, disk: how many bytes of arrays each level may hold. folder: of the disk level; None for none. What it holds
    beyond the limit is removed at once: a limit of 0 leaves nothing of earlier days. A disk that is full or a folder
    that cannot be written costs the cache, never the answer.
    """

    def __init__(self, memory: int, folder: Path | None = None, disk: int = 0) -> None:
        self._memory_limit = memory
        self._disk_limit = disk
        self._folder = folder if disk > 0 else None
        self._entries: OrderedDict[str, Arrays] = OrderedDict()
        self._bytes = 0
        if folder is not None:
            with contextlib.suppress(OSError):
                self._prune(folder)

    def get(self, name: str) -> Found | None:
        """The read-only arrays under `name`, or None. A damaged file is a miss, and is removed."""
        if name in self._entries:
            self._entries.move_to_end(name)
            return Found(self._entries[name], "memory")
        arrays = self._read(name)
        if arrays is None:
            return None
        self._remember(name, arrays)
        return Found(arrays, "disk")

    def put(self, name: str, arrays: Arrays) -> None:
        """Keep copies of `arrays` under `name` on both levels."""
        copies = {part: np.array(array, copy=True, order="C") for part, array in arrays.items()}
        for copy in copies.values():
            copy.flags.writeable = False
        self._remember(name, copies)
        self._write(name, copies)

    def _remember(self, name: str, arrays: Arrays) -> None:
        size = _nbytes(arrays)
        if size > self._memory_limit:
            return
        self._forget(name)
        self._entries[name] = arrays
        self._bytes += size
        while self._bytes > self._memory_limit:
            self._forget(next(iter(self._entries)))

    def _forget(self, name: str) -> None:
        if name in self._entries:
            self._bytes -= _nbytes(self._entries.pop(name))

    def _read(self, name: str) -> Arrays | None:
        if self._folder is None:
            return None
        path = self._folder / (name + _SUFFIX)
        try:
            if path.stat().st_size > self._disk_limit:
                raise ValueError("larger than the whole cache may be")
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                arrays = {part: stored[part] for part in stored.files}
            with contextlib.suppress(OSError):  # a folder that can only be read still serves
                os.utime(path)
        except FileNotFoundError:
            return None
        except Exception as error:  # a damaged archive raises almost anything: BadZipFile, EOFError, zlib.error
            log.warning("removing a damaged entry of the picture cache: %s: %s", path.name, error)
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        for array in arrays.values():
            array.flags.writeable = False
        return arrays

    def _write(self, name: str, arrays: Arrays) -> None:
        if self._folder is None or _nbytes(arrays) > self._disk_limit:
            return
        unfinished: str | None = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, unfinished = tempfile.mkstemp(suffix=".part", dir=self._folder)
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **cast(dict[str, Any], arrays))
            os.replace(unfinished, self._folder / (name + _SUFFIX))
            unfinished = None
            self._prune(self._folder)
        except OSError as error:
            log.warning("the picture cache cannot be written: %s", error)
        finally:
            if unfinished is not None:
                with contextlib.suppress(OSError):
                    os.unlink(unfinished)

    def _prune(self, folder: Path) -> None:
        """Remove what was used longest ago until the folder is within its limit, and what a dead process left."""
        found: list[tuple[float, int, str]] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # another process may be pruning too
                    status = entry.stat()
                    if entry.name.endswith(".part") and status.st_mtime < time.time() - _STALE:
                        os.unlink(entry.path)
                    elif entry.name.endswith(_SUFFIX):
                        found.append((status.st_mtime, status.st_size, entry.path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._disk_limit:
                return
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            total -= size


def _nbytes(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())
