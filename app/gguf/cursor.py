"""Reading values of a stranger's header, within limits, from the front to the back."""

import os
import struct
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from app.errors import ModelError
from app.wording import Wording

_MAX_STRING = 16 << 20
_MAX_STRINGS = 4 << 20
"""Strings in one array; the largest vocabularies have a quarter of a million."""
MAX_HEADER = 256 << 20
"""Bytes before the first tensor; a vocabulary of a quarter of a million tokens with its merges takes 15 MB."""

_STRING, _ARRAY = 8, 9  # value types; the others are numbers of one size
_SCALARS = {
    number: struct.Struct("<" + letter)
    for number, letter in (
        (0, "B"),
        (1, "b"),
        (2, "H"),
        (3, "h"),
        (4, "I"),
        (5, "i"),
        (6, "f"),
        (7, "?"),
        (10, "Q"),
        (11, "q"),
        (12, "d"),
    )
}


class GgufError(ModelError):
    """The file is no GGUF file, is cut short, or contradicts itself."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            Wording("The model file {name} is damaged or is not a GGUF file.", name=path.name),
            Wording("Download or convert it again."),
            f"{path}: {detail}",
        )


@dataclass(frozen=True, slots=True)
class ArrayValue:
    """An array in the metadata, left in the file until `Gguf.array` asks for it."""

    kind: int
    count: int
    offset: int


class Cursor:
    """A place in the header that never moves past its end."""

    def __init__(self, file: BufferedReader, path: Path, size: int) -> None:
        self._file, self.path, self.size = file, path, size
        self._end = min(size, MAX_HEADER)
        self.position = file.tell()

    def fail(self, detail: str) -> GgufError:
        return GgufError(self.path, f"{detail} (at byte {self.position})")

    def _need(self, count: int) -> None:
        if count > self._end - self.position:
            raise self.fail(f"{count} bytes wanted, {self._end - self.position} left")

    def take(self, count: int) -> bytes:
        self._need(count)
        block = self._file.read(count)
        if len(block) != count:
            raise self.fail("the file became shorter while it was read")
        self.position += count
        return block

    def skip(self, count: int) -> None:
        self._need(count)
        self._file.seek(count, os.SEEK_CUR)
        self.position += count

    def skip_strings(self, count: int) -> None:
        """The hot loop: a vocabulary and its merges are 400 000 strings."""
        if count > _MAX_STRINGS:
            raise self.fail(f"an array of {count} strings")
        self._need(8 * count)
        read, position, end = self._file.read, self.position, self._end
        for _ in range(count):
            length = int.from_bytes(read(8), "little")
            position += 8 + length
            if position > end:
                raise self.fail("an array of strings that is longer than the file")
            read(length)
        self.position = position

    def scalar(self, kind: int) -> Any:
        layout = _SCALARS[kind]
        return layout.unpack(self.take(layout.size))[0]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def string(self, limit: int = _MAX_STRING) -> str:
        length = self.u64()
        if length > limit:
            raise self.fail(f"a string of {length} bytes")
        return self.take(length).decode("utf-8", errors="replace")

    def value(self) -> Any:
        kind = self.u32()
        if kind in _SCALARS:
            return self.scalar(kind)
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self.skip_array()
        raise self.fail(f"value type {kind} does not exist")

    def skip_array(self) -> ArrayValue:
        kind, count, offset = self.u32(), self.u64(), self.position
        if kind in _SCALARS:
            self.skip(count * _SCALARS[kind].size)
        elif kind == _STRING:
            self.skip_strings(count)
        else:
            raise self.fail(f"an array of type {kind}")
        return ArrayValue(kind, count, offset)

    def elements(self, kind: int, count: int) -> list[Any]:
        if kind == _STRING:
            return [self.string() for _ in range(count)]
        layout = _SCALARS[kind]
        return [value for (value,) in layout.iter_unpack(self.take(count * layout.size))]
