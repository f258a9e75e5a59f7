"""Weights once more, for writing: in an order in which a product with a single row is faster.

ggml's fastest product with many rows works on weights as they lie in the file, its fastest with one row on weights
whose rows are interleaved ("repacked"), and neither on the other's. So reading a prompt takes the mapped weights, and
where memory is plentiful writing takes copies of those text matrices that the processor has such a product for.
"""

from collections.abc import Iterator

import numpy as np

from app.engine import ggml, native
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.store import Pool
from app.engine.families.mllama.tensor import Tensor
from app.engine.families.mllama.weights import Weights


class OneRow:
    """The copies. `copy` makes them; they free their memory with `close`."""

    def __init__(self, weights: Weights, devices: Devices) -> None:
        self._g, self._weights, self._devices = devices.g, weights, devices
        c = weights.config.text
        names = [f"blk.{i}.{part}.weight" for i in range(c.layers) for part in _parts(i in c.cross_layers)]
        self._ctx = self._g.init(ggml.InitParams(2 * (len(names) + 8) * self._g.tensor_overhead(), None, True))
        self._kinds: dict[tuple[int, int], int | None] = {}
        found = {n: self._buffer_type(weights[n]) for n in [*names, "output.weight"] if not weights.placement.weight(n)}
        self._chosen = {name: kind for name, kind in found.items() if kind is not None}
        self._pools: dict[int, Pool] = {}

    @property
    def pays(self) -> bool:
        """Whether copies make writing faster: measured so with AVX-512, but not with AVX2 alone (decision 0016)."""
        features = native.features()
        return "AVX512" in features or "AVX2" not in features

    @property
    def size(self) -> int:
        """Bytes the copies take."""
        return sum(self._weights[name].nbytes for name in self._chosen)

    def copy(self) -> Iterator[float]:
        """Make the copies; the fraction done after each. Raises MemoryShortError."""
        copies: dict[str, Tensor] = {}
        for name, kind in self._chosen.items():
            weight = self._weights[name]
            at = self._g.new_tensor_4d(self._ctx, weight.type, *weight.shape)
            copies[name] = Tensor(at, weight.shape, weight.type)
            self._pools.setdefault(kind, Pool(self._g, kind)).add(copies[name])
        for pool in self._pools.values():
            pool.fill()
        for number, (name, copy) in enumerate(copies.items(), 1):
            raw: np.ndarray = self._weights.raw(name)
            self._g.backend_tensor_set(copy.at, raw.ctypes.data, 0, raw.nbytes)
            self._weights.add_for_one_row(name, copy)
            yield number / len(copies)

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
        self._g.free(self._ctx)
        self._pools = {}

    def _buffer_type(self, weight: Tensor) -> int | None:
        """A buffer type in which the CPU can multiply such a weight; asked with a small one of its kind."""
        rows = weight.shape[1] % 64 + 64
        if (weight.type, rows) not in self._kinds:
            fitting = (kind for kind in self._devices.rearranging() if self._accepts(kind, weight.type, rows))
            self._kinds[weight.type, rows] = next(fitting, None)
        return self._kinds[weight.type, rows]

    def _accepts(self, kind: int, type: int, rows: int) -> bool:
        g = self._g
        context = g.init(ggml.InitParams(4 * g.tensor_overhead(), None, True))
        sample, row = (
            Tensor(g.new_tensor_4d(context, t, 256, n, 1, 1), (256, n, 1, 1), t) for t, n in ((type, rows), (0, 1))
        )
        pool = Pool(g, kind)
        pool.add(sample)
        pool.fill()
        accepted = bool(g.backend_dev_supports_op(self._devices.cpu, g.mul_mat(context, sample.at, row.at)))
        pool.close()
        g.free(context)
        return accepted


def _parts(cross: bool) -> tuple[str, ...]:
    mlp = ("ffn_gate", "ffn_up", "ffn_down")
    if cross:
        return ("cross_attn_q_proj", "cross_attn_o_proj", *mlp)
    return ("attn_q", "attn_k", "attn_v", "attn_output", *mlp)
