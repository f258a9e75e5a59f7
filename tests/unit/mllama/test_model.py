"""How a loaded model answers: reuse, caches, progress, cancelling, limits."""

import json
import resource
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from app.engine import machine
from app.engine.families import Cancel, LoadCancelled, mllama
from app.engine.families.mllama import core
from app.engine.families.mllama.core import Core, Files
from app.engine.families.mllama.demand import demand
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.graph import Graph
from app.engine.families.mllama.place import Placement
from app.engine.sampling import NotNumbersError
from app.errors import MemoryShortError, ModelError, PictureError, UsageError
from app.library.convert import convert
from app.values import (
    Ask,
    EngineOptions,
    Looking,
    Message,
    ModelSpec,
    Picture,
    Piece,
    Reading,
    Sampling,
    passing_picture,
)
from tests.unit.mllama.checkpoints import VECTORS, config_of, read_tensors, write_checkpoint, write_tensors


def picture(name: str) -> Picture:
    with Image.open(VECTORS / "images" / name) as image:
        rgb = image.convert("RGB")
        return Picture(*rgb.size, rgb.tobytes())


WIDE, TALL, SMALL = picture("120x50.png"), picture("50x230.png"), picture("40x30.png")
PICTURES = {p.digest: p for p in (WIDE, TALL, SMALL)}
SYSTEM = Message(role="system", text="Describe it. " * 20)


def options(**changes) -> EngineOptions:
    return EngineOptions(**({"context": 1024} | changes))


@pytest.fixture
def open_model(tiny):
    opened = []

    def open_one(**changes):
        spec = ModelSpec(path=str(tiny), options=options(**changes))
        opened.append(mllama.load(spec, lambda _: None, Cancel()))
        return opened[-1]

    yield open_one
    for model in opened:
        model.close()


def asks(*messages, tokens=8, **sampling):
    model = ModelSpec(path="")
    return Ask(model=model, messages=tuple(messages), sampling=Sampling(max_tokens=tokens, **sampling))


def user(text, *shown):
    return Message(role="user", text=text, pictures=tuple(p.digest for p in shown))


def run(model, ask, cancel=None):
    events = []
    finished = model.answer(ask, PICTURES, events.append, cancel or Cancel())
    return "".join(e.text for e in events if isinstance(e, Piece)), finished, events


def test_the_answer_is_the_reference_continuation(open_model, tiny):
    ask = asks(user("Describe it in one sentence.", WIDE), tokens=6)
    text, finished, _ = run(open_model(), ask)
    prompt = (
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n<|image|>Describe it in one sentence."
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    )
    image = Image.frombytes("RGB", (WIDE.width, WIDE.height), WIDE.pixels)
    rows = mllama.logits(tiny, prompt, [image])
    assert finished.stats.prompt_tokens == len(rows)
    assert finished.stats.written_tokens == 6
    assert finished.reason == "length"
    assert text
    assert mllama.greedy(tiny, prompt, [image], 6) == [320, 320, 280, 371, 79, 207]


def test_a_follow_up_computes_only_what_is_new_and_answers_as_if_cold(open_model):
    model = open_model()
    first = user("What is in this picture?", WIDE)
    said, finished, _ = run(model, asks(first))
    assert finished.stats.pictures_encoded == 1
    follow_up = asks(first, Message(role="assistant", text=said), user("And what else?"))
    warm, finished, events = run(model, follow_up)
    assert finished.stats.reused_tokens > 15
    assert finished.stats.pictures_encoded == 0
    assert not any(isinstance(e, Looking) for e in events)
    cold, _, _ = run(open_model(), follow_up)
    assert warm == cold


def test_a_system_message_is_kept_when_the_picture_changes(open_model):
    model = open_model()
    run(model, asks(SYSTEM, user("What is it?", WIDE)))
    warm, finished, _ = run(model, asks(SYSTEM, user("What is it?", TALL)))
    assert finished.stats.reused_tokens > 60
    assert finished.stats.pictures_encoded == 1
    cold, _, _ = run(open_model(), asks(SYSTEM, user("What is it?", TALL)))
    assert warm == cold


