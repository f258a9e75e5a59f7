"""What learns: the whole model and the tower's heads, and the losses of one batch."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from . import tokens
from .model import Mllama
from .plans import Plan, Stage
from .tower import Heads, to_tiles

TOWER_SHARE = 1.0
"""Weight of the tower's own lessons while the language is learned."""


class Pupil(nn.Module):
    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.mllama = Mllama(plan.vision, plan.text)
        self.heads = Heads(plan.vision)

    def allow(self, stage: Stage) -> None:
        """Let learn what the stage is for."""
        for name, parameter in self.named_parameters():
            tower = name.startswith(("heads.", "mllama.vision_model."))
            parameter.requires_grad_(stage.tower if tower else stage.language)

    def losses(self, batch: dict[str, Any], stage: Stage) -> tuple[Tensor, dict[str, float]]:
        """Loss of a batch and what to print about it."""
        tiles, arrangement, count = to_tiles(batch, self.heads.kind.weight.device)
        with torch.set_grad_enabled(stage.tower):
            features = self.mllama.vision_model(tiles, arrangement, count)
        total, shown = self.heads.loss(features, batch) if stage.tower else (features.new_zeros(()), {})
        if stage.language:
            picture, seen_rows = self.mllama.project(features, count)
            said, figures = self._say(batch, "seen", picture, seen_rows)
            text, text_figures = self._say(batch, "text", None, None)
            total = said + 0.3 * text + TOWER_SHARE * total
            shown = (
                {key: shown[key] for key in shown if key in ("kind", "letters", "box")}
                | {"say": said.item()}
                | figures
                | text_figures
            )
        return total, shown

    def _say(
        self, batch: dict[str, Any], prefix: str, picture: Tensor | None, seen_rows: Tensor | None
    ) -> tuple[Tensor, dict[str, float]]:
        """Weighted cross-entropy of what is to be said, and for each task the share of turns that are right
        throughout."""
        device = self.heads.kind.weight.device
        ids, weights, talks = (
            torch.from_numpy(batch[f"{prefix}_{name}"]).to(device) for name in ("ids", "weights", "talks")
        )
        hidden = self.mllama.language_model.hidden(ids[:, :-1], picture, seen_rows, talks[:, :-1])
        said = weights[:, 1:] > 0
        scores = self.mllama.language_model.lm_head(hidden[said]).float()
        target, weight = ids[:, 1:][said], weights[:, 1:][said]
        loss = (F.cross_entropy(scores, target, reduction="none") * weight).sum() / weight.sum()
        hits = (scores.argmax(-1) == target).cpu().numpy()
        return loss, _right(
            hits, *(batch[f"{prefix}_{name}"][:, 1:][said.cpu().numpy()] for name in ("turns", "tasks")), said
        )


def _right(
    hits: NDArray[np.bool_], turns: NDArray[np.int16], tasks: NDArray[np.int16], said: Tensor
) -> dict[str, float]:
    """Share of wholly right turns by task; ``said`` tells the rows apart."""
    turn = torch.nonzero(said)[:, 0].cpu().numpy() * 64 + turns
    _, first, member = np.unique(turn, return_index=True, return_inverse=True)
    right = np.bincount(member, weights=~hits) == 0
    task = tasks[first]
    return {tokens.TASKS[t]: float(right[task == t].mean()) for t in np.unique(task)}
