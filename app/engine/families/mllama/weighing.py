"""The second product of attention, weights times values, for one thread: in float32 by numpy, or in bfloat16 by ggml.

A sum over thousands of keys is what ggml's bfloat16 products are good at: twice as fast as float32 ones where the
processor has an instruction for them. What they round, weights and values to 8 bits, Meta's own inference rounds too.
"""

from typing import Protocol, Self

import numpy as np

from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.graph import Graph, Workspace
from app.engine.families.mllama.store import Store
from app.engine.families.mllama.tensor import Tensor, values

QUERIES = 512
"""Queries of a head at a time: enough for a product to be fast, few enough for its scores to stay in the caches."""
STEP, _COLUMNS = 32, 4
"""ggml's fast form of a bfloat16 product is for sums of a multiple of 32, and three times slower where the number of
columns is no multiple of four (80: 0.67 ms, 81: 2.26, 84: 0.70)."""
_AT_ONCE = 128
"""Queries of one bfloat16 product: 192 GFLOP/s of one core, with 512 it was 145."""


class Weighing(Protocol):
    """One thread's place for weights, and what it makes of them.

    scores: (QUERIES, rows at least) float32, for the caller to fill.
    """

    scores: np.ndarray

    def mix(self, head: int, n: int, seen: int) -> tuple[np.ndarray, np.ndarray]:
        """The values of the first `seen` rows times the first n queries' weights, (n, head size), and the weights'
        sums, (n, 1). Writes over the scores beside these weights."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class InFloat32:
    """Nothing is rounded. Their sum comes with the product, where alone it would be a pass over all weights."""

    def __init__(self, values_and_one: np.ndarray) -> None:
        """values_and_one: (heads, rows, head size + 1) float32, see `and_one`."""
        self._values = values_and_one
        self.scores = np.empty((QUERIES, values_and_one.shape[1]), np.float32)

    def mix(self, head: int, n: int, seen: int) -> tuple[np.ndarray, np.ndarray]:
        mixed = self.scores[:n, :seen] @ self._values[head, :seen]
        return mixed[:, :-1], mixed[:, -1:]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class InBFloat16:
    """By ggml, on the thread that asks."""

    def __init__(self, columns: Tensor, size: int) -> None:
        """columns: values and a one, see `by_columns`; size: of a head."""
        self._columns, self._size = columns, size
        self._devices = Devices(1)
        self._store = Store(self._devices, 1)
        self._weights = self._store.tensor((columns.shape[0], QUERIES))
        self._store.allocate()
        self._workspace = Workspace(self._devices, 8 + 4 * QUERIES // _AT_ONCE)
        self.scores = values(self._devices.g, self._weights)

    def mix(self, head: int, n: int, seen: int) -> tuple[np.ndarray, np.ndarray]:
        whole, (_, wide, _, _) = up(seen, STEP), self._columns.shape
        self.scores[:n, seen:whole] = 0
        with Graph(self._devices, self._workspace) as g:
            columns = g.window(self._columns, (0, 0, head), (whole, wide))
            starts = range(0, n, _AT_ONCE)
            some = [g.window(self._weights, (0, i), (whole, min(_AT_ONCE, n - i))) for i in starts]
            mixed = [g.product(columns, weights) for weights in some]
            g.outputs(*mixed).run()
            found = np.concatenate([g.get(part).reshape(-1, wide) for part in mixed])
        return found[:, : self._size], found[:, self._size : self._size + 1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._workspace.close()
        self._store.close()
        self._devices.close()


def and_one(x: np.ndarray) -> np.ndarray:
    """A feature of one beside the others: keys take what a query subtracts from all its scores by it, values count
    what they are weighted with. Both come with the products, where each alone would be a pass over all scores."""
    wider = np.ones((*x.shape[:2], x.shape[2] + 1), np.float32)
    wider[:, :, :-1] = x
    return wider


def columns_shape(rows: int, size: int, heads: int) -> tuple[int, int, int]:
    """Of what `by_columns` writes: at least rows, the head's features and one, heads."""
    return up(rows, STEP), up(size + 1, _COLUMNS), heads


def up(number: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-number // step) * step


def by_columns(g: Graph, v: Tensor, into: Tensor) -> None:
    """Write values, (head size, rows, heads) float32, and ones to where `InBFloat16` reads them, bfloat16 and zero at
    first: what it sums is then what it weighed with, rounded alike."""
    size, rows, heads, _ = v.shape
    g.write(g.turn(v, (1, 0, 2, 3)), g.window(into, (0, 0, 0), (rows, size, heads)))
    g.write(g.constant(np.ones((heads, 1, rows), np.float32)), g.window(into, (0, size, 0), (rows, 1, heads)))
