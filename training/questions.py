"""Questions about a scene with their right answers, and conversations made of them."""

from dataclasses import dataclass

import numpy as np

from . import prompts, words
from .kinds import NAMES
from .prompts import ABSENT, ASK, FIRST_LETTER, UNSURE
from .scenes import Scene

Rng = np.random.Generator
MISREAD = 0.35
"""The share of words to translate that were read wrong."""


@dataclass(frozen=True)
class Turn:
    """``spelled``: the answer is to be written letter by letter, so that any word can be read. ``looks``: what each
    stretch of the answer is about, see ``prompts.Spoken``. ``sought``: the kind that the question names, and how."""

    task: str
    question: str
    answer: str
    spelled: bool = False
    looks: tuple[tuple[int, int, tuple[int, ...]], ...] = ()
    sought: tuple[str, str] | None = None


def _turn(task: str, question: str, answer: prompts.Spoken) -> Turn:
    return Turn(task, question, answer.text, looks=answer.looks)


def _sought(task: str, question: str, name: str, answer: str, shown: tuple[int, ...]) -> Turn:
    """A question with a kind's name in it; the whole answer is about what of that kind is ``shown``."""
    called = prompts.plural(name) if prompts.plural(name) in question else name
    return Turn(task, question, answer, looks=_about(answer, shown or (ABSENT,)).looks, sought=(name, called))


def _about(answer: str, marks: tuple[int, ...]) -> prompts.Spoken:
    """All of the answer is about the same."""
    return prompts.spoken([(answer, marks)])


def _unsure(scene: Scene) -> prompts.Spoken:
    """About the things that have no name, if there are any."""
    return _about(UNSURE, tuple(range(min(scene.unknown, FIRST_LETTER))))


def ask(task: str, rng: Rng, **words_in: str) -> str:
    """One phrasing of the task, the canonical one most often."""
    options = ASK[task]
    text = options[0] if rng.random() < 0.4 else str(rng.choice(options))
    for key, value in words_in.items():
        text = text.replace("{" + key + "}", value)
    return text


def what(scene: Scene, rng: Rng) -> Turn:
    parts = prompts.enumerated(scene)
    if not parts:
        return _turn("what", ask("what", rng), _unsure(scene))
    (first, marks), *rest = parts
    return _turn("what", ask("what", rng), prompts.spoken([(first[0].upper() + first[1:], marks), *rest, (".", ())]))


def describe(scene: Scene, rng: Rng) -> Turn:
    """With the colour and place of a single thing; else the list."""
    parts = prompts.enumerated(scene)
    answer = prompts.spoken([("The picture shows ", ()), *parts, (".", ())]) if parts else _unsure(scene)
    if len(scene.things) == 1 and not scene.word and not scene.highest:
        thing = scene.things[0]
        article = prompts.one(thing.name)
        if thing.colour and article.startswith(("a ", "an ")):
            article = prompts.one(f"{thing.colour} {thing.name}")
        place = prompts.place(thing, *scene.picture.shape[:2])
        answer = _about(f"The picture shows {article} {place[0].lower()}{place[1:]}", (thing.mark,))
    return _turn("describe", ask("describe", rng), answer)


def recognise(scene: Scene, rng: Rng) -> Turn:
    return _turn("recognise", ask("recognise", rng), prompts.recognition(scene))


def count(scene: Scene, rng: Rng) -> Turn:
    if rng.random() < 0.35 or not scene.things:
        if not scene.things:
            name = str(rng.choice(NAMES))
            return _sought("count", ask("count_kind", rng, many=prompts.plural(name)), name, "0", ())
        if not scene.unknown:
            return Turn("count", ask("count_all", rng), str(len(scene.things)))
    name = str(rng.choice(NAMES)) if rng.random() < 0.1 else str(rng.choice([t.name for t in scene.things]))
    counted = prompts.marks_of(t for t in scene.things if t.name == name)
    return _sought("count", ask("count_kind", rng, many=prompts.plural(name)), name, str(len(counted)), counted)


def colour(scene: Scene, rng: Rng) -> Turn | None:
    names = [t.name for t in scene.things]
    single = [t for t in scene.things if t.colour and names.count(t.name) == 1]
    if not single:
        return None
    thing = single[int(rng.integers(len(single)))]
    assert thing.colour
    if len(scene.things) == 1 and rng.random() < 0.3:
        return _turn("colour", ask("colour_it", rng), _about(thing.colour.capitalize(), (thing.mark,)))
    question = ask("colour", rng, one=thing.name)
    return _sought("colour", question, thing.name, thing.colour.capitalize(), (thing.mark,))


