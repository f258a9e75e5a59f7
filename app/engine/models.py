"""The models that the engine process has loaded."""

import os

from app import gguf
from app.engine.families import Cancel, Family, Model, Progress, family_of
from app.errors import EngineError, MemoryShortError
from app.values import ModelSpec

_MAX_MODELS = 2


class Models:
    """The loaded models: the one used last and, while memory allows, the one before.

    One that was asked for `aside` helps the one that was not, such as a translator the model that reads pictures, and
    never pushes it out: its reading of a long conversation would go with it, for a job that can do without.
    """

    def __init__(self) -> None:
        self._models: dict[tuple[object, ...], Model] = {}
        self._aside: set[tuple[object, ...]] = set()

    def get(self, spec: ModelSpec, progress: Progress, cancel: Cancel, aside: bool = False) -> Model:
        """The model for `spec`, loaded if it is not or if its files have changed.

        Raises SpyglassError, LoadCancelled.
        """
        key = (spec, _files(spec))
        model = self._models.pop(key, None)
        if model is None:
            self._close_replaced(spec)
            while len(self._models) >= _MAX_MODELS and self._close_one(aside):
                pass
            model = self._load(spec, progress, cancel, aside)
            self._aside.add(key)
        if not aside:
            self._aside.discard(key)
        self._models[key] = model
        return model

    def _load(self, spec: ModelSpec, progress: Progress, cancel: Cancel, aside: bool) -> Model:
        family = _family(spec)
        while True:
            try:
                return family.load(spec, progress, cancel)
            except MemoryShortError:
                if not self._close_one(aside):
                    raise

    def _close_one(self, aside: bool) -> bool:
        """Close the oldest model that may go; whether there was one."""
        helped = next((key for key in reversed(self._models) if key not in self._aside), None) if aside else None
        spare = next((key for key in self._models if key != helped), None)
        if spare is not None:
            self._models.pop(spare).close()
        return spare is not None

    def _close_replaced(self, spec: ModelSpec) -> None:
        """Close what was loaded from files that have changed since: nobody can ask for it any more."""
        for key in [key for key in self._models if key[0] == spec]:
            self._models.pop(key).close()

    def drop(self, model: Model) -> None:
        """Close a model whose state is not known any more."""
        self._models = {k: m for k, m in self._models.items() if m is not model}
        model.close()

    def clear(self) -> None:
        """Close every model."""
        while self._close_one(aside=False):
            pass


def _files(spec: ModelSpec) -> tuple[object, ...]:
    """What tells a file from the one that was under the same name before."""
    found: list[object] = []
    for path in filter(None, (spec.path, spec.projector)):
        try:
            status = os.stat(path)
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        except OSError:
            found.append(None)
    return tuple(found)


def _family(spec: ModelSpec) -> Family:
    scripted = spec.path == "echo" or spec.path.startswith("echo:")
    architecture = "echo" if scripted else gguf.read_header(spec.path).architecture
    try:
        return family_of(architecture)
    except (ImportError, OSError, RuntimeError) as e:
        raise no_native_code(e) from e


def no_native_code(e: Exception) -> EngineError:
    """The error for a person when the native libraries are missing or do not fit the system."""
    return EngineError(
        "The libraries that run models cannot be loaded on this computer.",
        "Install Spyglass again; `spyglass doctor` tells more.",
        f"{type(e).__name__}: {e}",
    )
