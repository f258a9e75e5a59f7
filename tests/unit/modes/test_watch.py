"""Watching: what a wish asks, what an answer means, and when there is news."""

import numpy as np
import pytest

from app.capture.gate import View, view
from app.engine.sampling import grammar_of
from app.errors import UsageError
from app.modes.watch import Answered, Watch, YesNo, question, subject
from app.values import Failed, Finished, ModelSpec, Piece


@pytest.mark.parametrize(
    ("wish", "asks"),
    [
        ("a bus", "Is there a bus in the picture?"),
        ("tell me when a bus comes", "Is there a bus in the picture?"),
        ("Tell me when there is a red car.", "Is there a red car in the picture?"),
        ("notify me if my cat appears", "Is there my cat in the picture?"),
        ("watch for a parcel", "Is there a parcel in the picture?"),
        ("Let me know as soon as the postman arrives!", "Is there the postman in the picture?"),
        ("tell me when the door is open", "Is this true of the picture: the door is open? Answer yes or no."),
        ("the light turns green", "Is this true of the picture: the light turns green? Answer yes or no."),
    ],
)
def test_a_wish_becomes_a_question(wish: str, asks: str) -> None:
    assert question(wish) == asks


@pytest.mark.parametrize("wish", ["", "  ", "...", "x" * 500])
def test_an_empty_wish_is_refused(wish: str) -> None:
    with pytest.raises(UsageError, match=r"watch for|too long"):
        question(wish)


@pytest.mark.parametrize(
    ("pieces", "probability"),
    [
        ([("Yes", 0.9)], 0.9),
        ([("No", 0.9)], 0.1),
        ([("Yes", 0.8), (".", 0.1)], 0.8),
        ([('"', 0.5), ("yes", 0.8), ('"', 0.1)], 0.8),
        ([("Y", 0.5), ("es", 0.5)], 0.25),
        ([(" no", 0.75), (", there is not", 0.2)], 0.25),
        ([("Perhaps", 0.9)], None),
        ([], None),
    ],
)
def test_how_likely_yes_is(pieces: list[tuple[str, float]], probability: float | None) -> None:
    answer = YesNo()
    for text, sure in pieces:
        answer.add(Piece(text=text, probability=sure))
    assert answer.probability() == (None if probability is None else pytest.approx(probability))


def scene(at: float, value: int) -> View:
    frame = np.full((90, 160, 3), 120, np.uint8)
    frame[30:60, 40:80] = value
    return view(frame, at)


def watch(answers: str) -> list[Answered]:
    """Scenes that each stand for a second, answered Yes (y), No (n) or with an unsure Yes (?)."""
    watching, told = Watch("a bus"), []
    for number, letter in enumerate(answers):
        for i in range(10):
            at = number + i / 10
            if not watching.see(scene(at, 20 + 200 * (number % 2))).send:
                continue
            word, sure = {"y": ("Yes", 0.95), "n": ("No", 0.95), "?": ("Yes", 0.5)}[letter]
            assert watching.event(Piece(text=word, probability=sure), at) is None
            result = watching.event(Finished(reason="stop"), at)
            assert isinstance(result, Answered)
            told.append(result)
    return told


def test_only_a_change_to_yes_is_news() -> None:
    told = watch("nyy?yny")
    assert [t.yes for t in told] == [False, True, True, False, True, False, True]
    assert [t.time for t in told if t.news] == pytest.approx([1.1, 6.1], abs=0.4)


def test_what_fails_or_means_nothing_is_no_answer() -> None:
    watching = Watch("a bus")
    at = next(i / 10 for i in range(10) if watching.see(scene(i / 10, 20)).send)
    assert watching.event(Failed(kind="EngineError", what="It died.", todo="Wait."), at) is None
    assert watching.error is not None
    at = next(i / 10 for i in range(5, 50) if watching.see(scene(i / 10, 20)).send)
    watching.event(Piece(text="Perhaps"), at)
    assert watching.event(Finished(reason="stop"), at) is None
    assert watching.last is None
    assert watching.error is None


def test_the_job_is_one_word_under_a_grammar() -> None:
    job = Watch("a bus").ask(ModelSpec(path="echo"), "digest")
    assert job.schema is not None
    assert job.schema["enum"] == ["Yes", "No"]
    assert job.messages[0].pictures == ("digest",)
    assert job.sampling.max_tokens < 10
    assert grammar_of(job.schema) == 'root ::= "Yes" | "No"'


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("a bus", "a bus"),
        ("Tell me when a bus comes!", "a bus"),
        ("tell me when the door is open", "the door is open"),
        ("notify me if there's a dog", "a dog"),
    ],
)
def test_what_is_waited_for_in_few_words(wish: str, expected: str) -> None:
    assert subject(wish) == expected
