"""A thin layer between the model and ggml: the operations a transformer is written in.

Every operation checks its operands here, because ggml ends the process where it disagrees.
"""

import ctypes
import math
from collections.abc import Sequence
from typing import Self

import numpy as np

from app.engine import ggml
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.tensor import F32, NUMPY, Tensor, check, download, nbytes, shape4, upload
from app.errors import EngineError, MemoryShortError
from app.gguf import TYPES


class Cancelled(Exception):
    """The computation was stopped by `Devices.stop`; its results are worthless."""


class Workspace:
    """Memory for intermediate results, on every device. Graphs that run one after the other may share one."""

    def __init__(self, devices: Devices, max_nodes: int) -> None:
        self._g, self._backends, self.max_nodes = devices.g, devices.backends, max_nodes
        self.sched = self._new()

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(self._g.backend_sched_get_buffer_size(self.sched, b) for b in self._backends)

    def renew(self) -> None:
        """Let go of all memory. After an allocation that failed ggml takes its plan for carried out: the same graph
        would then be computed in memory that is not there."""
        self.close()
        self.sched = self._new()

    def close(self) -> None:
        self._g.backend_sched_free(self.sched)

    def _new(self) -> int:
        handles = (ctypes.c_void_p * len(self._backends))(*self._backends)
        # Its table holds what the nodes read as well: weights and inputs, of which there are fewer than nodes.
        size = 2 * self.max_nodes
        new: int = self._g.backend_sched_new(handles, None, len(self._backends), size, False, True)
        return new


