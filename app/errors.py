"""Every failure a person can meet: what happened, what to do, and the detail for whoever wants it.

The tree is small on purpose. A subclass exists only where code acts on the difference (an exit code, a retry, a hint).
"""

from app.wording import Wording


class SpyglassError(Exception):
    """A failure in plain words.

    `what` is one sentence saying what happened, `todo` one sentence saying what to do about it; neither holds
    a traceback or a path nobody typed. Sentences with values in them are handed over as a Wording, never as an
    f-string, or they could not be said in another language. `detail` may hold anything technical and is shown only on
    request.
    """

    exit_code = 1

    def __init__(self, what: str, todo: str, detail: str = "") -> None:
        super().__init__(f"{what} {todo}")
        self.what = Wording.of(what)
        self.todo = Wording.of(todo)
        self.detail = detail

    @property
    def whole(self) -> Wording:
        """Both sentences."""
        return Wording("{what} {todo}", what=self.what, todo=self.todo)


class UsageError(SpyglassError):
    """The command or setting as given cannot be carried out (exit status 2, as shells expect)."""

    exit_code = 2


class PictureError(SpyglassError):
    """A file or stream is not a picture that can be used."""

    exit_code = 3


class ModelError(SpyglassError):
    """A model file is missing, damaged, of an unknown kind, or does not fit its projector."""

    exit_code = 4


class MemoryShortError(ModelError):
    """The model (weights, KV cache, projector, picture) does not fit into the free memory; says so in numbers."""

    exit_code = 5


class EngineError(SpyglassError):
    """The engine process died, hung, or spoke garbage. The conversation is untouched; the next job starts it anew."""

    exit_code = 6


class CameraError(SpyglassError):
    """No camera, no permission, camera busy, or a stream that cannot be read."""

    exit_code = 7


_KINDS = {
    c.__name__: c
    for c in (SpyglassError, UsageError, PictureError, ModelError, MemoryShortError, EngineError, CameraError)
}


def of_kind(kind: str, what: str, todo: str, detail: str = "") -> SpyglassError:
    """The error of the class named `kind` (how an error crosses the pipe); an unknown name becomes a SpyglassError."""
    return _KINDS.get(kind, SpyglassError)(what, todo, detail)


def kind_of(error: SpyglassError) -> str:
    """The name under which `of_kind` finds the class of `error`, or the nearest one above it."""
    return next(c.__name__ for c in type(error).__mro__ if c.__name__ in _KINDS)
