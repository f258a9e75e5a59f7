"""A thin layer between the model and ggml: tensors with shapes, and the operations a transformer is written in.

Shapes are in ggml's order, fastest dimension first: a matrix of n rows of width d is (d, n, 1, 1). Every operation
checks its operands here, because ggml ends the process where it disagrees.
"""

import ctypes
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from app.engine import ggml
from app.engine.families.mllama.device import Devices
from app.errors import EngineError, MemoryShortError
from app.gguf import TYPES

F32, F16, Q8_0, I32, I64, BF16 = 0, 1, 8, 26, 27, 30
_NUMPY = {F32: np.float32, F16: np.float16, I32: np.int32, I64: np.int64}

Shape = tuple[int, int, int, int]


def shape4(shape: Sequence[int]) -> Shape:
    a, b, c, d = (*shape, 1, 1, 1, 1)[:4]
    return a, b, c, d


def nbytes(shape: Sequence[int], type: int) -> int:
    """Bytes of a contiguous tensor."""
    stored = TYPES[type]
    return stored.size * math.prod(shape) // stored.block


@dataclass(frozen=True, slots=True)
class Tensor:
    """A ggml tensor: its address, shape and type."""

    at: int
    shape: Shape
    type: int = F32
    for_one_row: "Tensor | None" = None
    """A weight once more, in an order in which a product with a single row is faster (see `onerow.py`)."""

    @property
    def nbytes(self) -> int:
        """Bytes, if contiguous."""
        return nbytes(self.shape, self.type)


class Cancelled(Exception):
    """The computation was stopped by `Devices.stop`; its results are worthless."""


class Workspace:
    """Memory for intermediate results, on every device. Graphs that run one after the other may share one."""

    def __init__(self, devices: Devices, max_nodes: int) -> None:
        self._g, self._backends, self.max_nodes = devices.g, devices.backends, max_nodes
        handles = (ctypes.c_void_p * len(self._backends))(*self._backends)
        self.sched = self._g.backend_sched_new(handles, None, len(self._backends), max_nodes, False, True)

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(self._g.backend_sched_get_buffer_size(self.sched, b) for b in self._backends)

    def close(self) -> None:
        self._g.backend_sched_free(self.sched)


