"""What text sees of pictures: the keys and values of the cross-attention layers, computed once a picture."""

import numpy as np

from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.graph import F16, F32, Graph, Tensor, Workspace, upload
from app.engine.families.mllama.store import Store
from app.engine.families.mllama.weights import Weights


class Looks:
    """One group of pictures seen together, ready on the device: per cross-attention layer (kv heads * head, rows)."""

    def __init__(self, weights: Weights, devices: Devices, pictures: list[np.ndarray]) -> None:
        """pictures: what `compute` gave for each. Raises MemoryShortError."""
        c = weights.config.text
        rows, width = sum(p.shape[2] for p in pictures), c.kv_heads * c.head_size
        kind = F16 if pictures[0].dtype == np.float16 else F32
        self._store = Store(devices, 2 * len(c.cross_layers))
        place = weights.placement.layer
        self.keys: dict[int, Tensor] = {i: self._store.tensor((width, rows), kind, place(i)) for i in c.cross_layers}
        self.values: dict[int, Tensor] = {i: self._store.tensor((width, rows), kind, place(i)) for i in c.cross_layers}
        self._store.allocate()
        for number, i in enumerate(c.cross_layers):
            upload(devices.g, self.keys[i], np.concatenate([p[number, 0] for p in pictures]))
            upload(devices.g, self.values[i], np.concatenate([p[number, 1] for p in pictures]))

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
    kind = F32 if exact else F16
    result = np.empty((len(c.cross_layers), 2, rows, c.kv_heads * c.head_size), np.float32 if exact else np.float16)
    workspace = Workspace(devices, max_nodes=64)
    try:
        for number, i in enumerate(c.cross_layers):
            with Graph(devices, workspace) as g:
                x, block = g.constant(features), f"blk.{i}.cross_attn_"
                k = g.reshape(g.linear(weights[f"{block}k_proj.weight"], x), (c.head_size, c.kv_heads, rows))
                k = g.cast(g.rms_norm(k, weights[f"{block}k_norm.weight"], c.norm_eps), kind)
                v = g.cast(g.linear(weights[f"{block}v_proj.weight"], x), kind)
                g.outputs(k, v).run()
                result[number, 0] = g.get(k).reshape(rows, -1)
                result[number, 1] = g.get(v)
    finally:
        workspace.close()
    return result
