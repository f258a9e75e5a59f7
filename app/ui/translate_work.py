"""Translations for the window: one at a time, on another thread, each step brought to the window's."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal

from app.errors import EngineError, SpyglassError
from app.modes.translate import prompts
from app.modes.translate.answers import answer
from app.modes.translate.languages import language
from app.modes.translate.overlay import Label, overlay
from app.modes.translate.pipeline import Translation, Wish, check, translate_picture, translate_read, translate_text
from app.ui.bridge import Background, Engine
from app.ui.desk import Sheet, make_sheet
from app.values import Event, Job, Picture, is_last

_REST = 3
"""The picture is drawn again with a new passage after this many times as long as drawing it took: a quarter of the time
is enough for that. At the end it is always drawn."""


class _Run:
    """An engine for one translation, which can be stopped from any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._job: int | None = None
        self.stopped = False

    def run(self, job: Job, pictures: Iterable[Picture] = ()) -> Iterator[Event]:
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        with self._lock:
            if self.stopped:
                raise EngineError("The translation was stopped.", "Start it again to go on.")
            self._job = self._engine.submit(job, pictures, events.put)
        while True:
            event = events.get()
            yield event
            if is_last(event):
                return

    def stop(self) -> None:
        with self._lock:
            self.stopped = True
            if self._job is not None:
                self._engine.cancel(self._job)


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture with its translation drawn over it, ready to be shown. labels: the lines as drawn."""

    sheet: Sheet
    translation: Translation
    labels: tuple[Label, ...]


class TranslateWork(QObject):
    """changed: the Translation so far. told: the explanation so far. drawn: a Drawn. busy: whether something is being
    made. failed: a SpyglassError."""

    changed = Signal(object)
    told = Signal(str)
    drawn = Signal(object)
    busy = Signal(bool)
    failed = Signal(object)
    _came = Signal()

    def __init__(self, engine: Engine, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine, self._background = engine, background
        self._run: _Run | None = None
        self._lock = threading.Lock()  # guards the next one
        self._left: tuple[_Run, Translation | str, Drawn | None] | None = None
        self._came.connect(self._on_came, Qt.ConnectionType.QueuedConnection)

    @property
    def running(self) -> bool:
        return self._run is not None

    def translate(self, what: Picture | str, wish: Callable[[], Wish]) -> None:
        """Begin with a picture or a text, in place of what is being done. `wish` is made on the other thread."""
        self._begin(lambda run: self._translate(run, what, wish()))

    def translate_read(self, what: Picture, state: Translation, wish: Callable[[], Wish]) -> None:
        """Translate a picture that was read: the reading in `state`, of which nothing is translated."""
        self._begin(lambda run: self._follow(run, what, translate_read(state, wish(), run)))

    def check(self, what: Picture | str, state: Translation, wish: Callable[[], Wish]) -> None:
        """Translate a finished translation back."""
        self._begin(lambda run: self._follow(run, what, check(state, wish(), run)))

    def explain(self, phrase: str, whole: str, wish: Callable[[], Wish]) -> None:
        """Explain a phrase of a text, in the language that is translated into."""
        self._begin(lambda run: self._explain(run, phrase, whole, wish()))

    def _begin(self, work: Callable[[_Run], None]) -> None:
        self.stop()
        self._run = run = _Run(self._engine)
        self.busy.emit(True)
        self._background.run(partial(self._work, run, work), partial(self._on_done, run), partial(self._on_failed, run))

    def stop(self) -> None:
        """End it; what is finished stays."""
        if self._run is not None:
            self._run.stop()
            self._run = None
            self.busy.emit(False)

    # --- the other thread ---

    def _work(self, run: _Run, work: Callable[[_Run], None]) -> None:
        try:
            work(run)
        except SpyglassError:
            if not run.stopped:
                raise

    def _translate(self, run: _Run, what: Picture | str, wish: Wish) -> None:
        steps = translate_picture(what, wish, run) if isinstance(what, Picture) else translate_text(what, wish, run)
        self._follow(run, what, steps)

    def _follow(self, run: _Run, what: Picture | str, steps: Iterator[Translation]) -> None:
        last: Translation | None = None
        drawing_s, drawn_at = 0.0, time.monotonic()
        undrawn: SpyglassError | None = None
        for state in steps:
            self._leave(run, state)
            news = last is None or state.stage != last.stage or state.text != last.text
            rested = time.monotonic() - drawn_at >= _REST * drawing_s
            worth = undrawn is None and (rested or state.stage == "done")
            if isinstance(what, Picture) and news and worth and state.text and state.stage != "checking":
                begun = time.monotonic()
                try:
                    over = overlay(what, state)
                    self._leave(run, state, Drawn(make_sheet(over.picture), state, over.labels))
                except SpyglassError as error:  # its letters cannot be drawn here; beside the picture they can be read
                    undrawn = error
                drawn_at = time.monotonic()
                drawing_s = drawn_at - begun
            last = state
        if undrawn is not None:
            raise undrawn

    def _explain(self, run: _Run, phrase: str, whole: str, wish: Wish) -> None:
        job = prompts.explain(wish.writer, phrase, whole, language(wish.target), aside=wish.aside)
        for written in answer(run, job):
            self._leave(run, written.text)

    def _leave(self, run: _Run, state: Translation | str, drawn: Drawn | None = None) -> None:
        """Leave the newest step for the window's thread; one it has not yet looked at is out of date."""
        with self._lock:
            waiting = self._left is not None
            drawn = drawn or (self._left[2] if self._left is not None and self._left[0] is run else None)
            self._left = (run, state, drawn)
        if not waiting:
            self._came.emit()

    # --- the window's thread ---

    def _on_came(self) -> None:
        with self._lock:
            left, self._left = self._left, None
        if left is None or left[0] is not self._run:
            return
        if isinstance(left[1], str):
            self.told.emit(left[1])
        else:
            self.changed.emit(left[1])
        if left[2] is not None:
            self.drawn.emit(left[2])

    def _on_done(self, run: _Run, _: None) -> None:
        if run is self._run:
            self._run = None
            self.busy.emit(False)

    def _on_failed(self, run: _Run, error: SpyglassError) -> None:
        if run is self._run:
            self._run = None
            self.busy.emit(False)
            self.failed.emit(error)
