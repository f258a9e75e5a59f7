"""What learns: the whole model and the tower's heads, and the losses of one batch."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from . import tokens
from .kinds import NAMES
from .model import Mllama
from .plans import Plan, Stage
from .prompts import ABSENT, MARKS, UNSURE
from .samples import IGNORE, MOST_ALIKE, NO_LETTER, UNKNOWN
from .text import Look
from .tower import Heads, to_tiles
from .words import ALPHABET

TEXT_SHARE = 0.3
"""Weight of conversations without a picture."""
TOWER_SHARE = 1.0
"""Weight of the tower's own lessons while the language is learned."""
GUIDE_SHARE = 0.3
"""Weight of where to look while saying something: naming the second dog, at the second dog."""
SEEK_SHARE = 0.5
"""Weight of where to look having read a name in a question."""
GLIMPSE_SHARE = 0.5
"""Weight of what a look at one patch should bring to the lips: hundreds of lessons a picture, where an answer names
only a few things."""


def part_of(name: str) -> str:
    """Which part of the pupil a parameter belongs to."""
    return "heads" if name.startswith("heads.") else "tower" if ".vision_model." in name else "language"


class Pupil(nn.Module):
    def __init__(self, plan: Plan, writer: tokens.Writer) -> None:
        super().__init__()
        self.mllama = Mllama(plan.vision, plan.text)
        self.heads = Heads(plan.vision)
        forms = [
            [writer.tokenizer.token_to_id(words[0]) for words in tokens.forms(writer.tokenizer, name)[:3]]
            for name in NAMES
        ]
        letters = [writer.spell(letter) for letter in ALPHABET]
        self.register_buffer("names", torch.tensor(forms), persistent=False)
        self.register_buffer("letters", torch.tensor([ids[0] for ids in letters if len(ids) == 1]), persistent=False)
        self.register_buffer(
            "digits", torch.tensor([writer.ids(str(n + 1))[0] for n in range(MOST_ALIKE)]), persistent=False
        )
        self.register_buffer(
            "verdicts", torch.tensor([writer.ids(word)[0] for word in ("No", "Yes")]), persistent=False
        )
        of_letter = torch.full((NO_LETTER + 1,), IGNORE)
        of_letter[[len(ids) == 1 for ids in letters] + [False]] = torch.arange(len(self.letters)) + len(NAMES)
        self.register_buffer("of_letter", of_letter, persistent=False)

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
            glimpse, glimpsed = self._glimpse(batch, picture, talking)
            total = said + TEXT_SHARE * text + GLIMPSE_SHARE * glimpse + TOWER_SHARE * total
            shown = (
                {key: shown[key] for key in shown if key in ("kind", "letters", "glyph", "box", "things", "alike")}
                | {"say": said.item()}
                | figures
                | text_figures
                | glimpsed
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
        looks: list[Look] = []
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
            guide, (seek, verdict, judged) = self._guide(looks, batch), self._seek(looks, batch)
            loss = loss + GUIDE_SHARE * guide + SEEK_SHARE * (seek + verdict)
            right |= {"look": guide.item(), "seek": seek.item(), "verdict": judged}
        return loss, right

    def _glimpse(self, batch: dict[str, Any], picture: Tensor, talking: Tensor) -> tuple[Tensor, dict[str, float]]:
        """How far a look at one patch alone is from the name of what it shows (from "I am not sure" if that has none),
        or the one letter centred in it, and from how many of its kind there are; and the shares of patches for which
        that comes first.

        picture: (B, M, width), M = tiles * (patches + 1)."""
        language, lessons = self.mllama.language_model, {}
        for key in ("kind", "letters", "alike"):
            lessons[key] = torch.from_numpy(batch[key]).long().to(picture.device)[talking]
        rows = picture.unflatten(1, (-1, self.mllama.vision_model.size.patches + 1))[:, :, 1:].flatten(1, 2)
        seen, head = language.glimpse(rows), language.lm_head.weight
        kind, (first, second, _) = lessons["kind"], lessons["letters"].unbind(-1)
        only = (first >= 0) & (first < NO_LETTER) & (second == NO_LETTER)
        wanted = torch.where((kind >= 0) & (kind < len(NAMES)), kind, IGNORE)
        wanted = torch.where(kind == UNKNOWN, self.of_letter[ALPHABET.index(UNSURE[0])], wanted)
        wanted = torch.where(only, self.of_letter[first.clamp_min(0)], wanted)
        named = F.linear(seen[wanted >= 0], torch.cat([head[self.names].mean(1), head[self.letters]]))
        counted = F.linear(seen[lessons["alike"] >= 0], head[self.digits])
        if not len(named) or not len(counted):
            return seen.sum() * 0, {}
        wanted, alike = wanted[wanted >= 0], lessons["alike"][lessons["alike"] >= 0]
        loss = F.cross_entropy(named, wanted) + 0.3 * F.cross_entropy(counted, alike)
        with torch.no_grad():
            shares = {"glimpse": named.argmax(-1) == wanted, "glimpse_count": counted.argmax(-1) == alike}
        return loss, {key: share.float().mean().item() for key, share in shares.items()}

    def _guide(self, looks: list[Look], batch: dict[str, Any]) -> Tensor:
        """How far the guided heads are from looking at what each said token is about."""
        device = looks[0].keys.device
        bits = torch.from_numpy(batch["seen_looks"])[:, 1:, None] >> torch.arange(MARKS) & 1
        spots = torch.from_numpy(batch["spots"])
        spots = spots.unflatten(2, (-1, self.mllama.vision_model.size.patches))
        spots = F.pad(spots.float(), (1, 0))  # the class row of every tile comes first
        spots[:, ABSENT, :, 0] = 1.0
        spots = spots.flatten(2)
        wanted = ((bits.float() @ spots) > 0).to(device)
        about = wanted.any(-1)
        shares = torch.stack([(look.at() * wanted[:, None]).sum(-1).transpose(1, 2)[about] for look in looks])
        return -shares.clamp_min(1e-4).log().mean()

    def _seek(self, looks: list[Look], batch: dict[str, Any]) -> tuple[Tensor, Tensor, float]:
        """How far the guided heads are, having read a name in a question, from looking at what it names, or at the
        class rows of a picture that has none of it. Each name is sought in every picture of the batch: a hundred
        lessons for one question. With it comes the verdict on its own picture, see ``_verdict``."""
        kind = torch.from_numpy(batch["kind"]).to(looks[0].keys.device)[torch.from_numpy(batch["talking"])]
        names = torch.from_numpy(batch["seen_names"])[:, :-1].to(kind.device)
        row, place = (names >= 0).nonzero(as_tuple=True)
        shows = kind[None] == names[row, place][:, None, None]
        shows = shows.unflatten(2, (-1, self.mllama.vision_model.size.patches))
        present = shows.flatten(2).any(-1)
        wanted = F.pad(shows, (1, 0))  # the class row of every tile comes first
        wanted[..., 0] = ~present[..., None]
        wanted = wanted.flatten(2)[:, :, None]
        shares = torch.stack([(look.abroad(row, place) * wanted).sum(-1) for look in looks])
        away = -shares.clamp_min(1e-4).log().mean((0, 3))
        seek = torch.stack([away[some].mean() for some in (present, ~present) if some.any()] or [away.sum()]).mean()
        own = present[torch.arange(len(row)), row].long()
        return seek, *self._verdict(looks[-2].after[row, place], own)

    def _verdict(self, state: Tensor, shown: Tensor) -> tuple[Tensor, float]:
        """How far the states (S, width) where names end are from "Yes" or "No" to whether these are ``shown`` (S,), and
        the share of right ones: an answer need only repeat it.

        The states are those after the last look but one. The last layer of all looks at the picture: what is found
        there comes too late for a later token."""
        language = self.mllama.language_model
        scores = F.linear(language.model.norm(state), language.lm_head.weight[self.verdicts]).float()
        judged = (scores.argmax(-1) == shown).float().mean().item()
        return F.cross_entropy(scores, shown) if len(shown) else scores.sum(), judged


def _right(
    hits: NDArray[np.bool_], turns: NDArray[np.int16], tasks: NDArray[np.int16], said: Tensor
) -> dict[str, float]:
    """Share of wholly right turns by task; ``said`` tells the rows apart."""
    turn = torch.nonzero(said)[:, 0].cpu().numpy() * 64 + turns
    _, first, member = np.unique(turn, return_index=True, return_inverse=True)
    right = np.bincount(member, weights=~hits) == 0
    task = tasks[first]
    return {tokens.TASKS[t]: float(right[task == t].mean()) for t in np.unique(task)}
