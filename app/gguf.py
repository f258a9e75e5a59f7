"""Reads the header of a GGUF file: its metadata and where its tensors lie. Pure Python, for files from strangers.

A GGUF header is a stranger's list of counts, lengths and offsets. Every one of them is checked against a fixed limit
and against the size of the file before anything is allocated or skipped, so that a file that lies costs milliseconds
and ends in a `GgufError`. Nothing here maps the file: one that shrinks meanwhile gives an error, not a signal.

Format: ggml `docs/gguf.md`, versions 2 and 3, little-endian.
"""

import hashlib
import math
import os
import struct
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any

from app.errors import ModelError
from app.wording import Wording


class GgufError(ModelError):
    """The file is no GGUF file, is cut short, or contradicts itself."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            Wording("The model file {name} is damaged or is not a GGUF file.", name=path.name),
            Wording("Download or convert it again."),
            f"{path}: {detail}",
        )


@dataclass(frozen=True, slots=True)
class TensorType:
    """How ggml stores a tensor's elements: `block` of them in `size` bytes."""

    name: str
    block: int
    size: int


TYPES: dict[int, TensorType] = {
    number: TensorType(name, block, size)
    for number, name, block, size in (
        (0, "F32", 1, 4),
        (1, "F16", 1, 2),
        (2, "Q4_0", 32, 18),
        (3, "Q4_1", 32, 20),
        (6, "Q5_0", 32, 22),
        (7, "Q5_1", 32, 24),
        (8, "Q8_0", 32, 34),
        (10, "Q2_K", 256, 84),
        (11, "Q3_K", 256, 110),
        (12, "Q4_K", 256, 144),
        (13, "Q5_K", 256, 176),
        (14, "Q6_K", 256, 210),
        (16, "IQ2_XXS", 256, 66),
        (17, "IQ2_XS", 256, 74),
        (18, "IQ3_XXS", 256, 98),
        (19, "IQ1_S", 256, 50),
        (20, "IQ4_NL", 32, 18),
        (21, "IQ3_S", 256, 110),
        (22, "IQ2_S", 256, 82),
        (23, "IQ4_XS", 256, 136),
        (24, "I8", 1, 1),
        (25, "I16", 1, 2),
        (26, "I32", 1, 4),
        (27, "I64", 1, 8),
        (28, "F64", 1, 8),
        (29, "IQ1_M", 256, 56),
        (30, "BF16", 1, 2),
        (34, "TQ1_0", 256, 54),
        (35, "TQ2_0", 256, 66),
        (39, "MXFP4", 32, 17),
        (40, "NVFP4", 64, 36),
        (41, "Q1_0", 128, 18),
        (42, "Q2_0", 64, 18),
    )
}
"""Every type the pinned ggml knows; a test compares this table with the library."""

_MAGIC = b"GGUF"
_MAX_TENSORS = 1 << 16
_MAX_KEYS = 1 << 16
_MAX_KEY_LENGTH = 1 << 10
_MAX_TENSOR_NAME = 1 << 8
_MAX_STRING = 16 << 20
_MAX_STRINGS = 4 << 20
"""Strings in one array; the largest vocabularies have a quarter of a million."""
_MAX_HEADER = 256 << 20
"""Bytes before the first tensor; a vocabulary of a quarter of a million tokens with its merges takes 15 MB."""
_MAX_DIMENSION = 1 << 40
_MAX_ALIGNMENT = 1 << 16

_STRING, _ARRAY = 8, 9
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


@dataclass(frozen=True, slots=True)
class ArrayValue:
    """An array in the metadata, left in the file until `Gguf.array` asks for it."""

    kind: int
    count: int
    offset: int


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Where a tensor lies. shape is in ggml's order (fastest first), offset is absolute, in bytes."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int
    nbytes: int


@dataclass(frozen=True)
class Gguf:
    """A checked header. `metadata` holds numbers, booleans, strings and `ArrayValue`s."""

    path: Path
    version: int
    metadata: dict[str, Any]
    tensors: dict[str, TensorInfo]
    data_offset: int
    file_size: int
    alignment: int
    spans: dict[str, tuple[int, int]] = field(repr=False)
    """Where each metadata entry lies in the file, for whoever copies it."""

    @property
    def architecture(self) -> str:
        """`general.architecture`, or an empty string."""
        return self.text("general.architecture")

    def text(self, key: str, default: str = "") -> str:
        value = self.metadata.get(key, default)
        return value if isinstance(value, str) else default

    def number(self, key: str, default: float | None = None) -> float:
        """The number under `key`. Raises GgufError if there is none and no default, or if it is no finite one."""
        value = self.metadata.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise GgufError(self.path, f"no number under {key}")
        return value

    def array(self, key: str) -> list[Any]:
        """The elements of the array under `key`, read from the file now; empty if there is none."""
        value = self.metadata.get(key)
        if not isinstance(value, ArrayValue):
            return []
        try:
            with open(self.path, "rb") as file:
                file.seek(value.offset)
                return _Cursor(file, self.path, self.file_size).elements(value.kind, value.count)
        except OSError as error:
            raise GgufError(self.path, str(error)) from error


