"""Checkpoint to GGUF: what is written, streaming, and checkpoints that are not right."""

import errno
import json
import os
import shutil
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from app.errors import ModelError, UsageError
from app.gguf import TYPES, read_header
from app.library import gguf_writer, quantise
from app.library.convert import convert, requantise
from app.library.names import gguf_name
from tests.unit.mllama.checkpoints import VECTORS, config_of, read_tensors, write_checkpoint, write_tensors


@pytest.fixture
def checkpoint(tmp_path):
    return shutil.copytree(VECTORS, tmp_path / "checkpoint")


def kinds(path):
    return {name: TYPES[info.type].name for name, info in read_header(path).tensors.items()}


def bytes_of(path, name):
    info = read_header(path).tensors[name]
    return path.read_bytes()[info.offset : info.offset + info.nbytes]


def test_the_metadata_is_what_the_engine_and_libllama_need(checkpoint, tmp_path):
    convert(checkpoint, tmp_path / "m.gguf")
    file = read_header(tmp_path / "m.gguf")
    assert file.architecture == "mllama"
    assert file.array("mllama.attention.cross_attention_layers") == [1, 4]
    assert file.array("mllama.vision.intermediate_layers_indices") == [1, 3, 4]
    assert file.number("tokenizer.ggml.eos_token_id") == 418
    assert file.array("tokenizer.ggml.tokens")[420] == "<|image|>"
    assert "<|image|>" in file.text("tokenizer.chat_template")
    assert file.number("general.file_type") == 0


def test_the_rotation_divisors_follow_llama_3(checkpoint, tmp_path):
    convert(checkpoint, tmp_path / "m.gguf")
    found = np.frombuffer(bytes_of(tmp_path / "m.gguf", "rope_freqs.weight"), np.float32)
    wavelengths = 2 * np.pi * 500000.0 ** (np.arange(0, 16, 2) / 16)
    assert found[0] == 1.0  # shorter than 64 / 4
    assert (found[wavelengths > 64] == 8.0).all()
    middle = (wavelengths > 16) & (wavelengths < 64)
    assert ((found[middle] > 1) & (found[middle] < 8)).all()


def test_sixteen_bit_shards_give_what_one_file_gives(checkpoint, tmp_path):
    """bfloat16, in two files with an index, in the prefixes of transformers 5."""
    tensors = {name: truncated(values) for name, values in read_tensors(VECTORS).items()}
    write_tensors(checkpoint / "model.safetensors", tensors)
    convert(checkpoint, tmp_path / "one.gguf")
    renamed = {new_prefix(name): values for name, values in tensors.items()}
    (checkpoint / "model.safetensors").unlink()
    index, halves = {}, (list(renamed)[::2], list(renamed)[1::2])
    for number, names in enumerate(halves, 1):
        shard = f"model-{number:05}-of-00002.safetensors"
        write_bf16(checkpoint / shard, {name: renamed[name] for name in names})
        index |= dict.fromkeys(names, shard)
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    convert(checkpoint, tmp_path / "two.gguf")
    assert kinds(tmp_path / "one.gguf") == kinds(tmp_path / "two.gguf")
    for name in kinds(tmp_path / "one.gguf"):
        assert bytes_of(tmp_path / "one.gguf", name) == bytes_of(tmp_path / "two.gguf", name)


def truncated(values):
    return (values.view(np.uint32) >> 16 << 16).astype(np.uint32).view(np.float32)


def new_prefix(name):
    name = name.replace("language_model.lm_head.", "lm_head.").replace("language_model.model.", "model.language_model.")
    return name if name.startswith(("lm_head", "model.")) else f"model.{name}"


def write_bf16(path, tensors):
    halves = {name: (values.view(np.uint32) >> 16).astype(np.uint16) for name, values in tensors.items()}
    write_tensors(path, halves)
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = raw[8 : 8 + length].replace(b'"F32"', b'"BF16"')
    path.write_bytes(len(header).to_bytes(8, "little") + header + raw[8 + length :])


