"""What is wrong with the files or too large for the machine is said before native code sees it, or by it."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app import gguf
from app.engine import fit, machine
from app.engine.families import Cancel, mtmd
from app.engine.families.mtmd import files
from app.errors import MemoryShortError, ModelError, PictureError, SpyglassError, UsageError
from app.values import Ask, EngineOptions, ModelSpec
from tests import models
from tests.unit.engine.mtmd.conftest import FIRST, PICTURES, Load, user

Pairs = Callable[[models.Shape], models.Pair]


def try_load(model: Path, projector: Path | None = None, **options: int) -> None:
    spec = ModelSpec(
        path=str(model),
        projector=None if projector is None else str(projector),
        options=EngineOptions(**{"context": 256, "threads": 1, **options}),
    )
    mtmd.load(spec, lambda _: None, Cancel()).close()


def refused(model: Path, projector: Path | None = None, **options: int) -> SpyglassError:
    with pytest.raises(SpyglassError) as raised:
        try_load(model, projector, **options)
    return raised.value


def test_a_text_model_answers_text_and_names_what_pictures_need(load: Load) -> None:
    talk = load(projector=False)
    assert talk.ask(user("who is that")).text
    with pytest.raises(ModelError) as raised:
        talk.ask(user("who is that", FIRST))
    assert "projector" in raised.value.what
    assert "mmproj" in raised.value.todo
    assert talk.ask(user("who is that")).text


def test_a_projector_of_another_model(pairs: Pairs) -> None:
    other = pairs(replace(models.TINY, width=128))
    error = refused(pairs(models.TINY).model, other.projector)
    assert "belongs to another model" in error.what
    assert "128 wide, the model takes 64" in error.detail


def test_a_projector_whose_width_only_libmtmd_knows(pairs: Pairs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_PROJECTIONS", {})
    error = refused(pairs(models.TINY).model, pairs(replace(models.TINY, width=128)).projector)
    assert "belongs to another model" in error.what


def test_files_in_each_others_place(pairs: Pairs) -> None:
    pair = pairs(models.TINY)
    assert "vision part" in refused(pair.projector).what
    assert "not the vision part" in refused(pair.model, pair.model).what


def test_files_that_are_not_there_or_not_models(pairs: Pairs, tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "none.gguf").what
    assert "cannot be read" in refused(pairs(models.TINY).model, tmp_path / "none.gguf").what
    empty = tmp_path / "empty.gguf"
    empty.touch()
    assert "damaged" in refused(empty).what
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(pairs(models.TINY).model.read_bytes()[:-100_000])
    assert "damaged" in refused(cut).what


def test_too_long_a_conversation(load: Load) -> None:
    talk = load(context=256)
    with pytest.raises(UsageError) as raised:
        talk.ask(user("is the door open " * 200))
    assert re.search(r"has \d+ tokens, but the model was loaded for 256", raised.value.what)
    assert "ask for less at once" in raised.value.todo
    assert talk.ask(user("is the door open")).text
    with pytest.raises(UsageError, match="smaller pictures"):
        talk.ask(user("is the door open " * 200, FIRST))


def test_a_picture_that_did_not_come_along(load: Load) -> None:
    with pytest.raises(PictureError, match="missing"):
        load().ask(user("what is it", "0" * 32))


def test_a_quantised_cache_needs_flash_attention(load: Load) -> None:
    assert load(models.HEAVY_VISION, kv="q8_0").ask(user("what is it")).text
    with pytest.raises(UsageError, match="needs flash attention"):
        load(kv="q8_0", flash="off")


def test_too_little_memory(pairs: Pairs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda: 100 << 20)
    error = refused(*pairs(models.TINY))
    assert isinstance(error, MemoryShortError)
    assert "100 MiB are free" in error.what


def test_the_context_shrinks_to_the_memory(pairs: Pairs, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = load().spec
    needed = files.demand(files.check(spec), spec.options)
    monkeypatch.setattr(machine, "free_memory", lambda: needed.total(800))
    assert load(context=0).model._text.context == 768
    error = refused(*pairs(models.TINY), context=2048)
    assert "768 tokens" in error.todo


@pytest.mark.parametrize("kind", [models.TINY, models.GEMMA3, models.QWEN2VL, models.HEAVY_VISION])
def test_the_kv_cache_is_as_large_as_llama_cpp_makes_it(
    kind: models.Shape, load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    talk = load(kind, context=1024)
    measured = sum(float(size) for size in re.findall(r"KV buffer size = +([0-9.]+) MiB", caplog.text))
    counted = files.token_bytes(gguf.read_header(talk.spec.path), talk.spec.options) * 1024
    assert counted / (1 << 20) == pytest.approx(measured, abs=0.02)


def test_working_memory_is_not_underestimated(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    spec = load(models.HEAVY_VISION).spec
    vision, text = (float(size) for size in re.findall(r"CPU compute buffer size = +([0-9.]+) MiB", caplog.text))
    demand = files.demand(files.check(spec), spec.options)
    assert vision <= demand.picture / (1 << 20) <= 4 * vision
    assert text <= demand.text / (1 << 20) <= 32 + 4 * text


def test_layers_that_fit_on_a_gpu(pairs: Pairs) -> None:
    pair = pairs(models.HEAVY_VISION)
    spec = ModelSpec(path=str(pair.model), projector=str(pair.projector))
    checked = files.check(spec)
    whole = files.demand(checked, spec.options)
    assert files.gpu_layers(checked, spec.options, 1 << 34) == 5
    assert files.gpu_layers(checked, spec.options, 0) == 0
    half = (whole.projector + whole.picture + (whole.weights + whole.token * 2048) // 2) * 8 // 7 + fit.STEP
    assert files.gpu_layers(checked, spec.options, half) == 2
    assert files.gpu_layers(checked, EngineOptions(gpu_layers=3), 1 << 34) == 3
    assert files.demand(checked, spec.options, 2).weights == pytest.approx(whole.weights / 2, rel=0.01)


@pytest.mark.parametrize(
    ("machine_name", "kind", "repacked"),
    [("x86_64", 12, False), ("AMD64", 14, False), ("x86_64", 2, True), ("x86_64", 0, True), ("arm64", 12, True)],
)
def test_weights_are_repacked_where_that_is_faster(
    machine_name: str, kind: int, repacked: bool, pairs: Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine_name)
    header = gguf.read_header(pairs(models.TINY).model)
    tensors = {name: replace(tensor, type=kind) for name, tensor in header.tensors.items()}
    assert files.repack(files.Files((replace(header, tensors=tensors),), None)) == repacked


def test_the_projectors_identity_follows_its_contents(pairs: Pairs, tmp_path: Path) -> None:
    original = pairs(models.TINY).projector
    copy = tmp_path / "renamed.gguf"
    shutil.copy(original, copy)
    identity = gguf.fingerprint(gguf.read_header(original))
    assert gguf.fingerprint(gguf.read_header(copy)) == identity
    models.write_projector(tmp_path / "other.gguf", replace(models.TINY, seed=2))
    assert gguf.fingerprint(gguf.read_header(tmp_path / "other.gguf")) != identity
    header = gguf.read_header(copy)
    with copy.open("r+b") as file:
        file.seek(header.tensors["mm.2.weight"].offset)
        file.write(np.float32(9).tobytes())
    assert gguf.fingerprint(gguf.read_header(copy)) != identity


def test_numbers_that_are_none_are_damage(pairs: Pairs) -> None:
    header = gguf.read_header(pairs(models.TINY).model)
    for value in (float("inf"), float("nan"), -1.0, 0):
        lying = replace(header, metadata={**header.metadata, "llama.block_count": value})
        with pytest.raises(gguf.GgufError, match="damaged"):
            files._check_text(lying)
    words = replace(
        header, metadata={**header.metadata, "llama.attention.head_count": header.metadata["tokenizer.ggml.tokens"]}
    )
    with pytest.raises(gguf.GgufError, match="damaged"):
        files._check_text(words)


def damaged(good: Path, tensor: str, folder: Path) -> Path:
    """A copy of `good` whose `tensor`, float32, is NaN throughout."""
    header = gguf.read_header(good)
    raw = bytearray(good.read_bytes())
    weights = header.tensors[tensor]
    raw[weights.offset : weights.offset + weights.nbytes] = np.full(weights.nbytes // 4, np.nan, np.float32).tobytes()
    broken = folder / "broken.gguf"
    broken.write_bytes(raw)
    return broken


def test_damaged_weights_are_said_to_be_damaged(pairs: Pairs, tmp_path: Path) -> None:
    broken = damaged(pairs(models.TINY).model, "output_norm.weight", tmp_path)
    spec = ModelSpec(path=str(broken), options=EngineOptions(context=256, threads=1))
    model = mtmd.load(spec, lambda _: None, Cancel())
    with pytest.raises(ModelError, match="not a number"):
        model.answer(Ask(model=spec, messages=(user("who is that"),)), {}, lambda _: None, Cancel())
    model.close()


def test_what_a_damaged_projector_sees_is_not_remembered(pairs: Pairs, tmp_path: Path) -> None:
    pair = pairs(models.TINY)
    cache = tmp_path / "cache"
    options = EngineOptions(context=256, threads=1, cache_dir=str(cache))
    broken = damaged(pair.projector, "v.blk.0.ln1.weight", tmp_path)
    spec = ModelSpec(path=str(pair.model), projector=str(broken), options=options)
    model = mtmd.load(spec, lambda _: None, Cancel())
    with pytest.raises(ModelError, match="not a number"):
        model.answer(Ask(model=spec, messages=(user("what is it", FIRST),)), PICTURES, lambda _: None, Cancel())
    model.close()
    assert not cache.exists()
