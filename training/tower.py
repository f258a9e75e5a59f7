"""Lessons for the tower alone: every patch says what it shows. The heads are thrown away afterwards.

Through the language loss alone nothing is learned for a long time: the tower must see before the decoder can read it.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .kinds import COLOURS, NAMES
from .samples import IGNORE, MEAN, MOST_ALIKE, NO_LETTER, NONE, SLOTS, STD
from .sizes import VisionSize

Part = tuple[Tensor, Tensor]
"""A lesson's loss, and the figure to print about it."""
LESSONS = ("kind", "box", "colour", "alike", "letters", "glyph")
_WEIGHTS = {"colour": 0.3, "things": 0.15, "alike": 0.6}


def to_tiles(batch: dict[str, Any], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """A batch's arrays -> (tiles (B, T, 3, side, side) normalised with missing tiles zero, arrangement ids, real
    tiles)."""
    count = torch.from_numpy(batch["count"]).to(device)
    pixels = torch.from_numpy(batch["tiles"]).to(device).permute(0, 1, 4, 2, 3).float() / 255
    pixels = (pixels - pixels.new_tensor(MEAN)[:, None, None]) / pixels.new_tensor(STD)[:, None, None]
    real = torch.arange(pixels.shape[1], device=device)[None] < count[:, None]
    return pixels * real[:, :, None, None, None], torch.from_numpy(batch["arrangement"]).to(device), count


class Heads(nn.Module):
    """Linear read-outs of the tower's final state: kind, box, colour, how many of its kind, letters centred in and
    letter most seen in each patch, and how many things."""

    def __init__(self, size: VisionSize) -> None:
        super().__init__()
        self.width = size.width
        self.norm = nn.LayerNorm(size.width)
        self.kind = nn.Linear(size.width, len(NAMES) + 2)
        self.box = nn.Linear(size.width, 4)
        self.colour = nn.Linear(size.width, len(COLOURS))
        self.letters = nn.Linear(size.width, SLOTS * (NO_LETTER + 1))
        self.glyph = nn.Linear(size.width, NO_LETTER + 1)
        self.things = nn.Linear(size.width, 6)
        self.alike = nn.Linear(size.width, MOST_ALIKE)

    def loss(self, features: Tensor, batch: dict[str, Any]) -> tuple[Tensor, dict[str, float]]:
        """features (B, T, patches + 1, output) -> weighted loss and what to print."""
        state = self.norm(features[..., : self.width].float())
        patches = state[:, :, 1:].flatten(1, 2)
        lessons = {key: torch.from_numpy(batch[key]).to(features.device) for key in (*LESSONS, "things")}
        parts = {key: getattr(self, f"_{key}_part")(patches, lessons[key].long()) for key in LESSONS if key != "box"}
        known = (lessons["kind"] >= 0) & (lessons["kind"] < NONE)
        box = F.smooth_l1_loss(self.box(patches[known]), lessons["box"][known], beta=0.3)
        things = F.cross_entropy(self.things(state[:, :, 0].mean(1)), lessons["things"])
        parts |= {"box": (box, box), "things": (things, things)}
        total = torch.stack([_WEIGHTS.get(key, 1.0) * loss for key, (loss, _) in parts.items()]).sum()
        return total, {key: figure.item() for key, (_, figure) in parts.items()}

    def _kind_part(self, patches: Tensor, kind: Tensor) -> Part:
        scores = self.kind(patches)
        each = F.cross_entropy(
            scores.flatten(0, 1), kind.flatten(), ignore_index=IGNORE, reduction="none", label_smoothing=0.05
        )
        weight = torch.where(kind.flatten() == NONE, 0.25, 1.0)
        loss = (each * weight).sum() / (weight * (kind.flatten() != IGNORE)).sum()
        return loss, _share(scores, kind, (kind >= 0) & (kind < NONE))

    def _colour_part(self, patches: Tensor, colour: Tensor) -> Part:
        scores = self.colour(patches[colour >= 0])
        return _entropy(scores, colour[colour >= 0]), _share(scores, colour[colour >= 0])

    def _alike_part(self, patches: Tensor, alike: Tensor) -> Part:
        """Nearly everything on a crowded picture is alone: several of a kind weigh more."""
        scores, alike = self.alike(patches[alike >= 0]), alike[alike >= 0]
        weight = scores.new_tensor([0.2] + [1.0] * (MOST_ALIKE - 1))
        return _entropy(scores, alike, weight), _share(scores, alike, alike > 0)

    def _letters_part(self, patches: Tensor, letters: Tensor) -> Part:
        chosen = _some(letters[..., 0])
        scores, wanted = self.letters(patches[chosen]).view(-1, SLOTS, NO_LETTER + 1), letters[chosen]
        return _entropy(scores.flatten(0, 1), wanted.flatten()), _share(scores, wanted, wanted != NO_LETTER)

    def _glyph_part(self, patches: Tensor, glyph: Tensor) -> Part:
        chosen = _some(glyph)
        scores, wanted = self.glyph(patches[chosen]), glyph[chosen]
        return _entropy(scores, wanted), _share(scores, wanted, wanted != NO_LETTER)


def _some(letters: Tensor) -> Tensor:
    """Which patches to learn letters from: all that hold one, and a few of those that hold none."""
    blank = (letters == NO_LETTER) & (torch.rand(letters.shape, device=letters.device) < 0.06)
    return blank | ((letters != NO_LETTER) & (letters != IGNORE))


def _entropy(scores: Tensor, wanted: Tensor, weight: Tensor | None = None) -> Tensor:
    """Cross-entropy; nothing, not NaN, if the batch has none of it."""
    return F.cross_entropy(scores, wanted, weight) if len(scores) else scores.sum()


@torch.no_grad()
def _share(scores: Tensor, wanted: Tensor, of: Tensor | None = None) -> Tensor:
    """The share of right ones, of those that ``of`` points out."""
    right = (scores.argmax(-1) == wanted).float()
    return (right if of is None else right[of]).mean()