def test_tower_heads_of_an_odd_size_stay_as_they_are(tmp_path):
    """There is no last pair to permute; keys and queries must only agree with each other."""
    config = config_of(
        width=64, heads=4, kv_heads=2, mlp=64, layers=2, cross=[1], tower=40, tower_heads=8, tower_mlp=64,
        tower_layers=1, global_layers=1, taps=[0], tile=28, patch=14, max_tiles=1,
    )  # fmt: skip
    tensors = write_checkpoint(tmp_path / "checkpoint", config, seed=1)
    convert(tmp_path / "checkpoint", tmp_path / "m.gguf")
    stored = tensors["vision_model.transformer.layers.0.self_attn.q_proj.weight"]
    assert bytes_of(tmp_path / "m.gguf", "v.blk.0.attn_q.weight") == stored.tobytes()


def test_both_generations_of_names_are_known():
    for name in read_tensors(VECTORS):
        assert gguf_name(name)
        assert gguf_name(new_prefix(name)) == gguf_name(name)
    assert gguf_name("optimizer.state") is None


def test_the_mixes_are_llama_cpps():
    """Of 40 layers, as the 11B has them, with 4 query heads a key head."""

    def of(name, mix, width=4096):
        return TYPES[quantise.type_of(name, (width, 64), mix, 40, 4)].name

    assert of("output.weight", "Q4_K_M") == "Q6_K"
    assert of("token_embd.weight", "Q4_K_M") == "Q4_K"
    assert [of(f"blk.{i}.attn_v.weight", "Q4_K_M") for i in (0, 5, 6, 7, 34, 35)] == [
        "Q6_K", "Q4_K", "Q4_K", "Q6_K", "Q6_K", "Q6_K",
    ]  # fmt: skip
    assert of("blk.5.ffn_down.weight", "Q4_K_M") == "Q4_K"
    assert of("blk.0.ffn_down.weight", "Q5_K_M") == "Q6_K"
    assert of("blk.3.cross_attn_v_proj.weight", "Q4_K_M") == "Q6_K"
    assert of("blk.0.attn_v.weight", "Q2_K") == "Q4_K"
    assert of("blk.9.attn_output.weight", "Q3_K_M") == "Q4_K"
    assert of("blk.0.attn_q.weight", "Q4_K_M", width=96) == "Q5_0"
    assert of("blk.0.attn_q.weight", "Q6_K", width=40) == "F16"
    assert of("blk.0.attn_norm.weight", "Q4_K_M") == "F32"
    assert of("v.blk.0.ffn_up.weight", "Q6_K") == "Q6_K"


def test_the_tower_may_have_a_type_of_its_own(checkpoint, tmp_path):
    convert(checkpoint, tmp_path / "m.gguf", type="q8_0", vision_type="F16")
    found = kinds(tmp_path / "m.gguf")
    assert found["blk.0.attn_q.weight"] == "Q8_0"
    assert found["v.blk.0.attn_q.weight"] == found["mm.0.weight"] == "F16"
    assert found["v.patch_embd.weight"] == found["blk.0.attn_norm.weight"] == "F32"


def test_requantising_changes_only_what_was_asked(checkpoint, tmp_path):
    convert(checkpoint, tmp_path / "a.gguf", type="F16")
    requantise(tmp_path / "a.gguf", tmp_path / "b.gguf", vision_type="Q8_0")
    before, after = kinds(tmp_path / "a.gguf"), kinds(tmp_path / "b.gguf")
    assert after["v.blk.0.attn_q.weight"] == "Q8_0"
    assert {name: kind for name, kind in after.items() if not name.startswith(("v.", "mm."))} == {
        name: kind for name, kind in before.items() if not name.startswith(("v.", "mm."))
    }
    assert bytes_of(tmp_path / "a.gguf", "blk.0.attn_q.weight") == bytes_of(tmp_path / "b.gguf", "blk.0.attn_q.weight")
    assert read_header(tmp_path / "b.gguf").array("tokenizer.ggml.merges")
    with pytest.raises(ModelError, match="over itself"):
        requantise(tmp_path / "b.gguf", tmp_path / "b.gguf", type="Q8_0")


