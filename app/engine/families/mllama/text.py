"""The text decoder of Llama 3.2 Vision as a ggml graph: Llama 3.1 with layers in between that look at pictures.

After Meta's reference (llama-models, `models/llama3/multimodal/model.py`). A cross-attention layer's keys and values
depend on the picture alone; they come ready (see `looks.py`), and hold the real tiles' rows only, so that no mask is
needed. All rows of a graph see the same pictures (`spans.py`); where there are none the cross-attention layers are left
out altogether, so that what remains is exactly Llama 3.1, and a system prompt's keys and values serve every picture.
"""

from dataclasses import dataclass

from app.engine.families.mllama.attention import attend
from app.engine.families.mllama.cache import KvCache
from app.engine.families.mllama.graph import Graph
from app.engine.families.mllama.looks import Looks
from app.engine.families.mllama.tensor import Tensor
from app.engine.families.mllama.weights import Weights


@dataclass(frozen=True)
class Inputs:
    """What changes from run to run, of n rows: their tokens, positions and places in the cache (n,), where each number
    of their values goes if these lie by columns (n * kv heads * head size,), and which of the cache's rows they may
    look at (cache rows, n)."""

    tokens: Tensor
    positions: Tensor
    places: Tensor
    columns: Tensor | None
    mask: Tensor


class TextModel:
    """The layers over weights and a KV cache."""

    def __init__(self, weights: Weights, cache: KvCache, flash: bool) -> None:
        """flash: whether attention may take ggml's flash attention."""
        self._w, self._c, self._cache, self._flash = weights, weights.config.text, cache, flash

    def logits(self, g: Graph, inputs: Inputs, looks: Looks | None, outputs: int) -> Tensor:
        """The decoder over the inputs' rows; the logits of the last `outputs`, or if there are none the last state.

        From the last layer only rows that become logits go on; the others have left their keys and values.
        """
        c, w = self._c, self._w
        x = g.take(w["token_embd.weight"], inputs.tokens)
        last = c.layers - 1 if looks else c.self_layers[-1]
        for i in range(last + 1):
            rows = max(outputs, 1) if i == last else x.shape[1]
            if i not in c.cross_layers:
                x = self._self_layer(g, i, x, inputs, rows)
            elif looks:
                x = self._cross_layer(g, i, self._end(g, x, rows), looks)
        if outputs == 0:
            return x
        return g.linear(w["output.weight"], g.rms_norm(x, w["output_norm.weight"], c.norm_eps))

    def _self_layer(self, g: Graph, i: int, x: Tensor, inputs: Inputs, rows: int) -> Tensor:
        """Causal attention over all that was read, then the MLP; the last `rows`."""
        c, w, block = self._c, self._w, f"blk.{i}."
        h = g.rms_norm(x, w[f"{block}attn_norm.weight"], c.norm_eps)
        q = self._heads(g, g.linear(w[f"{block}attn_q.weight"], h), c.heads)
        k = self._heads(g, g.linear(w[f"{block}attn_k.weight"], h), c.kv_heads)
        v = g.linear(w[f"{block}attn_v.weight"], h)
        q, k = (g.rope(t, inputs.positions, w.get("rope_freqs.weight"), c.rope_base) for t in (q, k))
        kept = self._cache.put(g, i, g.reshape(k, v.shape), v, inputs.places, inputs.columns)
        q = self._heads(g, self._end(g, g.reshape(q, (c.heads * c.head_size, x.shape[1])), rows), c.heads)
        seen, mask = self._cache.seen(g, i, kept, inputs.mask.shape[0]), self._end(g, inputs.mask, rows)
        h = attend(g, q, seen, mask, self._flash)
        x = g.add(self._end(g, x, rows), g.linear(w[f"{block}attn_output.weight"], h))
        return g.add(x, self._mlp(g, block, x))

    def _cross_layer(self, g: Graph, i: int, x: Tensor, looks: Looks) -> Tensor:
        """Attention over the picture's rows, then the MLP, both gated; no RoPE, q normalised per head."""
        c, w, block = self._c, self._w, f"blk.{i}."
        h = g.rms_norm(x, w[f"{block}attn_norm.weight"], c.norm_eps)
        q = self._heads(g, g.linear(w[f"{block}cross_attn_q_proj.weight"], h), c.heads)
        q = g.rms_norm(q, w[f"{block}cross_attn_q_norm.weight"], c.norm_eps)
        h = attend(g, q, looks.seen(g, i), None, self._flash)
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
