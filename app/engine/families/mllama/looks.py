"""What text sees of pictures: the keys and values of the cross-attention layers, computed once a picture."""

from collections.abc import Callable
from itertools import chain

import numpy as np

from app.engine.families.mllama.attention import Seen, heads_last
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.graph import Graph, Workspace
from app.engine.families.mllama.store import Store
from app.engine.families.mllama.tensor import F16, F32, Tensor, upload
from app.engine.families.mllama.weights import Weights

_ROWS_AT_ONCE = 256
"""Rows of features per product, as in the tower (docs/decisions/0018); a stop is felt only between two."""


class Looks:
    """One group of pictures seen together, ready on the device: per cross-attention layer keys (kv_heads * head, rows)
    and values by rows or columns (see `attention.py`)."""

    def __init__(
        self, weights: Weights, devices: Devices, pictures: list[np.ndarray], by_columns: Callable[[int], bool]
    ) -> None:
        """pictures: what `compute` gave for each. by_columns: of each layer. Raises MemoryShortError."""
        self._c, self._by_columns, c = weights.config.text, by_columns, weights.config.text
        rows, width = sum(p.shape[2] for p in pictures), c.kv_heads * c.head_size
        kind = F16 if pictures[0].dtype == np.float16 else F32
        self._store = Store(devices, 2 * len(c.cross_layers))
        place, shapes = weights.placement.layer, {True: (rows, c.head_size, c.kv_heads), False: (width, rows)}
        self._keys = {i: self._store.tensor((width, rows), kind, place(i)) for i in c.cross_layers}
        self._values = {i: self._store.tensor(shapes[by_columns(i)], kind, place(i)) for i in c.cross_layers}
        self._store.allocate()
        for number, i in enumerate(c.cross_layers):
            keys, values = (np.concatenate([p[number, part] for p in pictures]) for part in (0, 1))
            upload(devices.g, self._keys[i], keys)
            upload(devices.g, self._values[i], values.T if by_columns(i) else values)

    def seen(self, g: Graph, i: int) -> Seen:
        """What layer i looks at."""
        keys, values = self._keys[i], self._values[i]
        shape = (self._c.head_size, self._c.kv_heads, keys.shape[1])
        by_columns = self._by_columns(i)
        return Seen(
            heads_last(g, g.reshape(keys, shape)),
            values if by_columns else heads_last(g, g.reshape(values, shape)),
            by_columns,
        )

    @property
    def size(self) -> int:
        return self._store.size

    def close(self) -> None:
        self._store.close()


def compute(weights: Weights, devices: Devices, features: np.ndarray, exact: bool = False) -> np.ndarray:
    """Keys and values for one picture's projected features, (rows, text width) float32.

    (cross layers, 2, rows, kv heads * head size), float16, or float32 if `exact`. Raises Cancelled.
    """
    c, rows = weights.config.text, features.shape[0]
    result = np.empty((len(c.cross_layers), 2, rows, c.kv_heads * c.head_size), np.float32 if exact else np.float16)
    workspace = Workspace(devices, max_nodes=64 + 32 * len(c.cross_layers))
    try:
        for start in range(0, rows, _ROWS_AT_ONCE):
            block = features[start : start + _ROWS_AT_ONCE]
            with Graph(devices, workspace) as g:
                x = g.constant(block)
                found = [_keys_and_values(g, weights, i, x, F32 if exact else F16) for i in c.cross_layers]
                g.outputs(*chain(*found)).run()
                for of_layer, pair in zip(result, found, strict=True):
                    for of_part, part in zip(of_layer, pair, strict=True):
                        of_part[start : start + len(block)] = g.get(part).reshape(len(block), -1)
    finally:
        workspace.close()
    return result


def _keys_and_values(g: Graph, weights: Weights, i: int, x: Tensor, kind: int) -> tuple[Tensor, Tensor]:
    """Keys and values that cross-attention layer i makes of some rows of features, (text width, rows)."""
    c, block, rows = weights.config.text, f"blk.{i}.cross_attn_", x.shape[1]
    k = g.reshape(g.linear(weights[f"{block}k_proj.weight"], x), (c.head_size, c.kv_heads, rows))
    k = g.rms_norm(k, weights[f"{block}k_norm.weight"], c.norm_eps)
    v = g.linear(weights[f"{block}v_proj.weight"], x)
    return g.cast(k, kind), g.cast(v, kind)
