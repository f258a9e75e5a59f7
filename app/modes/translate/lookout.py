"""The pipeline run about frames of a live picture: reading on a thread of its own, what comes of it to the looker."""

import logging
import queue
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace

from app.errors import EngineError, SpyglassError
from app.modes.conditions import Conditions
from app.modes.lookout import Driver, Engine, Errand, failure, picture_of
from app.modes.translate.cutouts import CutOut, cut_out
from app.modes.translate.live import LiveTranslation
from app.modes.translate.pipeline import Translation, Wish, translate_picture
from app.values import Ask, Event, Finished, Job, Picture, Piece, is_last

_log = logging.getLogger(__name__)

_REMEMBERED = 500


class TranslationLookout(Driver[LiveTranslation]):
    """Reads and translates the frames that its looker sends.

    A passage that was translated once is not translated again while it lives: a sign that leaves the picture and comes
    back says the same as before. wish: called on the thread that reads; it may read files and raise SpyglassError.
    """

    def __init__(
        self,
        looker: LiveTranslation,
        engine: Engine,
        wish: Callable[[], Wish],
        clock: Callable[[], float] = time.monotonic,
        sense: Callable[[], Conditions] | None = None,
    ) -> None:
        super().__init__(looker, engine, clock=clock, sense=sense)
        self._wish = wish
        self._said: OrderedDict[tuple[str, str], tuple[Piece, ...]] = OrderedDict()

    def _send(self, job: Errand) -> None:
        threading.Thread(target=self._work, args=(job,), name="live translation", daemon=True).start()

    # --- the thread that reads ---

    def _work(self, job: Errand) -> None:
        try:
            self._translate(job)
            end: Event = Finished(reason="cancelled" if job.unwanted else "stop")
        except SpyglassError as error:
            end = Finished(reason="cancelled") if job.unwanted else failure(error)
        except Exception as error:
            _log.exception("translating a frame failed")
            detail = "".join(traceback.format_exception(error))
            what = SpyglassError("Something in Spyglass went wrong.", "Turn the camera off and on again.", detail)
            end = failure(what)
        self._take(job, end)

    def _translate(self, job: Errand) -> None:
        picture, engine = picture_of(job.frame), _Engine(self, job)
        done: set[int] = set()
        with closing(translate_picture(picture, replace(self._wish(), point=False), engine)) as steps:  # type: ignore[type-var]
            for state in steps:
                if job.unwanted:
                    return
                if state.stage == "reading" and not state.found:
                    self._tell(job, picture, replace(state, stage="done", outcome="no text"), [])
                    return
                new = [i for i, p in enumerate(state.passages) if p.translation is not None and i not in done]
                done.update(new)
                drawn = [(i, piece) for i in new if (piece := _cut_out(picture, state, i)) is not None]
                self._tell(job, picture, state, drawn)

    def _tell(self, job: Errand, picture: Picture, state: Translation, drawn: list[tuple[int, CutOut]]) -> None:
        with self._lock:
            if job is self._job and not self._stopped.is_set():
                self._looker.took(picture, state, drawn)

    def run(self, job: Errand, ask: Ask, pictures: Iterable[Picture]) -> Iterator[Event]:
        """The events of one job of an errand; closing the iterator cancels it. Raises EngineError if it is unwanted."""
        key = (ask.model.path, ask.messages[-1].text)
        if not ask.messages[-1].pictures and key in self._said:
            self._said.move_to_end(key)
            yield from self._said[key]
            yield Finished(reason="stop")
            return
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        if job.unwanted:
            raise EngineError("The translation was stopped.", "Point the camera at the text again.")
        self._submit(job, ask, pictures, events.put)
        number, pieces, last = job.id, list[Piece](), False
        try:
            while not last:
                event = events.get()
                last = is_last(event)
                if isinstance(event, Piece):
                    pieces.append(event)
                if isinstance(event, Finished) and event.reason == "stop" and not ask.messages[-1].pictures:
                    self._remember(key, pieces)
                yield event
        finally:
            if not last and number is not None:
                self._engine.cancel(number)

    def _remember(self, key: tuple[str, str], pieces: list[Piece]) -> None:
        self._said[key] = tuple(pieces)
        if len(self._said) > _REMEMBERED:
            self._said.popitem(last=False)


def _cut_out(picture: Picture, state: Translation, at: int) -> CutOut | None:
    """See `cut_out`; where letters cannot be drawn, the words stand beside the picture all the same."""
    try:
        return cut_out(picture, state, at)
    except SpyglassError as error:
        _log.warning("a translation is not drawn: %s", error)
        return None


class _Engine:
    """What the pipeline needs of an engine, for one errand."""

    def __init__(self, lookout: TranslationLookout, errand: Errand) -> None:
        self._lookout, self._errand = lookout, errand

    def run(self, job: Job, pictures: Iterable[Picture] = ()) -> Iterator[Event]:
        assert isinstance(job, Ask)
        return self._lookout.run(self._errand, job, pictures)