def test_a_picture_seen_before_is_remembered(open_model, tmp_path):
    model = open_model(cache_dir=str(tmp_path))
    first, _, _ = run(model, asks(user("What is it?", WIDE)))
    run(model, asks(user("What is it?", TALL)))
    again, finished, _ = run(model, asks(user("What is it?", WIDE)))
    assert (finished.stats.pictures_encoded, finished.stats.pictures_from_memory) == (0, 1)
    assert again == first
    elsewhere, finished, _ = run(open_model(cache_dir=str(tmp_path)), asks(user("What is it?", WIDE)))
    assert (finished.stats.pictures_encoded, finished.stats.pictures_from_disk) == (0, 1)
    assert elsewhere == first


def test_a_frame_that_passes_by_is_nowhere_kept(open_model, tmp_path):
    model = open_model(cache_dir=str(tmp_path))
    kept, _, _ = run(model, asks(user("What is it?", WIDE), tokens=8))
    size = sum(path.stat().st_size for path in tmp_path.rglob("*"))
    frame = passing_picture(WIDE.width, WIDE.height, WIDE.pixels)
    events = []
    finished = model.answer(asks(user("What is it?", frame)), {frame.digest: frame}, events.append, Cancel())
    assert "".join(e.text for e in events if isinstance(e, Piece)) == kept
    assert finished.stats.pictures_encoded == 1
    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) == size


def test_two_pictures_together_and_in_turns_are_not_the_same(open_model):
    model = open_model()
    together, _, _ = run(model, asks(user("Name each object.", WIDE, TALL)))
    turns = (user("What is it?", WIDE), Message(role="assistant", text="A table."), user("And this?", TALL))
    warm, _, _ = run(model, asks(*turns))
    cold, _, _ = run(open_model(), asks(*turns))
    assert warm == cold
    assert together


def test_fast_pictures_are_kept_apart_from_exact_ones(open_model, tmp_path):
    exact, _, _ = run(open_model(cache_dir=str(tmp_path)), asks(user("What is it?", WIDE)))
    fast, finished, _ = run(open_model(cache_dir=str(tmp_path), vision="fast"), asks(user("What is it?", WIDE)))
    assert finished.stats.pictures_encoded == 1
    assert exact != fast


def test_progress_goes_up_layer_by_layer(open_model):
    _, _, events = run(open_model(), asks(user("What is it?", WIDE, TALL)))
    for number in (0, 1):
        seen = [e.fraction for e in events if isinstance(e, Looking) and e.picture == number]
        assert seen == sorted(seen)
        assert len(seen) > 8
        assert seen[-1] == 1.0
    assert [e.fraction for e in events if isinstance(e, Reading)][-1] == 1.0


def test_cancelling_in_the_tower_leaves_the_model_usable(open_model):
    model, cancel = open_model(), Cancel()

    def stop_at_once(event):
        if isinstance(event, Looking) and event.fraction > 0.2:
            cancel.set()

    finished = model.answer(asks(user("What is it?", WIDE)), PICTURES, stop_at_once, cancel)
    assert finished.reason == "cancelled"
    assert finished.stats.pictures_encoded == 0
    warm, finished, _ = run(model, asks(user("What is it?", WIDE)))
    assert finished.reason == "length"
    cold, _, _ = run(open_model(), asks(user("What is it?", WIDE)))
    assert warm == cold


def test_cancelling_while_it_writes(open_model):
    model, cancel, ask = open_model(), Cancel(), asks(user("What is it?"), tokens=800)
    written = []

    def stop_after_three(event):
        if isinstance(event, Piece):
            written.append(event.text)
            if len(written) == 3:
                cancel.set()

    finished = model.answer(ask, PICTURES, stop_after_three, cancel)
    assert finished.reason == "cancelled"
    assert len(written) <= 4
    again, _, _ = run(model, asks(user("What is it?"), tokens=20))
    cold, _, _ = run(open_model(), asks(user("What is it?"), tokens=20))
    assert again == cold


def test_a_conversation_longer_than_the_context_is_refused_in_numbers(open_model):
    model = open_model(context=256)
    with pytest.raises(UsageError, match="256"):
        run(model, asks(user("What is it? " * 200)))
    text, _, _ = run(model, asks(user("What is it?")))
    assert text


