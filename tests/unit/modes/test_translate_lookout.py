"""Frames from one thread, jobs to an engine: what is asked of it, what is not asked twice, and how it ends."""

import queue
import threading
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from app.capture.camera import Frame
from app.errors import SpyglassError, UsageError
from app.modes.schedule import Wait
from app.modes.translate.live import LiveTranslation
from app.modes.translate.lookout import TranslationLookout
from app.modes.translate.pipeline import Wish
from app.values import Ask, Event, Finished, Job, ModelSpec, Picture, Piece
from tests import signs

WISH = Wish(ModelSpec(path="reader.gguf"), "fr", "en")
PATIENCE_S = 20.0


class Engine:
    """Answers at once, or keeps what it was asked until it is cancelled."""

    def __init__(self, hold: bool = False) -> None:
        self.hold = hold
        self.asked: list[Ask] = []
        self.came = threading.Event()
        self.cancelled: list[int] = []
        self._held: dict[int, Callable[[Event], None]] = {}

    def submit(self, job: Job, pictures: Iterable[Picture], on_event: Callable[[Event], None]) -> int:
        assert isinstance(job, Ask)
        self.asked.append(job)
        if self.hold:
            self._held[len(self.asked)] = on_event
        else:
            on_event(Piece(text="Exit" if list(pictures) else "Sortie", probability=0.9))
            on_event(Finished(reason="stop"))
        self.came.set()
        return len(self.asked)

    def cancel(self, job_id: int) -> None:
        self.cancelled.append(job_id)
        if job_id in self._held:
            self._held.pop(job_id)(Finished(reason="cancelled"))


class Seen(LiveTranslation):
    """Says when a reading has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def event(self, event: Event, now: float) -> bool:
        changed = super().event(event, now)
        self.ends.put(event)
        return changed


def street(row: str = "Exit", x: int = 60) -> np.ndarray:
    wall = np.full((200, 360, 3), 120, np.uint8)
    if row:
        plate = signs.sign([row], 40).pixels
        wall[40 : 40 + plate.shape[0], x : x + plate.shape[1]] = plate
    return wall


def show(lookout: TranslationLookout, rgb: np.ndarray, start: int, frames: int = 10) -> None:
    for i in range(start, start + frames):
        lookout.frame(Frame(rgb, i, i / 30))


def lookout(engine: Engine, wish: Callable[[], Wish] = lambda: WISH) -> tuple[TranslationLookout, Seen]:
    seen = Seen()
    return TranslationLookout(seen, engine, wish, lambda: 0.5), seen


def test_a_sign_is_read_translated_and_drawn() -> None:
    engine = Engine()
    live, seen = lookout(engine)
    show(live, street(), 0)
    assert seen.ends.get(timeout=PATIENCE_S) == Finished(reason="stop")
    assert [bool(job.messages[-1].pictures) for job in engine.asked] == [True, False]
    show(live, street(), 10)
    assert [one.passage.translation for one in live.read(LiveTranslation.shown)] == ["Sortie"]
    assert len(engine.asked) == 2


def test_what_was_translated_once_is_not_asked_again() -> None:
    engine = Engine()
    live, seen = lookout(engine)
    show(live, street(), 0)
    seen.ends.get(timeout=PATIENCE_S)
    show(live, np.full((200, 360, 3), (20, 160, 40), np.uint8), 10)
    seen.ends.get(timeout=PATIENCE_S)
    show(live, street("Exit", 180), 30)
    seen.ends.get(timeout=PATIENCE_S)
    assert [bool(job.messages[-1].pictures) for job in engine.asked] == [True, False, True]
    assert [one.passage.translation for one in live.read(LiveTranslation.shown)] == ["Sortie"]


def test_a_frame_without_text_costs_no_look() -> None:
    engine = Engine()
    live, seen = lookout(engine)
    show(live, street(""), 0)
    seen.ends.get(timeout=PATIENCE_S)
    assert engine.asked == []
    state = live.read(LiveTranslation.state)
    assert state is not None
    assert state.outcome == "no text"


def test_stopping_cancels_what_the_engine_does() -> None:
    engine = Engine(hold=True)
    live, seen = lookout(engine)
    show(live, street(), 0)
    assert engine.came.wait(PATIENCE_S)
    live.stop()
    assert engine.cancelled == [1]
    assert live.frame(Frame(street(), 99, 9.0)) is Wait.PAUSED
    assert seen.ends.empty()


def test_pausing_gives_it_up_and_going_on_begins_anew() -> None:
    engine = Engine(hold=True)
    live, seen = lookout(engine)
    show(live, street(), 0)
    assert engine.came.wait(PATIENCE_S)
    live.pause()
    assert seen.ends.get(timeout=PATIENCE_S) == Finished(reason="cancelled")
    engine.hold = False
    live.resume()
    show(live, street(), 10)
    assert seen.ends.get(timeout=PATIENCE_S) == Finished(reason="stop")


@pytest.mark.parametrize("error", [UsageError("Line 1 is no term.", "Mend it."), ValueError("odd")])
def test_what_goes_wrong_is_kept_for_the_person(error: Exception) -> None:
    def wish() -> Wish:
        raise error

    live, seen = lookout(Engine(), wish)
    show(live, street(), 0)
    seen.ends.get(timeout=PATIENCE_S)
    kept = live.read(lambda looker: looker.error)
    assert kept is not None
    assert kept.what == (error.what if isinstance(error, SpyglassError) else "Something in Spyglass went wrong.")