class Graph:
    """One computation: built once by calling its operations, closed with `outputs`, then run as often as wanted.

    A graph whose workspace was used by another one meanwhile must not be run again.
    """

    def __init__(self, devices: Devices, workspace: Workspace) -> None:
        self._devices, self._g, self._workspace = devices, devices.g, workspace
        g, n = self._g, workspace.max_nodes
        size = 2 * n * g.tensor_overhead() + g.graph_overhead_custom(n, False)
        self._ctx = g.init(ggml.InitParams(size, None, True))
        self._graph = g.new_graph_custom(self._ctx, n, False)
        self._constants: list[tuple[Tensor, np.ndarray]] = []

    # --- operands -----------------------------------------------------------------------------------------------

    def input(self, shape: Sequence[int], type: int = F32) -> Tensor:
        """A tensor whose values `set` provides before each run, which may write over them."""
        full = shape4(shape)
        at = self._g.new_tensor_4d(self._ctx, type, *full)
        self._g.set_input(at)
        return Tensor(at, full, type)

    def constant(self, values: np.ndarray) -> Tensor:
        """A tensor with values of the first run, float32 or int32; its memory is used again afterwards."""
        tensor = self.input(values.shape[::-1], {np.dtype(t): n for n, t in _NUMPY.items()}[values.dtype])
        self._constants.append((tensor, values))
        return tensor

    # --- arithmetic ---------------------------------------------------------------------------------------------

    def linear(self, weight: Tensor, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """x times the transposed weight, plus bias. weight (d_in, d_out), x (d_in, n, ...) -> (d_out, n, ...)."""
        _check(weight.shape[0] == x.shape[0], "linear", weight, x)
        if weight.for_one_row and x.shape[1:] == (1, 1, 1):
            weight = weight.for_one_row
        y = Tensor(self._g.mul_mat(self._ctx, weight.at, x.at), (weight.shape[1], *x.shape[1:]))
        return self.add(y, bias) if bias else y

    def add(self, a: Tensor, b: Tensor) -> Tensor:
        """a + b, b repeated where it is smaller."""
        _check(_repeats(b, a), "add", a, b)
        return Tensor(self._g.add(self._ctx, a.at, b.at), a.shape)

    def mul(self, a: Tensor, b: Tensor) -> Tensor:
        _check(_repeats(b, a), "mul", a, b)
        return Tensor(self._g.mul(self._ctx, a.at, b.at), a.shape)

    def scale(self, x: Tensor, factor: float) -> Tensor:
        return Tensor(self._g.scale(self._ctx, x.at, factor), x.shape)

    def rms_norm(self, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        return self.mul(Tensor(self._g.rms_norm(self._ctx, x.at, eps), x.shape), weight)

    def layer_norm(self, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        return self.add(self.mul(Tensor(self._g.norm(self._ctx, x.at, eps), x.shape), weight), bias)

    def gelu(self, x: Tensor) -> Tensor:
        """The exact form, with erf."""
        return Tensor(self._g.gelu_erf(self._ctx, x.at), x.shape)

    def swiglu(self, gate: Tensor, up: Tensor) -> Tensor:
        """silu(gate) * up"""
        _check(gate.shape == up.shape, "swiglu", gate, up)
        return Tensor(self._g.swiglu_split(self._ctx, gate.at, up.at), up.shape)

    def rope(self, x: Tensor, positions: Tensor, factors: Tensor | None, base: float) -> Tensor:
        """Rotate neighbouring pairs of features (ggml's NORMAL mode). x (head, heads, n), positions (n,) int32."""
        _check(positions.shape[0] == x.shape[2], "rope", x, positions)
        at = self._g.rope_ext(
            self._ctx,
            x.at,
            positions.at,
            factors.at if factors else None,
            x.shape[0],
            ggml.ROPE_NORMAL,
            0,
            base,
            1.0,
            0.0,
            1.0,
            0.0,
            0.0,
        )
        return Tensor(at, x.shape)

    def attention(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, flash: bool = True) -> Tensor:
        """softmax(q k / sqrt(head) + mask) v.

        q (head, heads, n), k and v (head, kv_heads, m) -> (head * heads, n). mask (m, n) float16, 0 or -inf.
        """
        _check(q.shape[0] == k.shape[0] and k.shape == v.shape and q.shape[1] % k.shape[1] == 0, "attention", q, k, v)
        if not flash:
            return self.attention_by_products(q, self.by_head(k), self.by_head(v, columns=True), mask)
        q, k, v = self._heads_last(q), self._heads_last(k), self._heads_last(v)
        at = self._g.flash_attn_ext(
            self._ctx, q.at, k.at, v.at, mask.at if mask else None, q.shape[0] ** -0.5, 0.0, 0.0
        )
        self._g.prec_set_acc(at, ggml.PREC_F32)
        return self.reshape(Tensor(at, q.shape), (q.shape[0] * q.shape[2], q.shape[1]))

    def attention_by_products(self, q: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
        """The same by two products with a softmax between. keys and values as `by_head` gives them."""
        head, heads, n = q.shape[:3]
        _check(keys.shape[0] == head and values.shape[:2] == (keys.shape[1], head), "attention", q, keys, values)
        g, ctx = self._g, self._ctx
        scores = g.mul_mat(ctx, keys.at, self._heads_last(q).at)
        weights = g.soft_max_ext(ctx, scores, mask.at if mask else None, head**-0.5, 0.0)
        mixed = Tensor(g.mul_mat(ctx, values.at, weights), (head, n, heads, 1))
        return self.reshape(self.contiguous(self._heads_last(mixed)), (head * heads, n))

    def by_head(self, x: Tensor, columns: bool = False, type: int = F32) -> Tensor:
        """x (head, heads, n) head by head in memory, as products read it: (head, n, heads), or (n, head, heads)."""
        a, b, c, _ = x.shape
        order, shape = ((1, 2, 0, 3), (c, a, b, 1)) if columns else ((0, 2, 1, 3), (a, c, b, 1))
        turned = Tensor(self._g.permute(self._ctx, x.at, *order), shape, x.type)
        return self.contiguous(turned) if type == x.type else self.cast(turned, type)

    def _heads_last(self, x: Tensor) -> Tensor:
        """(head, heads, n) <-> (head, n, heads), without moving data."""
        a, b, c, d = x.shape
        return Tensor(self._g.permute(self._ctx, x.at, 0, 2, 1, 3), (a, c, b, d), x.type)

    # --- shape and storage --------------------------------------------------------------------------------------

    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        full = shape4(shape)
        _check(math.prod(full) == math.prod(x.shape), "reshape", x)
        return Tensor(self._g.reshape_4d(self._ctx, x.at, *full), full, x.type)

    def contiguous(self, x: Tensor) -> Tensor:
        return Tensor(self._g.cont(self._ctx, x.at), x.shape, x.type)

    def rows(self, x: Tensor, start: int, count: int) -> Tensor:
        """Rows start .. start + count of a contiguous (d, n)."""
        _check(start >= 0 and count >= 1 and start + count <= x.shape[1] and x.shape[2:] == (1, 1), "rows", x)
        row = nbytes(x.shape[:1], x.type)
        at = self._g.view_4d(self._ctx, x.at, x.shape[0], count, 1, 1, row, row * count, row * count, row * start)
        return Tensor(at, (x.shape[0], count, 1, 1), x.type)

    def first(self, x: Tensor, count: int, axis: int) -> Tensor:
        """The first `count` along `axis` of a contiguous tensor, without moving data."""
        _check(1 <= count <= x.shape[axis], "first", x)
        strides = [nbytes(x.shape[:i], x.type) for i in (1, 2, 3)]
        shape = shape4([count if i == axis else side for i, side in enumerate(x.shape)])
        return Tensor(self._g.view_4d(self._ctx, x.at, *shape, *strides, 0), shape, x.type)

    def join(self, parts: Sequence[Tensor], whole: Tensor) -> Tensor:
        """Put (d, n) parts under one another into `whole`, a tensor of a store, each as soon as it is there."""
        start = 0
        for part in parts:
            self._g.build_forward_expand(self._graph, self.copy(part, self.rows(whole, start, part.shape[1])).at)
            start += part.shape[1]
        _check(start == whole.shape[1], "join", whole, *parts)
        return whole

    def take(self, table: Tensor, indices: Tensor) -> Tensor:
        """Rows of `table` (d, n) by their numbers, as float32."""
        return Tensor(self._g.get_rows(self._ctx, table.at, indices.at), (table.shape[0], indices.shape[0], 1, 1))

    def put(self, store: Tensor, x: Tensor, indices: Tensor) -> Tensor:
        """Write the rows of x (d, n) into `store` (d, m) at `indices` (int64); the store afterwards."""
        _check(
            store.shape[0] == x.shape[0] and x.shape[1] == indices.shape[0] and store.shape[2:] == x.shape[2:],
            "put",
            store,
            x,
        )
        return Tensor(self._g.set_rows(self._ctx, store.at, x.at, indices.at), store.shape, store.type)

    def concat(self, a: Tensor, b: Tensor, axis: int) -> Tensor:
        sides = [i == axis or s == t for i, (s, t) in enumerate(zip(a.shape, b.shape, strict=True))]
        _check(all(sides) and a.type == b.type, "concat", a, b)
        shape = shape4([s + b.shape[axis] if i == axis else s for i, s in enumerate(a.shape)])
        return Tensor(self._g.concat(self._ctx, a.at, b.at, axis), shape, a.type)

    def repeat(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        full = shape4(shape)
        _check(all(t % s == 0 for s, t in zip(x.shape, full, strict=True)), "repeat", x)
        return Tensor(self._g.repeat_4d(self._ctx, x.at, *full), full, x.type)

    def cast(self, x: Tensor, type: int) -> Tensor:
        return x if x.type == type else Tensor(self._g.cast(self._ctx, x.at, type), x.shape, type)

    def copy(self, x: Tensor, to: Tensor) -> Tensor:
        _check(math.prod(x.shape) == math.prod(to.shape), "copy", x, to)
        return Tensor(self._g.cpy(self._ctx, x.at, to.at), to.shape, to.type)

    def interleave(self, states: Sequence[Tensor]) -> Tensor:
        """Several (d, n) feature by feature: feature f of state k becomes feature f * len(states) + k."""
        d, n = states[0].shape[:2]
        stack = states[0]
        for state in states[1:]:
            stack = self.concat(stack, state, 2)
        turned = Tensor(self._g.permute(self._ctx, stack.at, 1, 2, 0, 3), (len(states), d, n, 1))
        return self.reshape(self.contiguous(turned), (d * len(states), n))

    # --- running ------------------------------------------------------------------------------------------------

    def outputs(self, *tensors: Tensor) -> Self:
        """Close the graph: these are computed by `run`. Raises MemoryShortError if its memory cannot be had."""
        g = self._g
        for tensor in tensors:
            g.set_output(tensor.at)
            g.build_forward_expand(self._graph, tensor.at)
        _check(g.graph_n_nodes(self._graph) < self._workspace.max_nodes, "graph size")
        g.backend_sched_reset(self._workspace.sched)
        if not g.backend_sched_alloc_graph(self._workspace.sched, self._graph):
            raise MemoryShortError(
                "There is not enough memory for the computation.", "Choose a smaller context or close other programs."
            )
        for tensor, values in self._constants:
            self.set(tensor, values)
        return self

    def set(self, tensor: Tensor, values: np.ndarray) -> None:
        upload(self._g, tensor, values)

    def run(self) -> None:
        """Compute. Raises Cancelled if it was stopped, EngineError if a backend failed."""
        status = self._g.backend_sched_graph_compute(self._workspace.sched, self._graph)
        if status == ggml.ABORTED:
            raise Cancelled
        if status != ggml.SUCCESS:
            raise EngineError(
                "The computation failed.", "Try again, without the GPU if there is one.", f"ggml status {status}"
            )

    def get(self, tensor: Tensor) -> np.ndarray:
        return download(self._g, tensor)

    def close(self) -> None:
        self._g.free(self._ctx)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def upload(g: ggml.Library, tensor: Tensor, values: np.ndarray) -> None:
    """Copy `values` (the tensor's type; its shape, slowest dimension first) into the tensor."""
    values = np.ascontiguousarray(values, _NUMPY.get(tensor.type, values.dtype))
    _check(values.nbytes == nbytes(tensor.shape, tensor.type), "upload", tensor)
    g.backend_tensor_set(tensor.at, values.ctypes.data, 0, values.nbytes)


def download(g: ggml.Library, tensor: Tensor) -> np.ndarray:
    """The values of a contiguous tensor, slowest dimension first, trailing dimensions of one dropped."""
    shape = tensor.shape
    while len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]  # type: ignore[assignment]
    values = np.empty(shape[::-1], _NUMPY[tensor.type])
    g.backend_tensor_get(tensor.at, values.ctypes.data, 0, values.nbytes)
    return values


def _repeats(small: Tensor, large: Tensor) -> bool:
    return all(t % s == 0 for s, t in zip(small.shape, large.shape, strict=True))


def _check(holds: bool, operation: str, *tensors: Tensor) -> None:
    if not holds:
        raise EngineError(
            "The model's parts do not fit together.", "Choose another model file.", f"{operation} of {tensors}"
        )
