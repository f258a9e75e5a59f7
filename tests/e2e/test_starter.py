"""The starter that ships, asked through the real program: right words, not just any.

These are questions the shipped file was seen to answer rightly, so that a change of the engine that spoils them is
noticed; they say nothing about how often it is right. How often
is on the card in `assets/starter`.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from app.engine.families import mllama
from app.gguf import read_header
from app.paths import assets_dir
from app.values import Box
from tests.e2e.test_cli import spyglass

SAMPLES = assets_dir() / "samples"
STARTER = assets_dir() / "starter" / "starter.gguf"
PROMPT = (
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n<|image|>What is this?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)
SQUARE = (150, 90, 390, 330)
PLACE: Box = (150 / 0.64, 90 / 0.48, 390 / 0.64, 330 / 0.48)
"""The square in thousandths of the picture."""


@pytest.fixture
def square(tmp_path: Path) -> Path:
    """A red square on white, left of the middle."""
    picture = Image.new("RGB", (640, 480), "white")
    ImageDraw.Draw(picture).rectangle(SQUARE, fill=(214, 40, 40))
    picture.save(tmp_path / "square.png")
    return tmp_path / "square.png"


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped weights in float32, so that products are computed in float too."""
    out = tmp_path_factory.mktemp("float") / "starter-f32.gguf"
    done = spyglass("models", "requantise", str(STARTER), str(out), "--type", "F32", "--vision-type", "F32")
    assert done.returncode == 0, done.stderr
    return out


def ask(picture: Path, question: str) -> str:
    done = spyglass("ask", str(picture), question, "--model", "starter")
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().strip()


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(wide, 0.0) * max(high, 0.0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is this?", "A square."),
        ("What colour is the square?", "Red"),
        ("How many squares are there?", "1"),
        ("Is there a square in the picture?", "Yes"),
        ("Is there a cat in the picture?", "No"),
    ],
)
def test_a_drawn_shape_is_known(square: Path, question: str, answer: str) -> None:
    assert ask(square, question) == answer


@pytest.mark.parametrize(
    ("name", "question", "answer"),
    [
        ("dog", "What is this?", "A dog."),
        ("dog", "Is there a dog in the picture?", "Yes"),
        ("balloons", "What is in this picture?", "Three balloons."),
        ("balloons", "How many balloons are there?", "3"),
        ("table", "What is in this picture?", "A cat, a ball and an apple."),
        ("chart", "Is there a dog in the picture?", "No"),
        ("balloons", "What colour are the balloons?", "Red"),
        ("chart", "Which bar is the highest?", "C"),
        ("sign", "Read the text in this picture.", "AUSGANG"),
    ],
)
def test_the_samples_of_a_first_start(name: str, question: str, answer: str) -> None:
    assert ask(SAMPLES / f"{name}.png", question) == answer


@pytest.mark.parametrize(
    ("name", "shows"), [("dog", ["dog"]), ("balloons", ["balloon"] * 3), ("table", ["cat", "ball", "apple"])]
)
def test_a_sample_is_recognised(name: str, shows: list[str]) -> None:
    done = spyglass("recognise", str(SAMPLES / f"{name}.png"), "--model", "starter", "--json")

    assert done.returncode == 0, done.stderr
    assert [one["name"] for one in json.loads(done.stdout)["objects"]] == shows


@pytest.mark.parametrize(
    ("size", "left", "top", "place"),
    [((1280, 960), 1040, 760, "At the bottom right."), ((1280, 960), 120, 100, "At the top left.")],
)
def test_a_small_thing_in_a_big_picture_is_found_on_its_tile(
    tmp_path: Path, size: tuple[int, int], left: int, top: int, place: str
) -> None:
    """A square of 100 pixels, which are 15 of the four tiles' 192: one tile alone would have 7 of it."""
    file = tmp_path / "small.png"
    picture = Image.new("RGB", size, "white")
    ImageDraw.Draw(picture).rectangle((left, top, left + 100, top + 100), fill=(214, 40, 40))
    picture.save(file)

    assert ask(file, "What is this?") == "A square."
    assert ask(file, "Where is the square?") == place
    (found,) = json.loads(spyglass("recognise", str(file), "--model", "starter", "--json").stdout)["objects"]
    wide, high = size
    assert (
        overlap(
            tuple(found["box"]),
            tuple(
                1000 * v / s for v, s in zip((left, top, left + 100, top + 100), (wide, high, wide, high), strict=True)
            ),
        )
        > 0.4
    )


def test_a_shape_is_recognised_where_it_is(square: Path) -> None:
    done = spyglass("recognise", str(square), "--model", "starter", "--json")

    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["objects"]
    assert found["name"] == "square"
    assert overlap(tuple(found["box"]), PLACE) > 0.6


@pytest.mark.parametrize("name", ["dog", "chart", "sign"])
def test_the_quantised_file_says_what_the_same_weights_in_float_say(name: str, exact: Path) -> None:
    picture = Image.open(SAMPLES / f"{name}.png").convert("RGB")

    quantised = mllama.logits(STARTER, PROMPT, [picture])
    float32 = mllama.logits(exact, PROMPT, [picture])

    assert np.abs(quantised - float32).max() / np.abs(float32).max() < 0.03
    for question in ("What is this?", "What is in this picture?", "Where is it?"):
        prompt = PROMPT.replace("What is this?", question)
        assert said(STARTER, prompt, picture) == said(exact, prompt, picture)


def said(file: Path, prompt: str, picture: Image.Image) -> list[int]:
    """The likeliest answer's tokens up to the end of the turn, which nothing is ever asked to go beyond."""
    tokens = mllama.greedy(file, prompt, [picture], 24)
    return tokens[: tokens.index(read_header(file).array("tokenizer.ggml.tokens").index("<|eot_id|>")) + 1]
