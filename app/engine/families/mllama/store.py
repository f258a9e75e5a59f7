"""Memory on a device that outlives a graph: copied weights, the KV cache, pictures' keys and values."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from app.engine import ggml
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.tensor import F32, Tensor, shape4
from app.errors import MemoryShortError
from app.wording import Wording


class Pool:
    """Tensors that are copied into buffers of one type; for weights in another form or on another device."""

    def __init__(self, g: ggml.Library, buffer_type: int, usage: int = ggml.USAGE_WEIGHTS) -> None:
        self._g, self._type, self._usage = g, buffer_type, usage
        self._waiting: list[tuple[Tensor, np.ndarray | None]] = []
        self._buffers: list[int] = []
        self.size = 0

    def add(self, tensor: Tensor, values: np.ndarray | None = None) -> None:
        """Place `tensor` at the next `fill`; without values it is zeroed."""
        self._waiting.append((tensor, values))

    def fill(self) -> None:
        """Allocate and copy. Raises MemoryShortError if the device has not enough memory."""
        g, align = self._g, self._g.backend_buft_get_alignment(self._type)
        limit = g.backend_buft_get_max_size(self._type)
        batch: list[tuple[Tensor, np.ndarray | None, int]] = []
        offset = 0
        for tensor, values in self._waiting:
            size = -(-g.backend_buft_get_alloc_size(self._type, tensor.at) // align) * align
            if batch and offset + size > limit:
                self._fill_buffer(batch, offset)
                batch, offset = [], 0
            batch.append((tensor, values, offset))
            offset += size
        if batch:
            self._fill_buffer(batch, offset)
        self._waiting = []

    def _fill_buffer(self, batch: list[tuple[Tensor, np.ndarray | None, int]], size: int) -> None:
        g = self._g
        buffer = g.backend_buft_alloc_buffer(self._type, size)
        if not buffer:
            raise MemoryShortError(
                Wording("{size} MiB for the model could not be had.", size=size >> 20),
                "Close other programs, or use fewer layers on the GPU.",
            )
        self._buffers.append(buffer)
        self.size += size
        g.backend_buffer_set_usage(buffer, self._usage)
        if self._usage != ggml.USAGE_WEIGHTS:
            g.backend_buffer_clear(buffer, 0)
        base = g.backend_buffer_get_base(buffer)
        for tensor, values, offset in batch:
            g.backend_tensor_alloc(buffer, tensor.at, base + offset)
            if values is not None:
                g.backend_tensor_set(tensor.at, values.ctypes.data, 0, values.nbytes)

    def clear(self) -> None:
        """Zero every byte."""
        for buffer in self._buffers:
            self._g.backend_buffer_clear(buffer, 0)

    def close(self) -> None:
        for buffer in self._buffers:
            self._g.backend_buffer_free(buffer)
        self._buffers = []


class Store:
    """Tensors that graphs read and write, zeroed at first."""

    def __init__(self, devices: Devices, max_tensors: int) -> None:
        self._g, self._devices = devices.g, devices
        self._ctx: int | None = self._g.init(ggml.InitParams((max_tensors + 1) * self._g.tensor_overhead(), None, True))
        self._pools: dict[int, Pool] = {}

    def tensor(self, shape: Sequence[int], type: int = F32, buffer_type: int | None = None) -> Tensor:
        """A tensor on the given kind of buffer (the CPU's if None); usable after `allocate`."""
        kind = buffer_type or self._devices.host
        full = shape4(shape)
        tensor = Tensor(self._g.new_tensor_4d(self._ctx, type, *full), full, type)
        self._pools.setdefault(kind, Pool(self._g, kind, usage=0)).add(tensor)
        return tensor

    def allocate(self) -> Self:
        """Raises MemoryShortError; the store is then closed."""
        try:
            for pool in self._pools.values():
                pool.fill()
        except MemoryShortError:
            self.close()
            raise
        return self

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(pool.size for pool in self._pools.values())

    def clear(self) -> None:
        """Zero every tensor."""
        for pool in self._pools.values():
            pool.clear()

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        if self._ctx:
            self._g.free(self._ctx)
        self._pools, self._ctx = {}, None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
