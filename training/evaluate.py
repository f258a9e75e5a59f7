"""``python -m training.evaluate MODEL.gguf``: the starter's figures, measured through the application's own engine.

Every picture is new (seeds that the training never draws); words are in fonts never trained on, and one figure uses a
whole art set never trained on. Needs the application's environment and the drawing packages, not torch.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from app.engine.families import Cancel, Event, mllama
from app.values import Ask, Message, ModelSpec, Picture, Piece, Sampling, Stats

from . import art, fonts, prompts, questions, words
from .kinds import COLOURS, NAMES
from .painter import Painter
from .paths import STARTER, WORK
from .scenes import Scene

SEED = 990_000_017
"""No training scene is drawn from a seed that begins so."""
SAMPLE = STARTER.parent / "samples" / "dog.png"
SIZES = ((480, 640), (512, 512), (360, 480), (300, 300), (600, 800))

Rng = np.random.Generator


class Starter:
    """The model behind the engine's family contract, asked one question at a time."""

    def __init__(self, path: Path) -> None:
        self.spec = ModelSpec(path=str(path))
        self.model = mllama.load(self.spec, lambda _: None, Cancel())
        self.stats: list[Stats] = []

    def ask(self, scene: Scene | None, question: str) -> str:
        pictures = {}
        if scene is not None:
            height, width = scene.picture.shape[:2]
            picture = Picture(width, height, scene.picture.tobytes())
            pictures[picture.digest] = picture
        pieces: list[str] = []

        def emit(event: Event) -> None:
            if isinstance(event, Piece):
                pieces.append(event.text)

        messages = (Message(role="user", text=question, pictures=tuple(pictures)),)
        job = Ask(model=self.spec, messages=messages, sampling=Sampling(max_tokens=160))
        finished = self.model.answer(job, pictures, emit, Cancel())
        if scene is not None:
            self.stats.append(finished.stats)
        return "".join(pieces).strip()


def named(answer: str) -> list[str]:
    """The kinds an answer names, longest names first, so that "hot dog" is no dog."""
    text, found = f" {answer.lower().replace('.', ' ').replace(',', ' ')} ", []
    for name in sorted(NAMES, key=len, reverse=True):
        for form in {name, prompts.plural(name)}:
            if f" {form} " in text:
                text = text.replace(f" {form} ", " ")
                found.append(name)
    return found


def scenes(count: int, figure: int, make: Callable[[int, int, Rng], Scene]) -> Iterator[tuple[Scene, Rng]]:
    for index in range(count):
        rng = np.random.default_rng([SEED, figure, index])
        height, width = SIZES[index % len(SIZES)]
        yield make(height, width, rng), rng


def naming(starter: Starter, painter: Painter, count: int, figure: int) -> float:
    """Share of single things called by exactly their name."""
    right = 0
    for scene, _ in scenes(count, figure, painter.single):
        right += named(starter.ask(scene, prompts.ASK["what"][0])) == [scene.things[0].name]
    return right / count


