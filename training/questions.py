"""Questions about a scene with their right answers, and conversations made of them."""

from dataclasses import dataclass

import numpy as np

from . import prompts, words
from .kinds import NAMES
from .prompts import ASK, UNSURE
from .scenes import Scene

Rng = np.random.Generator


@dataclass(frozen=True)
class Turn:
    """``spelled``: the answer is to be written letter by letter, so that any word can be read."""

    task: str
    question: str
    answer: str
    spelled: bool = False


def ask(task: str, rng: Rng, **words_in: str) -> str:
    """One phrasing of the task, the canonical one most often."""
    options = ASK[task]
    text = options[0] if rng.random() < 0.4 else str(rng.choice(options))
    for key, value in words_in.items():
        text = text.replace("{" + key + "}", value)
    return text


def what(scene: Scene, rng: Rng) -> Turn:
    seen = prompts.enumeration(scene)
    return Turn("what", ask("what", rng), seen[0].upper() + seen[1:] + "." if seen else UNSURE)


def describe(scene: Scene, rng: Rng) -> Turn:
    """With the colour and place of a single thing; else the list."""
    seen = prompts.enumeration(scene)
    answer = f"The picture shows {seen}." if seen else UNSURE
    if len(scene.things) == 1 and not scene.word and not scene.highest:
        thing = scene.things[0]
        article = prompts.one(thing.name)
        if thing.colour and article.startswith(("a ", "an ")):
            article = prompts.one(f"{thing.colour} {thing.name}")
        place = prompts.place(thing, *scene.picture.shape[:2])
        answer = f"The picture shows {article} {place[0].lower()}{place[1:]}"
    return Turn("describe", ask("describe", rng), answer)


def recognise(scene: Scene, rng: Rng) -> Turn:
    return Turn("recognise", ask("recognise", rng), prompts.recognition(scene))


def count(scene: Scene, rng: Rng) -> Turn:
    if rng.random() < 0.35 or not scene.things:
        if not scene.things:
            return Turn("count", ask("count_kind", rng, many=prompts.plural(str(rng.choice(NAMES)))), "0")
        if not scene.unknown:
            return Turn("count", ask("count_all", rng), str(len(scene.things)))
    name = str(rng.choice(NAMES)) if rng.random() < 0.1 else str(rng.choice([t.name for t in scene.things]))
    return Turn(
        "count", ask("count_kind", rng, many=prompts.plural(name)), str(sum(t.name == name for t in scene.things))
    )


def colour(scene: Scene, rng: Rng) -> Turn | None:
    names = [t.name for t in scene.things]
    single = [t for t in scene.things if t.colour and names.count(t.name) == 1]
    if not single:
        return None
    thing = single[int(rng.integers(len(single)))]
    assert thing.colour
    alone = len(scene.things) == 1 and rng.random() < 0.3
    question = ask("colour_it", rng) if alone else ask("colour", rng, one=thing.name)
    return Turn("colour", question, thing.colour.capitalize())


def where(scene: Scene, rng: Rng) -> Turn | None:
    names = [t.name for t in scene.things]
    single = [t for t in scene.things if names.count(t.name) == 1]
    if not single:
        return None
    thing = single[int(rng.integers(len(single)))]
    return Turn("where", ask("where", rng, one=thing.name), prompts.place(thing, *scene.picture.shape[:2]))


def is_there(scene: Scene, rng: Rng) -> Turn:
    names = {t.name for t in scene.things}
    name = str(rng.choice(sorted(names))) if names and rng.random() < 0.5 else str(rng.choice(NAMES))
    return Turn("is_there", ask("is_there", rng, a=prompts.one(name)), "Yes" if name in names else "No")


def read(scene: Scene, rng: Rng) -> Turn:
    return Turn("read", ask("read", rng), scene.word.text if scene.word else UNSURE, spelled=scene.word is not None)


def translation(meaning: int, language: str) -> str:
    return words.MEANINGS[meaning][list(words.LANGUAGES).index(language)]


def translate_seen(scene: Scene, rng: Rng) -> Turn | None:
    if not scene.word or not scene.word.meaning:
        return None
    row, source = scene.word.meaning
    target = str(rng.choice([t for t in words.TARGETS if t != source]))
    return Turn("translate", ask("translate_seen", rng, language=words.LANGUAGES[target]), translation(row, target))


def highest(scene: Scene, rng: Rng) -> Turn:
    return Turn("highest", ask("highest", rng), scene.highest or UNSURE)


def translate_text(rng: Rng) -> Turn:
    """Without a picture: the second step of translating a sign."""
    row, source = int(rng.integers(len(words.MEANINGS))), str(rng.choice(list(words.LANGUAGES)))
    target = str(rng.choice([t for t in words.TARGETS if t != source]))
    word = words.in_case(translation(row, source), rng)
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
        (what, 0.27),
        (describe, 0.12),
        (recognise, 0.22),
        (count, 0.13),
        (colour, 0.08),
        (where, 0.10),
        (is_there, 0.06),
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
