"""Stopping: within 0.3 s while reading or writing, within 1 s while looking, and the next answer is right."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.engine import native
from app.engine.families import Cancel, LoadCancelled, mtmd
from app.values import Event, Looking, ModelSpec, Piece, Reading
from tests import models
from tests.unit.engine.mtmd.conftest import FIRST, SECOND, Load, Said, Talk, assistant, user

SLOW_TEXT = replace(models.TINY, layers=8, width=512, heads=8, kv_heads=8, feed_forward=2048, context=4096)
LONG = "what is in the picture and who is that man " * 150


class Stopwatch:
    """Wishes to stop from another thread at the first event of a kind (after `skip` of them) and takes the time."""

    def __init__(self, kind: type[Event], skip: int = 0, delay: float = 0.0) -> None:
        self.cancel = Cancel()
        self._kind, self._skip, self._delay = kind, skip, delay
        self._thread: threading.Thread | None = None
        self._asked = 0.0

    def on_event(self, event: Event) -> None:
        if isinstance(event, self._kind) and self._thread is None:
            self._skip -= 1
            if self._skip < 0:
                self._thread = threading.Timer(self._delay, self._stop)
                self._thread.start()

    def _stop(self) -> None:
        self._asked = time.monotonic()
        self.cancel.set()

    def seconds(self) -> float:
        ended = time.monotonic()
        assert self._thread is not None, "the event never came"
        self._thread.join()
        return ended - self._asked


def stop_at(talk: Talk, watch: Stopwatch) -> Said:
    return talk.ask(user(LONG), cancel=watch.cancel, on_event=watch.on_event)


def test_reading_stops_in_the_middle_of_a_batch(load: Load) -> None:
    talk = load(SLOW_TEXT, context=4096)
    watch = Stopwatch(Reading, delay=0.02)  # inside the second batch
    said = stop_at(talk, watch)
    assert watch.seconds() < 0.3
    assert said.finished.reason == "cancelled"
    assert said.text == ""
    assert max(event.fraction for event in said.events if isinstance(event, Reading)) < 1.0
    assert (
        talk.ask(user("who is that", FIRST)).text == load(SLOW_TEXT, context=4096).ask(user("who is that", FIRST)).text
    )


def test_what_was_read_before_the_stop_is_kept(load: Load) -> None:
    talk = load(SLOW_TEXT, context=4096)
    stop_at(talk, Stopwatch(Reading))
    again = talk.ask(user(LONG), max_tokens=1)
    assert again.finished.stats.reused_tokens >= 128


def test_writing_stops(load: Load) -> None:
    talk = load(SLOW_TEXT)
    watch = Stopwatch(Piece, skip=3)
    said = talk.ask(
        user("what is it", FIRST), cancel=watch.cancel, on_event=watch.on_event, max_tokens=900, temperature=1.0
    )
    assert watch.seconds() < 0.3
    assert said.finished.reason == "cancelled"
    assert len(said.pieces) >= 3
    messages = (user("what is it", FIRST), assistant(said.text), user("why"))
    assert talk.ask(*messages).text == load(SLOW_TEXT).ask(*messages).text


def test_looking_stops_and_nothing_half_done_is_remembered(load: Load) -> None:
    talk = load(models.HEAVY_VISION, context=2048)
    watch = Stopwatch(Looking, skip=1)
    said = talk.ask(user("what is it", FIRST), cancel=watch.cancel, on_event=watch.on_event)
    assert watch.seconds() < 1.0
    assert said.finished.reason == "cancelled"
    assert said.finished.stats.pictures_encoded == 0
    after = talk.ask(user("what is it", FIRST))
    assert after.finished.stats.pictures_encoded == 1
    assert after.text == load(models.HEAVY_VISION, context=2048).ask(user("what is it", FIRST)).text


def test_a_failure_while_looking_is_no_picture(load: Load, tmp_path: Path) -> None:
    talk = load(models.TILES, cache_dir=str(tmp_path))
    looked: list[float] = []

    def fail(event: Event) -> None:
        if isinstance(event, Looking):
            looked.append(event.fraction)
            if len(looked) == 3:
                raise MemoryError

    with pytest.raises(MemoryError):
        talk.ask(user("what is it", FIRST), on_event=fail)
    assert 0.0 < looked[-1] < 1.0
    after = talk.ask(user("what is it", FIRST))
    assert after.finished.stats.pictures_encoded == 1
    assert after.text == load(models.TILES).ask(user("what is it", FIRST)).text


def test_a_wish_that_came_before_the_question(load: Load) -> None:
    talk = load()
    cancel = Cancel()
    cancel.set()
    assert talk.ask(user("what is it", FIRST), cancel=cancel).finished.reason == "cancelled"
    assert talk.ask(user("what is it", FIRST)).finished.reason != "cancelled"


def test_a_wish_that_comes_too_late_does_not_stop_the_next_answer(load: Load) -> None:
    talk = load()
    late = Cancel()
    expected = talk.ask(user("what is it", FIRST), cancel=late).text
    said = talk.ask(user("what is it", FIRST), on_event=lambda _: late.set())
    assert said.finished.reason != "cancelled"
    assert said.text == expected


@pytest.mark.parametrize("after", [0.0, 0.2])
def test_loading_stops(load: Load, after: float) -> None:
    spec: ModelSpec = load().spec
    cancel = Cancel()

    def progress(fraction: float) -> None:
        if fraction >= after:
            cancel.set()

    with pytest.raises(LoadCancelled):
        mtmd.load(spec, progress, cancel)
    assert load().ask(user("what is it", SECOND)).text


def test_the_flag_native_code_reads() -> None:
    flag = native.Abort()
    assert not flag.callback(flag.data)
    flag.set()
    assert flag.is_set()
    assert flag.callback(flag.data)
    flag.clear()
    assert not flag.callback(flag.data)
    flag.close()
