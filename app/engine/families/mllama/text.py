"""The text decoder of Llama 3.2 Vision as ggml graphs: Llama 3.1 with layers in between that look at pictures.

After Meta's reference (llama-models, `models/llama3/multimodal/model.py`). A cross-attention layer's keys and values
depend on the picture alone; they come ready (see `looks.py`), and hold the real tiles' rows only, so that no mask is
needed. A row of text sees the pictures of one span (`spans`); rows that see none skip the cross-attention layers
altogether, so that what remains is exactly Llama 3.1, and a system prompt's keys and values serve every picture.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from app.engine.families.mllama.attention import attend
from app.engine.families.mllama.cache import KvCache
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.graph import Graph, Workspace
from app.engine.families.mllama.looks import Looks
from app.engine.families.mllama.tensor import F16, I32, I64, Q8_0, Tensor
from app.engine.families.mllama.weights import Weights

BATCH = 256
"""Rows of a prompt computed at once: fast products want many, and a stop is felt only between two operations."""
_BLOCK = 256
"""The part of the KV cache a graph reads grows in steps of this many rows; a graph serves until the next step."""

Wanted = Literal["last", "all", "none"]
Flash = Literal["auto", "on", "off"]


@dataclass(frozen=True)
class Span:
    """Rows start .. stop of a prompt, all of which see the same pictures (their numbers)."""

    start: int
    stop: int
    pictures: tuple[int, ...]


def spans(tokens: list[int], picture_token: int) -> list[Span]:
    """Cut a prompt where the set of visible pictures changes.

    A row sees a picture from that picture's token up to the next picture's token; pictures whose tokens stand side by
    side are seen together (transformers' `get_cross_attention_token_mask`).
    """
    found: list[Span] = []
    visible: tuple[int, ...] = ()
    start = count = 0
    for i, token in enumerate(tokens):
        if token != picture_token:
            continue
        if i > start:
            found.append(Span(start, i, visible))
        beside = i > 0 and tokens[i - 1] == picture_token
        visible = (*visible, count) if beside else (count,)
        start, count = i, count + 1
    if len(tokens) > start:
        found.append(Span(start, len(tokens), visible))
    return found


@dataclass(frozen=True)
class _Inputs:
    """What changes from run to run: the rows' tokens, positions, places in the cache, and what they may look at."""

    tokens: Tensor
    positions: Tensor
    places: Tensor
    columns: Tensor | None
    mask: Tensor


class TextDecoder:
    """Reads tokens into its KV cache and gives the logits that follow them."""

    def __init__(
        self, weights: Weights, devices: Devices, context: int, kv_type: int = F16, flash: Flash = "auto"
    ) -> None:
        """context: tokens it can hold. kv_type: F16, Q8_0 (not without flash attention) or F32.

        flash: "off" for no flash attention at all, "on" for nothing else. Raises MemoryShortError.
        """
        self._w, self._devices, self._c = weights, devices, weights.config.text
        self._flash, self._quantised = flash, kv_type == Q8_0
        self.context = context
        self._cache = KvCache(self._c, devices, _up(context), kv_type, weights.placement.layer, self._by_columns)
        self._first_of_columns = np.arange(self._c.kv_heads * self._c.head_size) * self._cache.rows
        """Where each number of a token's values begins its column."""
        self._looks: Looks | None = None
        self._reading, self._writing = (Workspace(devices, 64 + 48 * self._c.layers) for _ in range(2))
        self._step: _Step | None = None

    def values_by_columns(self, layer: int) -> bool:
        """How the values of pictures lie that `layer` looks at."""
        return self._flash == "off" or (self._flash == "auto" and self._w.placement.layer(layer) is None)

    def _by_columns(self, layer: int) -> bool:
        return self.values_by_columns(layer) and not self._quantised

    def look_at(self, looks: Looks | None) -> None:
        """What the rows read from now on see: a picture group's keys and values, or nothing."""
        if looks is not self._looks:
            self._forget_step()
            self._looks = looks

    def read(self, tokens: list[int], position: int, want: Wanted = "last") -> np.ndarray:
        """Read `tokens`, the first at `position`; the logits after the last, after all, or none of them:
        (rows, vocabulary) float32.

        Raises Cancelled after `Devices.stop`; the cache then holds what stood before `position`.
        """
        if len(tokens) == 1 and want == "last":
            return self.step(tokens[0], position)[None]
        parts = []
        for start in range(0, len(tokens), BATCH):
            batch = tokens[start : start + BATCH]
            last = want == "last" and start + len(batch) == len(tokens)
            parts.append(self._read(batch, position + start, len(batch) if want == "all" else int(last)))
        return np.concatenate(parts)

    def step(self, token: int, position: int) -> np.ndarray:
        """Read one token; the logits after it, (vocabulary,) float32, valid until the next call."""
        if self._step is None or position >= self._step.rows:
            self._forget_step()
            self._step = _Step(self, _up(position + 1))
        return self._step.run(token, position)

    def clear(self) -> None:
        """Empty the KV cache."""
        self._cache.clear()

    def close(self) -> None:
        self._forget_step()
        self._cache.close()
        self._reading.close()
        self._writing.close()

    # --- the model ----------------------------------------------------------------------------------------------

    def _model(self, g: Graph, inputs: _Inputs, kv_rows: int, outputs: int) -> Tensor:
        """The decoder over the inputs' rows; the logits of the last `outputs`, or if there are none the last state.

        From the last layer only rows that become logits go on; the others have left their keys and values.
        """
        c, w = self._c, self._w
        x = g.take(w["token_embd.weight"], inputs.tokens)
        last = c.layers - 1 if self._looks else c.self_layers[-1]
        for i in range(last + 1):
            rows = max(outputs, 1) if i == last else x.shape[1]
            if i not in c.cross_layers:
                x = self._self_layer(g, i, x, inputs, kv_rows, rows)
            elif self._looks:
                x = self._cross_layer(g, i, self._end(g, x, rows), self._looks)
        if outputs == 0:
            return x
        return g.linear(w["output.weight"], g.rms_norm(x, w["output_norm.weight"], c.norm_eps))

    def _self_layer(self, g: Graph, i: int, x: Tensor, inputs: _Inputs, kv_rows: int, rows: int) -> Tensor:
        """Causal attention over all that was read, then the MLP; the last `rows`."""
        c, w, block = self._c, self._w, f"blk.{i}."
        h = g.rms_norm(x, w[f"{block}attn_norm.weight"], c.norm_eps)
        q = self._heads(g, g.linear(w[f"{block}attn_q.weight"], h), c.heads)
        k = self._heads(g, g.linear(w[f"{block}attn_k.weight"], h), c.kv_heads)
        v = g.linear(w[f"{block}attn_v.weight"], h)
        q, k = (g.rope(t, inputs.positions, w.get("rope_freqs.weight"), c.rope_base) for t in (q, k))
        kept = self._cache.put(g, i, g.reshape(k, v.shape), v, inputs.places, inputs.columns)
        q = self._heads(g, self._end(g, g.reshape(q, (c.heads * c.head_size, x.shape[1])), rows), c.heads)
        seen, mask = self._cache.seen(g, i, kept, kv_rows), self._end(g, inputs.mask, rows)
        h = attend(g, q, seen, mask, self._flash != "off")
        x = g.add(self._end(g, x, rows), g.linear(w[f"{block}attn_output.weight"], h))
        return g.add(x, self._mlp(g, block, x))

    def _cross_layer(self, g: Graph, i: int, x: Tensor, looks: Looks) -> Tensor:
        """Attention over the picture's rows, then the MLP, both gated; no RoPE, q normalised per head."""
        c, w, block = self._c, self._w, f"blk.{i}."
        h = g.rms_norm(x, w[f"{block}attn_norm.weight"], c.norm_eps)
        q = self._heads(g, g.linear(w[f"{block}cross_attn_q_proj.weight"], h), c.heads)
        q = g.rms_norm(q, w[f"{block}cross_attn_q_norm.weight"], c.norm_eps)
        h = attend(g, q, looks.seen(g, i), None, self._flash != "off")
        h = g.linear(w[f"{block}cross_attn_o_proj.weight"], h)
        x = g.add(x, g.scale(h, w.gate(f"{block}cross_attn_attn_gate")))
        return g.add(x, g.scale(self._mlp(g, block, x), w.gate(f"{block}cross_attn_mlp_gate")))

    def _mlp(self, g: Graph, block: str, x: Tensor) -> Tensor:
        w = self._w
        h = g.rms_norm(x, w[f"{block}ffn_norm.weight"], self._c.norm_eps)
        h = g.swiglu(g.linear(w[f"{block}ffn_gate.weight"], h), g.linear(w[f"{block}ffn_up.weight"], h))
        return g.linear(w[f"{block}ffn_down.weight"], h)

    def _end(self, g: Graph, x: Tensor, rows: int) -> Tensor:
        """The last rows of x."""
        return x if rows == x.shape[1] else g.rows(x, x.shape[1] - rows, rows)

    def _heads(self, g: Graph, x: Tensor, heads: int) -> Tensor:
        return g.reshape(x, (self._c.head_size, heads, x.shape[1]))

    # --- running ------------------------------------------------------------------------------------------------

    def _inputs(self, g: Graph, n: int, kv_rows: int) -> _Inputs:
        columns = None
        if any(map(self._by_columns, self._c.self_layers)):
            columns = g.input((n * self._c.kv_heads * self._c.head_size,), I64)
        return _Inputs(g.input((n,), I32), g.input((n,), I32), g.input((n,), I64), columns, g.input((kv_rows, n), F16))

    def _set(self, g: Graph, inputs: _Inputs, tokens: list[int], position: int) -> None:
        """Everything but the mask."""
        places = np.arange(position, position + len(tokens))
        g.set(inputs.tokens, np.array(tokens, np.int32))
        g.set(inputs.positions, places.astype(np.int32))
        g.set(inputs.places, places)
        if inputs.columns:
            g.set(inputs.columns, places[:, None] + self._first_of_columns)

    def _read(self, tokens: list[int], position: int, outputs: int) -> np.ndarray:
        """One batch, in a graph of its own."""
        n, kv_rows = len(tokens), _up(position + len(tokens))
        with Graph(self._devices, self._reading) as g:
            inputs = self._inputs(g, n, kv_rows)
            logits = self._model(g, inputs, kv_rows, outputs)
            g.outputs(logits)
            self._set(g, inputs, tokens, position)
            places = np.arange(position, position + n)
            g.set(inputs.mask, np.where(np.arange(kv_rows) > places[:, None], np.float16(-np.inf), np.float16(0)))
            g.run()
            width = self._w["output.weight"].shape[1]
            return g.get(logits).reshape(-1, width) if outputs else np.empty((0, width), np.float32)

    def _forget_step(self) -> None:
        if self._step:
            self._step.close()
        self._step = None


class _Step:
    """The graph that reads one token, kept from token to token."""

    def __init__(self, decoder: TextDecoder, rows: int) -> None:
        self._decoder, self.rows = decoder, rows
        self._g = Graph(decoder._devices, decoder._writing)
        self._inputs = decoder._inputs(self._g, 1, rows)
        self._logits = decoder._model(self._g, self._inputs, rows, 1)
        self._g.outputs(self._logits)
        self._mask = np.full((1, rows), -np.inf, np.float16)
        self._until = 0

    def run(self, token: int, position: int) -> np.ndarray:
        g, inputs = self._g, self._inputs
        self._mask[0, : position + 1] = 0
        self._mask[0, position + 1 : self._until] = -np.inf
        self._until = position + 1
        self._decoder._set(g, inputs, [token], position)
        g.set(inputs.mask, self._mask)
        g.run()
        return g.get(self._logits)

    def close(self) -> None:
        self._g.close()


def _up(rows: int) -> int:
    return -(-rows // _BLOCK) * _BLOCK
