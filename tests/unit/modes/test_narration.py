"""What is said about a live picture, on a clock of its own."""

import pytest

from app.capture.gate import Reason
from app.modes.labels import Label
from app.modes.narration import HINTS, Narrator, Words
from app.modes.schedule import Wait


def label(name: str, count: int = 1, probability: float = 0.9, faded: bool = False) -> Label:
    return Label(1, name, probability, count, None, 0.0, faded)


class Told:
    """A narrator that is shown something thirty times a second, and what it said."""

    def __init__(self) -> None:
        self.narrator, self.at, self.said = Narrator(), 0.0, list[Words]()

    def run(self, seconds: float, verdict: Reason | Wait = Reason.SAME, *labels: Label) -> list[Words]:
        before, end = len(self.said), self.at + seconds
        while self.at < end:
            self.at += 1 / 30
            self.narrator.see(verdict, labels, self.at)
            words = self.narrator.next(self.at)
            if words is not None:
                self.said.append(words)
        return self.said[before:]


@pytest.mark.parametrize("hint", HINTS)
def test_a_hint_is_said_when_it_has_stood_and_not_over_and_over(hint: Reason) -> None:
    told = Told()
    assert told.run(1.4, hint) == []
    assert told.run(15, hint) == [Words(hint)]
    assert told.run(10, hint) == [Words(hint)]


def test_a_hint_that_comes_and_goes_is_neither_said_nor_shown() -> None:
    told = Told()
    for _ in range(20):
        told.run(0.3, Reason.MOVING)
        assert told.narrator.hint(told.at) is None
        told.run(0.1, Reason.SAME)
    assert told.said == []


def test_a_hint_is_shown_before_it_is_said() -> None:
    told = Told()
    assert told.run(0.8, Reason.DARK) == []
    assert told.narrator.hint(told.at) is Reason.DARK
    told.run(0.1, Reason.GOOD)
    assert told.narrator.hint(told.at) is None


def test_what_nobody_can_change_is_not_said() -> None:
    told = Told()
    for verdict in (Reason.SAME, Reason.GOOD, Wait.BUSY, Wait.RESTING):
        assert told.run(30, verdict) == []


def test_names_are_said_once_together_and_more_of_a_kind_anew() -> None:
    told = Told()
    cup, dog = label("cup"), label("dog")
    assert told.run(3, Reason.SAME, cup, dog) == [Words(names=(("cup", 1), ("dog", 1)))]
    assert told.run(3, Reason.SAME, cup, label("dog", 2)) == [Words(names=(("dog", 2),))]
    assert told.run(3, Reason.SAME, cup, dog) == []
    assert told.run(3, Reason.SAME, label("cup", 2), dog) == [Words(names=(("cup", 2),))]


def test_a_thing_that_was_away_long_is_said_again_one_that_flickers_is_not() -> None:
    told = Told()
    told.run(2, Reason.SAME, label("cup"))
    told.run(1, Reason.SAME)
    assert told.run(2, Reason.SAME, label("cup")) == []
    told.run(11, Reason.SAME)
    assert told.run(2, Reason.SAME, label("cup")) == [Words(names=(("cup", 1),))]


def test_names_that_are_unsure_gone_or_too_brief_are_not_said() -> None:
    told = Told()
    assert told.run(3, Reason.SAME, label("cup", probability=0.3), label("dog", faded=True)) == []
    assert told.run(0.3, Reason.SAME, label("cat")) == []
    assert told.run(3, Reason.SAME) == []
