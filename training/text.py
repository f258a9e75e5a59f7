"""The text decoder, some of whose layers look at the picture. Shapes as in ``model.py``."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import Norm, attend, join_heads, split_heads, working
from .sizes import TextSize

GUIDED_HEADS = 2
"""Heads of a cross-attention layer that may be shown where to look."""


def rope_frequencies(head: int, size: TextSize) -> Tensor:
    """Llama 3's scaled frequencies: long waves slowed by the factor, short ones kept, a ramp between."""
    frequency = size.rope_base ** (-torch.arange(0, head, 2).float() / head)
    wave = 2 * math.pi / frequency
    ramp = ((size.rope_original / wave - 1.0) / (4.0 - 1.0)).clamp(0, 1)
    return frequency * (ramp + (1 - ramp) / size.rope_factor)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoPE on halves, as the checkpoints have it. x (B, heads, N, head size); cos, sin (N, head size / 2)."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1).to(x.dtype)


class Attention(nn.Module):
    """The projections of both kinds; several query heads may share a key head."""

    def __init__(self, size: TextSize) -> None:
        super().__init__()
        self.heads, self.kv_heads = size.heads, size.kv_heads
        head = size.width // size.heads
        self.q_proj = nn.Linear(size.width, size.width, bias=False)
        self.k_proj = nn.Linear(size.width, size.kv_heads * head, bias=False)
        self.v_proj = nn.Linear(size.width, size.kv_heads * head, bias=False)
        self.o_proj = nn.Linear(size.width, size.width, bias=False)


