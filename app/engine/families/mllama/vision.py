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
from functools import partial

import numpy as np

from app.engine.families.mllama import blas
from app.engine.families.mllama.attention import flash_queries, heads_last
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.graph import Cancelled, Graph, Workspace
from app.engine.families.mllama.picture import Tiles, patches
from app.engine.families.mllama.store import Store
from app.engine.families.mllama.tensor import BF16, F32, Tensor, values
from app.engine.families.mllama.weighing import InBFloat16, InFloat32, Weighing, and_one, by_columns, columns_shape
from app.engine.families.mllama.weights import Weights

Progress = Callable[[float], None]

_OUTER_EPS = 1e-5
"""Of the norms before and after the local layers, whatever the configuration says of the layers' own."""
_ROWS_IN_CACHE = 256
"""Rows per product: a quarter faster than all 6432 at once (docs/decisions/0018)."""
_ROWS_FOR_BLAS = 1024
"""Of fewer rows a layer's attention is over before threads for it have begun."""


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
    """What lives from layer to layer: all rows, places for a layer's attention, and the intermediate states. q, k and v
    are (head, rows, heads); columns: v once more, see `weighing.InBFloat16`."""

    x: Tensor
    q: Tensor
    k: Tensor
    v: Tensor
    attended: Tensor
    columns: Tensor | None
    taps: dict[int, Tensor]


