"""The starter must be taught the very questions the application asks, and answer in the form it reads."""

import numpy as np
import pytest

from app.modes import recognise
from app.modes.objects import counts
from app.modes.translate import prompts as translate
from app.values import ModelSpec, Picture
from training import prompts, questions, words
from training.kinds import KINDS, NAMES
from training.scenes import Scene, Thing, Word


def scene(*things: Thing) -> Scene:
    return Scene(np.zeros((100, 200, 3), np.uint8), np.full((100, 200), -1, np.int8), list(things))


DOG, OTHER_DOG = Thing("dog", (100, 10, 150, 60), None, 0), Thing("dog", (10, 20, 60, 90), None, 1)
APPLE = Thing("apple", (160, 40, 200, 100), "red", 2)


def test_it_knows_enough_kinds_and_words() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 200
    assert all(kind.icons for kind in KINDS)
    assert len(words.MEANINGS) >= 150
    assert len(words.LANGUAGES) >= 6
    assert len(words.TARGETS) >= 4


def test_the_canonical_questions_are_the_applications() -> None:
    spec, picture = ModelSpec(path="starter.gguf"), Picture(1, 1, b"\0\0\0")
    assert prompts.ASK["recognise"][0] == recognise.PROMPT
    assert prompts.ASK["read"][0] == translate.read(spec, picture).messages[-1].text
    assert prompts.ASK["translate_text"][0] == translate._TRANSLATE.replace("{text}", "{word}")


def test_recognition_is_read_back_by_the_application() -> None:
    reading = recognise.Reading()
    reading.add(recognise.Piece(text=prompts.recognition(scene(DOG, APPLE, OTHER_DOG)).text))

    assert [(name, number) for name, number, _ in counts(reading.found())] == [("dog", 2), ("apple", 1)]


def test_nothing_known_is_an_empty_list_and_a_plain_word() -> None:
    assert prompts.recognition(scene()).text == '{"objects":[]}'
    assert questions.what(scene(), np.random.default_rng(0)).answer == prompts.UNSURE


def test_every_stretch_of_a_recognition_knows_what_it_is_about() -> None:
    spoken = prompts.recognition(scene(DOG, APPLE, OTHER_DOG))

    about = {spoken.text[start:end]: marks for start, end, marks in spoken.looks}

    assert about == {
        'dog","count":2,"boxes":[': (OTHER_DOG.mark, DOG.mark),
        "[50,200,300,900]": (OTHER_DOG.mark,),
        ",[500,100,750,600]": (DOG.mark,),
        'apple","count":1,"boxes":[': (APPLE.mark,),
        "[800,400,990,990]": (APPLE.mark,),
    }


def test_a_word_is_read_letter_by_letter() -> None:
    signed = scene()
    signed.word = Word("EXIT", np.zeros((4, 2)), None)

    turn = questions.read(signed, np.random.default_rng(0))

    assert [(turn.answer[a:b], marks[0] - prompts.FIRST_LETTER) for a, b, marks in turn.looks] == [
        ("E", 0),
        ("X", 1),
        ("I", 2),
        ("T", 3),
    ]


def test_a_list_goes_from_left_to_right() -> None:
    assert prompts.enumeration(scene(APPLE, DOG, OTHER_DOG)) == "two dogs and an apple"
    signed = scene(APPLE)
    signed.word = Word("EXIT", np.zeros((4, 2)), None)
    assert prompts.enumeration(signed) == 'an apple and the word "EXIT"'


@pytest.mark.parametrize(
    ("name", "many"),
    [
        ("dog", "dogs"),
        ("cherries", "cherries"),
        ("mouse", "mice"),
        ("box", "boxes"),
        ("bus", "buses"),
        ("leaf", "leaves"),
    ],
)
def test_plurals(name: str, many: str) -> None:
    assert prompts.plural(name) == many


@pytest.mark.parametrize(
    ("name", "with_article"), [("apple", "an apple"), ("unicorn", "a unicorn"), ("scissors", "scissors")]
)
def test_articles(name: str, with_article: str) -> None:
    assert prompts.one(name) == with_article


def test_places_are_ninths() -> None:
    assert prompts.place(OTHER_DOG, 100, 200) == "On the left."
    assert prompts.place(Thing("dog", (90, 0, 110, 20), None, 0), 100, 200) == "At the top."
    assert prompts.place(Thing("dog", (180, 80, 200, 100), None, 0), 100, 200) == "At the bottom right."
