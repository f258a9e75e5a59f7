"""Llama 3.2 Vision in torch, small and readable: the architecture the starter is trained in.

Written from Meta's reference semantics; module names are those of the published checkpoints, so ``state_dict`` is a
checkpoint. Shapes: B pictures, T tiles, R rows a tile (patches + class token, padded to a multiple of 8), N text
tokens.
"""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .sizes import TextSize, VisionSize, arrangements

GUIDED_HEADS = 2
"""Heads of a cross-attention layer that may be shown where to look."""


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """Scaled dot-product attention, (B, heads, rows, head size). On CPU plain bf16 products are several times faster
    than torch's fused kernel."""
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, None if bias is None else bias.to(q.dtype))
    b, h, n, d = q.shape
    left, right = q.reshape(b * h, n, d), k.reshape(b * h, -1, d).transpose(1, 2)
    if bias is None:
        scores = torch.bmm(left, right) * d**-0.5
    else:
        spread = (
            bias.to(q.dtype).expand(b, h, n, k.shape[2]).reshape(b * h, n, -1)
            if bias.shape[0] > 1
            else bias[0].to(q.dtype)
        )
        scores = torch.baddbmm(spread, left, right, alpha=d**-0.5)
    return torch.bmm(scores.softmax(-1), v.reshape(b * h, -1, d)).view(b, h, n, d)


def working(x: Tensor) -> Tensor:
    """Under autocast in its type: a residual stream in float32 would be cast anew for every product."""
    return x.to(torch.get_autocast_dtype(x.device.type)) if torch.is_autocast_enabled(x.device.type) else x


