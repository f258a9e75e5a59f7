"""The training loop: stages, optimisers, checkpoints. One process, or several that share each batch (``torchrun``);
SIGTERM saves and ends."""

import ctypes
import json
import os
import signal
import time
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed, nn

from . import lessons, restart
from .muon import Muon
from .paths import CHECKPOINT
from .plans import Plan, Stage
from .pupil import Pupil, part_of
from .stream import Stream, share_of

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
HALF = DEVICE.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
"""Whether bfloat16 products are fast: elsewhere they are emulated, ten times slower than float32."""
_SAVE_EVERY, _TELL_EVERY = 150.0, 20.0


def keep_memory() -> None:
    """Tell glibc to keep freed blocks: else every large tensor on the CPU is mapped and zeroed anew, a third of the
    time."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(-3, 2**30)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD


def optimisers(model: nn.Module, stage: Stage) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices, AdamW for embeddings, heads, norms, gates and biases; each in groups with their
    own shares of the rate."""
    shares = {"heads": stage.heads_share, "tower": stage.tower_share, "language": 1.0}
    groups: dict[tuple[bool, str], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            matrix = parameter.ndim == 2 and "layers." in name
            groups.setdefault((matrix, part_of(name)), []).append(parameter)

    def of(matrix: bool) -> list[dict[str, Any]]:
        return [
            {"params": parameters, "share": shares[part]}
            for (is_matrix, part), parameters in groups.items()
            if is_matrix == matrix
        ]

    tools: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(of(False), lr=stage.rate, weight_decay=0.01, betas=(0.9, 0.98))
    ]
    if of(True):
        tools.append(Muon(of(True), lr=stage.rate, dtype=torch.bfloat16 if HALF else torch.float32))
    return tools


def rate_at(step: int, stage: Stage, warmup: int = 60) -> float:
    """Share of the stage's rate: a short rise, level, then a fall over the last ``decay`` of the steps."""
    fall = (stage.steps - step) / (stage.steps * stage.decay) if stage.decay else 1.0
    return max(0.0, min(1.0, (step + 1) / warmup, fall))


