import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.engine import native
from app.engine.families.mtmd.text import Weights
from app.engine.sampling import Detokenizer, Sampler, grammar_of, piece, probability
from app.errors import ModelError, UsageError
from app.values import Sampling
from tests import models


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weights]:
    native.start()
    path: Path = tmp_path_factory.mktemp("model") / "model.gguf"
    models.write_text_model(path)
    loaded = Weights(path, lambda _: None)
    yield loaded
    loaded.close()


def row(weights: Weights, **peaks: float) -> np.ndarray:
    """Logits of 0 with peaks at the tokens of the given one-character texts."""
    logits = np.zeros(weights.n_vocab, np.float32)
    for text, value in peaks.items():
        logits[weights.tokenize(text)[0]] = value
    return logits


def draw(weights: Weights, sampling: Sampling, logits: np.ndarray, times: int = 400) -> Counter[int]:
    with Sampler(weights.vocab, sampling) as sampler:
        return Counter(sampler.choose(logits)[0] for _ in range(times))


def test_greedy_takes_the_likeliest_and_tells_its_probability(weights: Weights) -> None:
    logits = row(weights, a=5.0, b=4.0)
    before = logits.copy()
    with Sampler(weights.vocab, Sampling()) as sampler:
        token, sure = sampler.choose(logits)
    assert token == weights.tokenize("a")[0]
    assert sure == pytest.approx(math.exp(5) / (math.exp(5) + math.exp(4) + weights.n_vocab - 2))
    np.testing.assert_array_equal(logits, before)


def test_greedy_breaks_ties_like_llama_cpp(weights: Weights) -> None:
    logits = row(weights, b=3.0, a=3.0)
    with Sampler(weights.vocab, Sampling()) as sampler:
        assert sampler.choose(logits)[0] == min(weights.tokenize("a")[0], weights.tokenize("b")[0])


def test_probability_is_that_of_the_raw_logits_and_survives_large_ones(weights: Weights) -> None:
    logits = np.array([1000.0, 999.0, -1000.0], np.float32)
    assert probability(logits, 0) == pytest.approx(1 / (1 + math.exp(-1)))
    with Sampler(weights.vocab, Sampling(temperature=5.0, seed=3)) as sampler:
        peaked = row(weights, a=6.0)
        token, sure = sampler.choose(peaked)
        assert sure == pytest.approx(probability(peaked, token))


def test_the_seed_decides(weights: Weights) -> None:
    logits = row(weights, a=2.0, b=2.0, c=2.0, d=2.0)

    def answer(seed: int) -> list[int]:
        with Sampler(weights.vocab, Sampling(temperature=1.0, seed=seed)) as sampler:
            return [sampler.choose(logits)[0] for _ in range(20)]

    assert answer(7) == answer(7)
    assert answer(7) != answer(8)


def test_limits_exclude_what_they_should(weights: Weights) -> None:
    a, b, c = (weights.tokenize(text)[0] for text in "abc")
    logits = np.full(weights.n_vocab, -20.0, np.float32)
    logits[[a, b, c]] = np.log([0.6, 0.3, 0.1])
    assert set(draw(weights, Sampling(temperature=1.0, seed=1), logits)) == {a, b, c}
    assert set(draw(weights, Sampling(temperature=1.0, seed=1, top_k=2), logits)) == {a, b}
    assert set(draw(weights, Sampling(temperature=1.0, seed=1, top_p=0.85), logits)) == {a, b}
    assert set(draw(weights, Sampling(temperature=1.0, seed=1, min_p=0.25), logits)) == {a, b}
    drawn = draw(weights, Sampling(temperature=1.0, seed=1), logits, times=3000)
    assert drawn[a] / 3000 == pytest.approx(0.6, abs=0.04)


def test_a_row_that_is_not_numbers_is_an_error(weights: Weights) -> None:
    with Sampler(weights.vocab, Sampling()) as sampler:
        for bad in (float("nan"), float("inf")):
            with pytest.raises(ModelError, match="not a number"):
                sampler.choose(row(weights, a=bad))


