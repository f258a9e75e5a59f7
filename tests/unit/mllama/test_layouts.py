"""The layouts of files in the wild, every weight type, and files that are not what they should be."""

import os
import shutil
import struct

import numpy as np
import pytest

from app.engine.families import Cancel, mllama
from app.engine.families.mllama.core import Core, Files
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.tensor import Q8_0
from app.errors import ModelError, UsageError
from app.gguf import TYPES, read_header
from app.library.convert import convert, requantise
from app.library.gguf_writer import entry, write
from app.values import EngineOptions, ModelSpec
from tests.unit.mllama.cases import all_cases, deviation
from tests.unit.mllama.checkpoints import VECTORS, config_of, read_tensors, write_checkpoint, write_tensors
from tests.unit.mllama.layouts import rewrite, two_files, values

CASES = {case.name: case for case in all_cases()}
FOLLOW_UP = CASES["follow-up"]


def _logits(model, case=FOLLOW_UP):
    return mllama.logits(model, case.prompt, case.pictures)


def test_the_file_is_stored_as_published_files_are(tiny):
    """Against formulas written out here: pairs instead of halves, gates as what they multiply with."""
    file, stored = read_header(tiny), read_tensors(VECTORS)
    heads, size = 4, 16
    for name, source in (
        ("blk.0.attn_q.weight", "language_model.model.layers.0.self_attn.q_proj.weight"),
        ("blk.1.cross_attn_q_proj.weight", "language_model.model.layers.1.cross_attn.q_proj.weight"),
        ("v.blk.0.attn_k.weight", "vision_model.transformer.layers.0.self_attn.k_proj.weight"),
    ):
        found = values(file, file.tensors[name])
        for head in range(heads):
            for pair in range(size // 2):
                row = head * size + 2 * pair
                assert np.array_equal(found[row], stored[source][head * size + pair])
                assert np.array_equal(found[row + 1], stored[source][head * size + size // 2 + pair])
    norm = "language_model.model.layers.1.cross_attn.q_norm.weight"
    assert np.array_equal(values(file, file.tensors["blk.1.cross_attn_q_norm.weight"]), stored[norm])
    gate = np.tanh(stored["vision_model.gated_positional_embedding.gate"])
    assert values(file, file.tensors["v.position_embd.gate"]) == pytest.approx(1 - gate)
    assert values(file, file.tensors["v.tile_position_embd.gate"]) == pytest.approx(gate)
    for part in ("attn", "ffn"):
        raw = stored[f"vision_model.global_transformer.layers.0.gate_{part}"]
        assert values(file, file.tensors[f"v.global.blk.0.{part}_gate"]) == pytest.approx(np.tanh(raw))
    raw = stored["language_model.model.layers.1.cross_attn_attn_gate"]
    assert np.array_equal(values(file, file.tensors["blk.1.cross_attn_attn_gate"]), raw)


def test_two_files_with_the_older_names_give_the_same_logits(tiny, tmp_path):
    pair = two_files(read_header(tiny), tmp_path)
    names = read_header(pair[1]).tensors
    assert "v.blk.0.ln1.weight" in names
    assert names["v.blk.0.ffn_down.weight"].shape == (64, 128)
    assert np.array_equal(_logits(pair), _logits(tiny))


def test_the_older_names_are_told_apart_when_the_mlp_is_square(tmp_path):
    config = config_of(
        width=64, heads=4, kv_heads=2, mlp=64, layers=2, cross=[1], tower=64, tower_heads=4, tower_mlp=64,
        tower_layers=2, global_layers=1, taps=[0], tile=28, patch=14, max_tiles=2,
    )  # fmt: skip
    write_checkpoint(tmp_path / "checkpoint", config, seed=3)
    convert(tmp_path / "checkpoint", tmp_path / "one.gguf")
    pair = two_files(read_header(tmp_path / "one.gguf"), tmp_path)
    assert np.array_equal(_logits(pair), _logits(tmp_path / "one.gguf"))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("blk.0.attn_q.weight", (64, 1, 64)),
        ("rope_freqs.weight", (1, 8)),
        ("v.pre_tile_position_embd.weight", (256, 1, 9)),
        ("output_norm.weight", (1, 64)),
        ("token_embd.weight", (1, 64, 428)),
    ],
)
def test_sides_of_one_may_stand_anywhere(name, shape, tiny, tmp_path):
    """ggml would end the process over the product that such a shape asks for."""
    file = read_header(tiny)
    assert np.prod(file.tensors[name].shape) == np.prod(shape)
    rewrite(file, tmp_path / "ones.gguf", {name: name for name in file.tensors}, shapes={name: shape})
    assert np.array_equal(_logits(tmp_path / "ones.gguf"), _logits(tiny))


def test_a_folder_whose_name_is_no_text_can_hold_a_model(tiny, tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    shutil.copytree(VECTORS, folder)
    convert(folder, folder / "model.gguf")
    assert np.array_equal(_logits(folder / "model.gguf"), _logits(tiny))


def test_without_an_output_matrix_the_embeddings_of_what_can_be_said_are_it(tmp_path):
    """Not the picture's and the padding after it: of these there are no logits."""
    checkpoint = shutil.copytree(VECTORS, tmp_path / "checkpoint")
    tensors = read_tensors(VECTORS)
    tensors["language_model.lm_head.weight"] = tensors["language_model.model.embed_tokens.weight"][:420]
    write_tensors(checkpoint / "model.safetensors", tensors)
    convert(checkpoint, tmp_path / "whole.gguf")
    file = read_header(tmp_path / "whole.gguf")
    rewrite(file, tmp_path / "tied.gguf", {name: name for name in file.tensors if name != "output.weight"})
    found = _logits(tmp_path / "tied.gguf")
    assert found.shape[1] == 420
    assert np.array_equal(found, _logits(tmp_path / "whole.gguf"))


def test_gates_named_as_weights_are_read(tiny, tmp_path):
    file = read_header(tiny)
    names = {
        name: f"{name}.weight" if name.startswith("v.") and name.endswith("gate") else name for name in file.tensors
    }
    rewrite(file, tmp_path / "named.gguf", names)
    assert np.array_equal(_logits(tmp_path / "named.gguf"), _logits(tiny))


@pytest.mark.parametrize(
    ("mix", "bound"),
    [("F16", 0.01), ("BF16", 0.05), ("Q8_0", 0.15), ("Q6_K", 0.15), ("Q5_K", 0.6), ("Q4_K", 0.6)],
)
def test_the_deviation_of_each_type_is_bounded(mix, bound, tmp_path, capsys):
    """Of random weights 64 wide, where no rounding averages out: far worse than a trained model's.

    How much of it is the rounded weights' own doing shows a second file with the same weights in float32: what the
    products add by rounding their inputs to 8 bits is small beside it.
    """
    small, same = tmp_path / "small.gguf", tmp_path / "same.gguf"
    convert(VECTORS, small, type=mix)
    requantise(small, same, type="F32", vision_type="F32")
    found = {case.name: (_logits(small, case), _logits(same, case)) for case in CASES.values()}
    worst = max(deviation(rounded, CASES[name].expected["logits"]) for name, (rounded, _) in found.items())
    products = max(deviation(rounded, exact) for rounded, exact in found.values())
    with capsys.disabled():
        print(
            f"\n{mix}: logits deviate by {worst:.2%} of the largest, by {products:.2%} from the same weights in float32"
        )
    assert worst < bound
    assert products < 0.1


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Widths of 256, so that types in blocks of 256 are what they say."""
    folder = tmp_path_factory.mktemp("wide")
    config = config_of(
        width=256, heads=8, kv_heads=2, mlp=512, layers=3, cross=[1], tower=256, tower_heads=4, tower_mlp=256,
        tower_layers=2, global_layers=1, taps=[0], tile=28, patch=14, max_tiles=2,
    )  # fmt: skip
    write_checkpoint(folder / "checkpoint", config, seed=5)
    convert(folder / "checkpoint", folder / "f32.gguf")
    return folder / "f32.gguf"


@pytest.mark.parametrize(
    ("mix", "bound"),
    [
        ("Q8_0", 0.03),
        ("Q6_K", 0.1),
        ("Q5_K_M", 0.1),
        ("Q4_K_M", 0.2),
        ("Q3_K_M", 0.4),
        ("Q2_K", 0.8),
        ("IQ4_XS", 0.3),
        ("Q4_0", 0.3),
    ],
)
def test_requantised_files_run(mix, bound, wide, tmp_path, capsys):
    requantise(wide, tmp_path / "small.gguf", type=mix, vision_type=mix)
    kinds = {TYPES[t.type].name for t in read_header(tmp_path / "small.gguf").tensors.values()}
    assert kinds & {mix, mix.rsplit("_", 1)[0]}
    found = deviation(_logits(tmp_path / "small.gguf"), _logits(wide))
    with capsys.disabled():
        print(f"\n{mix}: logits deviate by {found:.2%} of the largest")
    assert 0 < found < bound


def test_a_quantised_cache_without_flash_attention_is_refused(wide):
    spec = ModelSpec(path=str(wide), options=EngineOptions(kv="q8_0", flash="off"))
    with pytest.raises(UsageError, match="flash attention"):
        mllama.load(spec, lambda _: None, Cancel())


def test_a_quantised_cache_stays_close(wide):
    core = Core(Files(wide), 256, devices=Devices(), kv_type=Q8_0)
    try:
        tokens = CASES["text"].tokens
        found = core.decoder.read(tokens, 0, "all")
    finally:
        core.close()
    assert deviation(found, mllama.logits(wide, CASES["text"].prompt, [])) < 0.05


@pytest.mark.parametrize(
    "damage",
    ["missing", "misshapen", "truncated", "other architecture", "no vision", "cross layer out of range", "not a file"],
)
def test_a_file_that_is_not_right_is_refused_before_any_graph(damage, tiny, tmp_path):
    file, out = read_header(tiny), tmp_path / "bad.gguf"
    names = {name: name for name in file.tensors}
    if damage == "missing":
        del names["blk.4.cross_attn_k_norm.weight"]
        rewrite(file, out, names)
    elif damage == "misshapen":
        names["blk.0.attn_q.weight"], names["blk.0.attn_k.weight"] = "blk.0.attn_k.weight", "blk.0.attn_q.weight"
        rewrite(file, out, names)
    elif damage == "truncated":
        out.write_bytes(tiny.read_bytes()[:-4096])
    elif damage == "other architecture":
        out.write_bytes(tiny.read_bytes().replace(b"mllama", b"llamax"))
    elif damage == "no vision":
        rewrite(file, out, {name: name for name in names if not name.startswith("v.")}, drop=("mllama.vision.",))
    elif damage == "cross layer out of range":
        end, raw = file.spans["mllama.attention.cross_attention_layers"][1], bytearray(tiny.read_bytes())
        raw[end - 4 : end] = (99).to_bytes(4, "little")
        out.write_bytes(raw)
    else:
        out.write_bytes(b"GIF89a" + bytes(100))
    with pytest.raises(ModelError) as caught:
        _logits(out)
    assert caught.value.todo
    assert str(tmp_path) not in caught.value.what


def test_a_model_none_of_whose_layers_looks_is_refused(tiny, tmp_path):
    """A graph that computes nothing has no memory for its inputs, and ggml ends the process."""
    file = read_header(tiny)
    rewrite(file, tmp_path / "bad.gguf", {name: name for name in file.tensors}, drop=("mllama.attention.cross",))
    with pytest.raises(ModelError) as caught:
        _logits(tmp_path / "bad.gguf")
    assert "0 of 7 layers" in caught.value.detail


def test_a_projector_of_another_model_is_refused(tiny, wide, tmp_path):
    text, _ = two_files(read_header(tiny), tmp_path)
    with pytest.raises(ModelError):
        _logits((text, wide))


def test_marks_and_pictures_must_match(tiny):
    with pytest.raises(UsageError):
        mllama.logits(tiny, "<|begin_of_text|><|image|>", [])


def test_a_part_of_a_split_model_is_refused(tmp_path):
    write(tmp_path / "part.gguf", [entry("general.architecture", "mllama"), entry("split.count", 3)], [])
    with pytest.raises(ModelError, match="Join"):
        _logits(tmp_path / "part.gguf")


def test_copies_for_writing_give_the_same_words(wide, tmp_path):
    """Whether there are copies or not, the sums agree. ggml has a one-row product for Q4_K on every processor."""
    requantise(wide, tmp_path / "small.gguf", type="Q4_K_M")
    core = Core(Files(tmp_path / "small.gguf"), 256, devices=Devices())
    try:
        tokens = CASES["text"].tokens
        core.decoder.read(tokens, 0)
        before = core.decoder.step(7, len(tokens)).copy()
        core.decoder.look_at(None)
        assert list(core.one_row.copy())[-1:] in ([1.0], [])
        core.decoder.read(tokens, 0)
        core.decoder._forget_step()
        after = core.decoder.step(7, len(tokens))
        assert deviation(after, before) < 0.05
        copied = sum(
            core.weights[name].for_one_row is not None for name in read_header(wide).tensors if "attn_q." in name
        )
        assert copied == 0 or core.one_row.size > 0
    finally:
        core.close()


NUMBERS = struct.pack("<IIQ3i", 9, 5, 3, 0, 1, 2)
BYTES = struct.pack("<IIQ", 9, 0, 421) + bytes(421)
NO_ARRAY = struct.pack("<II", 4, 7)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tokens", struct.pack("<IIQ", 9, 8, 421) + (struct.pack("<Q", 1) + b"a") * 421),
        (
            "tokens",
            struct.pack("<IIQ", 9, 8, 421) + b"".join(struct.pack("<Q4sI", 8, b"a\0b\0", i) for i in range(421)),
        ),
        ("tokens", NUMBERS),
        ("tokens", NO_ARRAY),
        ("token_type", NUMBERS),
        ("token_type", BYTES),
        ("merges", NUMBERS),
    ],
    ids=[
        "the same token",
        "the same up to a zero",
        "numbers for tokens",
        "one token",
        "few types",
        "bytes for types",
        "numbers for merges",
    ],
)
def test_a_vocabulary_that_would_end_the_process_is_refused(key, value, tiny, tmp_path):
    """llama.cpp takes types and lengths for granted, and that no token is there twice."""
    file, out, key = read_header(tiny), tmp_path / "bad.gguf", f"tokenizer.ggml.{key}"
    assert file.metadata["tokenizer.ggml.tokens"].count == 421
    changed = struct.pack("<Q", len(key)) + key.encode() + value
    rewrite(file, out, {name: name for name in file.tensors}, drop=(key,), more=(changed,))
    with pytest.raises(ModelError, match="damaged"):
        Files(out)
