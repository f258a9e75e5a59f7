"""Lessons for the tower alone: every patch says what it shows. The heads are thrown away afterwards.

Through the language loss alone nothing is learned for a long time: the tower must see before the decoder can read it.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .kinds import COLOURS, NAMES
from .samples import IGNORE, MEAN, NO_LETTER, NONE, SLOTS, STD
from .sizes import VisionSize


def to_tiles(batch: dict[str, Any], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """A batch's arrays -> (tiles (B, T, 3, side, side) normalised with missing tiles zero, arrangement ids, real
    tiles)."""
    count = torch.from_numpy(batch["count"]).to(device)
    pixels = torch.from_numpy(batch["tiles"]).to(device).permute(0, 1, 4, 2, 3).float() / 255
    pixels = (pixels - pixels.new_tensor(MEAN)[:, None, None]) / pixels.new_tensor(STD)[:, None, None]
    real = torch.arange(pixels.shape[1], device=device)[None] < count[:, None]
    return pixels * real[:, :, None, None, None], torch.from_numpy(batch["arrangement"]).to(device), count


class Heads(nn.Module):
    """Linear read-outs of the tower's final state: kind, box, colour, letters centred in and letter most seen in each
    patch, and how many things."""

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

    def loss(self, features: Tensor, batch: dict[str, Any]) -> tuple[Tensor, dict[str, float]]:
        """features (B, T, patches + 1, output) -> weighted loss and what to print."""
        device = features.device
        state = self.norm(features[..., : self.width].float())
        patches = state[:, :, 1:].flatten(1, 2)
        kind = torch.from_numpy(batch["kind"]).long().to(device)
        letters = torch.from_numpy(batch["letters"]).long().to(device)
        things = torch.from_numpy(batch["things"]).to(device)
        shown = (kind >= 0) & (kind < NONE)
        scores = self.kind(patches)
        each = F.cross_entropy(
            scores.flatten(0, 1), kind.flatten(), ignore_index=IGNORE, reduction="none", label_smoothing=0.05
        )
        weight = torch.where(kind.flatten() == NONE, 0.25, 1.0)
        kind_loss = (each * weight).sum() / (weight * (kind.flatten() != IGNORE)).sum()
        box = torch.from_numpy(batch["box"]).to(device)
        box_loss = F.smooth_l1_loss(self.box(patches[shown]), box[shown], beta=0.3)
        colour = torch.from_numpy(batch["colour"]).long().to(device)
        coloured = colour >= 0
        colour_loss = (
            F.cross_entropy(self.colour(patches[coloured]), colour[coloured]) if coloured.any() else scores.sum() * 0
        )
        written = (letters[..., 0] != NO_LETTER) & (letters[..., 0] != IGNORE)
        blank = (letters[..., 0] == NO_LETTER) & (torch.rand(letters.shape[:2], device=device) < 0.06)
        read = written | blank
        spelled = self.letters(patches[read]).view(-1, SLOTS, NO_LETTER + 1)
        letter_loss = F.cross_entropy(spelled.flatten(0, 1), letters[read].flatten())
        glyph = torch.from_numpy(batch["glyph"]).long().to(device)
        inked = (glyph != NO_LETTER) & (glyph != IGNORE)
        some = inked | ((glyph == NO_LETTER) & (torch.rand(glyph.shape, device=device) < 0.06))
        glyphs = self.glyph(patches[some])
        glyph_loss = F.cross_entropy(glyphs, glyph[some])
        count_loss = F.cross_entropy(self.things(state[:, :, 0].mean(1)), things)
        total = kind_loss + box_loss + 0.3 * colour_loss + letter_loss + glyph_loss + 0.15 * count_loss
        with torch.no_grad():
            right = spelled.argmax(-1)[written[read]] == letters[written]
            shown_figures = {
                "kind": (scores.argmax(-1)[shown] == kind[shown]).float().mean().item(),
                "kind_loss": kind_loss.item(),
                "box": box_loss.item(),
                "colour": colour_loss.item(),
                "letters": right[letters[written] != NO_LETTER].float().mean().item(),
                "letter_loss": letter_loss.item(),
                "glyph": (glyphs.argmax(-1) == glyph[some])[inked[some]].float().mean().item(),
                "things": count_loss.item(),
            }
        return total, shown_figures