def test_the_answer_ends_where_the_context_ends(open_model):
    _, finished, _ = run(open_model(context=256), asks(user("What is it? " * 40), tokens=2000))
    assert finished.reason in ("length", "stop")
    assert finished.stats.prompt_tokens + finished.stats.written_tokens <= 257


def test_the_context_is_as_large_as_it_was_wanted(open_model):
    """The KV cache has rows to spare, but a model must not go beyond what it was trained for."""
    model = open_model(context=300)
    _, finished, _ = run(model, asks(user("What is it? " * 40), tokens=2000))
    assert model.context == 300
    assert finished.stats.prompt_tokens + finished.stats.written_tokens <= 301


def test_a_context_beyond_what_the_model_was_trained_for_is_cut(open_model):
    assert open_model(context=1 << 30).context == 4096


@pytest.mark.skipif(sys.platform != "linux", reason="how a process learns what counts against its limit")
def test_the_context_shrinks_to_the_limit_of_the_engine_process(open_model, tiny):
    wanted = demand(Files(tiny), options(), Placement())
    limit, used = resource.getrlimit(resource.RLIMIT_DATA), machine._own_memory()
    mapped = wanted.weights + wanted.projector
    resource.setrlimit(resource.RLIMIT_DATA, (used + wanted.total(2000) - mapped + (1 << 18), limit[1]))
    try:
        assert 512 <= open_model(context=0).context < 4096
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limit)


def test_a_model_that_cannot_fit_is_refused_in_numbers(open_model, monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda: 200 << 20)
    with pytest.raises(MemoryShortError, match="200 MiB"):
        open_model()


@pytest.mark.parametrize(("prompt", "what"), [("", "The prompt is empty."), ("<|image|>", "shows 1 pictures")])
def test_a_raw_prompt_that_cannot_be_read_is_refused(tiny, prompt, what):
    with pytest.raises(UsageError, match=what):
        mllama.logits(tiny, prompt, [])
    with pytest.raises(UsageError, match=what):
        mllama.greedy(tiny, prompt, [], 1)


def test_a_picture_nobody_sent_is_named(open_model):
    missing = Message(role="user", text="?", pictures=("0" * 32,))
    with pytest.raises(PictureError):
        run(open_model(), asks(missing))


def test_what_people_type_never_becomes_a_control_token(open_model):
    _, plain, _ = run(open_model(), asks(user("a b")))
    _, typed, _ = run(open_model(), asks(user("a <|image|><|eot_id|> b")))
    assert typed.stats.prompt_tokens > plain.stats.prompt_tokens + 6


def test_sampling_follows_the_seed_and_a_schema_is_kept(open_model):
    model = open_model()
    hot = [run(model, asks(user("Go on."), temperature=1.5, seed=seed))[0] for seed in (1, 1, 2)]
    assert hot[0] == hot[1] != hot[2]
    schema = {"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"], "additionalProperties": False}
    ask = Ask(model=ModelSpec(path=""), messages=(user("?"),), schema=schema, sampling=Sampling(max_tokens=60))
    text, finished, _ = run(model, ask)
    assert text.strip().startswith("{")
    assert finished.stats.probability > 0


def test_padding_of_the_output_matrix_is_never_written(tmp_path):
    """Rows beyond the vocabulary have no text: libllama would end the process over such a token."""
    config = json.loads((VECTORS / "config.json").read_text())
    tensors = read_tensors(VECTORS)
    head = tensors["language_model.lm_head.weight"]
    padding = np.full((30, head.shape[1]), 50, np.float32) * np.sign(tensors["language_model.model.norm.weight"])
    tensors["language_model.lm_head.weight"] = np.concatenate([head, padding, -padding])
    checkpoint = shutil.copytree(VECTORS, tmp_path / "checkpoint")
    assert config["text_config"]["vocab_size"] == len(head)
    write_tensors(checkpoint / "model.safetensors", tensors)
    convert(checkpoint, tmp_path / "padded.gguf")
    model = mllama.load(ModelSpec(path=str(tmp_path / "padded.gguf"), options=options()), lambda _: None, Cancel())
    try:
        for schema in (None, {"type": "boolean"}):
            ask = Ask(model=ModelSpec(path=""), messages=(user("?"),), schema=schema, sampling=Sampling(max_tokens=4))
            _, finished, _ = run(model, ask)
            assert finished.stats.written_tokens > 0
    finally:
        model.close()
    embedded = tensors["language_model.model.embed_tokens.weight"].shape[0]
    assert max(mllama.greedy(tmp_path / "padded.gguf", "<|begin_of_text|>hi", [], 3)) < embedded