def where(scene: Scene, rng: Rng) -> Turn | None:
    names = [t.name for t in scene.things]
    single = [t for t in scene.things if names.count(t.name) == 1]
    if not single:
        return None
    thing = single[int(rng.integers(len(single)))]
    place = prompts.place(thing, *scene.picture.shape[:2])
    return _sought("where", ask("where", rng, one=thing.name), thing.name, place, (thing.mark,))


def is_there(scene: Scene, rng: Rng) -> Turn:
    names = {t.name for t in scene.things}
    name = str(rng.choice(sorted(names))) if names and rng.random() < 0.5 else str(rng.choice(NAMES))
    shown = prompts.marks_of(t for t in scene.things if t.name == name)
    question = ask("is_there", rng, a=prompts.one(name))
    return _sought("is_there", question, name, "Yes" if shown else "No", shown)


def read(scene: Scene, rng: Rng) -> Turn:
    if scene.word is None:
        return Turn("read", ask("read", rng), UNSURE)
    letters = prompts.letters_of(scene)
    answer = prompts.spoken((letter, letters[i : i + 1]) for i, letter in enumerate(scene.word.text))
    return Turn("read", ask("read", rng), answer.text, spelled=True, looks=answer.looks)


def translation(meaning: int, language: str) -> str:
    return words.MEANINGS[meaning][list(words.LANGUAGES).index(language)]


def translate_seen(scene: Scene, rng: Rng) -> Turn | None:
    if not scene.word or not scene.word.meaning:
        return None
    row, source = scene.word.meaning
    target = str(rng.choice([t for t in words.TARGETS if t != source]))
    answer = _about(translation(row, target), prompts.letters_of(scene))
    return _turn("translate", ask("translate_seen", rng, language=words.LANGUAGES[target]), answer)


def highest(scene: Scene, rng: Rng) -> Turn:
    if scene.highest is None:
        return Turn("highest", ask("highest", rng), UNSURE)
    return _turn("highest", ask("highest", rng), _about(scene.highest.text, prompts.letters_of(scene)))


def translate_text(rng: Rng) -> Turn:
    """Without a picture: the second step of translating a sign. The reading before it may have been wrong by a letter;
    words too short to be known again are spared."""
    row, source = int(rng.integers(len(words.MEANINGS))), str(rng.choice(list(words.LANGUAGES)))
    target = str(rng.choice([t for t in words.TARGETS if t != source]))
    word = words.in_case(translation(row, source), rng)
    if len(word) > 3 and rng.random() < MISREAD:
        word = words.misread(word, rng)
    return Turn(
        "translate_text",
        ask("translate_text", rng, word=word, language=words.LANGUAGES[target]),
        translation(row, target),
    )


def small_talk(rng: Rng) -> Turn:
    asked, answer = prompts.SMALL_TALK[int(rng.integers(len(prompts.SMALL_TALK)))]
    return Turn("small_talk", str(rng.choice(asked)), answer)


_KINDS = {
    "things": (
        (what, 0.20),
        (describe, 0.09),
        (recognise, 0.18),
        (count, 0.25),
        (colour, 0.06),
        (where, 0.08),
        (is_there, 0.12),
        (read, 0.02),
    ),
    "sign": ((read, 0.45), (translate_seen, 0.30), (what, 0.09), (describe, 0.05), (recognise, 0.06), (is_there, 0.05)),
    "chart": ((highest, 0.6), (what, 0.15), (describe, 0.1), (recognise, 0.1), (read, 0.05)),
    "nothing": (
        (what, 0.35),
        (recognise, 0.25),
        (describe, 0.15),
        (count, 0.08),
        (is_there, 0.08),
        (read, 0.05),
        (highest, 0.04),
    ),
}


def turn(scene: Scene, rng: Rng) -> Turn:
    """A question that fits the scene."""
    kind = "chart" if scene.highest else "sign" if scene.word else "things" if scene.things else "nothing"
    makers, weights = zip(*_KINDS[kind], strict=True)
    while True:
        made = makers[rng.choice(len(makers), p=np.array(weights) / sum(weights))](scene, rng)
        if made is not None and (made.task != "read" or not scene.highest):
            result: Turn = made
            return result


def conversation(scene: Scene, rng: Rng) -> list[Turn]:
    """One to three turns about the scene; at most one of them a recognition, which is long."""
    turns = [turn(scene, rng)]
    while len(turns) < 3 and rng.random() < 0.45 and turns[-1].task != "recognise":
        turns.append(turn(scene, rng))
    return turns