def test_requantising_to_float32_and_back_gives_the_same_bytes(checkpoint, tmp_path):
    convert(checkpoint, tmp_path / "a.gguf", type="Q8_0")
    requantise(tmp_path / "a.gguf", tmp_path / "b.gguf", type="F32", vision_type="F32")
    requantise(tmp_path / "b.gguf", tmp_path / "c.gguf", type="Q8_0", vision_type="Q8_0")
    assert kinds(tmp_path / "a.gguf") == kinds(tmp_path / "c.gguf")
    name = "blk.0.ffn_down.weight"
    assert bytes_of(tmp_path / "a.gguf", name) == bytes_of(tmp_path / "c.gguf", name)


def test_tensors_stream_through_memory(tmp_path, monkeypatch):
    """A matrix of 24 MiB, 1 MiB at a time."""
    config = config_of(
        width=256, heads=4, kv_heads=4, mlp=24576, layers=2, cross=[0], tower=16, tower_heads=1, tower_mlp=16,
        tower_layers=1, global_layers=1, taps=[0], tile=28, patch=14, max_tiles=1,
    )  # fmt: skip
    write_checkpoint(tmp_path / "checkpoint", config, seed=1)
    monkeypatch.setattr(quantise, "_ROWS_AT_ONCE", 1 << 18)
    seen = []
    tracemalloc.start()
    convert(tmp_path / "checkpoint", tmp_path / "m.gguf", type="Q8_0", progress=seen.append)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 << 20
    assert seen == sorted(seen)
    assert len(seen) > 100
    assert seen[-1] == 1.0


def test_a_failure_leaves_nothing_behind_and_keeps_the_old_file(checkpoint, tmp_path):
    out = tmp_path / "out" / "m.gguf"
    out.parent.mkdir()
    out.write_bytes(b"GGUF, an old one")

    def stop(fraction):
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(checkpoint, out, progress=stop)
    assert out.read_bytes() == b"GGUF, an old one"
    assert [path.name for path in out.parent.iterdir()] == ["m.gguf"]


@pytest.mark.parametrize("name", ["m.gguf", "another.gguf"])
def test_what_a_killed_run_left_is_taken_away_before_room_is_looked_for(name, checkpoint, tmp_path, monkeypatch):
    left = tmp_path / f"{name}.spyglass-part"
    left.write_bytes(b"half a model" * 1_000_000)
    real = gguf_writer.shutil.disk_usage

    def look(folder):
        sizes = [path.stat().st_size for path in folder.glob("*-part")]
        return SimpleNamespace(free=0) if any(sizes) else real(folder)

    monkeypatch.setattr(gguf_writer.shutil, "disk_usage", look)
    convert(checkpoint, tmp_path / "m.gguf")
    assert not left.exists()


def test_two_runs_at_once_leave_each_other_alone(checkpoint, tmp_path):
    """To one file the second is refused; to another in the same folder it does not sweep the first one's away."""
    refused = []

    def second(fraction):
        if fraction > 0.5 and not refused:
            with pytest.raises(ModelError, match="written already") as caught:
                convert(checkpoint, tmp_path / "m.gguf", type="Q8_0")
            refused.append(caught.value)
            convert(checkpoint, tmp_path / "other.gguf", type="F16")

    convert(checkpoint, tmp_path / "m.gguf", progress=second)
    assert kinds(tmp_path / "m.gguf")["blk.0.attn_q.weight"] == "F32"
    assert kinds(tmp_path / "other.gguf")["blk.0.attn_q.weight"] == "F16"
    assert sorted(path.name for path in tmp_path.glob("*.gguf*")) == ["m.gguf", "other.gguf"]


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(checkpoint, tmp_path, monkeypatch):
    real = gguf_writer._write_data

    def full(put, *rest):
        def put_a_little(block):
            if file.tell() > 100_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            return put(block)

        file = put.__self__
        real(put_a_little, *rest)

    monkeypatch.setattr(gguf_writer, "_write_data", full)
    with pytest.raises(ModelError, match="became full"):
        convert(checkpoint, tmp_path / "m.gguf")
    assert not list(tmp_path.glob("m.gguf*"))