class Graph:
    """One computation: built once by calling its operations, closed with `outputs`, then run as often as wanted.

    A graph whose workspace was used by another one meanwhile must not be run again.
    """

    def __init__(self, devices: Devices, workspace: Workspace) -> None:
        self._devices, self._g, self._workspace = devices, devices.g, workspace
        g, n = self._g, workspace.max_nodes
        size = 2 * n * g.tensor_overhead() + g.graph_overhead_custom(n, False)
        self._ctx: int | None = g.init(ggml.InitParams(size, None, True))
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
        tensor = self.input(values.shape[::-1], {np.dtype(t): n for n, t in NUMPY.items()}[values.dtype])
        self._constants.append((tensor, values))
        return tensor

    # --- arithmetic ---------------------------------------------------------------------------------------------

    def linear(self, weight: Tensor, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """x times the transposed weight, plus bias. weight (d_in, d_out), x (d_in, n, ...) -> (d_out, n, ...)."""
        check(weight.shape[0] == x.shape[0], "linear", weight, x)
        if weight.for_one_row and x.shape[1:] == (1, 1, 1):
            weight = weight.for_one_row
        y = Tensor(self._g.mul_mat(self._ctx, weight.at, x.at), (weight.shape[1], *x.shape[1:]))
        return self.add(y, bias) if bias else y

    def add(self, a: Tensor, b: Tensor) -> Tensor:
        """a + b, b repeated where it is smaller."""
        check(_repeats(b, a), "add", a, b)
        return Tensor(self._g.add(self._ctx, a.at, b.at), a.shape)

    def mul(self, a: Tensor, b: Tensor) -> Tensor:
        check(_repeats(b, a), "mul", a, b)
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
        check(gate.shape == up.shape, "swiglu", gate, up)
        return Tensor(self._g.swiglu_split(self._ctx, gate.at, up.at), up.shape)

    def rope(self, x: Tensor, positions: Tensor, factors: Tensor | None, base: float) -> Tensor:
        """Rotate neighbouring pairs of features (ggml's NORMAL mode). x (head, heads, n), positions (n,) int32."""
        check(positions.shape[0] == x.shape[2], "rope", x, positions)
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

    def product(self, a: Tensor, b: Tensor) -> Tensor:
        """Products of every row of a with every row of b: a (d, m, heads), b (d, n, more heads) -> (m, n, more heads).

        Several neighbouring heads of b share one of a. Rows of a must be contiguous, the rest may be a view.
        """
        fits = a.shape[0] == b.shape[0] and all(m % k == 0 for k, m in zip(a.shape[2:], b.shape[2:], strict=True))
        check(fits, "product", a, b)
        return Tensor(self._g.mul_mat(self._ctx, a.at, b.at), (a.shape[1], *b.shape[1:]))

    def softmax(self, x: Tensor, scale: float, mask: Tensor | None = None) -> Tensor:
        """softmax(x * scale + mask) over each row. x (m, n, heads), mask (m, n) float16, 0 or -inf."""
        check(mask is None or mask.shape[:2] == x.shape[:2], "softmax", x)
        return Tensor(self._g.soft_max_ext(self._ctx, x.at, mask.at if mask else None, scale, 0.0), x.shape)

    def flash(self, q: Tensor, k: Tensor, v: Tensor, scale: float, mask: Tensor | None = None) -> Tensor:
        """Attention in one operation. q (head, n, heads), k and v (head, m, kv_heads) -> (head, heads, n)."""
        head, n, heads, _ = q.shape
        check(k.shape == v.shape and head == k.shape[0] and heads % k.shape[2] == 0, "flash", q, k, v)
        check(mask is None or mask.shape[:2] == (k.shape[1], n), "flash", q, k)
        at = self._g.flash_attn_ext(self._ctx, q.at, k.at, v.at, mask.at if mask else None, scale, 0.0, 0.0)
        self._g.prec_set_acc(at, ggml.PREC_F32)
        return Tensor(at, (head, heads, n, 1))

    # --- shape and storage --------------------------------------------------------------------------------------

    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        full = shape4(shape)
        check(math.prod(full) == math.prod(x.shape), "reshape", x)
        return Tensor(self._g.reshape_4d(self._ctx, x.at, *full), full, x.type)

    def turn(self, x: Tensor, order: tuple[int, int, int, int]) -> Tensor:
        """Dimension i becomes dimension order[i], without moving data."""
        shape = [x.shape[order.index(i)] for i in range(4)]
        return Tensor(self._g.permute(self._ctx, x.at, *order), shape4(shape), x.type)

    def contiguous(self, x: Tensor) -> Tensor:
        return Tensor(self._g.cont(self._ctx, x.at), x.shape, x.type)

    def rows(self, x: Tensor, start: int, count: int) -> Tensor:
        """Rows start .. start + count of a contiguous (d, n)."""
        check(x.shape[2:] == (1, 1), "rows", x)
        return self.window(x, (0, start), (x.shape[0], count))

    def window(self, x: Tensor, start: Sequence[int], shape: Sequence[int]) -> Tensor:
        """A part of a contiguous tensor, without moving data: `shape` elements from `start` on, in each dimension."""
        full = shape4(shape)
        first = (*start, 0, 0, 0, 0)[:4]
        inside = (a >= 0 and n >= 1 and a + n <= s for a, n, s in zip(first, full, x.shape, strict=True))
        check(all(inside) and first[0] % TYPES[x.type].block == 0, "window", x)
        strides = [nbytes(x.shape[:i], x.type) for i in (1, 2, 3)]
        offset = nbytes(first[:1], x.type) + sum(a * stride for a, stride in zip(first[1:], strides, strict=True))
        return Tensor(self._g.view_4d(self._ctx, x.at, *full, *strides, offset), full, x.type)

    def write(self, x: Tensor, into: Tensor) -> None:
        """Copy x to its place in a tensor of a store, as soon as it is there."""
        self._g.build_forward_expand(self._graph, self.copy(x, into).at)

    def take(self, table: Tensor, indices: Tensor) -> Tensor:
        """Rows of `table` (d, n) by their numbers, as float32."""
        return Tensor(self._g.get_rows(self._ctx, table.at, indices.at), (table.shape[0], indices.shape[0], 1, 1))

    def put(self, store: Tensor, x: Tensor, indices: Tensor) -> Tensor:
        """Write the rows of x (d, n) into `store` (d, m) at `indices` (int64); the store afterwards."""
        check(
            store.shape[0] == x.shape[0] and x.shape[1] == indices.shape[0] and store.shape[2:] == x.shape[2:],
            "put",
            store,
            x,
        )
        return Tensor(self._g.set_rows(self._ctx, store.at, x.at, indices.at), store.shape, store.type)

    def concat(self, a: Tensor, b: Tensor, axis: int) -> Tensor:
        sides = [i == axis or s == t for i, (s, t) in enumerate(zip(a.shape, b.shape, strict=True))]
        check(all(sides) and a.type == b.type, "concat", a, b)
        shape = shape4([s + b.shape[axis] if i == axis else s for i, s in enumerate(a.shape)])
        return Tensor(self._g.concat(self._ctx, a.at, b.at, axis), shape, a.type)

    def repeat(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        full = shape4(shape)
        check(all(t % s == 0 for s, t in zip(x.shape, full, strict=True)), "repeat", x)
        return Tensor(self._g.repeat_4d(self._ctx, x.at, *full), full, x.type)

    def cast(self, x: Tensor, type: int) -> Tensor:
        return x if x.type == type else Tensor(self._g.cast(self._ctx, x.at, type), x.shape, type)

    def copy(self, x: Tensor, to: Tensor) -> Tensor:
        check(math.prod(x.shape) == math.prod(to.shape), "copy", x, to)
        return Tensor(self._g.cpy(self._ctx, x.at, to.at), to.shape, to.type)

    def interleave(self, states: Sequence[Tensor]) -> Tensor:
        """Several (d, n) feature by feature: feature f of state k becomes feature f * len(states) + k."""
        d, n = states[0].shape[:2]
        stack = states[0]
        for state in states[1:]:
            stack = self.concat(stack, state, 2)
        return self.reshape(self.contiguous(self.turn(stack, (1, 2, 0, 3))), (d * len(states), n))

    # --- running ------------------------------------------------------------------------------------------------

    def outputs(self, *tensors: Tensor) -> Self:
        """Close the graph: these are computed by `run`. Raises MemoryShortError if its memory cannot be had; the graph
        is then gone."""
        g = self._g
        for tensor in tensors:
            g.set_output(tensor.at)
            g.build_forward_expand(self._graph, tensor.at)
        check(g.graph_n_nodes(self._graph) < self._workspace.max_nodes, "graph size")
        g.backend_sched_reset(self._workspace.sched)
        if not g.backend_sched_alloc_graph(self._workspace.sched, self._graph):
            self._workspace.renew()
            self.close()
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
        if self._ctx:
            self._g.free(self._ctx)
            self._ctx = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _repeats(small: Tensor, large: Tensor) -> bool:
    return all(t % s == 0 for s, t in zip(small.shape, large.shape, strict=True))
