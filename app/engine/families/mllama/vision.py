"""The vision tower of Llama 3.2 Vision as ggml graphs: tiles in, features for the text decoder out.

After Meta's reference (llama-models, `models/llama3/multimodal/encoder.py`), with the arithmetic in its order. The
rows are laid out differently, which changes no number but lets attention skip work: the real tiles' rows come first,
then the missing tiles', then the zero rows that pad every tile to a multiple of eight.

    [ real tiles: class, patches, ... | missing tiles: class, patches, ... | padding of every tile ]

Attention is blocked only between two rows that are both no real ones: one corner of the square. So real rows look at
all rows, the others look at the real ones, and neither needs a mask.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.engine.families.mllama.attention import by_flash, columns, head_by_head, heads_last
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.graph import Graph, Workspace
from app.engine.families.mllama.picture import Tiles, patches
from app.engine.families.mllama.store import Store
from app.engine.families.mllama.tensor import BF16, F32, Tensor
from app.engine.families.mllama.weights import Weights

Progress = Callable[[float], None]

_QUERIES_AT_ONCE = 1024
"""Rows per flash attention operation: a computation can be stopped only between two operations."""
_QUERIES_IN_CACHE = 256
"""Rows per attention by products: the scores of one head then stay in the processor's caches."""


@dataclass(frozen=True)
class Rows:
    """How many rows of each kind a picture has."""

    tiles: int
    real: int
    missing: int
    padding: int

    @property
    def all(self) -> int:
        return self.real + self.missing + self.padding


@dataclass(frozen=True)
class _State:
    """What lives from layer to layer: all rows, a place for a layer's attention, and the intermediate states."""

    x: Tensor
    mixed: Tensor
    taps: dict[int, Tensor]


