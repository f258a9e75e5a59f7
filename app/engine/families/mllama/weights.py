"""The model's weights: mapped from the file, never copied unless a device or another form needs them.

Matrices stay as they lie in the file. Norms, biases and small embeddings become float32, gates plain numbers. What
the file stores differently from the checkpoint is undone here (see `layout` for names):
the converter of the published files permuted the rows of the cross-attention's q and k heads from halves to pairs, as
RoPE wants it, but not the norms that follow them. Vision gates are stored as tanh(gate); text gates as they are.
"""

import math
import mmap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.engine import ggml
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.layout import Located
from app.engine.families.mllama.place import Placement
from app.engine.families.mllama.store import Pool
from app.engine.families.mllama.tensor import F32, Tensor, shape4
from app.errors import ModelError
from app.gguf import Gguf, TensorInfo
from app.gguf.mllama import Config
from app.wording import Wording

_TABLES = ("v.tile_position_embd.weight", "v.pre_tile_position_embd.weight", "v.post_tile_position_embd.weight")


class Weights:
    """Tensors by name, ready for graphs; and the numbers that are gates."""

    def __init__(self, config: Config, found: Located, devices: Devices, placement: Placement) -> None:
        """found: the checked tensors. Raises MemoryShortError if a device is too small."""
        self._g, self._devices, self.config, self.placement = devices.g, devices, config, placement
        self._found = found
        self._maps: dict[Path, _Map] = {}
        self._ctx = self._g.init(ggml.InitParams((len(self._found) + 1) * self._g.tensor_overhead(), None, True))
        self._tensors: dict[str, Tensor] = {}
        self._gates: dict[str, float] = {}
        self._pools: dict[int, Pool] = {}
        try:
            for file in {file.path: file for file, _ in found.values()}.values():
                self._maps[file.path] = _Map(file, self._g)
            for name in self._found:
                self._add(name, placement.weight(name))
            for pool in self._pools.values():
                pool.fill()
        except Exception:
            self.close()
            raise

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def get(self, name: str) -> Tensor | None:
        return self._tensors.get(name)

    def raw(self, name: str) -> np.ndarray:
        """A tensor's bytes as they lie in the file."""
        file, info = self._found[name]
        return self._maps[file.path].at(info)

    def add_for_one_row(self, name: str, copy: Tensor) -> None:
        """From now on a product of the weight `name` with a single row takes `copy`."""
        self._tensors[name] = replace(self._tensors[name], for_one_row=copy)

    def gate(self, name: str) -> float:
        """The factor a gate stands for: tanh of the trained number."""
        return self._gates[name]

    def pages(self, step: int = 64 << 20) -> Iterator[float]:
        """Bring the mapped files into memory, block by block; the fraction done after each."""
        total = sum(m.bytes.size for m in self._maps.values())
        done = 0
        for m in self._maps.values():
            for start in range(0, m.bytes.size, step):
                block = m.bytes[start : start + step]
                int(block[:: mmap.PAGESIZE].sum())
                done += block.size
                yield done / total

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        for m in self._maps.values():
            m.close()
        self._g.free(self._ctx)
        self._pools, self._maps, self._tensors = {}, {}, {}

    def _add(self, name: str, buffer_type: int | None) -> None:
        file, info = self._found[name]
        if name.endswith(("_gate", ".gate")):
            gate = float(self._values(file, info)[0])
            self._gates[name] = gate if name.startswith("v.") else math.tanh(gate)
            return
        if _is_matrix(name):
            source, shape, kind = self._maps[file.path].at(info), shape4(info.shape), info.type
        else:
            source, shape, kind = self._small(name, file, info), _shape_of(name, info), F32
        tensor = Tensor(self._g.new_tensor_4d(self._ctx, kind, *shape), shape, kind)
        self._g.set_name(tensor.at, name.encode()[:63])
        self._tensors[name] = tensor
        if buffer_type is None and _is_matrix(name):
            m = self._maps[file.path]
            self._g.backend_tensor_alloc(m.buffer, tensor.at, m.address + info.offset)
            return
        buffer_type = buffer_type or self._devices.host
        pool = self._pools.setdefault(buffer_type, Pool(self._g, buffer_type))
        pool.add(tensor, source)

    def _small(self, name: str, file: Gguf, info: TensorInfo) -> np.ndarray:
        values = self._values(file, info)
        if name.endswith(("cross_attn_q_norm.weight", "cross_attn_k_norm.weight")):
            values = values.reshape(2, -1).T
        return np.ascontiguousarray(values)

    def _values(self, file: Gguf, info: TensorInfo) -> np.ndarray:
        """A tensor's values as float32, flat."""
        values = np.empty(math.prod(info.shape), np.float32)
        raw = self._maps[file.path].at(info)
        if info.type == F32:
            return raw.view(np.float32).copy()
        to_float = self._g.get_type_traits(info.type).contents.to_float
        to_float(raw.ctypes.data, values.ctypes.data, values.size)
        return values


class _Map:
    """A file in memory, as bytes and as a ggml buffer."""

    def __init__(self, file: Gguf, g: ggml.Library) -> None:
        self._g = g
        try:
            with open(file.path, "rb") as handle:
                self._mmap = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise _changed(file, str(error)) from error
        if len(self._mmap) != file.file_size:
            raise _changed(file, f"{len(self._mmap)} bytes instead of {file.file_size}")
        self.bytes = np.frombuffer(self._mmap, np.uint8)
        self.address = self.bytes.ctypes.data
        self.buffer = g.backend_cpu_buffer_from_ptr(self.address, self.bytes.size)
        g.backend_buffer_set_usage(self.buffer, ggml.USAGE_WEIGHTS)

    def at(self, info: TensorInfo) -> np.ndarray:
        return self.bytes[info.offset : info.offset + info.nbytes]

    def close(self) -> None:
        self._g.backend_buffer_free(self.buffer)
        self.bytes = np.empty(0, np.uint8)


def _changed(file: Gguf, detail: str) -> ModelError:
    return ModelError(
        Wording("The model file {name} changed while it was being opened.", name=file.path.name),
        "Wait until it is complete.",
        detail,
    )


def _is_matrix(name: str) -> bool:
    """Whether a tensor is used as it lies in the file: a factor of a product, or a table whose rows are looked up."""
    if name in _TABLES or name in ("token_embd.weight", "output.weight", "mm.0.weight"):
        return True
    part = name.split(".")[-2]
    return name.endswith(".weight") and ".blk." in f".{name}" and not part.endswith("norm")


def _shape_of(name: str, info: TensorInfo) -> tuple[int, int, int, int]:
    """The patch embedding's kernel is used as a matrix over flattened patches."""
    if name == "v.patch_embd.weight":
        return math.prod(info.shape[:3]), info.shape[3], 1, 1
    return shape4(info.shape)
