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
from .prompts import MARKS
from .tower import Heads, to_tiles

TEXT_SHARE = 0.3
"""Weight of conversations without a picture."""
TOWER_SHARE = 1.0
"""Weight of the tower's own lessons while the language is learned."""
GUIDE_SHARE = 0.3
"""Weight of where to look while saying something: naming the second dog, at the second dog."""


def part_of(name: str) -> str:
    """Which part of the pupil a parameter belongs to."""
    return "heads" if name.startswith("heads.") else "tower" if ".vision_model." in name else "language"


class Pupil(nn.Module):
    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.mllama = Mllama(plan.vision, plan.text)
        self.heads = Heads(plan.vision)

    def allow(self, stage: Stage) -> None:
        """Let learn what the stage is for."""
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(part_of(name) in stage.learns)

    def losses(self, batch: dict[str, Any], stage: Stage) -> tuple[Tensor, dict[str, float]]:
        """Loss of a batch and what to print about it."""
        tiles, arrangement, count = to_tiles(batch, self.heads.kind.weight.device)
        with torch.set_grad_enabled("tower" in stage.learns):
            features = self.mllama.vision_model(tiles, arrangement, count)
        total, shown = features.new_zeros(()), {}
        if "heads" in stage.learns:
            total, shown = self.heads.loss(features, batch)
        if "language" in stage.learns:
            talking = torch.from_numpy(batch["talking"]).to(features.device)
            picture, seen_rows = self.mllama.project(features[talking], count[talking])
            said, figures = self._say(batch, "seen", picture, seen_rows)
            text, text_figures = self._say(batch, "text", None, None)
            total = said + TEXT_SHARE * text + TOWER_SHARE * total
            shown = (
                {key: shown[key] for key in shown if key in ("kind", "letters", "glyph", "box", "things")}
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
        looks: list[Tensor] = []
        guided = looks if picture is not None else None
        hidden = self.mllama.language_model.hidden(ids[:, :-1], picture, seen_rows, talks[:, :-1], guided)
        said = weights[:, 1:] > 0
        scores = self.mllama.language_model.lm_head(hidden[said]).float()
        target, weight = ids[:, 1:][said], weights[:, 1:][said]
        loss = (F.cross_entropy(scores, target, reduction="none") * weight).sum() / weight.sum()
        hits = (scores.argmax(-1) == target).cpu().numpy()
        right = _right(
            hits, *(batch[f"{prefix}_{name}"][:, 1:][said.cpu().numpy()] for name in ("turns", "tasks")), said
        )
        if looks:
            guide = self._guide(looks, batch)
            loss, right["look"] = loss + GUIDE_SHARE * guide, guide.item()
        return loss, right

    def _guide(self, looks: list[Tensor], batch: dict[str, Any]) -> Tensor:
        """How far the guided heads are from looking at what each said token is about.

        looks: (B, heads, N - 1, M) of some layers, M = tiles * (patches + 1)."""
        device = looks[0].device
        bits = torch.from_numpy(batch["seen_looks"])[:, 1:, None] >> torch.arange(MARKS) & 1
        spots = torch.from_numpy(batch["spots"])
        spots = spots.unflatten(2, (-1, self.mllama.vision_model.size.patches))
        spots = F.pad(spots.float(), (1, 0)).flatten(2)  # the class row of every tile comes first
        wanted = ((bits.float() @ spots) > 0).to(device)
        about = wanted.any(-1)
        shares = torch.stack([(look * wanted[:, None]).sum(-1).transpose(1, 2)[about] for look in looks])
        return -shares.clamp_min(1e-4).log().mean()


def _right(
    hits: NDArray[np.bool_], turns: NDArray[np.int16], tasks: NDArray[np.int16], said: Tensor
) -> dict[str, float]:
    """Share of wholly right turns by task; ``said`` tells the rows apart."""
    turn = torch.nonzero(said)[:, 0].cpu().numpy() * 64 + turns
    _, first, member = np.unique(turn, return_index=True, return_inverse=True)
    right = np.bincount(member, weights=~hits) == 0
    task = tasks[first]
    return {tokens.TASKS[t]: float(right[task == t].mean()) for t in np.unique(task)}
