"""A closer look at what was named doubtfully, by a model that mixes things up when it sees several at once."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from app.capture.camera import Frame
from app.capture.gate import View, view
from app.modes.boxes import overlap
from app.modes.closer import around, named
from app.modes.live import Live
from app.modes.lookout import picture_of
from app.modes.objects import Found
from app.values import Box, Finished, Piece
from tests.video import Scene, Script, Thing

SIZE = (640, 360)
LEFT, RIGHT = Thing("triangle", 0, 99, (0.3, 0.5), 0.36), Thing("square", 0, 99, (0.72, 0.4), 0.3)
TABLE = Script((Scene(0, (LEFT, RIGHT), 3),), 6, SIZE, fps=10)
PLACES = TABLE.steady(0)

Said = list[tuple[str, float, list[Box]]]
"""For each kind its name, the name's probability, and where the things are."""


def mixed_up(part: Box | None) -> Said:
    """Two triangles; by itself, each is what it is."""
    if part is None:
        return [("triangle", 0.99, [PLACES["triangle"], PLACES["square"]])]
    name = max(PLACES, key=lambda one: overlap(PLACES[one], part))
    return [(name, 0.9, [(0.1, 0.1, 0.9, 0.9)])]


def play(
    live: Live, views: list[View], model: Callable[[Box | None], Said], answer_s: float = 0.05
) -> list[Box | None]:
    """What was asked about: parts of a frame, or None for a whole one."""
    asked: list[Box | None] = []
    due = float("inf")
    for seen in views:
        if seen.time >= due:
            for piece in written(model(asked[-1])):
                live.event(piece, due)
            live.event(Finished(reason="stop"), due)
            due = float("inf")
        turn = live.see(seen)
        if turn.send:
            asked.append(turn.part)
            due = seen.time + answer_s
    return asked


def written(said: Said) -> list[Piece]:
    pieces = [Piece(text='{"objects":[')]
    for i, (name, sure, boxes) in enumerate(said):
        places = [[round(v * 1000) for v in box] for box in boxes]
        pieces.append(Piece(text=("," if i else "") + '{"name":'))
        pieces.append(Piece(text=json.dumps(name), probability=sure))
        pieces.append(Piece(text=f',"count":{len(boxes)},"boxes":{json.dumps(places)}}}'))
    return [*pieces, Piece(text="]}")]


def names(live: Live) -> dict[str, Box | None]:
    return {label.name: label.box for label in live.labels() if not label.faded}


@pytest.fixture(scope="module")
def views() -> list[View]:
    return [view(TABLE.frame(at), at) for at in TABLE.times()]


def test_each_of_several_things_with_one_name_is_looked_at_by_itself_once(views: list[View]) -> None:
    live = Live(closer=True)
    whole, *parts = play(live, views, mixed_up)
    assert whole is None
    assert [overlap(part, place) > 0.5 for part, place in zip(parts, PLACES.values(), strict=True)] == [True, True]
    shown = names(live)
    assert set(shown) == {"triangle", "square"}
    assert overlap(shown["square"], PLACES["square"]) > 0.8
    assert len({label.id for label in live.labels()}) == 2


def test_what_a_closer_look_said_outweighs_the_next_answer_about_all(views: list[View]) -> None:
    live = Live(closer=True)
    play(live, views[:30], mixed_up)
    live.schedule.gate.answered(None)
    asked = play(live, views[30:], mixed_up)
    assert asked == [None]
    assert set(names(live)) == {"triangle", "square"}


@pytest.mark.parametrize("sure", [0.4, 0.9])
def test_a_faint_name_is_withdrawn_where_nothing_is_and_a_sure_one_is_not_doubted(
    views: list[View], sure: float
) -> None:
    def imagines(part: Box | None) -> Said:
        return [("circle", sure, [(0.4, 0.7, 0.5, 0.9)])] if part is None else []

    live = Live(closer=True)
    assert len(play(live, views, imagines)) == (2 if sure < 0.5 else 1)
    assert set(names(live)) == (set() if sure < 0.5 else {"circle"})


def test_a_slow_model_is_not_asked_again(views: list[View]) -> None:
    assert play(Live(closer=True), views, mixed_up, answer_s=2.0) == [None]


def test_what_is_new_comes_before_a_closer_look(views: list[View]) -> None:
    other = Script((Scene(0, (RIGHT,), 3),), 6, SIZE)
    changed = [view(other.frame(at), at) for at in np.arange(0.2, 1.0, 0.1)]
    assert play(Live(closer=True), [*views[:2], *changed], mixed_up)[:2] == [None, None]


def test_the_part_that_is_sent_shows_the_thing_and_a_little_around_it() -> None:
    part = around((0.5, 0.5, 0.6, 0.7), (1000, 500))
    assert part == pytest.approx((0.49, 0.48, 0.61, 0.72))
    assert around((0.9, 0.8, 1.0, 1.0), (1000, 500))[2:] == (1.0, 1.0)
    rgb = np.arange(500 * 1000 * 3, dtype=np.uint32).astype(np.uint8).reshape(500, 1000, 3)
    picture = picture_of(Frame(rgb, 1, 0.0), part)
    assert (picture.width, picture.height) == (120, 120)
    assert picture.pixels == rgb[240:360, 490:610].tobytes()


def test_a_name_for_the_neighbour_is_not_the_thing_s() -> None:
    thing, neighbour = Found("cup", 0.6, 1, (0.1, 0.1, 0.9, 0.9)), Found("dog", 0.9, 1, (0.9, 0.0, 1.0, 0.5))
    box, part = (0.5, 0.5, 0.6, 0.7), (0.49, 0.48, 0.61, 0.72)
    assert named((neighbour, thing), box, part) == thing
    assert named((neighbour,), box, part) is None
