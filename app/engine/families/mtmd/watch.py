"""Looking at a picture from outside: how far it is, and ending it. libmtmd offers neither (docs/decisions/0022)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import llama_cpp

from app.engine import ggml
from app.engine.families import Progress

_NODES = 8
"""Graph nodes computed between two looks at the cancel flag: a twentieth of a layer to half of one."""


class Watch:
    """The scheduler's eval callback: reports progress layer by layer and stops the encoder.

    ggml asks before computing whether a node's result is wanted (`ask`), computes up to the next wanted one, and
    tells. Answering False then ends the computation, which libmtmd takes for its end.
    """

    def __init__(self, layers: int) -> None:
        self._layers = max(1, layers)
        self._name = ggml.library().get_name
        self._progress: Progress = lambda _: None
        self._cancelled: Callable[[], bool] = lambda: False
        self._asked = 0
        self.stopped = False
        self.failure: Exception | None = None
        self.callback = llama_cpp.ggml_backend_sched_eval_callback(self._on_node)

    @contextmanager
    def watching(self, progress: Progress, cancelled: Callable[[], bool]) -> Iterator[None]:
        """Watch what is computed inside the block; afterwards `stopped` and `failure` say how it ended."""
        before = self._progress, self._cancelled
        self._progress, self._cancelled, self._asked = progress, cancelled, 0
        self.stopped, self.failure = False, None
        try:
            yield
        finally:
            self._progress, self._cancelled = before

    def _on_node(self, node: int, ask: bool, _: object) -> bool:
        try:
            return self._wanted(node, ask)
        except Exception as error:  # ctypes would swallow it and answer False, which passes for a finished picture
            self.failure, self.stopped = error, True
            return ask

    def _wanted(self, node: int, ask: bool) -> bool:
        if self.stopped or self._cancelled():
            self.stopped = True
            return ask
        layer = self._name(node).removeprefix(b"layer_out-")
        if not ask:
            if layer.isdigit():
                self._progress(min(1.0, (int(layer) + 1) / self._layers))
            return True
        self._asked += 1
        return self._asked % _NODES == 0 or layer.isdigit()
