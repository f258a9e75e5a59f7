"""The KV cache: what text can see of the text before it, layer by layer.

On the CPU values lie by columns, so that writing goes by products (see `attention.py`); on a GPU, and in a quantised
type, whose blocks run along a row, they lie by rows.
"""

from collections.abc import Callable

import numpy as np

from app.engine.families.mllama.attention import Seen, heads_last
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.graph import Graph
from app.engine.families.mllama.store import Store
from app.engine.families.mllama.tensor import Tensor
from app.gguf.mllama import TextConfig


class KvCache:
    """Keys and values of the self-attention layers, `rows` tokens each."""

    def __init__(
        self,
        c: TextConfig,
        devices: Devices,
        rows: int,
        kind: int,
        place: Callable[[int], int | None],
        by_columns: Callable[[int], bool],
    ) -> None:
        """kind: F16, Q8_0 or F32. place and by_columns: of each layer. Raises MemoryShortError."""
        self._c, self.rows, self._by_columns = c, rows, by_columns
        self._width = c.kv_heads * c.head_size
        self._store = Store(devices, 2 * len(c.self_layers))
        shapes = {True: (rows, c.head_size, c.kv_heads), False: (self._width, rows)}
        self._keys = {i: self._store.tensor(shapes[False], kind, place(i)) for i in c.self_layers}
        self._values = {i: self._store.tensor(shapes[by_columns(i)], kind, place(i)) for i in c.self_layers}
        self._store.allocate()

    def columns(self) -> np.ndarray:
        """Where the column of each number of a token's values begins (kv heads * head,); none if no values lie so."""
        numbers = self._width if any(map(self._by_columns, self._c.self_layers)) else 0
        return np.arange(numbers) * self.rows

    def put(
        self, g: Graph, i: int, k: Tensor, v: Tensor, places: Tensor, columns: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Keep k and v (kv_heads * head, n) of layer i; all keys and values afterwards.

        places (n,) int64: the rows they go to. columns (n * kv_heads * head,) int64: where each number of v goes
        among the values by columns, if any do.
        """
        keys = g.put(self._keys[i], k, places)
        if columns is None or not self._by_columns(i):
            return keys, g.put(self._values[i], v, places)
        flat = g.reshape(self._values[i], (1, self._width * self.rows))
        values = g.put(flat, g.reshape(v, (1, columns.shape[0])), columns)
        return keys, g.reshape(values, self._values[i].shape)

    def seen(self, g: Graph, i: int, kept: tuple[Tensor, Tensor], rows: int) -> Seen:
        """The first `rows` of what `put` gave."""
        keys, values = kept
        head, kv_heads, by_columns = self._c.head_size, self._c.kv_heads, self._by_columns(i)

        def by_rows(x: Tensor) -> Tensor:
            return heads_last(g, g.reshape(g.rows(x, 0, rows), (head, kv_heads, rows)))

        return Seen(
            by_rows(keys),
            g.window(values, (0, 0, 0), (rows, head, kv_heads)) if by_columns else by_rows(values),
            by_columns,
        )

    def clear(self) -> None:
        """Forget everything: a NaN in a masked row would spoil what is read later."""
        self._store.clear()

    def close(self) -> None:
        self._store.close()