def test_only_a_model_file_is_replaced(checkpoint, tmp_path):
    convert(checkpoint, tmp_path / "m.gguf")
    convert(checkpoint, tmp_path / "m.gguf", type="F16")
    assert kinds(tmp_path / "m.gguf")["blk.0.attn_q.weight"] == "F16"
    weights = checkpoint / "model.safetensors"
    before = weights.read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    places = {weights: "no model file", checkpoint: "is a folder", pipe: "a device", weights / "m.gguf": "no folder"}
    for place, words in places.items():
        with pytest.raises(ModelError, match=words):
            convert(checkpoint, place)
    assert weights.read_bytes() == before


def test_a_checkpoint_that_becomes_shorter_meanwhile_is_named(checkpoint, tmp_path):
    """Mapped, it would end the process with a signal."""
    weights = checkpoint / "model.safetensors"

    def cut(fraction):
        if fraction > 0.2:
            os.truncate(weights, 100_000)

    with pytest.raises(ModelError, match=r"model\.safetensors could not be read on"):
        convert(checkpoint, tmp_path / "m.gguf", progress=cut)
    assert not list(tmp_path.glob("m.gguf*"))


def test_beside_a_whole_file_what_is_left_of_an_older_one_does_not_count(checkpoint, tmp_path):
    convert(checkpoint, tmp_path / "a.gguf")
    (checkpoint / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-1.safetensors"}}')
    (checkpoint / "older.safetensors").write_bytes(b"cut")
    convert(checkpoint, tmp_path / "b.gguf")
    assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()


def test_a_gate_may_have_no_dimension_and_a_matrix_one_more(checkpoint, tmp_path):
    convert(checkpoint, tmp_path / "a.gguf")
    tensors = {name: t.reshape(()) if t.shape == (1,) else t for name, t in read_tensors(VECTORS).items()}
    matrix = "vision_model.global_transformer.layers.0.self_attn.q_proj.weight"
    tensors[matrix] = tensors[matrix][None]
    write_tensors(checkpoint / "model.safetensors", tensors)
    convert(checkpoint, tmp_path / "b.gguf")
    assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()


def test_requantising_leaves_alone_what_are_no_weights(tmp_path):
    """ggml has no way from such a type to another."""
    wholes = gguf_writer.PlannedTensor("blk.0.ids.weight", (32, 2), 26, lambda: iter([bytes(256)]))
    gguf_writer.write(tmp_path / "a.gguf", [gguf_writer.entry("general.architecture", "mllama")], [wholes])
    requantise(tmp_path / "a.gguf", tmp_path / "b.gguf", type="Q8_0")
    assert kinds(tmp_path / "b.gguf") == {"blk.0.ids.weight": "I32"}


def test_a_full_disk_is_named_before_anything_is_written(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(gguf_writer.shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    with pytest.raises(ModelError, match="1 MiB free"):
        convert(checkpoint, tmp_path / "m.gguf")
    assert not (tmp_path / "m.gguf").exists()


def edit_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.parametrize(
    "damage",
    [
        "another model",
        "no config",
        "no weights",
        "cut weights",
        "long header",
        "missing tensor",
        "no sizes",
        "other arrangements",
        "tokenizer",
        "a pipe for the tokenizer",
        "a long name in the index",
        "pixels of no size",
    ],
)
def test_a_checkpoint_that_is_not_right_is_refused(damage, checkpoint, tmp_path):
    weights = checkpoint / "model.safetensors"
    if damage == "another model":
        edit_config(checkpoint, model_type="llama")
    elif damage == "no config":
        (checkpoint / "config.json").unlink()
    elif damage == "no weights":
        weights.unlink()
    elif damage == "cut weights":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif damage == "long header":
        weights.write_bytes((2**50).to_bytes(8, "little") + weights.read_bytes()[8:])
    elif damage == "missing tensor":
        tensors = read_tensors(VECTORS)
        del tensors["vision_model.transformer.layers.3.mlp.fc1.bias"]
        write_tensors(weights, tensors)
    elif damage == "no sizes":
        edit_config(checkpoint, text_config={})
    elif damage == "other arrangements":
        vision = json.loads((checkpoint / "config.json").read_text())["vision_config"]
        edit_config(checkpoint, vision_config=vision | {"supported_aspect_ratios": [[1, 1], [2, 1], [1, 2]]})
    elif damage == "tokenizer":
        (checkpoint / "tokenizer.json").write_text('{"model": {"type": "Unigram"}}')
    elif damage == "a pipe for the tokenizer":
        (checkpoint / "tokenizer.json").unlink()
        os.mkfifo(checkpoint / "tokenizer.json")
    elif damage == "a long name in the index":
        weights.unlink()
        (checkpoint / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "x" * 300}}))
    else:
        (checkpoint / "preprocessor_config.json").write_text('{"rescale_factor": 1e-300}')
    with pytest.raises(ModelError) as caught:
        convert(checkpoint, tmp_path / "m.gguf")
    assert caught.value.todo
    assert not list(tmp_path.glob("m.gguf*"))


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("text_config", "hidden_act", "gelu"),
        ("vision_config", "hidden_act", "quick_gelu"),
        ("text_config", "rope_scaling", {"rope_type": "yarn", "factor": 4.0}),
        ("text_config", "cross_attention_layers", []),
        ("text_config", "cross_attention_layers", [1, 99]),
        ("text_config", "num_hidden_layers", 10**12),
        ("text_config", "num_attention_heads", 0),
        ("text_config", "intermediate_size", None),
        ("text_config", "max_position_embeddings", 2**40),
        ("text_config", "rms_norm_eps", "small"),
        ("text_config", "rms_norm_eps", 1e-60),
        ("text_config", "rms_norm_eps", 10**400),
        ("vision_config", "max_num_tiles", 10**12),
        ("vision_config", "intermediate_layers_indices", "1, 3"),
        (None, "text_config", None),
    ],
)
def test_sizes_that_cannot_be_are_named_before_anything_is_made_of_them(section, key, value, checkpoint, tmp_path):
    config = json.loads((checkpoint / "config.json").read_text())
    (config[section] if section else config)[key] = value
    edit_config(checkpoint, **config)
    with pytest.raises(ModelError, match=r"config\.json describes no model") as caught:
        convert(checkpoint, tmp_path / "m.gguf")
    assert caught.value.detail


