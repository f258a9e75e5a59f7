"""Llama 3.2 Vision, run by this program's own ggml graphs (see vision.py and text.py).

`load` is what the engine calls. `logits` and `greedy` are for tests and for whoever wants to check the model against
another implementation: a raw prompt, pictures, no sampling, everything as exact as the file allows.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image

from app.engine import ggml, machine
from app.engine.families import Cancel, LoadCancelled, Progress
from app.engine.families.mllama.core import Core, Files
from app.engine.families.mllama.decoder import Wanted
from app.engine.families.mllama.demand import DEFAULT_CONTEXT, demand, kv_type, mapped, placement
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.looks import Looks
from app.engine.families.mllama.model import MllamaModel
from app.engine.families.mllama.spans import spans
from app.engine.families.mllama.tensor import F32, Q8_0
from app.engine.fit import cache_that_fits, context_that_fits
from app.engine.pictures import PictureCache, key
from app.errors import SpyglassError, UsageError
from app.gguf import fingerprint
from app.values import ModelSpec
from app.wording import Wording

_ARITHMETIC = 1
"""Goes up whenever the tower computes other numbers, so that remembered pictures are looked at again."""

GgufPath = str | Path | tuple[str | Path, str | Path]


def load(spec: ModelSpec, progress: Progress, cancel: Cancel) -> MllamaModel:
    """See the family contract."""
    files, options = Files(spec.path, spec.projector), spec.options
    kind = kv_type(files.config, options)
    if kind == Q8_0 and options.flash == "off":
        raise UsageError("A quantised KV cache needs flash attention.", "Turn it on, or choose the f16 cache.")
    identity = key(fingerprint(*files.all), ggml.VERSION, _ARITHMETIC, options.vision)
    devices = Devices(options.threads, gpu=options.gpu_layers != 0)
    try:
        placed = placement(files, devices, options)
        wanted, free = demand(files, options, placed), machine.room(mapped(files, placed))
        trained = files.config.text.context
        context = context_that_fits(wanted, free, asked=options.context, default=DEFAULT_CONTEXT, trained=trained)
    except SpyglassError:
        devices.close()
        raise
    core = Core(files, context, devices=devices, placement=placed, kv_type=kind, flash=options.flash)
    with ExitStack() as stack:
        stack.callback(core.close)
        plenty = free - wanted.total(context) > core.one_row.size + free // 4
        copies = core.one_row.size if plenty and core.one_row.pays else 0
        for fraction in _prepare(core, copies > 0):
            if cancel.is_set():
                raise LoadCancelled
            progress(fraction)
        cache = PictureCache(
            cache_that_fits(wanted, free - copies, context=context, asked=options.cache_memory),
            Path(options.cache_dir) if options.cache_dir else None,
            options.cache_disk,
        )
        stack.pop_all()
    return MllamaModel(core, cache, identity, exact=options.vision == "exact")


def _prepare(core: Core, copies: bool) -> Iterator[float]:
    """Bring the weights into memory and, if there is plenty, make the copies for writing; the fraction done."""
    share = 0.7 if copies else 1.0
    for fraction in core.weights.pages():
        yield fraction * share
    if copies:
        for fraction in core.one_row.copy():
            yield share + fraction * (1 - share)


def logits(gguf: GgufPath, prompt: str, pictures: Sequence[Image.Image]) -> np.ndarray:
    """The logits after every token of a raw prompt: (tokens, vocabulary) float32.

    gguf: the model's file, or a (text, projector) pair. prompt: as it is, with `<|begin_of_text|>` and the like, and
    one `<|image|>` a picture. Raises UsageError if it is empty or marks and pictures do not match, ModelError for a bad
    file.
    """
    with _Reading(gguf, prompt) as reading:
        return reading.read(pictures, "all")


def greedy(gguf: GgufPath, prompt: str, pictures: Sequence[Image.Image], n: int) -> list[int]:
    """The n likeliest next tokens, one after the other, whatever they are. Arguments and errors as for `logits`."""
    with _Reading(gguf, prompt, n) as reading:
        row, found = reading.read(pictures)[-1], []
        tokens = reading.core.weights["token_embd.weight"].shape[1]  # the head may have more rows: padding
        for _ in range(n):
            found.append(int(row[:tokens].argmax()))
            row = reading.core.decoder.step(found[-1], len(reading.tokens) + len(found) - 1)
        return found


class _Reading:
    """A model opened for one raw prompt, in float32 throughout."""

    def __init__(self, gguf: GgufPath, prompt: str, more: int = 0) -> None:
        """more: how many tokens will follow the prompt's, of which there are no more than it has bytes."""
        text, projector = gguf if isinstance(gguf, tuple) else (gguf, None)
        self.core = Core(Files(text, projector), len(prompt.encode()) + more + 1, devices=Devices(), kv_type=F32)
        self._looks: Looks | None = None
        try:
            self.tokens = self.core.prompts.raw(prompt)
        except SpyglassError:
            self.core.close()
            raise

    def read(self, pictures: Sequence[Image.Image], want: Wanted = "last") -> np.ndarray:
        core, marks = self.core, self.tokens.count(self.core.prompts.picture)
        if not self.tokens:
            raise UsageError("The prompt is empty.", "Write one.")
        if marks != len(pictures):
            raise UsageError(
                Wording("The prompt shows {marks} pictures, but there are {count}.", marks=marks, count=len(pictures)),
                "Give one picture a mark.",
            )
        seen = [core.see(picture) for picture in pictures]
        rows = []
        for span in spans(self.tokens, core.prompts.picture):
            now = core.looks([seen[number] for number in span.pictures]) if span.pictures else None
            core.decoder.look_at(now)
            if self._looks is not None:
                self._looks.close()
            self._looks = now
            rows.append(core.decoder.read(self.tokens[span.start : span.stop], span.start, want))
        return np.concatenate(rows)

    def __enter__(self) -> "_Reading":
        return self

    def __exit__(self, *_: object) -> None:
        if self._looks is not None:
            self._looks.close()
        self.core.close()