class VisionTower:
    """Encodes one picture at a time. Each layer has graphs of its own: progress and memory by the layer."""

    def __init__(self, weights: Weights, devices: Devices) -> None:
        self._w, self._devices, self._c = weights, devices, weights.config.vision
        rows = self._c.max_tiles * (self._c.rows + self._c.padding)
        self._workspace = Workspace(devices, max_nodes=256 + 4 * len(self._c.taps) + 64 * (3 + rows // 64))
        self._queries_at_once = flash_queries(self._c.heads, devices.threads)
        """Rows per flash attention operation: a computation can be stopped only between two operations."""
        self.by_blas = devices.wide_vectors and weights.placement.vision is None and rows >= _ROWS_FOR_BLAS
        """Whether attention goes by numpy's products; else by ggml's flash attention."""
        self.by_bfloat = self.by_blas and devices.bfloat_products and weights["v.blk.0.attn_v.weight"].type != F32
        """Whether its second product rounds to bfloat16: not where the weights themselves are not rounded."""

    def encode(self, tiles: Tiles, exact: bool = True, progress: Progress = lambda _: None) -> np.ndarray:
        """The picture's projected features, (real tiles * rows of a tile, text width) float32.

        exact: run the missing tiles too, as the model was trained; False leaves them out, several times faster.
        Raises Cancelled after `Devices.stop`.
        """
        c = self._c
        n = c.max_tiles if exact else tiles.count
        rows = Rows(n, tiles.count * c.rows, (n - tiles.count) * c.rows, n * c.padding)
        steps = c.layers + c.global_layers
        with Store(self._devices, 6 + len(c.taps)) as store:
            state = self._state(store, rows)
            self._run(lambda g: g.write(self._embed(g, tiles, rows), state.x))
            for i in range(c.layers):
                self._keep(state, i)
                self._layer(f"v.blk.{i}.", state, rows)
                progress((i + 1) / steps)
            self._keep(state, c.layers)
            self._run(lambda g: g.write(self._between(g, state.x, tiles, rows), state.x))
            for i in range(c.global_layers):
                self._layer(f"v.global.blk.{i}.", state, rows)
                progress((c.layers + i + 1) / steps)
            starts = range(0, rows.real, _ROWS_IN_CACHE)
            return np.concatenate([self._project(state, i, min(_ROWS_IN_CACHE, rows.real - i)) for i in starts])

    def _state(self, store: Store, rows: Rows) -> _State:
        c, place = self._c, self._w.placement.vision
        wide, heads = (c.width, rows.all), (c.width // c.heads, rows.all, c.heads)
        state = _State(
            x=store.tensor(wide, F32, place),
            q=store.tensor(heads, F32, place),
            k=store.tensor(heads, F32, place),
            v=store.tensor(heads, F32, place),
            attended=store.tensor(wide, F32, place),
            columns=store.tensor(columns_shape(rows.all, *heads[::2]), BF16, place) if self.by_bfloat else None,
            taps={i: store.tensor((c.width, rows.real), F32, place) for i in c.taps},
        )
        store.allocate()
        return state

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
        x = g.layer_norm(x, w["v.pre_ln.weight"], w["v.pre_ln.bias"], _OUTER_EPS)
        x = g.reshape(x, (c.width, n * c.rows))
        return g.concat(x, g.constant(np.zeros((rows.padding, c.width), np.float32)), axis=1) if rows.padding else x

    def _of_tiles(self, g: Graph, table: str, tiles: Tiles, n: int) -> Tensor:
        """What the arrangement's row of `table` adds to each of the first n tiles: (width, 1 or rows, n)."""
        c, w = self._c, self._w
        row = g.take(w[f"{table}.weight"], g.constant(np.array([tiles.arrangement], np.int32)))
        per_tile = row.shape[0] // c.max_tiles
        row = g.rows(g.reshape(row, (per_tile, c.max_tiles)), 0, n)
        return g.scale(g.reshape(row, (c.width, per_tile // c.width, n)), w.gate(f"{table}.gate"))

    def _layer(self, block: str, state: _State, rows: Rows) -> None:
        """One pre-norm transformer layer; in the global ones both branches are gated. Replaces the state.

        All but attention goes some rows at a time, so that what a product leaves is still in the caches for the next.
        """
        self._by_rows(lambda g, start, n: self._qkv(g, block, state, start, n), rows)
        looks = [(range(rows.real), rows.all), (range(rows.real, rows.all), rows.real)]
        (self._attend_by_blas if self.by_blas else self._attend_by_flash)(state, looks)
        self._by_rows(lambda g, start, n: self._output_and_mlp(g, block, state, start, n), rows)

    def _qkv(self, g: Graph, block: str, state: _State, start: int, n: int) -> None:
        """Queries, keys and values of some rows, each to where attention reads it."""
        w, h = self._w, g.rows(state.x, start, n)
        h = g.layer_norm(h, w[f"{block}attn_norm.weight"], w[f"{block}attn_norm.bias"], self._c.norm_eps)
        for part, into in (("q", state.q), ("k", state.k), ("v", state.v)):
            x = self._heads(g, g.linear(w[f"{block}attn_{part}.weight"], h))
            g.write(heads_last(g, x), g.window(into, (0, start, 0), (into.shape[0], n, into.shape[2])))

    def _output_and_mlp(self, g: Graph, block: str, state: _State, start: int, n: int) -> None:
        """The output projection of some rows and their MLP, each added to the rows."""
        c, w, x = self._c, self._w, g.rows(state.x, start, n)
        h = g.linear(w[f"{block}attn_output.weight"], g.rows(state.attended, start, n))
        x = g.add(x, self._gated(g, h, f"{block}attn_gate"))
        h = g.layer_norm(x, w[f"{block}ffn_norm.weight"], w[f"{block}ffn_norm.bias"], c.norm_eps)
        h = g.gelu(g.linear(w[f"{block}ffn_up.weight"], h, w[f"{block}ffn_up.bias"]))
        h = g.linear(w[f"{block}ffn_down.weight"], h, w[f"{block}ffn_down.bias"])
        g.write(g.add(x, self._gated(g, h, f"{block}ffn_gate")), g.rows(state.x, start, n))

    def _heads(self, g: Graph, x: Tensor) -> Tensor:
        return g.reshape(x, (self._c.width // self._c.heads, self._c.heads, x.shape[1]))

    def _attend_by_flash(self, state: _State, looks: blas.Ranges) -> None:
        size, _, heads, _ = state.q.shape

        def build(g: Graph) -> None:
            for rows, seen in looks:
                k, v = (g.window(t, (0, 0, 0), (size, seen, heads)) for t in (state.k, state.v))
                for first in rows[:: self._queries_at_once]:
                    n = min(self._queries_at_once, rows.stop - first)
                    found = g.flash(g.window(state.q, (0, first, 0), (size, n, heads)), k, v, size**-0.5)
                    g.write(found, g.rows(state.attended, first, n))

        self._run(build)

    def _attend_by_blas(self, state: _State, looks: blas.Ranges) -> None:
        q, k, v = (values(self._devices.g, t).reshape(t.shape[2::-1]) for t in (state.q, state.k, state.v))
        out, stopping = values(self._devices.g, state.attended), self._devices.stopping
        weighing: Callable[[], Weighing]
        if (columns := state.columns) is not None:
            self._run(lambda g: by_columns(g, state.v, columns))
            weighing = partial(InBFloat16, columns, state.v.shape[0])
        else:
            weighing = partial(InFloat32, and_one(v))
        blas.attend(q, k, weighing, out, looks, self._devices.threads, stopping)
        if stopping():
            raise Cancelled

    def _gated(self, g: Graph, h: Tensor, gate: str) -> Tensor:
        return g.scale(h, self._w.gate(gate)) if gate.startswith("v.global.") else h

    def _between(self, g: Graph, x: Tensor, tiles: Tiles, rows: Rows) -> Tensor:
        """After the local layers: normalise, and add each tile's embedding to its rows, its padding included."""
        c, w = self._c, self._w
        x = g.layer_norm(x, w["v.post_ln.weight"], w["v.post_ln.bias"], _OUTER_EPS)
        of_tiles = self._of_tiles(g, "v.post_tile_position_embd", tiles, rows.tiles)
        added = g.reshape(g.repeat(of_tiles, (c.width, c.rows, rows.tiles)), (c.width, rows.real + rows.missing))
        if rows.padding:
            padding = g.reshape(g.repeat(of_tiles, (c.width, c.padding, rows.tiles)), (c.width, rows.padding))
            added = g.concat(added, padding, axis=1)
        return g.add(x, added)

    def _project(self, state: _State, start: int, n: int) -> np.ndarray:
        """Some rows' final state and intermediate ones, feature by feature, projected: (n, text width) float32."""

        def build(g: Graph) -> Tensor:
            x, *states = (g.rows(t, start, n) for t in (state.x, *state.taps.values()))
            features = g.concat(x, g.interleave(states), axis=0) if states else x
            return g.linear(self._w["mm.0.weight"], features, self._w["mm.0.bias"])

        return self._fetch(build).reshape(n, -1)  # of a single row a vector is fetched

    # --- running ------------------------------------------------------------------------------------------------

    def _by_rows(self, step: Callable[[Graph, int, int], None], rows: Rows) -> None:
        """`step(graph, start, n)` for all rows, some at a time."""

        def build(g: Graph) -> None:
            for start in range(0, rows.all, _ROWS_IN_CACHE):
                step(g, start, min(_ROWS_IN_CACHE, rows.all - start))

        self._run(build)

    def _keep(self, state: _State, layer: int) -> None:
        """Keep the state before `layer` if it is one of the intermediate ones."""
        if layer in state.taps:
            kept = state.taps[layer]
            self._run(lambda g: g.write(g.rows(state.x, 0, kept.shape[1]), kept))

    def _run(self, build: Callable[[Graph], None]) -> None:
        """Build a graph that writes into the state, and run it."""
        with Graph(self._devices, self._workspace) as g:
            build(g)
            g.outputs().run()

    def _fetch(self, build: Callable[[Graph], Tensor]) -> np.ndarray:
        """Build a graph, run it, and fetch its result."""
        with Graph(self._devices, self._workspace) as g:
            result = build(g)
            g.outputs(result).run()
            return g.get(result)