def test_a_checkpoint_that_is_quantised_already_is_called_that(checkpoint, tmp_path):
    """Not damaged: nothing would come of downloading it again."""
    weights, untouched = checkpoint / "model.safetensors", (checkpoint / "model.safetensors").read_bytes()
    with_type(weights, "language_model.model.layers.0.mlp.up_proj.weight", "F8_E4M3")
    with pytest.raises(ModelError, match="quantised already") as caught:
        convert(checkpoint, tmp_path / "m.gguf")
    assert "F8_E4M3" in caught.value.detail
    weights.write_bytes(untouched)
    edit_config(checkpoint, quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True})
    with pytest.raises(ModelError, match="quantised already") as caught:
        convert(checkpoint, tmp_path / "m.gguf")
    assert "bitsandbytes" in caught.value.detail


def test_what_is_not_needed_may_be_of_any_type(checkpoint, tmp_path):
    convert(checkpoint, tmp_path / "a.gguf")
    weights = checkpoint / "model.safetensors"
    write_tensors(weights, read_tensors(VECTORS) | {"position_ids": np.zeros(6, np.float32)})
    with_type(weights, "position_ids", "U32")
    convert(checkpoint, tmp_path / "b.gguf")
    assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()


def with_type(path, name, dtype):
    """Say that the tensor's bytes are of another type."""
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    header[name]["dtype"] = dtype
    changed = json.dumps(header).encode()
    path.write_bytes(len(changed).to_bytes(8, "little") + changed + raw[8 + length :])


def test_what_is_no_text_is_replaced(checkpoint, tmp_path):
    """JSON can escape half a letter."""
    (checkpoint / "chat_template.json").write_text(r'{"chat_template": "a \udc80"}')
    convert(checkpoint, tmp_path / "m.gguf")
    assert read_header(tmp_path / "m.gguf").text("tokenizer.chat_template") == "a ?"