def read_header(path: str | Path) -> Gguf:
    """Read and check the header of the GGUF file at `path`.

    Raises ModelError if the file cannot be opened and GgufError if it is damaged or lies.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            return _read(_Cursor(file, path, os.fstat(file.fileno()).st_size))
    except OSError as error:
        raise ModelError(
            Wording("The model file {name} cannot be read.", name=path.name),
            "Check that it exists and may be read.",
            str(error),
        ) from error


class _Cursor:
    """A place in the header that never moves past its end."""

    def __init__(self, file: BufferedReader, path: Path, size: int) -> None:
        self._file, self.path, self.size = file, path, size
        self._end = min(size, _MAX_HEADER)
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


def _read(cursor: _Cursor) -> Gguf:
    if cursor.take(4) != _MAGIC:
        raise cursor.fail("it does not begin with GGUF")
    version = cursor.u32()
    if version not in (2, 3):
        raise cursor.fail(f"version {version} (2 and 3 are known)")
    n_tensors, n_keys = cursor.u64(), cursor.u64()
    if n_tensors > _MAX_TENSORS or n_keys > _MAX_KEYS:
        raise cursor.fail(f"{n_tensors} tensors and {n_keys} keys")
    metadata, spans = _read_metadata(cursor, n_keys)
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 8 <= alignment <= _MAX_ALIGNMENT or alignment & (alignment - 1):
        raise cursor.fail(f"alignment {alignment!r}")
    relative = [_read_tensor_info(cursor, alignment) for _ in range(n_tensors)]
    data_offset = -(-cursor.position // alignment) * alignment
    tensors: dict[str, TensorInfo] = {}
    for info in relative:
        absolute = TensorInfo(info.name, info.shape, info.type, data_offset + info.offset, info.nbytes)
        if absolute.offset + absolute.nbytes > cursor.size:
            raise cursor.fail(f"tensor {info.name} ends at {absolute.offset + absolute.nbytes} of {cursor.size} bytes")
        if tensors.setdefault(info.name, absolute) is not absolute:
            raise cursor.fail(f"tensor {info.name} appears twice")
    return Gguf(cursor.path, version, metadata, tensors, data_offset, cursor.size, alignment, spans)


def _read_metadata(cursor: _Cursor, count: int) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:
    metadata: dict[str, Any] = {}
    spans: dict[str, tuple[int, int]] = {}
    for _ in range(count):
        start = cursor.position
        key = cursor.string(_MAX_KEY_LENGTH)
        if key in metadata:
            raise cursor.fail(f"key {key} appears twice")
        metadata[key] = cursor.value()
        spans[key] = (start, cursor.position)
    return metadata, spans


def _read_tensor_info(cursor: _Cursor, alignment: int) -> TensorInfo:
    name = cursor.string(_MAX_TENSOR_NAME)
    n_dims = cursor.u32()
    if not 1 <= n_dims <= 4:
        raise cursor.fail(f"tensor {name} has {n_dims} dimensions")
    shape = struct.unpack(f"<{n_dims}Q", cursor.take(8 * n_dims))
    kind, offset = cursor.u32(), cursor.u64()
    stored = TYPES.get(kind)
    if stored is None:
        raise cursor.fail(f"tensor {name} has the unknown type {kind}")
    if any(not 1 <= side <= _MAX_DIMENSION for side in shape) or shape[0] % stored.block:
        raise cursor.fail(f"tensor {name} has the shape {shape} in type {stored.name}")
    nbytes = stored.size * (shape[0] // stored.block)
    for side in shape[1:]:
        nbytes *= side
    if offset % alignment:
        raise cursor.fail(f"tensor {name} begins at {offset}, not a multiple of {alignment}")
    return TensorInfo(name, shape, kind, offset, nbytes)


def fingerprint(*files: Gguf) -> str:
    """A digest that two models share only if they are the same: headers, sizes, and a sample of every tensor.

    Hashing whole files would read gigabytes; two trainings of one architecture differ in every tensor they touched.
    Raises ModelError if a file cannot be read any more.
    """
    digest = hashlib.blake2b(digest_size=16)
    for header in files:
        digest.update(str(header.file_size).encode())
        try:
            with open(header.path, "rb") as file:
                digest.update(file.read(min(header.data_offset, _MAX_HEADER)))
                for tensor in header.tensors.values():
                    for offset in (0, tensor.nbytes // 2):
                        file.seek(tensor.offset + offset)
                        digest.update(file.read(min(256, tensor.nbytes - offset)))
        except OSError as error:
            raise ModelError(
                Wording("The model file {name} cannot be read.", name=header.path.name),
                "Check that it is still there.",
                str(error),
            ) from error
    return digest.hexdigest()
