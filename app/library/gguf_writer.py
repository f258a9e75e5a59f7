"""Writes a GGUF file tensor by tensor: the header first, then the data as it is made; complete or not at all."""

import errno
import shutil
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import ModelError, SpyglassError
from app.gguf import TYPES
from app.library.unfinished import unfinished

Progress = Callable[[float], None]
ALIGNMENT = 32
_U32, _F32, _BOOL, _STRING, _ARRAY, _I32 = 4, 6, 7, 8, 9, 5


@dataclass(frozen=True)
class PlannedTensor:
    """A tensor to be written: its shape in ggml's order, and its bytes, made block by block when they are due."""

    name: str
    shape: tuple[int, ...]
    type: int
    blocks: Callable[[], Iterator[bytes]]

    @property
    def nbytes(self) -> int:
        stored = TYPES[self.type]
        size = stored.size * (self.shape[0] // stored.block)
        for side in self.shape[1:]:
            size *= side
        return size


def entry(key: str, value: Any) -> bytes:
    """A metadata entry: bool, int (uint32), float, str, or a list of ints (int32), floats or strings."""
    return _string(key) + _typed(value)


def write(
    path: Path, entries: Iterable[bytes], tensors: list[PlannedTensor], progress: Progress = lambda _: None
) -> None:
    """Write the file to `path`, where it appears when it is complete (see `unfinished`).

    A GGUF file that is there is replaced then. Raises ModelError if anything else is there, if another run is writing
    there, or if the disk is too small or cannot be written to.
    """
    header = _header(list(entries), tensors)
    total = len(header) + sum(_padded(tensor.nbytes) for tensor in tensors)
    try:
        _check_place(path)
        with unfinished(path) as file:
            free = shutil.disk_usage(path.parent).free
            if total > free:
                raise ModelError(
                    f"The model needs {-(-total >> 20)} MiB, but the disk has {free >> 20} MiB free.",
                    "Make room or choose another folder.",
                )
            file.write(header)
            _write_data(file.write, tensors, total, progress)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ModelError(
                "The disk became full while the model was written.", "Make room or choose another folder.", str(error)
            ) from error
        raise ModelError(
            f"The model file {path.name} cannot be written.", "Check the folder and the disk.", str(error)
        ) from error


def _check_place(path: Path) -> None:
    """Raises ModelError where something lies that must not be replaced: a slip of the hand costs no other file."""
    if not path.parent.is_dir():
        raise ModelError(f"There is no folder {path.parent}.", "Make it, or choose another one.")
    if path.exists() and not path.is_file():
        raise ModelError(f"{path} is a folder or a device.", "Name the file to write.")
    if path.exists() and path.stat().st_size:
        with open(path, "rb") as file:
            if file.read(4) != b"GGUF":
                raise ModelError(f"{path.name} is there already and is no model file.", "Choose another name.")


def _write_data(put: Callable[[bytes], Any], tensors: list[PlannedTensor], total: int, progress: Progress) -> None:
    done = 0
    for tensor in tensors:
        written = 0
        for block in tensor.blocks():
            put(block)
            written += len(block)
            progress((done + written) / total)
        if written != tensor.nbytes:
            raise SpyglassError(
                "A tensor came out in the wrong size.", "Please report this.", f"{tensor.name}: {written}"
            )
        put(bytes(_padded(written) - written))
        done += _padded(written)
    progress(1.0)


def _header(entries: list[bytes], tensors: list[PlannedTensor]) -> bytes:
    parts = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(entries)), *entries]
    offset = 0
    for tensor in tensors:
        parts.append(
            _string(tensor.name)
            + struct.pack(f"<I{len(tensor.shape)}QIQ", len(tensor.shape), *tensor.shape, tensor.type, offset)
        )
        offset += _padded(tensor.nbytes)
    header = b"".join(parts)
    return header + bytes(_padded(len(header)) - len(header))


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _string(text: str) -> bytes:
    raw = text.encode("utf-8", "replace")  # a folder's name may be no text, nor what JSON escapes
    return struct.pack("<Q", len(raw)) + raw


def _typed(value: Any) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", _BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", _U32, value)
    if isinstance(value, float):
        return struct.pack("<If", _F32, value)
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _string(value)
    return struct.pack("<I", _ARRAY) + _array(list(value))


def _array(values: list[Any]) -> bytes:
    if values and isinstance(values[0], str):
        return struct.pack("<IQ", _STRING, len(values)) + b"".join(map(_string, values))
    kind, letter = (_F32, "f") if values and isinstance(values[0], float) else (_I32, "i")
    return struct.pack(f"<IQ{len(values)}{letter}", kind, len(values), *values)