def test_the_model_is_named_after_the_folder_wherever_one_stands(checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(checkpoint)
    convert(".", tmp_path / "m.gguf")
    assert read_header(tmp_path / "m.gguf").text("general.name") == "checkpoint"


def test_tensors_of_other_shapes_than_the_sizes_are_refused(checkpoint, tmp_path):
    text = json.loads((checkpoint / "config.json").read_text())["text_config"]
    edit_config(checkpoint, text_config=text | {"intermediate_size": 161})
    with pytest.raises(ModelError, match="not those its config") as caught:
        convert(checkpoint, tmp_path / "m.gguf")
    assert "ffn_gate.weight is (160, 64), (161, 64) was expected" in caught.value.detail


def test_tied_embeddings_may_be_said_of_the_text_or_of_the_whole(checkpoint, tmp_path):
    tensors = read_tensors(checkpoint)
    del tensors["language_model.lm_head.weight"]
    write_tensors(checkpoint / "model.safetensors", tensors)
    text = json.loads((checkpoint / "config.json").read_text())["text_config"]
    edit_config(checkpoint, text_config=text | {"tie_word_embeddings": True})
    convert(checkpoint, tmp_path / "text.gguf")
    edit_config(checkpoint, text_config=text, tie_word_embeddings=True)
    convert(checkpoint, tmp_path / "whole.gguf")
    assert (tmp_path / "text.gguf").read_bytes() == (tmp_path / "whole.gguf").read_bytes()


def test_what_config_json_leaves_out_is_what_transformers_takes(checkpoint, tmp_path):
    convert(checkpoint, tmp_path / "whole.gguf")
    config = json.loads((checkpoint / "config.json").read_text())
    left_out = {
        "text_config": ("hidden_act", "rms_norm_eps", "rope_theta", "tie_word_embeddings"),
        "vision_config": (
            "hidden_act", "norm_eps", "num_channels", "patch_size", "max_num_tiles", "supported_aspect_ratios",
        ),
    }  # fmt: skip
    for section, keys in left_out.items():
        for key in keys:
            del config[section][key]
    del config["text_config"]["rope_parameters"]["rope_theta"]
    edit_config(checkpoint, **config)
    convert(checkpoint, tmp_path / "part.gguf")
    assert (tmp_path / "part.gguf").read_bytes() == (tmp_path / "whole.gguf").read_bytes()


def test_the_scaling_of_rope_may_be_where_either_transformers_keeps_it(checkpoint, tmp_path):
    convert(checkpoint, tmp_path / "both.gguf")
    text = json.loads((checkpoint / "config.json").read_text())["text_config"]
    only_new = {key: value for key, value in text.items() if key not in ("rope_theta", "rope_scaling")}
    only_old = {key: value for key, value in text.items() if key != "rope_parameters"}
    for name, config in (("new.gguf", only_new), ("old.gguf", only_old)):
        edit_config(checkpoint, text_config=config)
        convert(checkpoint, tmp_path / name)
        assert (tmp_path / name).read_bytes() == (tmp_path / "both.gguf").read_bytes()


@pytest.mark.parametrize("vocabulary", [None, [], {}, {"a": "b"}, {"a": 10**12}, {"a": None}, {"a": 1000}], ids=str)
def test_a_tokenizer_that_fits_no_model_is_refused(vocabulary, checkpoint, tmp_path):
    tokenizer = json.loads((checkpoint / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"], tokenizer["added_tokens"] = vocabulary, None
    (checkpoint / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        convert(checkpoint, tmp_path / "m.gguf")


@pytest.mark.parametrize("number", [-1, 2**40])
def test_a_padding_token_that_is_none_is_left_out(number, checkpoint, tmp_path):
    text = json.loads((checkpoint / "config.json").read_text())["text_config"]
    edit_config(checkpoint, text_config=text | {"pad_token_id": number})
    (checkpoint / "tokenizer_config.json").write_text("{}")
    convert(checkpoint, tmp_path / "m.gguf")
    assert "tokenizer.ggml.padding_token_id" not in read_header(tmp_path / "m.gguf").metadata


def test_a_chat_template_that_is_no_text_is_refused(checkpoint, tmp_path):
    (checkpoint / "chat_template.jinja").write_bytes(b"\xff\xfe")
    with pytest.raises(ModelError, match=r"chat_template\.jinja cannot be read"):
        convert(checkpoint, tmp_path / "m.gguf")


@pytest.mark.parametrize(
    "named", [{"a": "../../etc/passwd"}, {"a": 1, "b": "c"}, {"a": ["b"]}, ["a"], {}, None], ids=str
)
def test_an_index_that_names_no_files_beside_it_is_refused(named, checkpoint, tmp_path):
    (checkpoint / "model.safetensors").unlink()
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps({"weight_map": named}))
    with pytest.raises(ModelError, match="index names no files"):
        convert(checkpoint, tmp_path / "m.gguf")


def test_a_missing_shard_is_named(checkpoint, tmp_path):
    (checkpoint / "model.safetensors").rename(checkpoint / "model-1.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"incomplete: model-2\.safetensors is missing"):
        convert(checkpoint, tmp_path / "m.gguf")


@pytest.mark.parametrize("content", [b"[" * 100_000, b"[]", b"\xff"], ids=["nested", "a list", "no text"])
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "preprocessor_config.json", "model.safetensors"])
def test_a_file_of_other_content_than_its_name_says_is_named(name, content, checkpoint, tmp_path):
    if name == "model.safetensors":
        content = len(content).to_bytes(8, "little") + content
    (checkpoint / name).write_bytes(content)
    with pytest.raises(ModelError, match=name):
        convert(checkpoint, tmp_path / "m.gguf")


def test_a_folder_that_is_none_is_named(checkpoint, tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path, checkpoint / "config.json"):
        with pytest.raises(ModelError, match="no folder with a checkpoint"):
            convert(folder, tmp_path / "m.gguf")
    with pytest.raises(ModelError, match=r"There is no folder .*elsewhere"):
        convert(checkpoint, tmp_path / "elsewhere" / "m.gguf")


def test_an_unknown_type_names_the_known_ones(checkpoint, tmp_path):
    with pytest.raises(UsageError, match="Q4_K_M"):
        convert(checkpoint, tmp_path / "m.gguf", type="Q9_Z")


def edit_preprocessor(folder, **changes):
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "mean", "std"),
    [
        ({}, [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]),
        ({"image_mean": [0.1, 0.2, 0.3], "image_std": 0.25}, [0.1, 0.2, 0.3], [0.25] * 3),
        ({"image_mean": None, "image_std": None}, [0.5] * 3, [0.5] * 3),
        ({"do_normalize": False}, [0.0] * 3, [1.0] * 3),
        ({"rescale_factor": 1 / 127.5, "image_mean": 1.0, "image_std": 1.0}, [0.5] * 3, [0.5] * 3),
        ({"do_rescale": False, "image_mean": 51, "image_std": 102}, [0.2] * 3, [0.4] * 3),
    ],
    ids=str,
)
def test_what_pixels_become_is_kept(changes, mean, std, checkpoint, tmp_path):
    edit_preprocessor(checkpoint, **changes)
    convert(checkpoint, tmp_path / "m.gguf")
    file = read_header(tmp_path / "m.gguf")
    assert file.array("mllama.vision.image_mean") == pytest.approx(mean)
    assert file.array("mllama.vision.image_std") == pytest.approx(std)


def test_newer_checkpoints_keep_it_beside_the_tokenizer_s_settings(checkpoint, tmp_path):
    (checkpoint / "processor_config.json").write_text('{"image_processor": {"image_mean": 0.25}}')
    convert(checkpoint, tmp_path / "m.gguf")
    assert read_header(tmp_path / "m.gguf").array("mllama.vision.image_mean") == [0.25] * 3


@pytest.mark.parametrize(
    "changes",
    [
        {"do_resize": False},
        {"do_pad": False},
        {"resample": 3},
        {"size": {"height": 112, "width": 112}},
        {"max_image_tiles": 2},
        {"image_mean": [0.5, 0.5]},
        {"image_mean": "half"},
        {"image_std": [0.5, 0, 0.5]},
        {"rescale_factor": 0},
        {"rescale_factor": 10**400},
    ],
    ids=str,
)
def test_pictures_prepared_as_no_model_file_can_say_are_refused(changes, checkpoint, tmp_path):
    edit_preprocessor(checkpoint, **changes)
    with pytest.raises(ModelError, match="prepared in a way") as caught:
        convert(checkpoint, tmp_path / "m.gguf")
    assert caught.value.detail
    assert not list(tmp_path.glob("m.gguf*"))
