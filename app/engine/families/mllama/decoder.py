"""Runs the text decoder: a prompt in batches, an answer token by token, both into one KV cache."""

from typing import Literal

import numpy as np

from app.engine.families.mllama.cache import KvCache
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.graph import Graph, Workspace
from app.engine.families.mllama.looks import Looks
from app.engine.families.mllama.tensor import F16, I32, I64, Q8_0
from app.engine.families.mllama.text import Inputs, TextModel
from app.engine.families.mllama.weights import Weights

BATCH = 256
"""Rows of a prompt computed at once: fast products want many, and a stop is felt only between two operations."""
_BLOCK = 256
"""The part of the KV cache a graph reads grows in steps of this many rows; a graph serves until the next step."""

Wanted = Literal["last", "all", "none"]
Flash = Literal["auto", "on", "off"]


class TextDecoder:
    """Reads tokens into its KV cache and gives the logits that follow them."""

    def __init__(
        self, weights: Weights, devices: Devices, context: int, kv_type: int = F16, flash: Flash = "auto"
    ) -> None:
        """context: tokens it can hold. kv_type: F16, Q8_0 (not without flash attention) or F32.

        flash: "off" for no flash attention at all, "on" for nothing else. Raises MemoryShortError.
        """
        self._w, self._devices, c = weights, devices, weights.config.text
        self._flash, self._quantised = flash, kv_type == Q8_0
        self.context = context
        self._cache = KvCache(c, devices, _up(context), kv_type, weights.placement.layer, self._by_columns)
        self._model = TextModel(weights, self._cache, flash != "off")
        self._looks: Looks | None = None
        self._reading, self._writing = (Workspace(devices, 64 + 48 * c.layers) for _ in range(2))
        self._step: _Run | None = None

    def values_by_columns(self, layer: int) -> bool:
        """How the values of pictures lie that `layer` looks at."""
        return self._flash == "off" or (self._flash == "auto" and self._w.placement.layer(layer) is None)

    def _by_columns(self, layer: int) -> bool:
        return self.values_by_columns(layer) and not self._quantised

    def look_at(self, looks: Looks | None) -> None:
        """What the rows read from now on see: a picture group's keys and values, or nothing."""
        if looks is not self._looks:
            self._forget_step()
            self._looks = looks

    def read(self, tokens: list[int], position: int, want: Wanted = "last") -> np.ndarray:
        """Read `tokens`, the first at `position`; the logits after the last, after all, or none of them:
        (rows, vocabulary) float32.

        Raises Cancelled after `Devices.stop`; the cache then holds what stood before `position`.
        """
        if len(tokens) == 1 and want == "last":
            return self.step(tokens[0], position)[None]
        parts = []
        for start in range(0, len(tokens), BATCH):
            batch = tokens[start : start + BATCH]
            last = want == "last" and start + len(batch) == len(tokens)
            parts.append(self._read(batch, position + start, len(batch) if want == "all" else int(last)))
        return np.concatenate(parts)

    def step(self, token: int, position: int) -> np.ndarray:
        """Read one token; the logits after it, (vocabulary,) float32, valid until the next call."""
        if self._step is None or position >= self._step.kv_rows:
            self._forget_step()
            self._step = self._run(self._writing, 1, _up(position + 1), 1)
        return self._step([token], position)

    def clear(self) -> None:
        """Empty the KV cache."""
        self._cache.clear()

    def close(self) -> None:
        self._forget_step()
        self._cache.close()
        self._reading.close()
        self._writing.close()

    def _read(self, tokens: list[int], position: int, outputs: int) -> np.ndarray:
        """One batch, in a graph of its own."""
        run = self._run(self._reading, len(tokens), _up(position + len(tokens)), outputs)
        try:
            width = self._w["output.weight"].shape[1]
            found = run(tokens, position)
            return found.reshape(-1, width) if outputs else np.empty((0, width), np.float32)
        finally:
            run.close()

    def _run(self, workspace: Workspace, n: int, kv_rows: int, outputs: int) -> "_Run":
        g = Graph(self._devices, workspace)
        try:
            return _Run(g, self._model, self._cache, self._looks, n, kv_rows, outputs)
        except BaseException:
            g.close()
            raise

    def _forget_step(self) -> None:
        if self._step:
            self._step.close()
        self._step = None


class _Run:
    """A graph that reads n tokens, whatever they are, as often as it is called."""

    def __init__(
        self, g: Graph, model: TextModel, cache: KvCache, looks: Looks | None, n: int, kv_rows: int, outputs: int
    ) -> None:
        """kv_rows: how many of the cache's rows it sees, those that it writes included."""
        self._g, self.kv_rows = g, kv_rows
        self._columns = cache.columns()
        self._inputs = Inputs(
            tokens=g.input((n,), I32),
            positions=g.input((n,), I32),
            places=g.input((n,), I64),
            columns=g.input((n * len(self._columns),), I64) if len(self._columns) else None,
            mask=g.input((kv_rows, n), F16),
        )
        self._result = model.logits(g, self._inputs, looks, outputs)
        g.outputs(self._result)

    def __call__(self, tokens: list[int], position: int) -> np.ndarray:
        """What the graph gives for `tokens`, the first at `position`; valid until the next call."""
        g, inputs, places = self._g, self._inputs, np.arange(position, position + len(tokens))
        g.set(inputs.tokens, np.array(tokens, np.int32))
        g.set(inputs.positions, places.astype(np.int32))
        g.set(inputs.places, places)
        if inputs.columns:
            g.set(inputs.columns, places[:, None] + self._columns)
        later = np.arange(self.kv_rows) > places[:, None]
        g.set(inputs.mask, np.where(later, np.float16(-np.inf), np.float16(0)))
        g.run()
        return g.get(self._result)

    def close(self) -> None:
        self._g.close()


def _up(rows: int) -> int:
    return -(-rows // _BLOCK) * _BLOCK