class Norm(nn.Module):
    """RMSNorm, in the input's own type."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        square = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32) ** 2
        return x * torch.rsqrt(square / x.shape[-1] + 1e-5).to(x.dtype) * self.weight.to(x.dtype)


def _heads(x: Tensor, heads: int) -> Tensor:
    b, n, width = x.shape
    return x.view(b, n, heads, width // heads).transpose(1, 2)


def _rows(x: Tensor) -> Tensor:
    b, heads, n, size = x.shape
    return x.transpose(1, 2).reshape(b, n, heads * size)


# ---------------------------------------------------------------------------------------------- vision tower


class VisionAttention(nn.Module):
    def __init__(self, size: VisionSize) -> None:
        super().__init__()
        self.heads = size.heads
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            setattr(self, name, nn.Linear(size.width, size.width, bias=False))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        q, k, v = (_heads(proj(x), self.heads) for proj in (self.q_proj, self.k_proj, self.v_proj))
        return self.o_proj(_rows(attend(q, k, v, bias)))


class VisionMlp(nn.Module):
    def __init__(self, size: VisionSize) -> None:
        super().__init__()
        self.fc1 = nn.Linear(size.width, size.mlp)
        self.fc2 = nn.Linear(size.mlp, size.width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class VisionLayer(nn.Module):
    def __init__(self, size: VisionSize, gated: bool) -> None:
        super().__init__()
        self.self_attn = VisionAttention(size)
        self.mlp = VisionMlp(size)
        self.input_layernorm = nn.LayerNorm(size.width, eps=1e-5)
        self.post_attention_layernorm = nn.LayerNorm(size.width, eps=1e-5)
        self.gated = gated
        if gated:
            self.gate_attn = nn.Parameter(torch.ones(1))
            self.gate_ffn = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        attention = self.self_attn(self.input_layernorm(x), bias)
        x = x + (self.gate_attn.tanh().to(x.dtype) * attention if self.gated else attention)
        mlp = self.mlp(self.post_attention_layernorm(x))
        return x + (self.gate_ffn.tanh().to(x.dtype) * mlp if self.gated else mlp)


class Layers(nn.Module):
    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)


class TileEmbedding(nn.Module):
    """One vector a tile for every arrangement, gated."""

    def __init__(self, size: VisionSize) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.full((1,), 0.5))
        self.embedding = nn.Embedding(len(arrangements(size.tiles)) + 1, size.tiles * size.width)

    def forward(self, x: Tensor, arrangement: Tensor) -> Tensor:
        b, t, _, width = x.shape
        return x + self.gate.tanh() * self.embedding(arrangement).view(b, -1, 1, width)[:, :t]


class PositionEmbedding(nn.Module):
    def __init__(self, size: VisionSize) -> None:
        super().__init__()
        rows = size.patches + 1
        self.gate = nn.Parameter(torch.full((1,), 0.3))
        self.embedding = nn.Parameter(torch.randn(rows, size.width) * size.width**-0.5)
        self.tile_embedding = nn.Embedding(len(arrangements(size.tiles)) + 1, size.tiles * rows * size.width)

    def forward(self, x: Tensor, arrangement: Tensor) -> Tensor:
        b, t, rows, width = x.shape
        tiles = self.tile_embedding(arrangement).view(b, -1, rows, width)[:, :t]
        return x + (1 - self.gate.tanh()) * self.embedding + self.gate.tanh() * tiles


class VisionModel(nn.Module):
    """The tower. All tiles' rows, those of missing tiles too, run together; a pair is blocked when both rows are
    padding."""

    def __init__(self, size: VisionSize) -> None:
        super().__init__()
        self.size = size
        self.patch_embedding = nn.Conv2d(3, size.width, size.patch, size.patch, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(size.width) * size.width**-0.5)
        self.gated_positional_embedding = PositionEmbedding(size)
        self.pre_tile_positional_embedding = TileEmbedding(size)
        self.post_tile_positional_embedding = TileEmbedding(size)
        self.layernorm_pre = nn.LayerNorm(size.width)
        self.layernorm_post = nn.LayerNorm(size.width)
        self.transformer = Layers([VisionLayer(size, False) for _ in range(size.layers)])
        self.global_transformer = Layers([VisionLayer(size, True) for _ in range(size.global_layers)])

    def patches(self, tiles: Tensor) -> Tensor:
        """(B, T, 3, side, side) -> (B, T, patches, width): the convolution as one product."""
        b, t, c, side, _ = tiles.shape
        p, n = self.size.patch, side // self.size.patch
        cut = tiles.view(b, t, c, n, p, n, p).permute(0, 1, 3, 5, 2, 4, 6).reshape(b, t, n * n, c * p * p)
        return F.linear(cut, self.patch_embedding.weight.flatten(1))

    def spread(self) -> None:
        """After lessons on one tile: let every tile of every arrangement start from what that one has learned."""
        tables = (
            self.gated_positional_embedding.tile_embedding,
            self.pre_tile_positional_embedding.embedding,
            self.post_tile_positional_embedding.embedding,
        )
        with torch.no_grad():
            for table in tables:
                only = table.weight[1].view(self.size.tiles, -1)[:1]
                table.weight.copy_(only.expand(self.size.tiles, -1).reshape(1, -1).expand_as(table.weight).clone())

    def bias(self, count: Tensor, tiles: int, rows: int, padding: int) -> Tensor:
        """(B or 1, 1, T*R, T*R): a large negative number where both rows are padding, else 0."""
        if bool((count == tiles).all()):
            count = count[:1]
        tile = torch.arange(tiles, device=count.device)[None, :, None] >= count[:, None, None]
        row = torch.arange(rows, device=count.device)[None, None] >= rows - padding
        blocked = (tile | row).flatten(1).float()
        return -1e4 * blocked[:, None, :, None] * blocked[:, None, None, :]

    def forward(self, tiles: Tensor, arrangement: Tensor, count: Tensor) -> Tensor:
        """tiles (B, T, 3, side, side), arrangement ids (B,), real tiles (B,) -> features (B, T, patches + 1, output).

        T is ``size.tiles`` for the real thing; a smaller T leaves missing tiles out (cheap first lessons)."""
        x = self.pre_tile_positional_embedding(self.patches(tiles), arrangement)
        b, t, _, width = x.shape
        x = torch.cat([self.class_embedding.expand(b, t, 1, width), x], 2)
        x = self.layernorm_pre(self.gated_positional_embedding(x, arrangement))
        padding = -x.shape[2] % 8
        x = F.pad(x, (0, 0, 0, padding))
        rows = x.shape[2]
        bias = working(self.bias(count, t, rows, padding))
        x = working(x.view(b, t * rows, width))
        states = []
        for index, layer in enumerate(self.transformer.layers):
            if index in self.size.intermediate:
                states.append(x)  # the layer's input
            x = layer(x, bias)
        x = self.post_tile_positional_embedding(self.layernorm_post(x).view(b, t, rows, width), arrangement)
        x = working(x.view(b, t * rows, width))
        for layer in self.global_transformer.layers:
            x = layer(x, bias)
        features = torch.cat([x, torch.stack(states, -1).flatten(2)], -1)  # state k of feature d at width + 5*d + k
        return features.view(b, t, rows, -1)[:, :, : rows - padding]


# ---------------------------------------------------------------------------------------------- text decoder


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


class SelfAttention(nn.Module):
    def __init__(self, size: TextSize) -> None:
        super().__init__()
        self.heads, self.kv_heads = size.heads, size.kv_heads
        head = size.width // size.heads
        self.q_proj = nn.Linear(size.width, size.width, bias=False)
        self.k_proj = nn.Linear(size.width, size.kv_heads * head, bias=False)
        self.v_proj = nn.Linear(size.width, size.kv_heads * head, bias=False)
        self.o_proj = nn.Linear(size.width, size.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, causal: Tensor) -> Tensor:
        q = rotate(_heads(self.q_proj(x), self.heads), cos, sin)
        k = rotate(_heads(self.k_proj(x), self.kv_heads), cos, sin)
        v = _heads(self.v_proj(x), self.kv_heads)
        k, v = (y.repeat_interleave(self.heads // self.kv_heads, 1) for y in (k, v))
        return self.o_proj(_rows(attend(q, k, v, causal)))


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


class CrossAttention(nn.Module):
    def __init__(self, size: TextSize) -> None:
        super().__init__()
        self.heads, self.kv_heads = size.heads, size.kv_heads
        head = size.width // size.heads
        self.q_proj = nn.Linear(size.width, size.width, bias=False)
        self.k_proj = nn.Linear(size.width, size.kv_heads * head, bias=False)
        self.v_proj = nn.Linear(size.width, size.kv_heads * head, bias=False)
        self.o_proj = nn.Linear(size.width, size.width, bias=False)
        self.q_norm = Norm(head)
        self.k_norm = Norm(head)

    def forward(self, x: Tensor, picture: Tensor, bias: Tensor, looks: list[Look] | None = None) -> Tensor:
        """x (B, N, width), picture rows (B, M, width). To ``looks`` is added how the first ``GUIDED_HEADS`` heads
        look."""
        q = self.q_norm(_heads(self.q_proj(x), self.heads))
        k = self.k_norm(_heads(self.k_proj(picture), self.kv_heads))
        v = _heads(self.v_proj(picture), self.kv_heads)
        k, v = (y.repeat_interleave(self.heads // self.kv_heads, 1).to(q.dtype) for y in (k, v))
        if looks is not None:
            head = GUIDED_HEADS
            looks.append(Look(q[:, :head] * q.shape[-1] ** -0.5, k[:, :head], bias))
        return self.o_proj(_rows(attend(q, k, v, bias)))

    def glimpse(self, picture: Tensor) -> Tensor:
        """What the guided heads would add, did they look at one row of the picture only: (B, M, width)."""
        v = _heads(self.v_proj(picture), self.kv_heads).repeat_interleave(self.heads // self.kv_heads, 1)
        seen = _rows(v[:, :GUIDED_HEADS])
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


class Mllama(nn.Module):
    """The whole model: tower, projector, decoder."""

    def __init__(self, vision: VisionSize, text: TextSize) -> None:
        super().__init__()
        self.vision_model = VisionModel(vision)
        self.multi_modal_projector = nn.Linear(vision.output, text.width)
        self.language_model = LanguageModel(text)
        self.apply(_initialise)

    def compile_layers(self) -> None:
        """Fuse what lies between the products, which a CPU spends half its time on. Needs a C++ compiler."""
        tower = self.vision_model
        for layer in (*tower.transformer.layers, *tower.global_transformer.layers):
            layer.compile()
        for layer in self.language_model.model.layers:
            way = "look" if layer.is_cross else "read"
            setattr(layer, way, torch.compile(getattr(layer, way)))

    def project(self, features: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
        """Tower features -> (picture rows (B, M, width), which of them belong to real tiles (B, M))."""
        t, rows = features.shape[1:3]
        real = torch.arange(t, device=count.device)[None] < count[:, None]
        return self.multi_modal_projector(features).flatten(1, 2), real.repeat_interleave(rows, 1)

    def forward(self, tiles: Tensor, arrangement: Tensor, count: Tensor, tokens: Tensor) -> Tensor:
        picture, seen_rows = self.project(self.vision_model(tiles, arrangement, count), count)
        return self.language_model(tokens, picture, seen_rows)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.trunc_normal_(module.weight, std=module.weight[0].numel() ** -0.5)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.02 if module.weight.shape[0] < 16 else 0.5)  # tile embeddings, tokens


# ---------------------------------------------------------------------------------------------- checkpoints


def sizes_from_config(config: dict[str, Any]) -> tuple[VisionSize, TextSize]:
    v, t = config["vision_config"], config["text_config"]
    rope = t["rope_parameters"]
    vision = VisionSize(
        v["hidden_size"],
        v["attention_heads"],
        v["intermediate_size"],
        v["num_hidden_layers"],
        v["num_global_layers"],
        tuple(v["intermediate_layers_indices"]),
        v["image_size"],
        v["patch_size"],
        v["max_num_tiles"],
    )
    text = TextSize(
        t["vocab_size"],
        t["hidden_size"],
        t["num_attention_heads"],
        t["num_key_value_heads"],
        t["intermediate_size"],
        t["num_hidden_layers"],
        tuple(t["cross_attention_layers"]),
        rope["rope_theta"],
        rope["factor"],
        rope["original_max_position_embeddings"],
    )
    return vision, text


def load_checkpoint(folder: Path) -> Mllama:
    """A model in Hugging Face form, for checks against other implementations."""
    from safetensors.torch import load_file

    model = Mllama(*sizes_from_config(json.loads((folder / "config.json").read_text())))
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()
