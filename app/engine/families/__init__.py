"""Model families: each module of this package runs the models of some GGUF architectures.

A family is a module (or package) here with one function, `load`, found by name. Only the engine's child process
imports them: they own the native code.
"""

import importlib
import threading
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from app.errors import SpyglassError
from app.values import Ask, Event, Finished, ModelSpec, Picture

Emit = Callable[[Event], None]
Progress = Callable[[float], None]


class Cancel:
    """A wish to stop, set from another thread. Long native calls register a callback that makes them return early."""

    def __init__(self) -> None:
        self._set = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        return self._set.is_set()

    def set(self) -> None:
        with self._lock:
            self._set.set()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    def on_set(self, callback: Callable[[], None]) -> None:
        """Run `callback` (quick, thread-safe) when the wish comes; at once if it already has."""
        with self._lock:
            self._callbacks.append(callback)
            already = self._set.is_set()
        if already:
            callback()


class Model(Protocol):
    """A loaded model. Used by one thread."""

    def answer(self, ask: Ask, pictures: Mapping[str, Picture], emit: Emit, cancel: Cancel) -> Finished:
        """Answer `ask`, emitting Looking, Reading and Piece on the way; a set `cancel` ends it with reason "cancelled".

        pictures: every picture the messages name, by digest. Raises SpyglassError; the model stays usable after it.
        Fills all of `Stats` but `load_s`.
        """
        ...

    def close(self) -> None:
        """Free everything native."""
        ...


class Family(Protocol):
    """What a module of this package offers."""

    def load(self, spec: ModelSpec, progress: Progress, cancel: Cancel) -> Model:
        """Load a model. Raises ModelError (damaged, mismatched, unknown) or MemoryShortError (in numbers)."""
        ...


class LoadCancelled(Exception):
    """`load` was cancelled; nothing is left in memory."""


def family_of(architecture: str) -> Family:
    """The family for a GGUF `general.architecture` (or "echo"): mllama runs here, the rest through libmtmd."""
    name = architecture if architecture in ("echo", "mllama") else "mtmd"
    return cast(Family, importlib.import_module(f"{__name__}.{name}"))


__all__ = ["Cancel", "Emit", "Family", "LoadCancelled", "Model", "Progress", "SpyglassError", "family_of"]
