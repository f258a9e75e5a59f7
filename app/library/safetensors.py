"""Reads a Hugging Face checkpoint's tensors (one or many .safetensors files) row by row, without loading them.

Format: an 8-byte length, that many bytes of JSON (name -> dtype, shape, offsets), then the data.
"""

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.errors import ModelError
from app.library.stored import read_bytes

DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
"""Types of numbers that can be read; a checkpoint may hold others where nobody needs them."""
_MAX_HEADER = 100 << 20
_MAX_JSON = 200 << 20
"""Bytes of a file beside the weights; Llama 3's tokenizer has 17 million."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file; shape as in the checkpoint, slowest dimension first, at least one. offset is in bytes."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    path: Path
    offset: int

    def rows(self, start: int, stop: int, order: np.ndarray | None = None) -> np.ndarray:
        """Rows start .. stop of the tensor seen as a matrix (first dimension, the rest), float32.

        order: which stored row stands at each place; neighbours come from near one another. Raises ModelError.
        """
        if order is None:
            return self._read(start, stop)
        wanted = order[start:stop]
        first = int(wanted.min())
        found: np.ndarray = self._read(first, int(wanted.max()) + 1)[wanted - first]
        return found

    def _read(self, start: int, stop: int) -> np.ndarray:
        kind, width = np.dtype(DTYPES[self.dtype]), math.prod(self.shape[1:])
        row = width * kind.itemsize
        stored = read_bytes(self.path, self.offset + start * row, (stop - start) * row).view(kind).reshape(-1, width)
        if self.dtype != "BF16":
            return stored.astype(np.float32, copy=False)
        wide = stored.astype(np.uint32)
        wide <<= 16
        return wide.view(np.float32)


def open_checkpoint(folder: Path) -> dict[str, StoredTensor]:
    """Every tensor of the checkpoint in `folder`, by name. Raises ModelError if a file is missing or damaged."""
    tensors: dict[str, StoredTensor] = {}
    for path in _files(folder):
        try:
            tensors |= _read(path)
        except OSError as error:
            raise ModelError(
                f"The checkpoint file {path.name} cannot be read.", "Check its permissions and the disk.", str(error)
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(
                f"The checkpoint file {path.name} is damaged.", "Download it again.", f"{path}: {error!r}"
            ) from error
    return tensors


def _files(folder: Path) -> list[Path]:
    """In transformers' order: one whole file, then what an index names, even if more lie there."""
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.is_file():
        return [whole]
    if index.is_file():
        named = read_json(index).get("weight_map")
        names = list(named.values()) if isinstance(named, dict) else []
        if not names or any(not isinstance(name, str) or Path(name).name != name for name in names):
            raise ModelError(
                "The checkpoint's index names no files, or such as are not in its folder.", "Download it again."
            )
        files = [folder / name for name in sorted(set(names))]
    else:
        files = sorted(folder.glob("*.safetensors"))
    missing = [path.name for path in files if not os.path.isfile(path)]  # of a name no disk knows pathlib raises
    if missing or not files:
        first = missing[0] if missing else "every .safetensors file"
        raise ModelError(
            f"The checkpoint is incomplete: {first} is missing.", "Download all of its files.", f"{folder}: {missing}"
        )
    return files


def _read(path: Path) -> dict[str, StoredTensor]:
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        size = path.stat().st_size
        if not 2 <= length <= min(_MAX_HEADER, size - 8):
            raise ValueError(f"a header of {length} bytes in a file of {size}")
        header: dict[str, Any] = json.loads(file.read(length))
    tensors, data = {}, size - 8 - length
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        dtype, shape, (start, end) = entry["dtype"], tuple(int(side) for side in entry["shape"]), entry["data_offsets"]
        nbytes = math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize if dtype in DTYPES else end - start
        if not 0 <= start <= end <= data or end - start != nbytes or min(shape, default=1) < 1:
            raise ValueError(f"tensor {name}: {entry}")
        tensors[name] = StoredTensor(name, shape or (1,), dtype, path, 8 + length + start)
    return tensors


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises ModelError if it is missing or no object."""
    try:
        if not path.is_file() or path.stat().st_size > _MAX_JSON:
            raise ValueError(f"{path} is no file, or too large")
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"The checkpoint's {path.name} cannot be read.", "Download it again.", str(error)) from error
    if not isinstance(value, dict):
        raise ModelError(f"The checkpoint's {path.name} cannot be read.", "Download it again.", "not an object")
    return value
