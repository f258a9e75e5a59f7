"""Which model answers: the one the settings name, one for this time, or one that was just chosen and is looked at."""

from functools import partial
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from app.errors import SpyglassError
from app.library.disk import Installed
from app.settings.derived import engine_options
from app.settings.store import SettingsStore
from app.ui.bridge import Background
from app.values import EngineOptions, ModelSpec


class Library(Protocol):
    """What the window needs of app.library.disk."""

    def resolve(self, name_or_path: str, projector: str | None, options: EngineOptions) -> ModelSpec: ...
    def installed(self) -> list[Installed]: ...
    def needs_projector(self, path: str) -> bool: ...


class ModelChoice(QObject):
    """looking: the model that answered before no longer does. found: the model is there. missing: a SpyglassError, it
    is not. lost: why there is none now. projector_wanted: the path of a model that was chosen and lacks its projector.
    failed: a SpyglassError."""

    looking = Signal()
    found = Signal()
    missing = Signal(object)
    lost = Signal(object)
    projector_wanted = Signal(str)
    failed = Signal(object)

    def __init__(self, background: Background, library: Library, store: SettingsStore, parent: QObject) -> None:
        super().__init__(parent)
        self._background, self._library, self._store = background, library, store
        self._only_now: tuple[str, str] | None = None
        self._trying: tuple[str, str] | None = None
        self.spec: ModelSpec | None = None
        """What answers, once it is found."""
        self.error: SpyglassError | None = None
        """Why there is none."""

    @property
    def chosen(self) -> str:
        """The model's name or path."""
        return self._chosen()[0]

    @property
    def name(self) -> str:
        """The model's name as people know it: that of its file without the ending."""
        return self.chosen.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".gguf")

    def use(self, name_or_path: str, projector: str = "") -> None:
        """Answer with another model until the program ends; the settings stay as they are."""
        self._trying, self._only_now = None, (name_or_path, projector)
        self.find()

    def choose(self, name_or_path: str, projector: str = "") -> None:
        """Answer with another model from now on and remember it; if it turns out to be none, the one before goes on."""
        self._trying = (name_or_path, projector)
        self.find()

    def find(self) -> None:
        """Look for the chosen model, with the options of the settings."""
        ticket = self._ticket()
        self.spec, self.error = None, None
        self.looking.emit()
        self._background.run(
            lambda: self._library.resolve(*ticket),
            partial(self._on_found, ticket),
            partial(self._on_missing, ticket),
        )

    def _chosen(self) -> tuple[str, str]:
        """The model's name or path, and its projector's path or nothing."""
        settings = self._store.settings
        return self._trying or self._only_now or (settings["model.path"], settings["model.projector"])

    def _ticket(self) -> tuple[str, str | None, EngineOptions]:
        name, projector = self._chosen()
        return name, projector or None, engine_options(self._store.settings)

    def _on_found(self, ticket: object, spec: ModelSpec) -> None:
        if ticket != self._ticket():
            return
        if self._trying:
            self._remember(*self._trying)
        self.spec = spec
        self.found.emit()

    def _remember(self, name_or_path: str, projector: str) -> None:
        self._trying = self._only_now = None
        try:
            self._store.set("model.path", name_or_path)
            self._store.set("model.projector", projector)
        except SpyglassError as error:
            self.failed.emit(error)

    def _on_missing(self, ticket: object, error: SpyglassError) -> None:
        if ticket != self._ticket():
            return
        path, projector = self._chosen()
        self.error = error
        self.missing.emit(error)
        told = self.failed if self._trying else self.lost
        self._background.run(
            lambda: not projector and self._library.needs_projector(path),
            lambda wanted: self.projector_wanted.emit(path) if wanted else told.emit(error),
            self.failed.emit,
        )
        if self._trying:
            self._trying = None
            self.find()