class VisionTower:
    """Encodes one picture at a time. Each layer is a graph of its own: progress and memory by the layer."""

    def __init__(self, weights: Weights, devices: Devices) -> None:
        self._w, self._devices, self._c = weights, devices, weights.config.vision
        rows = self._c.max_tiles * (self._c.rows + self._c.padding)
        self._workspace = Workspace(devices, max_nodes=256 + 16 * self._c.heads * (3 + rows // _QUERIES_IN_CACHE))
        plain = weights["v.blk.0.attn_q.weight"].type == F32
        self.by_products = devices.fast_bf16 and not plain and weights.placement.vision is None
        """Whether attention goes by products in bfloat16; else by flash attention in float32."""

    def encode(self, tiles: Tiles, exact: bool = True, progress: Progress = lambda _: None) -> np.ndarray:
        """The picture's projected features, (real tiles * rows of a tile, text width) float32.

        exact: run the missing tiles too, as the model was trained; False leaves them out, several times faster.
        Raises Cancelled after `Devices.stop`.
        """
        c = self._c
        n = c.max_tiles if exact else tiles.count
        rows = Rows(n, tiles.count * c.rows, (n - tiles.count) * c.rows, n * c.padding)
        steps = c.layers + c.global_layers
        with Store(self._devices, 2 + len(c.taps)) as store:
            state = _State(
                x=store.tensor((c.width, rows.all), F32, self._w.placement.vision),
                mixed=store.tensor((c.width, rows.all), F32, self._w.placement.vision),
                taps={i: store.tensor((c.width, rows.real), F32, self._w.placement.vision) for i in c.taps},
            )
            store.allocate()
            self._run(lambda g: g.copy(self._embed(g, tiles, rows), state.x))
            for i in range(c.layers):
                self._keep(state, i)
                self._advance(f"v.blk.{i}.", state, rows)
                progress((i + 1) / steps)
            self._keep(state, c.layers)
            self._run(lambda g: g.copy(self._between(g, state.x, tiles, rows), state.x))
            for i in range(c.global_layers):
                self._advance(f"v.global.blk.{i}.", state, rows)
                progress((c.layers + i + 1) / steps)
            return self._fetch(lambda g: self._project(g, g.rows(state.x, 0, rows.real), list(state.taps.values())))

    def close(self) -> None:
        self._workspace.close()

    # --- the model ----------------------------------------------------------------------------------------------

    def _embed(self, g: Graph, tiles: Tiles, rows: Rows) -> Tensor:
        """Patches, class token and positions, normalised and padded: (width, all rows)."""
        c, w, n = self._c, self._w, rows.tiles
        pixels = np.zeros((n, c.patches, w["v.patch_embd.weight"].shape[0]), np.float32)
        pixels[: tiles.count] = patches(tiles, c)
        x = g.linear(w["v.patch_embd.weight"], g.constant(pixels))
        x = g.add(x, self._of_tiles(g, "v.pre_tile_position_embd", tiles, n))
        class_token = g.repeat(g.reshape(w["v.class_embd"], (c.width, 1, 1)), (c.width, 1, n))
        x = g.concat(class_token, x, axis=1)
        x = g.add(x, g.scale(w["v.position_embd.weight"], w.gate("v.position_embd.gate")))
        x = g.add(x, self._of_tiles(g, "v.tile_position_embd", tiles, n))
        x = g.layer_norm(x, w["v.pre_ln.weight"], w["v.pre_ln.bias"], c.norm_eps)
        x = g.reshape(x, (c.width, n * c.rows))
        return g.concat(x, g.constant(np.zeros((rows.padding, c.width), np.float32)), axis=1) if rows.padding else x

    def _of_tiles(self, g: Graph, table: str, tiles: Tiles, n: int) -> Tensor:
        """What the arrangement's row of `table` adds to each of the first n tiles: (width, 1 or rows, n)."""
        c, w = self._c, self._w
        row = g.take(w[f"{table}.weight"], g.constant(np.array([tiles.arrangement], np.int32)))
        per_tile = row.shape[0] // c.max_tiles
        row = g.rows(g.reshape(row, (per_tile, c.max_tiles)), 0, n)
        return g.scale(g.reshape(row, (c.width, per_tile // c.width, n)), w.gate(f"{table}.gate"))

    def _layer(self, g: Graph, block: str, state: _State, rows: Rows) -> Tensor:
        """One pre-norm transformer layer; in the global ones both branches are gated."""
        c, w, x = self._c, self._w, state.x
        h = g.layer_norm(x, w[f"{block}attn_norm.weight"], w[f"{block}attn_norm.bias"], c.norm_eps)
        h = g.linear(w[f"{block}attn_output.weight"], self._attention(g, block, h, state.mixed, rows))
        x = g.add(x, self._gated(g, h, f"{block}attn_gate"))
        h = g.layer_norm(x, w[f"{block}ffn_norm.weight"], w[f"{block}ffn_norm.bias"], c.norm_eps)
        h = g.gelu(g.linear(w[f"{block}ffn_up.weight"], h, w[f"{block}ffn_up.bias"]))
        h = g.linear(w[f"{block}ffn_down.weight"], h, w[f"{block}ffn_down.bias"])
        return g.add(x, self._gated(g, h, f"{block}ffn_gate"))

    def _attention(self, g: Graph, block: str, x: Tensor, mixed: Tensor, rows: Rows) -> Tensor:
        """Real rows look at all rows, all other rows at the real ones (see the top of this file)."""
        q, k, v = (self._heads(g, g.linear(self._w[f"{block}attn_{part}.weight"], x)) for part in "qkv")
        look = self._look_by_products if self.by_products else self._look_by_flash
        if self.by_products:
            q, k = (g.pad(g.contiguous(heads_last(g, t)), -t.shape[0] % 32) for t in (q, k))
            k, v = g.cast(k, BF16), columns(g, v, BF16)
        else:
            k, v = (g.contiguous(heads_last(g, t)) for t in (k, v))
        look(g, q, k, v, mixed, range(rows.real), rows.all)
        if rows.real < rows.all:
            look(g, q, k, v, mixed, range(rows.real, rows.all), rows.real)
        return mixed

    def _heads(self, g: Graph, x: Tensor) -> Tensor:
        return g.reshape(x, (self._c.width // self._c.heads, self._c.heads, x.shape[1]))

    def _look_by_flash(self, g: Graph, q: Tensor, k: Tensor, v: Tensor, mixed: Tensor, rows: range, seen: int) -> None:
        """Attention of some rows of q over the first `seen` of k and v, into the same rows of `mixed`.

        q (head, heads, n), k and v (head, n, heads).
        """
        size, heads, _, _ = q.shape
        k, v = (g.window(t, (0, 0, 0), (size, seen, heads)) for t in (k, v))
        for first in rows[::_QUERIES_AT_ONCE]:
            n = min(_QUERIES_AT_ONCE, rows.stop - first)
            g.write(by_flash(g, g.window(q, (0, 0, first), (size, heads, n)), k, v), g.rows(mixed, first, n))

    def _look_by_products(
        self, g: Graph, q: Tensor, k: Tensor, v: Tensor, mixed: Tensor, rows: range, seen: int
    ) -> None:
        """The same head by head in bfloat16, where the processor multiplies that faster than float32.

        q and k (head padded to 32, n, heads), v (n, head, heads). A block's scores stay in the processor's caches.
        """
        size = v.shape[1]
        for head in range(q.shape[2]):
            keys, values = g.window(k, (0, 0, head), (k.shape[0], seen)), g.window(v, (0, 0, head), (seen, size))
            for first in rows[::_QUERIES_IN_CACHE]:
                n = min(_QUERIES_IN_CACHE, rows.stop - first)
                found = head_by_head(g, g.window(q, (0, first, head), (q.shape[0], n)), keys, values, size**-0.5)
                g.write(found, g.window(mixed, (head * size, first), (size, n)))

    def _gated(self, g: Graph, h: Tensor, gate: str) -> Tensor:
        return g.scale(h, self._w.gate(gate)) if gate.startswith("v.global.") else h

    def _between(self, g: Graph, x: Tensor, tiles: Tiles, rows: Rows) -> Tensor:
        """After the local layers: normalise, and add each tile's embedding to its rows, its padding included."""
        c, w = self._c, self._w
        x = g.layer_norm(x, w["v.post_ln.weight"], w["v.post_ln.bias"], c.norm_eps)
        of_tiles = self._of_tiles(g, "v.post_tile_position_embd", tiles, rows.tiles)
        added = g.reshape(g.repeat(of_tiles, (c.width, c.rows, rows.tiles)), (c.width, rows.real + rows.missing))
        if rows.padding:
            padding = g.reshape(g.repeat(of_tiles, (c.width, c.padding, rows.tiles)), (c.width, rows.padding))
            added = g.concat(added, padding, axis=1)
        return g.add(x, added)

    def _project(self, g: Graph, x: Tensor, states: list[Tensor]) -> Tensor:
        """The final state and the intermediate ones, feature by feature, projected to the text's width."""
        features = g.concat(x, g.interleave(states), axis=0) if states else x
        return g.linear(self._w["mm.0.weight"], features, self._w["mm.0.bias"])

    # --- running ------------------------------------------------------------------------------------------------

    def _advance(self, block: str, state: _State, rows: Rows) -> None:
        """Replace the state by what the layer `block` makes of it."""
        self._run(lambda g: g.copy(self._layer(g, block, state, rows), state.x))

    def _keep(self, state: _State, layer: int) -> None:
        """Keep the state before `layer` if it is one of the intermediate ones."""
        if layer in state.taps:
            kept = state.taps[layer]
            self._run(lambda g: g.copy(g.rows(state.x, 0, kept.shape[1]), kept))

    def _run(self, build: Callable[[Graph], Tensor]) -> None:
        """Build a graph and run it."""
        with Graph(self._devices, self._workspace) as g:
            g.outputs(build(g)).run()

    def _fetch(self, build: Callable[[Graph], Tensor]) -> np.ndarray:
        """Build a graph, run it, and fetch its result."""
        with Graph(self._devices, self._workspace) as g:
            result = build(g)
            g.outputs(result).run()
            return g.get(result)