def save(path: Path, state: dict[str, Any]) -> None:
    """Write beside, then rename: an interruption never leaves half a checkpoint."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def together(parameters: list[nn.Parameter], stop: bool, ranks: int) -> bool:
    """Give every process the mean of all their gradients, and whether any of them is to stop."""
    if ranks == 1:
        return stop
    for parameter in parameters:  # a batch may have nothing to teach a part where another process's has
        if parameter.requires_grad and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([grad.flatten() for grad in grads] + [grads[0].new_tensor([float(stop)])])
    distributed.all_reduce(flat)
    *means, stops = (flat / ranks).split([grad.numel() for grad in grads] + [1])
    for grad, mean in zip(grads, means, strict=True):
        grad.copy_(mean.view_as(grad))
    return stops.item() > 0


class Trainer:
    """Runs a plan's stages one after another, each from where the checkpoint says."""

    def __init__(
        self, plan: Plan, workers: int, starter: Path | None = None, compiled: bool = False, again: bool = False
    ) -> None:
        torch.manual_seed(1)
        self.compiled, self.again = compiled, again
        # Going on from another starter must not bring the pictures that made it: they would be learned by heart.
        self.salt = zlib.crc32(starter.read_bytes()) if starter is not None else 0
        self.plan, self.workers = plan, workers
        self.pupil = Pupil(plan, lessons.writer()).to(DEVICE)
        if starter is not None:
            restart.load(self.pupil.mllama, starter, lessons.writer().tokenizer)
        self.rank, self.ranks = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        if self.ranks > 1:
            distributed.init_process_group("gloo")
        self.stopped = self.asked = False
        signal.signal(signal.SIGTERM, self._on_term)

    def _on_term(self, *_: object) -> None:
        self.asked = True

    def run(self) -> None:
        kept = torch.load(CHECKPOINT, map_location=DEVICE, weights_only=True) if CHECKPOINT.exists() else None
        if kept:
            self.pupil.load_state_dict(kept["model"])
        stages, last = self.plan.stages, kept["stage"] if kept else ""
        for index, stage in enumerate(stages[self._begun(kept) :], self._begun(kept)):
            resumed = kept if kept and last == stage.name and kept["step"] < stage.steps else None
            if not resumed and index and stages[index - 1].tiles == 1 and last == stages[index - 1].name:
                self.pupil.mllama.vision_model.spread()
            self.run_stage(stage, resumed)
            last = stage.name
            if self.stopped:
                return

    def _begun(self, kept: dict[str, Any] | None) -> int:
        """Index of the first stage that the checkpoint has not at its end. A finished one that is to be gone on with
        begins where everything learns, since its heads are as far as the rest."""
        if not kept:
            return 0
        stages = self.plan.stages
        index = [stage.name for stage in stages].index(kept["stage"])
        index += kept["step"] >= stages[index].steps
        if index == len(stages) and self.again:
            return next(number for number, stage in enumerate(stages) if "language" in stage.learns)
        return index

    def run_stage(self, stage: Stage, kept: dict[str, Any] | None) -> None:
        self.pupil.allow(stage)
        if self.compiled and stage.learns != ("heads",):
            self.pupil.mllama.compile_layers()
        tools = optimisers(self.pupil, stage)
        step = kept["step"] if kept else 0
        for tool, state in zip(tools, kept["tools"] if kept else (), strict=bool(kept)):
            tool.load_state_dict(state)
        lessons.painter(), lessons.writer()  # load the art and the tokenizer before the workers fork
        mine = stage.batch // self.ranks
        stream = Stream(partial(self._sample, stage=stage), step * mine, mine, self.workers)
        try:
            self._steps(stage, step, tools, stream)
        finally:
            stream.close()

    def _sample(self, number: int, stage: Stage) -> dict[str, Any]:
        index = share_of(number, stage.batch, self.rank, self.ranks)
        return lessons.sample(index, stage, self.plan.vision, self.salt)

    def _steps(self, stage: Stage, step: int, tools: list[torch.optim.Optimizer], stream: Stream) -> None:
        saved = told = time.monotonic()
        figures: list[dict[str, float]] = []
        batches = iter(stream)
        while step < stage.steps and not self.stopped:
            rate = stage.rate * rate_at(step, stage)
            # A step's lots depend on nothing before it: an interrupted run goes on as one that was not.
            torch.manual_seed((stage.seed << 40) + step * self.ranks + self.rank)
            figures.append(self._step(next(batches), stage, tools, rate))
            step += 1
            now = time.monotonic()
            if self.rank:
                continue
            if now - told > _TELL_EVERY:
                self._tell(stage, step, figures, len(figures) * stage.batch / (now - told))
                figures, told = [], now
            if now - saved > _SAVE_EVERY or step == stage.steps or self.stopped:
                save(
                    CHECKPOINT,
                    {
                        "stage": stage.name,
                        "step": step,
                        "model": self.pupil.state_dict(),
                        "tools": [tool.state_dict() for tool in tools],
                    },
                )
                saved = now

    def _step(
        self, batch: dict[str, Any], stage: Stage, tools: list[torch.optim.Optimizer], rate: float
    ) -> dict[str, float]:
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=HALF):
            loss, shown = self.pupil.losses(batch, stage)
        loss.backward()
        self.stopped = together(list(self.pupil.parameters()), self.asked, self.ranks)
        nn.utils.clip_grad_norm_(self.pupil.parameters(), 2.0)
        for tool in tools:
            for group in tool.param_groups:
                group["lr"] = rate * group["share"]
            tool.step()
            tool.zero_grad()
        return {"loss": loss.item(), **shown}

    def _tell(self, stage: Stage, step: int, figures: list[dict[str, float]], speed: float) -> None:
        keys = sorted({key for each in figures for key in each})
        means = {key: round(float(np.nanmean([f.get(key, np.nan) for f in figures])), 3) for key in keys}
        print(json.dumps({"stage": stage.name, "step": step, "pictures_a_second": round(speed), **means}), flush=True)