def overlap(a: list[float], b: list[float]) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1)."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0.0) * max(height, 0.0)
    return both / max((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both, 1e-9)


def recognised(answer: str) -> list[tuple[str, list[float]]]:
    """Name and box of each object in the JSON; nothing if it is not of the agreed form."""
    try:
        objects = json.loads(answer)["objects"]
        return [(str(o["name"]), [float(v) for v in box]) for o in objects for box in o["boxes"] if len(box) == 4]
    except (ValueError, KeyError, TypeError):
        return []


def recognition(starter: Starter, painter: Painter, count: int) -> dict[str, float]:
    """F1 by name over two to five objects, and the mean overlap of boxes whose names agree."""
    hits = said = true = 0
    overlaps = []
    for scene, _ in scenes(count, 3, painter.several):
        found = recognised(starter.ask(scene, prompts.ASK["recognise"][0]))
        want = recognised(prompts.recognition(scene).text)
        hits += sum((Counter(n for n, _ in found) & Counter(n for n, _ in want)).values())
        said, true = said + len(found), true + len(want)
        for name, box in want:
            same = [(overlap(box, other), i) for i, (n, other) in enumerate(found) if n == name]
            if same:
                best, index = max(same)
                overlaps.append(best)
                found.pop(index)
    return {"several_f1": 2 * hits / max(said + true, 1), "box_overlap": float(np.mean(overlaps or [0.0]))}


def counting(starter: Starter, painter: Painter, count: int) -> float:
    def make(height: int, width: int, rng: Rng) -> Scene:
        return painter.several(height, width, rng, int(rng.integers(1, 6)))

    right = 0
    for scene, rng in scenes(count, 4, make):
        name = scene.things[int(rng.integers(len(scene.things)))].name
        answer = starter.ask(scene, prompts.ASK["count_kind"][0].replace("{many}", prompts.plural(name)))
        right += answer.strip(". ") == str(sum(t.name == name for t in scene.things))
    return right / count


def presence(starter: Starter, painter: Painter, count: int) -> float:
    """Share of right answers, yes or no, about a kind that is shown half of the time."""
    right = 0
    for index, (scene, rng) in enumerate(scenes(count, 12, painter.several)):
        shown = {thing.name for thing in scene.things}
        name = str(rng.choice(sorted(shown if index % 2 else set(NAMES) - shown)))
        answer = starter.ask(scene, prompts.ASK["is_there"][0].replace("{a}", prompts.one(name)))
        right += answer.strip(".") == ("Yes" if name in shown else "No")
    return right / count


def colours(starter: Starter, painter: Painter, count: int) -> float:
    def make(height: int, width: int, rng: Rng) -> Scene:
        return painter.single(
            height, width, rng, str(rng.choice(("circle", "square", "triangle", "hexagon", "diamond", "arrow")))
        )

    right = 0
    for scene, _ in scenes(count, 5, make):
        thing = scene.things[0]
        answer = starter.ask(scene, prompts.ASK["colour"][0].replace("{one}", thing.name))
        right += [c for c in COLOURS if c in answer.lower()] == [thing.colour]
    return right / count


def places(starter: Starter, painter: Painter, count: int) -> float:
    right = 0
    for scene, _ in scenes(count, 6, painter.single):
        answer = starter.ask(scene, prompts.ASK["where"][0].replace("{one}", scene.things[0].name))
        right += answer == prompts.place(scene.things[0], *scene.picture.shape[:2])
    return right / count


def only_word(painter: Painter, known: bool) -> Callable[[int, int, Rng], Scene]:
    """Signs with a dictionary's word, or with any word or number."""

    def make(height: int, width: int, rng: Rng) -> Scene:
        while True:
            meaning = (
                (int(rng.integers(len(words.MEANINGS))), str(rng.choice(list(words.LANGUAGES)))) if known else None
            )
            scene = painter.sign(height, width, rng, meaning)
            if scene.word and not scene.things:
                return scene

    return make


def reading(starter: Starter, painter: Painter, count: int) -> dict[str, float]:
    """Exact reading of dictionary words and of any word or number; translation of signs in the application's two
    steps."""
    exact = any_exact = translated = 0
    for scene, rng in scenes(count, 7, only_word(painter, known=True)):
        assert scene.word is not None
        assert scene.word.meaning is not None
        row, source = scene.word.meaning
        read = starter.ask(scene, prompts.ASK["read"][0])
        exact += read == scene.word.text
        target = str(rng.choice([t for t in words.TARGETS if t != source]))
        question = (
            prompts.ASK["translate_text"][0].replace("{word}", read).replace("{language}", words.LANGUAGES[target])
        )
        answer = starter.ask(None, question)
        # A word that two languages share may rightly be taken for the other one.
        rows = [r for r in words.MEANINGS if scene.word.text.lower() in (w.lower() for w in r)]
        accepted = {r[list(words.LANGUAGES).index(target)].lower() for r in rows}
        translated += answer.lower() in accepted | {questions.translation(row, target).lower()}
    for scene, _ in scenes(count, 8, only_word(painter, known=False)):
        assert scene.word
        any_exact += starter.ask(scene, prompts.ASK["read"][0]) == scene.word.text
    return {"word_exact": exact / count, "any_text_exact": any_exact / count, "sign_translation": translated / count}


def charts(starter: Starter, painter: Painter, count: int) -> float:
    right = sum(
        starter.ask(s, prompts.ASK["highest"][0]).strip(".") == (s.highest and s.highest.text)
        for s, _ in scenes(count, 9, painter.chart)
    )
    return right / count


def unknown(starter: Starter, painter: Painter, count: int) -> dict[str, float]:
    """Pictures with nothing known: does it say so, and how often does it name a thing it knows?"""
    admits = names = 0
    for scene, _ in scenes(count, 10, painter.nothing):
        answer = starter.ask(scene, prompts.ASK["what"][0])
        admits += answer == prompts.UNSURE
        names += bool(named(answer))
    return {"unknown_admitted": admits / count, "unknown_named": names / count}


def agreement(starter: Starter, painter: Painter, exact: Path, count: int) -> float:
    """Share of answers that are the same, to the letter, as those of the same model in ``exact``, a float file."""
    other = Starter(exact)
    tasks = ("what", "describe", "recognise", "read", "count_all")
    same = 0
    for index, (scene, _) in enumerate(scenes(count, 11, painter.several)):
        question = prompts.ASK[tasks[index % len(tasks)]][0]
        same += starter.ask(scene, question) == other.ask(scene, question)
    other.model.close()
    return same / count


def cold_start(count: int = 5) -> float:
    """Median seconds from starting the program to the end of its answer about a sample picture."""
    command = [sys.executable, "-P", "-m", "app", "ask", str(SAMPLE), "What is this?", "--model", "starter"]
    taken = []
    for _ in range(count):
        begun = time.monotonic()
        subprocess.run(
            command, check=True, capture_output=True, env=os.environ | {"PYTHONPATH": str(STARTER.parents[1])}
        )
        taken.append(time.monotonic() - begun)
    return float(np.median(taken))


def evaluate(path: Path, count: int, exact: Path | None = None) -> dict[str, Any]:
    """Every figure, over ``count`` pictures each. exact: the same model as a float file, to compare with."""
    begun = time.monotonic()
    starter = Starter(path)
    loaded = time.monotonic() - begun
    known, unseen = art.load(art.TRAIN_SETS, WORK), art.load(art.UNSEEN_SETS, WORK)
    files = fonts.find(fonts.UNSEEN_FAMILIES)
    clean, camera = Painter(known, files, camera=0.0), Painter(known, files, camera=0.6)
    figures: dict[str, Any] = {"pictures_each": count}
    parts: tuple[tuple[str, Callable[[], float | dict[str, float]]], ...] = (
        ("object_known_style", lambda: naming(starter, clean, count, 1)),
        ("object_unseen_style", lambda: naming(starter, Painter(unseen, files, camera=0.0, stylise=False), count, 2)),
        ("object_camera_like", lambda: naming(starter, camera, count, 1)),
        ("several", lambda: recognition(starter, clean, count)),
        ("counting_exact", lambda: counting(starter, clean, count)),
        ("yes_or_no", lambda: presence(starter, clean, count)),
        ("colour", lambda: colours(starter, clean, count)),
        ("place", lambda: places(starter, clean, count)),
        ("reading", lambda: reading(starter, clean, count)),
        ("highest_bar", lambda: charts(starter, clean, count)),
        ("unknown", lambda: unknown(starter, clean, count)),
    )
    for name, part in parts:
        found = part()
        new = found if isinstance(found, dict) else {name: found}
        figures |= {key: round(value, 3) for key, value in new.items()}
        print(json.dumps(new), flush=True)
    figures["load_s"] = round(loaded, 2)
    for key in ("first_token_s", "look_s", "write_s"):
        figures[f"{key}_median"] = round(float(np.median([getattr(s, key) for s in starter.stats])), 3)
    figures["answer_s_worst"] = round(max(s.first_token_s + s.write_s for s in starter.stats), 3)
    if exact is not None:
        figures["same_as_float"] = round(agreement(starter, clean, exact, count), 3)
    starter.model.close()
    figures["cold_start_s_median"] = round(cold_start(), 2)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=200, help="pictures for each figure")
    parser.add_argument("--out", type=Path, default=STARTER / "evaluation.json")
    options = parser.parse_args()
    figures = evaluate(options.model, options.count)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
