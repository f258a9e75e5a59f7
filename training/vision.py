"""The vision tower: tiles in, features for the projector out. Shapes as in ``model.py``."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import Layers, attend, join_heads, split_heads, working
from .sizes import VisionSize, arrangements


class VisionAttention(nn.Module):
    def __init__(self, size: VisionSize) -> None:
        super().__init__()
        self.heads = size.heads
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            setattr(self, name, nn.Linear(size.width, size.width, bias=False))

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        q, k, v = (split_heads(proj(x), self.heads) for proj in (self.q_proj, self.k_proj, self.v_proj))
        return self.o_proj(join_heads(attend(q, k, v, bias)))


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
