"""What looks at the live picture on the camera's thread and listens on the engine client's."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.capture.camera import Frame
from app.capture.gate import Reason
from app.errors import SpyglassError
from app.modes.conditions import Sensors
from app.modes.labels import Label
from app.modes.live import Live
from app.modes.lookout import Engine, Lookout
from app.modes.schedule import Figures, Wait
from app.modes.watch import Answered, Watch
from app.values import Event, ModelSpec, Progress

_FIGURES_S = 0.5

AnyLookout = Lookout[Live] | Lookout[Watch]


@dataclass(frozen=True)
class Sighting:
    """What was watched for has come. when: seconds since the epoch."""

    wish: str
    when: float
    probability: float
    frame: Frame


@dataclass(frozen=True)
class Seen:
    """What the other threads leave for the window's, which so never waits for them.

    by: whose it is; another thread may leave it when that one was already stopped. nothing: the last answer named
    nothing. progress: what is done for an answer that takes long.
    """

    by: AnyLookout
    labels: tuple[Label, ...]
    verdict: Reason | Wait
    error: SpyglassError | None
    figures: Figures | None
    time: float
    answered: Answered | None = None
    nothing: bool = False
    progress: Progress | None = None


class Looking(QObject):
    """One lookout at a time, from `begin` to `end`; `see` is given every frame on the camera's thread.

    named: there are other names than with the last frame. sighted: a Sighting. Both come from the engine client's
    thread.
    """

    named = Signal()
    sighted = Signal(object)

    def __init__(self, engine: Engine, parent: QObject) -> None:
        super().__init__(parent)
        self._engine = engine
        self.lookout: AnyLookout | None = None
        self._leaving = threading.Lock()  # held from reading what is shown until it is left: nothing older may follow
        self._seen: Seen | None = None
        self._figures_at = 0.0
        self._paused = False

    @property
    def on(self) -> bool:
        return self.lookout is not None

    # --- the window's thread ---

    def begin(self, model: ModelSpec, wish: str) -> None:
        """Look for `wish`, or name everything where it is empty. Raises SpyglassError."""
        self.end()
        on_event: Callable[[Event, Frame, object], None] = partial(self._on_event, wish)
        if wish:
            self.lookout = Lookout(Watch(wish), self._engine, model, on_event, sense=Sensors().read)
        else:
            self.lookout = Lookout(Live(closer=True), self._engine, model, on_event, sense=Sensors().read)

    def end(self) -> bool:
        """Look at nothing more; whether anything was looked at."""
        lookout, self.lookout = self.lookout, None
        self._seen, self._paused = None, False
        if lookout is not None:
            lookout.stop()
        return lookout is not None

    def pause(self, paused: bool) -> None:
        """Ask nothing for now, or go on."""
        if self.lookout is not None and paused != self._paused:
            self._paused = paused
            (self.lookout.pause if paused else self.lookout.resume)()

    def forget(self) -> None:
        """What was left so far is about a picture that is no longer there."""
        with self._leaving:
            self._seen = None

    def newest(self) -> Seen | None:
        """What was left by who looks now."""
        lookout, seen = self.lookout, self._seen
        return seen if seen is not None and seen.by is lookout else None

    # --- the camera's thread ---

    def see(self, frame: Frame) -> None:
        lookout = self.lookout
        if lookout is None:
            return
        verdict = lookout.frame(frame)
        seen = self._seen
        figures = seen.figures if seen is not None and seen.by is lookout else None
        if frame.time - self._figures_at >= _FIGURES_S:
            self._figures_at = frame.time
            figures = lookout.read(_figures)
        with self._leaving:
            labels, error, answered, nothing = lookout.read(_shown)
            progress = lookout.read(lambda looker: looker.schedule.progress(frame.time))
            self._seen = Seen(lookout, labels, verdict, error, figures, frame.time, answered, nothing, progress)

    # --- the engine client's thread ---

    def _on_event(self, wish: str, event: Event, frame: Frame, result: object) -> None:  # noqa: ARG002
        if isinstance(result, Answered) and result.news:
            self.sighted.emit(Sighting(wish, time.time(), result.probability, frame))
        elif result is True and self._leave_names():
            self.named.emit()

    def _leave_names(self) -> bool:
        with self._leaving:
            seen = self.newest()
            if seen is not None:
                self._seen = replace(seen, labels=seen.by.read(_shown)[0])
            return seen is not None


def _shown(looker: Live | Watch) -> tuple[tuple[Label, ...], SpyglassError | None, Answered | None, bool]:
    if isinstance(looker, Live):
        return looker.labels(), looker.error, None, looker.nothing
    return (), looker.error, looker.last, False


def _figures(looker: Live | Watch) -> Figures:
    return looker.figures(time.monotonic())
