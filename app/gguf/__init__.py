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
from pathlib import Path
from typing import Any

from app.errors import ModelError
from app.gguf.cursor import MAX_HEADER, ArrayValue, Cursor, GgufError
from app.gguf.types import NOT_WEIGHTS, TYPES, TensorType
from app.wording import Wording

__all__ = [
    "NOT_WEIGHTS",
    "TYPES",
    "ArrayValue",
    "Gguf",
    "GgufError",
    "TensorInfo",
    "TensorType",
    "fingerprint",
    "read_header",
]

_MAGIC = b"GGUF"
_MAX_TENSORS = 1 << 16
_MAX_KEYS = 1 << 16
_MAX_KEY_LENGTH = 1 << 10
_MAX_TENSOR_NAME = 1 << 8
_MAX_DIMENSION = 1 << 40
_MAX_ALIGNMENT = 1 << 16


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
                return Cursor(file, self.path, self.file_size).elements(value.kind, value.count)
        except OSError as error:
            raise GgufError(self.path, str(error)) from error


def read_header(path: str | Path) -> Gguf:
    """Read and check the header of the GGUF file at `path`.

    Raises ModelError if the file cannot be opened and GgufError if it is damaged or lies.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is no file")  # opening a pipe would wait for who writes to it
        with open(path, "rb") as file:
            return _read(Cursor(file, path, os.fstat(file.fileno()).st_size))
    except OSError as error:
        raise ModelError(
            Wording("The model file {name} cannot be read.", name=path.name),
            "Check that it exists and may be read.",
            str(error),
        ) from error


def _read(cursor: Cursor) -> Gguf:
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


def _read_metadata(cursor: Cursor, count: int) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:
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


def _read_tensor_info(cursor: Cursor, alignment: int) -> TensorInfo:
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
                digest.update(file.read(min(header.data_offset, MAX_HEADER)))
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
