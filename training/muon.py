"""Muon (Keller Jordan, 2024): momentum whose matrices are made orthogonal before they are taken off the weights.

torch's own always computes in bfloat16, which a CPU without such products emulates, ten times slower than float32; and
it takes one matrix at a time, where layers of one shape can go together.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, distributed

_A, _B, _C = 3.4445, -4.7750, 2.0315
"""Coefficients of the odd polynomial that pulls singular values towards one (Jordan's)."""


def orthogonal(matrices: Tensor, steps: int) -> Tensor:
    """(n, rows, columns) -> about the nearest orthogonal matrix of each, by Newton-Schulz iterations."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.transpose(1, 2)
        x = _A * x + (_B * square + _C * square @ square) @ x
    return x.transpose(1, 2) if tall else x


class Muon(torch.optim.Optimizer):
    """For matrices inside layers. The step is scaled to the size AdamW's would have (0.2 * sqrt(larger side))."""

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        lr: float,
        weight_decay: float = 0.02,
        momentum: float = 0.95,
        steps: int = 4,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self._steps, self._dtype = steps, dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # noqa: ARG002
        """One step of every group."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in by_shape.items():
                wanted = torch.stack([self._momentum(p, group["momentum"]) for p in parameters])
                ways = self._ways(wanted)
                for parameter, way in zip(parameters, ways, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.sub_(way, alpha=group["lr"] * 0.2 * max(shape) ** 0.5)

    def _ways(self, wanted: Tensor) -> Tensor:
        """Orthogonal ones of the stacked matrices; several processes do a part each."""
        if not distributed.is_initialized():
            return orthogonal(wanted.to(self._dtype), self._steps).to(wanted.dtype)
        mine = slice(distributed.get_rank(), None, distributed.get_world_size())
        ways = torch.zeros_like(wanted)
        if len(wanted[mine]):
            ways[mine] = orthogonal(wanted[mine].to(self._dtype), self._steps).to(wanted.dtype)
        distributed.all_reduce(ways)
        return ways

    def _momentum(self, parameter: Tensor, momentum: float) -> Tensor:
        """Nesterov's: the gradient leaning towards its running mean."""
        assert parameter.grad is not None
        state = self.state[parameter]
        if "mean" not in state:
            state["mean"] = torch.zeros_like(parameter)
        mean: Tensor = state["mean"].lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(mean, momentum)
