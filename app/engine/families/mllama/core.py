"""The parts of a loaded model put together: weights, vocabulary, vision tower, decoder."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image

from app.engine.families.mllama import looks
from app.engine.families.mllama.config import read_config
from app.engine.families.mllama.decoder import Flash, TextDecoder
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.layout import locate
from app.engine.families.mllama.looks import Looks
from app.engine.families.mllama.onerow import OneRow
from app.engine.families.mllama.picture import cut
from app.engine.families.mllama.place import Placement
from app.engine.families.mllama.prompt import Prompts
from app.engine.families.mllama.tensor import F16, F32
from app.engine.families.mllama.vision import Progress, VisionTower
from app.engine.families.mllama.vocabulary import Vocabulary
from app.engine.families.mllama.weights import Weights
from app.gguf import read_header
from app.gguf.vocabulary import check_vocabulary


class Files:
    """A model's files, checked: one, or the text's and the projector's. Raises ModelError."""

    def __init__(self, text: str | Path, projector: str | Path | None = None) -> None:
        self.text = read_header(text)
        self.vision = read_header(projector) if projector else self.text
        self.all = (self.text, self.vision) if projector else (self.text,)
        self.config = read_config(self.text, self.vision)
        self.found = locate(self.config, self.all)
        check_vocabulary(self.text)
        self.tensors = {name: info for name, (_, info) in self.found.items()}


class Core:
    """Everything native of one model, and the few things it can do. Owns it all, the devices too; `close` frees it."""

    def __init__(
        self,
        files: Files,
        context: int,
        *,
        devices: Devices,
        placement: Placement | None = None,
        kv_type: int = F16,
        flash: Flash = "auto",
    ) -> None:
        """context: tokens the KV cache holds. Raises ModelError, MemoryShortError."""
        self.config, self.devices, self._keep_f32 = files.config, devices, kv_type == F32
        with ExitStack() as stack:
            stack.callback(devices.close)
            self.weights = Weights(files.config, files.found, devices, placement or Placement())
            stack.callback(self.weights.close)
            self.one_row = OneRow(self.weights, devices)
            stack.callback(self.one_row.close)
            self.vocabulary = Vocabulary(files.text.path)
            stack.callback(self.vocabulary.close)
            rows, head = (self.weights[f"{name}.weight"].shape[1] for name in ("token_embd", "output"))
            self.prompts = Prompts(self.vocabulary, rows, head)
            self.tower = VisionTower(self.weights, devices)
            stack.callback(self.tower.close)
            self.decoder = TextDecoder(self.weights, devices, context, kv_type, flash)
            stack.callback(self.decoder.close)
            self._resources = stack.pop_all()

    def see(self, image: Image.Image, exact: bool = True, progress: Progress = lambda _: None) -> np.ndarray:
        """A picture's keys and values for text (see `looks.compute`). Raises Cancelled."""
        features = self.tower.encode(cut(image, self.config.vision), exact, progress)
        return looks.compute(self.weights, self.devices, features, self._keep_f32)

    def could_have_seen(self, kept: np.ndarray | None) -> bool:
        """Whether `kept` has the form of what `see` gives: a cache on disk may hold anything."""
        text, rows = self.config.text, self.config.vision.rows
        if kept is None or kept.ndim != 4 or kept.dtype != (np.float32 if self._keep_f32 else np.float16):
            return False
        layers, pair, n, width = kept.shape
        form = (len(text.cross_layers), 2, text.kv_heads * text.head_size)
        return (layers, pair, width) == form and n > 0 and n % rows == 0

    def looks(self, seen: Sequence[np.ndarray]) -> Looks:
        """Pictures seen together, ready for `decoder.look_at`. Whoever asks closes it."""
        return Looks(self.weights, self.devices, list(seen), self.decoder.values_by_columns)

    def close(self) -> None:
        self._resources.close()