class SelfAttention(Attention):
    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, causal: Tensor) -> Tensor:
        q = rotate(split_heads(self.q_proj(x), self.heads), cos, sin)
        k = rotate(split_heads(self.k_proj(x), self.kv_heads), cos, sin)
        v = split_heads(self.v_proj(x), self.kv_heads)
        k, v = (y.repeat_interleave(self.heads // self.kv_heads, 1) for y in (k, v))
        return self.o_proj(join_heads(attend(q, k, v, causal)))


class Look(NamedTuple):
    """The guided heads of one layer: scaled queries (B, heads, N, head size), keys (B, heads, M, head size), and what
    blocks rows of missing tiles (B, 1, 1, M); and the decoder's state after that layer (B, N, width)."""

    queries: Tensor
    keys: Tensor
    bias: Tensor
    after: Tensor | None = None

    def at(self) -> Tensor:
        """Where they look: (B, heads, N, M)."""
        return (self.queries @ self.keys.transpose(2, 3) + self.bias).float().softmax(-1)

    def abroad(self, row: Tensor, place: Tensor) -> Tensor:
        """Where the queries at ``place`` of ``row`` (S,) would look on every picture of the batch: (S, B, heads, M)."""
        scores = torch.einsum("shd,bhmd->sbhm", self.queries[row, :, place], self.keys)
        return (scores + self.bias[None, :, 0]).float().softmax(-1)


class CrossAttention(Attention):
    def __init__(self, size: TextSize) -> None:
        super().__init__(size)
        head = size.width // size.heads
        self.q_norm = Norm(head)
        self.k_norm = Norm(head)

    def forward(self, x: Tensor, picture: Tensor, bias: Tensor, looks: list[Look] | None = None) -> Tensor:
        """x (B, N, width), picture rows (B, M, width). To ``looks`` is added how the first ``GUIDED_HEADS`` heads
        look."""
        q = self.q_norm(split_heads(self.q_proj(x), self.heads))
        k = self.k_norm(split_heads(self.k_proj(picture), self.kv_heads))
        v = split_heads(self.v_proj(picture), self.kv_heads)
        k, v = (y.repeat_interleave(self.heads // self.kv_heads, 1).to(q.dtype) for y in (k, v))
        if looks is not None:
            head = GUIDED_HEADS
            looks.append(Look(q[:, :head] * q.shape[-1] ** -0.5, k[:, :head], bias))
        return self.o_proj(join_heads(attend(q, k, v, bias)))

    def glimpse(self, picture: Tensor) -> Tensor:
        """What the guided heads would add, did they look at one row of the picture only: (B, M, width)."""
        v = split_heads(self.v_proj(picture), self.kv_heads).repeat_interleave(self.heads // self.kv_heads, 1)
        seen = join_heads(v[:, :GUIDED_HEADS])
        return F.linear(seen, self.o_proj.weight[:, : seen.shape[-1]])


class TextMlp(nn.Module):
    def __init__(self, size: TextSize) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(size.width, size.mlp, bias=False)
        self.up_proj = nn.Linear(size.width, size.mlp, bias=False)
        self.down_proj = nn.Linear(size.mlp, size.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class TextLayer(nn.Module):
    def __init__(self, size: TextSize, cross: bool) -> None:
        super().__init__()
        self.is_cross = cross
        if cross:
            self.cross_attn = CrossAttention(size)
            self.cross_attn_attn_gate = nn.Parameter(torch.ones(1))
            self.cross_attn_mlp_gate = nn.Parameter(torch.ones(1))
        else:
            self.self_attn = SelfAttention(size)
        self.mlp = TextMlp(size)
        self.input_layernorm = Norm(size.width)
        self.post_attention_layernorm = Norm(size.width)

    def read(self, x: Tensor, cos: Tensor, sin: Tensor, causal: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, causal)
        return x + self.mlp(self.post_attention_layernorm(x))

    def look(self, x: Tensor, picture: Tensor, bias: Tensor, sees: Tensor, looks: list[Look] | None = None) -> Tensor:
        """Rows that see no picture get nothing, neither from the attention nor from the MLP."""
        x = x + sees * self.cross_attn_attn_gate.tanh().to(x.dtype) * self.cross_attn(
            self.input_layernorm(x), picture, bias, looks
        )
        return x + sees * self.cross_attn_mlp_gate.tanh().to(x.dtype) * self.mlp(self.post_attention_layernorm(x))


class TextModel(nn.Module):
    def __init__(self, size: TextSize) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(size.vocabulary + 8, size.width)
        self.layers = nn.ModuleList([TextLayer(size, index in size.cross_layers) for index in range(size.layers)])
        self.norm = Norm(size.width)


class LanguageModel(nn.Module):
    def __init__(self, size: TextSize) -> None:
        super().__init__()
        self.size = size
        self.model = TextModel(size)
        self.lm_head = nn.Linear(size.width, size.vocabulary, bias=False)
        self.register_buffer("frequencies", rope_frequencies(size.width // size.heads, size), persistent=False)

    def hidden(
        self,
        tokens: Tensor,
        picture: Tensor | None,
        seen_rows: Tensor | None,
        talks: Tensor | None = None,
        looks: list[Look] | None = None,
    ) -> Tensor:
        """tokens (B, N); picture (B, M, width) or None; seen_rows (B, M) bool, False for rows of missing tiles -> the
        last normalised state (B, N, width). A row sees the picture from the ``<|image|>`` token on (its id =
        vocabulary).

        talks (B, N): several conversations in one row, told apart by these numbers, do not see one another.
        ``looks`` is given what the guided heads of every cross-attention layer but the first look at."""
        x = working(self.model.embed_tokens(tokens))
        n = tokens.shape[1]
        angle = torch.arange(n, device=x.device)[:, None] * self.frequencies
        cos, sin = working(angle.cos()), working(angle.sin())
        before = torch.ones(n, n, dtype=torch.bool, device=x.device).tril()[None]
        if talks is not None:
            before = before & (talks[:, :, None] == talks[:, None])
        bias = -1e4 * (~before)[:, None].to(x.dtype)
        picture_bias = sees = x
        if picture is not None and seen_rows is not None:
            sees = (before & (tokens == self.size.vocabulary)[:, None]).any(-1)[:, :, None].to(x.dtype)
            picture_bias = -1e4 * (~seen_rows)[:, None, None].to(x.dtype)
        for index, layer in enumerate(self.model.layers):
            if not layer.is_cross:
                x = layer.read(x, cos, sin, bias)
            elif picture is not None:
                guided = looks if index > self.size.cross_layers[0] else None
                x = layer.look(x, picture, picture_bias, sees, guided)
                if guided:
                    guided[-1] = guided[-1]._replace(after=x)
        return self.model.norm(x)

    def glimpse(self, picture: Tensor) -> Tensor:
        """What the guided heads alone would have said, each row of the picture taken for itself: (B, M, width), to be
        multiplied with the output head."""
        guided = [self.model.layers[index] for index in self.size.cross_layers[1:]]
        return self.model.norm(
            torch.stack(
                [layer.cross_attn_attn_gate.tanh() * layer.cross_attn.glimpse(picture) for layer in guided]
            ).sum(0)
        )

    def forward(self, tokens: Tensor, picture: Tensor | None, seen_rows: Tensor | None) -> Tensor:
        """-> logits (B, N, vocabulary)."""
        return self.lm_head(self.hidden(tokens, picture, seen_rows))
