"""The live picture against a scripted video and an engine that takes its time, on a clock of its own."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from app.capture.gate import Gate, Reason, View, view
from app.modes.conditions import Conditions
from app.modes.labels import Label, Labels
from app.modes.live import Live
from app.modes.objects import Found
from app.modes.schedule import Schedule, Wait
from app.values import Box, Event, Failed, Finished, Loading, Looking, Piece
from app.values import Reading as ReadingPrompt
from tests.video import Scene, Script, Thing, desk

SIZE = (640, 360)


@dataclass
class Engine:
    """Answers with the truth of the frame it was sent: `look_s` until the first piece, then a piece every `piece_s`."""

    script: Script
    look_s: float = 0.25
    piece_s: float = 0.01
    boxes: bool = True
    points: Callable[[Box], Box] = lambda box: box
    """Where it points when something is in `box`."""
    dies: float = float("inf")
    """From then on it takes questions and says nothing."""
    sent: list[float] = field(default_factory=list)
    cancelled: list[float] = field(default_factory=list)
    _due: list[tuple[float, Event]] = field(default_factory=list)

    def send(self, at: float) -> None:
        assert not self._due, "two jobs at once"
        self.sent.append(at)
        if at >= self.dies:
            return
        text = self._answer(at)
        pieces = [text[i : i + 4] for i in range(0, len(text), 4)]
        self._due = [(at + self.look_s / 2, ReadingPrompt(fraction=1.0))]
        for i, piece in enumerate(pieces):
            self._due.append((at + self.look_s + i * self.piece_s, Piece(text=piece, probability=0.99)))
        self._due.append((at + self.look_s + len(pieces) * self.piece_s, Finished(reason="stop")))

    def cancel(self, at: float) -> None:
        self.cancelled.append(at)
        self._due = [(at, Finished(reason="cancelled"))]

    def events(self, until: float) -> Iterator[tuple[float, Event]]:
        while self._due and self._due[0][0] <= until:
            yield self._due.pop(0)

    def _answer(self, at: float) -> str:
        kinds = []
        for name, box in self.script.steady(at).items():
            kind: dict[str, object] = {"name": name, "count": 1}
            if self.boxes:
                kind["boxes"] = [[round(v * 1000) for v in self.points(box)]]
            kinds.append(kind)
        return json.dumps({"objects": kinds}, separators=(",", ":"))


@dataclass
class Played:
    """What was shown over each frame."""

    times: list[float]
    labels: list[tuple[Label, ...]]
    live: Live
    engine: Engine

    def shown(self, at: float) -> set[str]:
        """The names that are shown as true, on the picture or in the list."""
        index = min(range(len(self.times)), key=lambda i: abs(self.times[i] - at))
        return {label.name for label in self.labels[index] if not label.faded}

    def first(self, name: str, after: float) -> float:
        return next(t for t in self.times if t >= after and name in self.shown(t))

    def last(self, name: str, before: float) -> float:
        return max(t for t in self.times if t < before and name in self.shown(t))


def play(script: Script, views: list[View] | None = None, **options: object) -> Played:
    live = Live()
    engine = Engine(script, **options)
    played = Played([], [], live, engine)
    for seen in views or looked_at(script):
        for at, event in engine.events(seen.time):
            live.event(event, at)
        turn = live.see(seen)
        if turn.cancel:
            engine.cancel(seen.time)
        if turn.send:
            engine.send(seen.time)
        played.times.append(seen.time)
        played.labels.append(live.labels())
    return played


def looked_at(script: Script) -> list[View]:
    return [view(script.frame(at), at) for at in script.times()]


@pytest.fixture(scope="module")
def table() -> tuple[Script, list[View]]:
    script = desk(SIZE)
    script.fps = 15.0
    return script, looked_at(script)


@pytest.fixture(scope="module")
def played(table: tuple[Script, list[View]]) -> Played:
    return play(*table)


@pytest.mark.parametrize("boxes", [True, False])
def test_names_come_and_go_with_the_things(table: tuple[Script, list[View]], played: Played, boxes: bool) -> None:
    script, views = table
    played = played if boxes else play(script, views, boxes=False)
    for scene in script.scenes:
        end = next((cut for cut in script.cuts() if cut > scene.begins), script.seconds)
        for thing in scene.things:
            steady = max(thing.rests, scene.begins)
            assert played.first(thing.name, steady - 0.5) - steady <= 1.5, thing
            if thing.goes < end:
                assert played.last(thing.name, end) - thing.goes <= 1.5, thing


def test_no_name_survives_a_cut(table: tuple[Script, list[View]]) -> None:
    script, views = table
    played = play(script, [v for v in views if v.time > 19], look_s=0.9)
    for at, labels in zip(played.times, played.labels, strict=True):
        begins = script.scene(at).begins
        assert all(label.seen >= begins for label in labels), at


POINTS: dict[str, Callable[[Box], Box]] = {
    "right": lambda box: box,
    "half beside": lambda b: (b[0] + (b[2] - b[0]) / 2, b[1], b[2] + (b[2] - b[0]) / 2, b[3]),
    "at the empty table": lambda b: ((b[0] + 0.35) % 0.8, 0.03, (b[0] + 0.35) % 0.8 + 0.2, 0.2),
    "around much else": lambda b: (max(b[0] - 0.15, 0), max(b[1] - 0.1, 0), b[2] + 0.05, b[3] + 0.05),
    "all of it": lambda _: (0.0, 0.0, 1.0, 1.0),
}


@pytest.mark.parametrize("points", POINTS)
@pytest.mark.parametrize("look_s", [0.25, 1.2])
def test_a_name_goes_with_its_thing_wherever_the_model_points(
    table: tuple[Script, list[View]], points: str, look_s: float
) -> None:
    """And without another answer: from the moment the thing leaves the engine says nothing more."""
    script, views = table
    for begins, thing in ((1.0, "star"), (21.0, "triangle")):
        goes = next(t.goes for scene in script.scenes for t in scene.things if t.name == thing)
        until = next((cut for cut in script.cuts() if cut > begins), script.seconds)
        seen = [v for v in views if begins <= v.time < min(until, goes + 4)]
        played = play(script, seen, look_s=look_s, points=POINTS[points], dies=goes)
        assert thing in played.shown(goes - 0.2)
        assert played.last(thing, until) - goes <= 1.5


def test_every_label_on_the_picture_is_about_something_that_is_there(played: Played) -> None:
    script = played.engine.script
    late = 0.0
    for at, labels in zip(played.times, played.labels, strict=True):
        for label in labels:
            if label.box is not None and label.name not in script.visible(at):
                late += 1 / script.fps
    assert late < 0.5  # seconds of a wrong label in half a minute, all labels together


def test_a_still_scene_is_asked_about_once(played: Played) -> None:
    script = played.engine.script
    assert len([t for t in played.engine.sent if 8.5 < t < 15.5]) == 0
    naive = script.seconds / 0.5
    assert len(played.engine.sent) <= naive / 5


def test_boxes_lie_on_the_things_while_the_camera_wanders(played: Played) -> None:
    script = played.engine.script
    for at, labels in zip(played.times, played.labels, strict=True):
        truth = script.steady(at)
        for label in labels:
            if label.box is not None and label.name in truth:
                assert np.abs(np.subtract(label.box, truth[label.name])).max() < 0.03, (at, label)


def test_a_label_follows_what_moves() -> None:
    """A slow pan: between two answers the box goes along."""
    size = (640, 360)
    wide = Script((Scene(0, (Thing("star", 0, 99, (0.6, 0.5), 0.4),), 3),), 1, (900, 360), shake=0).frame(0)
    steps = [*[0] * 20, *range(3, 51, 3)]
    frames = [view(np.ascontiguousarray(wide[:, x : x + size[0]]), i / 30) for i, x in enumerate(steps)]
    truth = Script((Scene(0, (Thing("star", 0, 99, (540 / 640, 0.5), 0.4),), 3),), 9, size)
    played = play(truth, frames)
    at_the_end = [label for label in played.labels[-1] if label.box is not None]
    assert [label.name for label in at_the_end] == ["star"]
    middle = (at_the_end[0].box[0] + at_the_end[0].box[2]) / 2 * size[0]
    assert middle == pytest.approx(540 - steps[-1], abs=16)
    assert len({label.id for labels in played.labels for label in labels}) == 1


def test_the_first_label_comes_before_the_answer_ends(table: tuple[Script, list[View]]) -> None:
    script, views = table
    played = play(script, [v for v in views if v.time < 6], piece_s=0.06)
    sent = next(t for t in played.engine.sent if t > 2)
    assert played.first("star", sent) - sent < 0.25 + 0.06 * 12
    assert played.live.figures(6.0).to_label_s is not None


def test_a_job_whose_scene_is_gone_is_cancelled_once_that_is_cheap(table: tuple[Script, list[View]]) -> None:
    script, views = table
    slow = [v for v in views if v.time > 20.0]
    played = play(script, slow, look_s=2.4)
    assert played.engine.cancelled
    cut = played.engine.cancelled[0]
    assert 21.0 <= cut < 21.0 + 1.3  # half of the look has to pass before
    assert any(cut <= t < cut + 0.3 for t in played.engine.sent)


def test_answers_too_late_for_their_scene_are_not_shown_as_true(table: tuple[Script, list[View]]) -> None:
    """Without boxes, and slower than the scene: the name comes when the thing has gone."""
    script, views = table
    played = play(script, [v for v in views if v.time < 15], look_s=4.0, boxes=False)
    star = [(at, label) for at, labels in zip(played.times, played.labels, strict=True) for label in labels]
    late = [label for at, label in star if label.name == "star" and at > 8.2]
    assert late
    assert all(label.faded for label in late)


# --- the schedule alone ----------------------------------------------------------------------------------------------


def still(at: float, value: int = 120) -> View:
    frame = np.full((90, 160, 3), value, np.uint8)
    frame[30:60, 40:80] = 255 - value
    return view(frame, at)


def run(schedule: Schedule, begin: float, seconds: float, value: int = 120) -> list[object]:
    return [schedule.look(still(begin + i / 30, value)).verdict for i in range(round(seconds * 30))]


def test_a_failure_is_tried_again_with_growing_pauses() -> None:
    schedule = Schedule()
    sent = []
    for i in range(30 * 20):
        turn = schedule.look(still(i / 30))
        if turn.send:
            sent.append(i / 30)
            schedule.ended(i / 30, failed=True)
    gaps = np.diff(sent)
    assert gaps[:3] == pytest.approx([1, 2, 4], abs=0.2)
    assert schedule.frames[Wait.FAILED] > 0


def test_nothing_is_sent_while_paused() -> None:
    schedule = Schedule()
    schedule.paused = True
    assert set(run(schedule, 0, 1)) == {Wait.PAUSED}
    schedule.paused = False
    assert Reason.GOOD in run(schedule, 1, 1)


class Eager(Gate):
    """Finds every frame worth an answer."""

    def check(self, _: View) -> Reason:
        return Reason.GOOD


@pytest.mark.parametrize(
    ("conditions", "most"),
    [
        (Conditions(), 0.85),
        (Conditions(on_battery=True), 0.40),
        (Conditions(on_battery=True, battery=0.1), 0.20),
        (Conditions(spare_c=-3.0), 0.20),
    ],
)
@pytest.mark.parametrize("answer_s", [0.5, 30.0])
def test_a_restless_scene_does_not_heat_the_machine(conditions: Conditions, most: float, answer_s: float) -> None:
    schedule = Schedule(Eager(), conditions)
    at, worked, end, seconds = 0.0, 0.0, None, 200.0 if answer_s < 1 else 1500.0
    while at < seconds:
        at += answer_s / 5
        if end is not None and at >= end:
            schedule.ended(at)
            end = None
        if schedule.look(still(at)).send:
            end = at + answer_s
            worked += answer_s
    assert 0.8 * conditions.duty() < worked / seconds < most


def test_a_scene_that_always_changes_is_answered_in_the_end() -> None:
    """Cancelling may not go on for ever."""
    live = Live()
    end, finished = None, 0
    for i in range(30 * 60):
        at = i / 30
        turn = live.see(still(at, 60 + 40 * (int(at / 1.5) % 3)))
        live.schedule.writing()
        if turn.cancel:
            live.event(Finished(reason="cancelled"), at)
            end = None
        if turn.send:
            end = at + 4.0
        if end is not None and at >= end:
            live.event(Finished(reason="stop"), at)
            end, finished = None, finished + 1
    assert finished >= 4


def test_a_failed_job_leaves_its_error_and_no_label() -> None:
    live = Live()
    for i in range(10):
        live.see(still(i / 30))
    live.event(Piece(text='{"objects":[{"name":"cup"'), 0.4)
    assert [label.name for label in live.labels()] == ["cup"]
    live.event(Failed(kind="EngineError", what="It died.", todo="Try again."), 0.5)
    assert live.labels() == ()
    assert live.error is not None
    assert live.error.what == "It died."


def test_a_scene_of_which_nothing_is_known_is_told_until_another_one_comes() -> None:
    live = Live()
    for i in range(10):
        live.see(still(i / 30))
    assert not live.nothing
    live.event(Piece(text='{"objects":[]}'), 0.4)
    live.event(Finished(reason="stop"), 0.4)
    live.see(still(0.5))
    assert live.nothing
    live.see(still(0.6, 20))
    assert not live.nothing


def test_an_hour_of_frames_keeps_nothing() -> None:
    """What is remembered stays small, however long it runs."""
    live = Live()
    for i in range(3_000):
        at = i * 1.2
        turn = live.see(still(at, 60 + 40 * (i // 10 % 3)))
        if turn.send:
            live.event(Piece(text='{"objects":[{"name":"cup","count":1}]}'), at)
            live.event(Finished(reason="stop"), at)
    figures = live.figures(at)
    assert figures.frames == 3_000
    assert sum(figures.fates.values()) == pytest.approx(1)
    assert len(live.labels()) <= 1


MIDDLE: Box = (0.3, 0.2, 0.7, 0.8)


def named(labels: Labels, views: list[View], *answers: tuple[str, float], box: Box | None = MIDDLE) -> str:
    """What is named after each answer; each is about the next view, and all point alike."""
    after = []
    for seen, (name, sure) in zip(views, answers, strict=True):
        labels.step(seen)
        labels.asked(seen)
        labels.found([Found(name, sure, 1, box)])
        labels.done()
        (label,) = labels.current()
        after.append(label.name)
    return " ".join(after)


def things(*names: str) -> list[View]:
    """One picture a name, each with that thing in its middle and the camera a little further."""
    scenes = [Scene(0, (Thing(name, 0, 99, (0.5, 0.5), 0.6),), 3) for name in names]
    return [view(Script((scene,), 9, SIZE).frame(i), float(i)) for i, scene in enumerate(scenes)]


def test_one_wrong_answer_does_not_take_a_name_away() -> None:
    said = [("dog", 0.8), ("dog", 0.7), ("horse", 0.9), ("dog", 0.8)]
    labels = Labels(Gate())
    assert named(labels, things(*["star"] * 4), *said) == "dog dog dog dog"
    assert [label.id for label in labels.current()] == [1]


def test_a_first_answer_that_was_wrong_is_mended() -> None:
    said = [("horse", 0.6), ("dog", 0.8), ("dog", 0.8)]
    assert named(Labels(Gate()), things(*["star"] * 3), *said) == "horse dog dog"


def test_another_thing_in_the_same_place_has_its_own_name_at_once() -> None:
    said = [("star", 0.9), ("star", 0.9), ("square", 0.6)]
    assert named(Labels(Gate()), things("star", "star", "square"), *said) == "star star square"


def test_a_name_over_which_answers_differ_is_unsure() -> None:
    labels = Labels(Gate())
    assert named(labels, things(*["star"] * 3), ("dog", 0.7), ("cat", 0.7), ("dog", 0.7)) == "dog cat dog"
    assert not labels.current()[0].sure


def test_a_name_without_a_place_is_as_sure_as_the_answer_about_this_scene() -> None:
    labels = Labels(Gate())
    named(labels, things("star", "square"), ("dog", 0.9), ("dog", 0.2), box=None)
    assert labels.current()[0].probability == pytest.approx(0.2)


def test_two_things_in_one_place_keep_their_names_whichever_is_written_first() -> None:
    """A shirt fills most of the person in it."""
    labels = Labels(Gate())
    person, shirt = Found("person", 0.9, 1, MIDDLE), Found("shirt", 0.8, 1, (0.32, 0.25, 0.68, 0.8))
    for seen, said in zip(things("star", "star"), ([person], [shirt, person]), strict=True):
        labels.step(seen)
        labels.asked(seen)
        for i in range(len(said)):
            labels.found(said[: i + 1])
        labels.done()
    assert {label.name for label in labels.current()} == {"person", "shirt"}
    assert len({label.id for label in labels.current()}) == 2


def test_what_takes_long_is_told_until_the_first_word(table: tuple[Script, list[View]]) -> None:
    """A large model is loaded for a minute, and "looking around" would say nothing of that."""
    live = Live()
    sent = next(seen for seen in table[1] if live.see(seen).send)
    live.event(Loading(0.4), sent.time)
    assert live.schedule.progress(sent.time + 1) is None, "what is over soon would only flicker"
    assert live.schedule.progress(sent.time + 2) == Loading(0.4)
    live.event(Looking(0, 1, 0.5), sent.time)
    assert live.schedule.progress(sent.time + 2) == Looking(0, 1, 0.5)
    live.event(Piece(text="{"), sent.time)
    assert live.schedule.progress(sent.time + 2) is None
    live.event(Finished(reason="stop"), sent.time)
    assert live.schedule.progress(sent.time + 9) is None
