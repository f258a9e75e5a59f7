"""What tower and decoder have in common: attention, a norm, heads."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


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


def split_heads(x: Tensor, heads: int) -> Tensor:
    b, n, width = x.shape
    return x.view(b, n, heads, width // heads).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    b, heads, n, size = x.shape
    return x.transpose(1, 2).reshape(b, n, heads * size)


class Layers(nn.Module):
    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