def write(weights: Weights, schema: dict[str, Any], sampling: Sampling, limit: int = 200) -> str:
    """What a model of random logits writes under a schema."""
    generator = np.random.default_rng(sampling.seed)
    words, text = Detokenizer(weights.vocab), ""
    with Sampler(weights.vocab, sampling, schema) as sampler:
        for _ in range(limit):
            logits = generator.standard_normal(weights.n_vocab, dtype=np.float32)
            logits[:265] -= 10.0  # single bytes: alone they are no characters
            logits[models.EOS] = 3.0
            logits[weights.tokenize('"')[0]] = 2.0
            token, _ = sampler.choose(logits)
            if token == models.EOS:
                break
            text += (words.add(token, 1.0) or ("", 1.0))[0]
    return text


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_schema_is_followed_whatever_the_model_wants(weights: Weights, seed: int, temperature: float) -> None:
    schema = {
        "type": "object",
        "properties": {
            "label": {"type": "string", "maxLength": 20},
            "sure": {"type": "boolean"},
            "box": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 4},
            "kind": {"enum": ["grün", "🙂", "x"]},
        },
        "required": ["label", "sure", "box", "kind"],
    }
    answer = json.loads(write(weights, schema, Sampling(temperature=temperature, seed=seed)))
    assert len(answer["label"]) <= 20
    assert isinstance(answer["sure"], bool)
    assert 2 <= len(answer["box"]) <= 4
    assert answer["kind"] in ("grün", "🙂", "x")


def test_resampling_under_a_grammar_keeps_the_proportions(weights: Weights) -> None:
    logits = np.full(weights.n_vocab, -20.0, np.float32)
    tokens = {text: weights.tokenize(text)[0] for text in "123"}
    for text, share in zip("123", (0.5, 0.3, 0.2), strict=True):
        logits[tokens[text]] = math.log(share)
    drawn: Counter[int] = Counter()
    for seed in range(1200):
        with Sampler(weights.vocab, Sampling(temperature=1.0, seed=seed), {"enum": [1, 3]}) as sampler:
            drawn[sampler.choose(logits)[0]] += 1
    assert set(drawn) == {tokens["1"], tokens["3"]}
    assert drawn[tokens["1"]] / 1200 == pytest.approx(5 / 7, abs=0.05)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "wish"},
        {"$ref": "https://example.org/schema"},
        {"$ref": "#/definitions/none"},
        {"type": "array", "items": {"type": "string"}, "maxItems": 10**9},
        {"type": "string", "pattern": "unanchored"},
        {"enum": ['say "hi"']},
        {"enum": ["back\\slash"]},
        {"const": "two\nlines"},
        {"type": "object", "properties": {'quo"te': {"type": "string"}}},
        {"type": "object", "properties": {"x" * 70_000: {"type": "string"}}},
    ],
)
def test_a_schema_without_a_grammar_is_an_error(weights: Weights, schema: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="cannot be enforced"):
        Sampler(weights.vocab, Sampling(), schema)


def test_a_schema_nested_too_deeply_is_an_error(weights: Weights) -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(100):
        schema = {"type": "array", "items": schema}
    with pytest.raises(UsageError, match="cannot be enforced"):
        Sampler(weights.vocab, Sampling(), schema)


def test_strings_cannot_hold_control_characters() -> None:
    assert r"\x00-\x1F" in grammar_of({"type": "string"})
    assert r"\U0001F642" in grammar_of({"enum": ["🙂"]})


def test_characters_of_several_tokens_come_whole(weights: Weights) -> None:
    words = Detokenizer(weights.vocab)
    tokens = weights.tokenize("a🙂ß漢")
    said = [(words.add(token, 0.5), token) for token in tokens]
    texts = [text for text, _ in said if text is not None]
    assert [text for text, _ in texts] == ["a", "🙂", "ß", "漢"]
    assert [sure for _, sure in texts] == [0.5, 0.5**4, 0.5, 0.5**3]
    assert words.finish() is None


def test_a_cut_character_becomes_a_replacement_at_the_end(weights: Weights) -> None:
    words = Detokenizer(weights.vocab)
    for token in weights.tokenize("🙂")[:2]:
        assert words.add(token, 0.5) is None
    assert words.finish() == ("\ufffd", 0.25)


def test_control_tokens_are_silent(weights: Weights) -> None:
    assert piece(weights.vocab, models.EOS) == b""
    assert Detokenizer(weights.vocab).add(models.EOS, 0.9) is None
    assert piece(weights.vocab, weights.tokenize(" picture")[0]) == b" picture"
