"""Frames from one thread, events from another: the real engine process in between, and one that is made up."""

import threading
import time
from collections.abc import Callable, Iterable

import numpy as np

from app.capture.camera import Frame
from app.capture.gate import Reason
from app.engine.client import EngineClient
from app.errors import EngineError
from app.modes.conditions import Conditions
from app.modes.live import Live
from app.modes.lookout import Lookout
from app.modes.schedule import Wait
from app.values import Ask, Event, Failed, Finished, Job, ModelSpec, Picture, Piece
from app.values import Reading as ReadingPrompt

MODEL = ModelSpec(path="echo")


def frame(number: int, value: int = 120, at: float | None = None) -> Frame:
    rgb = np.full((90, 160, 3), 120, np.uint8)
    rgb[30:60, 40:80] = 255 - value
    return Frame(rgb, number, number / 30 if at is None else at)


class Recorder:
    """An engine that keeps what it was given."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Job, Callable[[Event], None]]] = []
        self.cancelled: list[int] = []
        self.error: EngineError | None = None
        self.pictures: list[Picture] = []

    def submit(self, job: Job, pictures: Iterable[Picture], on_event: Callable[[Event], None]) -> int:
        if self.error is not None:
            raise self.error
        self.pictures = list(pictures)
        assert [p.width for p in self.pictures] == [160]
        self.jobs.append((job, on_event))
        return len(self.jobs)

    def cancel(self, job_id: int) -> None:
        self.cancelled.append(job_id)


def watching(engine: Recorder | EngineClient) -> tuple[Lookout[Live], list[tuple[Event, int]]]:
    told: list[tuple[Event, int]] = []
    lookout = Lookout(Live(), engine, MODEL, lambda event, seen, _: told.append((event, seen.number)), lambda: 0.4)
    return lookout, told


def test_one_job_at_a_time_about_the_newest_good_frame() -> None:
    engine = Recorder()
    lookout, told = watching(engine)
    verdicts = [lookout.frame(frame(i)) for i in range(20)]
    assert verdicts.count(Reason.GOOD) == len(engine.jobs) == 1
    job, tell = engine.jobs[0]
    tell(Piece(text='{"objects":[{"name":"cup","count":1}]}'))
    tell(Finished(reason="stop"))
    assert [label.name for label in lookout.read(Live.labels)] == ["cup"]
    assert [number for _, number in told] == [verdicts.index(Reason.GOOD)] * 2
    assert job.lane == "live"


def test_pausing_cancels_and_sends_nothing() -> None:
    engine = Recorder()
    lookout, told = watching(engine)
    for i in range(10):
        lookout.frame(frame(i))
    lookout.pause()
    assert engine.cancelled == [1]
    engine.jobs[0][1](Finished(reason="cancelled"))
    assert lookout.frame(frame(11)) is Wait.PAUSED
    lookout.resume()
    assert Reason.GOOD in [lookout.frame(frame(i)) for i in range(12, 30)]
    assert len(told) == 1


def test_a_scene_that_is_cut_cancels_the_job_under_way() -> None:
    engine = Recorder()
    lookout, _ = watching(engine)
    for i in range(10):
        lookout.frame(frame(i))
    engine.jobs[0][1](ReadingPrompt(fraction=0.5))
    other = Frame(np.random.default_rng(0).integers(0, 255, (90, 160, 3)).astype(np.uint8), 11, 11 / 30)
    lookout.frame(other)
    assert engine.cancelled == [1]


def test_what_comes_after_the_end_is_not_told() -> None:
    engine = Recorder()
    lookout, told = watching(engine)
    for i in range(10):
        lookout.frame(frame(i))
    lookout.stop()
    engine.jobs[0][1](Finished(reason="cancelled"))
    assert told == []
    assert lookout.frame(frame(11)) is Wait.PAUSED


def test_an_engine_that_refuses_is_tried_again() -> None:
    engine = Recorder()
    engine.error = EngineError("It is closed.", "Start it.")
    lookout, told = watching(engine)
    for i in range(10):
        lookout.frame(frame(i))
    assert [type(event) for event, _ in told] == [Failed]
    engine.error = None
    assert Reason.GOOD in [lookout.frame(frame(i)) for i in range(10, 60)]


def test_with_the_real_engine_process(client: EngineClient) -> None:
    done = threading.Event()
    lookout = Lookout(Live(), client, MODEL, lambda event, *_: done.set() if isinstance(event, Finished) else None)
    begin = time.monotonic()
    for i in range(10):
        lookout.frame(frame(i, at=begin + i / 30))
    assert done.wait(20)
    lookout.frame(frame(11, at=begin + 0.4))
    assert [label.name for label in lookout.read(Live.labels)]
    assert lookout.read(lambda live: live.figures(time.monotonic()).answers) == 1
    lookout.stop()


def test_what_the_machine_can_bear_reaches_the_schedule_until_the_end() -> None:
    sensed = threading.Event()

    def sense() -> Conditions:
        sensed.set()
        return Conditions(throttled=True)

    lookout = Lookout(Live(), Recorder(), MODEL, sense=sense)
    assert sensed.wait(5)
    lookout.stop()  # the test fails if its thread goes on
    assert lookout.read(lambda live: live.schedule.conditions.throttled)


def test_a_frame_is_nothing_that_is_kept() -> None:
    engine = Recorder()
    lookout, _ = watching(engine)
    for i in range(10):
        lookout.frame(frame(i))
    (picture,) = engine.pictures
    assert picture.passing
    assert isinstance(engine.jobs[0][0], Ask)
    assert engine.jobs[0][0].messages[0].pictures == (picture.digest,)
