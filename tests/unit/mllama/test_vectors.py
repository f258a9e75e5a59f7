"""Everything the reference says about the small model, from pixels to words."""

import json

import numpy as np
import pytest

from app.engine.families import mllama
from app.engine.families.mllama.core import Core, Files
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.looks import Looks
from app.engine.families.mllama.picture import cut
from app.engine.families.mllama.spans import spans
from app.engine.families.mllama.tensor import F16, F32
from tests.unit.mllama import reference
from tests.unit.mllama.cases import Case, all_cases, deviation
from tests.unit.mllama.checkpoints import VECTORS, read_tensors

CASES = all_cases()
EXACT = 2e-3
by_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@pytest.fixture(scope="module")
def core(tiny):
    core = Core(Files(tiny), 512, devices=Devices(), kv_type=F32)
    yield core
    core.close()


@by_case
def test_pictures_are_cut_as_the_reference_cuts_them(core, case):
    for number, picture in enumerate(case.pictures):
        tiles = cut(picture, core.config.vision)
        assert tiles.count == case.expected["tiles"][number]
        assert tiles.arrangement == case.expected["aspect_ratio_ids"][number]
        pixels = case.expected["pixel_values"][number].astype(np.float32)
        assert np.abs(tiles.pixels - pixels[: tiles.count]).max() < 1e-3
        assert not pixels[tiles.count :].any()


@by_case
def test_projected_features_equal_the_reference(core, case):
    for number, picture in enumerate(case.pictures):
        tiles = cut(picture, core.config.vision)
        wanted = case.expected["projected"][number][: tiles.count]
        found = core.tower.encode(tiles)
        assert deviation(found, wanted.reshape(found.shape)) < EXACT


@pytest.mark.parametrize("by_blas", [False, True])
def test_both_forms_of_attention_equal_the_reference(core, monkeypatch, by_blas):
    """Which one a processor takes, both are tried everywhere."""
    monkeypatch.setattr(core.tower, "by_blas", by_blas)
    for case in CASES:
        for number, picture in enumerate(case.pictures):
            tiles = cut(picture, core.config.vision)
            found = core.tower.encode(tiles)
            wanted = case.expected["projected"][number][: tiles.count].reshape(found.shape)
            assert deviation(found, wanted) < EXACT


def test_values_weighed_in_bfloat16_stay_close_to_the_reference(core, monkeypatch, capsys):
    """The tower of a file of rounded weights may do so; here its weights are the reference's own."""
    monkeypatch.setattr(core.tower, "by_blas", True)
    monkeypatch.setattr(core.tower, "by_bfloat", True)
    found = []
    for case in CASES:
        for number, picture in enumerate(case.pictures):
            tiles = cut(picture, core.config.vision)
            states = core.tower.encode(tiles)
            wanted = case.expected["projected"][number][: tiles.count].reshape(states.shape)
            found.append(deviation(states, wanted))
    with capsys.disabled():
        print(f"\nattention's values in bfloat16: states deviate by {max(found):.2%} of the largest")
    assert EXACT / 100 < max(found) < EXACT


@by_case
def test_tokens_equal_the_reference(core, case):
    assert core.prompts.raw(case.prompt) == case.tokens


@pytest.mark.parametrize("known", json.loads((VECTORS / "cases.json").read_text())["tokenize"], ids=lambda k: k["text"])
def test_the_tokenizer_equals_the_reference(core, known):
    assert core.prompts.raw(known["text"]) == known["ids"]


@by_case
def test_logits_of_every_position_equal_the_reference(tiny, case):
    found = mllama.logits(tiny, case.prompt, case.pictures)
    assert found.dtype == np.float32
    assert deviation(found, case.expected["logits"]) < EXACT


@by_case
def test_greedy_continuations_equal_the_reference(tiny, case):
    assert mllama.greedy(tiny, case.prompt, case.pictures, len(case.greedy)) == case.greedy


@by_case
def test_one_token_at_a_time_gives_the_same_logits(core, case):
    found = _token_by_token(core, case)
    assert deviation(found, case.expected["logits"]) < EXACT


@pytest.mark.parametrize(
    ("kv_type", "flash", "bound"),
    [(F16, "auto", 0.01), (F16, "on", 0.01), (F16, "off", 0.01), (F32, "on", EXACT), (F32, "off", EXACT)],
)
def test_other_caches_and_plain_attention_stay_close(tiny, kv_type, flash, bound):
    core = Core(Files(tiny), 512, devices=Devices(), kv_type=kv_type, flash=flash)
    try:
        worst = max(deviation(_token_by_token(core, case), case.expected["logits"]) for case in CASES)
        print(f"kv {kv_type}, flash {flash}: {worst:.2e}")
        assert worst < bound
    finally:
        core.close()


def test_plain_numpy_agrees_with_the_reference(core):
    """So that test_shapes.py may trust it."""
    config, tensors = json.loads((VECTORS / "config.json").read_text()), read_tensors(VECTORS)
    for case in CASES:
        tiles = [cut(picture, core.config.vision) for picture in case.pictures]
        found = reference.logits(tensors, config, case.tokens, [(t.pixels, t.arrangement) for t in tiles])
        assert deviation(found, case.expected["logits"]) < EXACT


def _token_by_token(core: Core, case: Case) -> np.ndarray:
    seen = [core.see(picture) for picture in case.pictures]
    rows: list[np.ndarray] = []
    looks: list[Looks] = []
    for span in spans(case.tokens, core.prompts.picture):
        if span.pictures:
            looks.append(core.looks([seen[number] for number in span.pictures]))
        core.decoder.look_at(looks[-1] if span.pictures else None)
        rows += [core.decoder.step(case.tokens[i], i).copy() for i in range(span.start, span.stop)]
    core.decoder.look_at(None)
    for each in looks:
        each.close()
    return np.stack(rows)