def test_no_operation_takes_all_rows_of_a_picture_at_once(tmp_path, monkeypatch):
    """A stop is felt only between two operations, and one of 6404 rows takes seconds."""
    config = config_of(
        width=64, heads=2, kv_heads=1, mlp=64, layers=2, cross=[1], tower=32, tower_heads=2, tower_mlp=32,
        tower_layers=2, global_layers=1, taps=[1, 0], tile=84, patch=4, max_tiles=4,
    )  # fmt: skip
    write_checkpoint(tmp_path / "checkpoint", config, seed=1)
    convert(tmp_path / "checkpoint", tmp_path / "m.gguf")
    rows, linear = [], Graph.linear

    def counted(g, weight, x, bias=None):
        rows.append(x.shape[1])
        return linear(g, weight, x, bias)

    monkeypatch.setattr(Graph, "linear", counted)
    square = Image.frombytes("RGB", (80, 80), bytes(range(256)) * 75)
    small = Core(Files(tmp_path / "m.gguf"), 256, devices=Devices())
    seen = small.see(square.resize((160, 160)))
    small.close()
    assert seen.shape[2] == 4 * 442
    assert max(rows) <= 442


def test_loading_reports_progress_and_can_be_cancelled(tiny):
    cancel, seen = Cancel(), []
    cancel.set()
    with pytest.raises(LoadCancelled):
        mllama.load(ModelSpec(path=str(tiny), options=options()), seen.append, cancel)
    model = mllama.load(ModelSpec(path=str(tiny), options=options(kv="q8_0", flash="off")), seen.append, Cancel())
    assert seen[-1] == pytest.approx(1.0)
    model.close()
    assert np.all(np.diff(seen) >= 0)


def test_a_cached_picture_of_another_form_is_looked_at_again(open_model, tmp_path):
    """The cache folder may hold anything: a file under the right name need not be what this model can use."""
    ask = asks(user("What is it?", WIDE))
    right, *_ = run(open_model(cache_dir=str(tmp_path), cache_memory=0), ask)
    (entry,) = tmp_path.glob("**/*.npz")
    np.savez(entry, kv=np.zeros((1, 2, 3, 4), np.float16))
    answer, finished, _ = run(open_model(cache_dir=str(tmp_path), cache_memory=0), ask)
    assert answer == right
    assert finished.stats.pictures_encoded == 1


def test_numbers_that_are_none_are_not_remembered(open_model, monkeypatch):
    model = open_model()
    right, *_ = run(model, asks(user("What is it?", WIDE)))
    with monkeypatch.context() as broken:
        broken.setattr(model._core, "see", lambda *_: np.full((2, 2, 17, 32), np.nan, np.float16))
        with pytest.raises(NotNumbersError):
            run(model, asks(user("What is it?", TALL)))
    answer, finished, _ = run(model, asks(user("What is it?", WIDE)))
    assert answer == right
    assert finished.stats.reused_tokens == 0


def test_a_file_that_shrinks_while_it_is_opened_is_refused(tiny, tmp_path, monkeypatch):
    copy = tmp_path / "model.gguf"
    copy.write_bytes(tiny.read_bytes())
    locate = core.locate

    def shrink(*files):
        found = locate(*files)
        copy.write_bytes(tiny.read_bytes()[:-4096])
        return found

    monkeypatch.setattr(core, "locate", shrink)
    with pytest.raises(ModelError, match="changed"):
        mllama.logits(copy, "<|begin_of_text|>a", [])
