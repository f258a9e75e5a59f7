"""Bytes of a large file, some at a time.

Read, not mapped: the pages of a mapped checkpoint of 22 GB would count as this program's memory, and a file that
becomes shorter meanwhile would end the process with a signal instead of an error.
"""

from pathlib import Path

import numpy as np

from app.errors import ModelError


def read_bytes(path: Path, offset: int, count: int) -> np.ndarray:
    """`count` bytes of the file from `offset` on, (count,) uint8. Raises ModelError if they cannot be had."""
    try:
        found = np.fromfile(path, np.uint8, count, offset=offset)
    except OSError as error:
        raise _unreadable(path, str(error)) from error
    if found.size < count:
        raise _unreadable(path, f"{found.size} of {count} bytes at {offset}")
    return found


def _unreadable(path: Path, detail: str) -> ModelError:
    return ModelError(
        f"The file {path.name} could not be read on: it became shorter, or its disk failed.",
        "Check the disk, then download or copy the file again.",
        f"{path}: {detail}",
    )
