"""Turns a Llama 3.2 Vision checkpoint (Hugging Face) into one GGUF file, and one GGUF file into another type.

The file's layout is the one Ollama published its models in, so that either program reads the other's files. What is
stored differently from the checkpoint: q and k rows are permuted per head from halves to pairs, because ggml's NORMAL
RoPE turns neighbours (the cross-attention's and the vision tower's too, though nothing is turned there: their norms
are not permuted); vision gates are stored as their tanh, that of the position embedding as 1 - tanh.

Tensors stream through memory a few rows at a time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from app.errors import ModelError
from app.gguf import NOT_WEIGHTS, TYPES, Gguf, TensorInfo, read_header
from app.gguf.mllama import Config
from app.library import quantise
from app.library.config_json import Checkpoint, already_quantised, read_config_json
from app.library.gguf_writer import PlannedTensor, Progress, entry, write
from app.library.names import check_tensors, gguf_name
from app.library.safetensors import DTYPES, StoredTensor, open_checkpoint
from app.library.stored import read_bytes
from app.library.tokenizer_json import tokenizer_metadata

_BYTES_AT_ONCE = 64 << 20


def convert(
    checkpoint_dir: str | Path,
    out_gguf: str | Path,
    *,
    type: str = "F32",
    vision_type: str | None = None,
    progress: Progress = lambda _: None,
) -> None:
    """Convert the checkpoint in `checkpoint_dir` (config, tokenizer, safetensors) to the one file `out_gguf`.

    type: a mix of `quantise.MIXES` for the text decoder; vision_type: for the vision tower and the projector (by
    default as exact as the text, at least 6 bits). The file appears when it is complete. Raises ModelError for a
    checkpoint of another kind, a damaged one, or a full disk; UsageError for an unknown type.
    """
    folder, out = Path(checkpoint_dir), Path(out_gguf)
    mix = quantise.mix_named(type)
    tower_mix = quantise.mix_named(vision_type) if vision_type is not None else quantise.vision_mix(mix)
    checkpoint = read_config_json(folder)
    entries = _metadata(folder.absolute().name, checkpoint, mix) | tokenizer_metadata(folder, checkpoint)
    tensors = [*_tensors(_named(folder, checkpoint), checkpoint.sizes, mix, tower_mix), *_rope_factors(checkpoint)]
    write(out, [entry(key, value) for key, value in entries.items()], tensors, progress)


def requantise(
    in_gguf: str | Path,
    out_gguf: str | Path,
    *,
    type: str | None = None,
    vision_type: str | None = None,
    progress: Progress = lambda _: None,
) -> None:
    """Write the model in `in_gguf` again with other types; None keeps a part's tensors as they are.

    Works on either layout and on a projector alone. Raises like `convert`.
    """
    file = read_header(in_gguf)
    mixes = [None if t is None else quantise.mix_named(t) for t in (type, vision_type)]
    if Path(out_gguf).resolve() == file.path.resolve():
        raise ModelError("A model cannot be written over itself.", "Choose another name for the new file.")
    spans = {key: read_bytes(file.path, start, end - start).tobytes() for key, (start, end) in file.spans.items()}
    if mixes[0]:
        spans["general.file_type"] = entry("general.file_type", quantise.MIXES[mixes[0]][1])
    spans.pop("general.alignment", None)
    tensors = [_again(file, info, mixes[_is_vision(info.name)]) for info in file.tensors.values()]
    write(Path(out_gguf), spans.values(), tensors, progress)


# --- metadata --------------------------------------------------------------------------------------------------------


def _metadata(name: str, checkpoint: Checkpoint, mix: str) -> dict[str, Any]:
    t, v = checkpoint.sizes.text, checkpoint.sizes.vision
    return {
        "general.architecture": "mllama",
        "general.name": name,
        "general.file_type": quantise.MIXES[mix][1],
        "general.quantization_version": 2,
        "mllama.block_count": t.layers,
        "mllama.context_length": t.context,
        "mllama.embedding_length": t.width,
        "mllama.feed_forward_length": t.mlp,
        "mllama.attention.head_count": t.heads,
        "mllama.attention.head_count_kv": t.kv_heads,
        "mllama.attention.layer_norm_rms_epsilon": t.norm_eps,
        "mllama.attention.cross_attention_layers": t.cross_layers,
        "mllama.rope.freq_base": t.rope_base,
        "mllama.rope.dimension_count": t.head_size,
        "mllama.attention.key_length": t.head_size,
        "mllama.attention.value_length": t.head_size,
        "mllama.vocab_size": checkpoint.vocabulary,
        "mllama.vision.block_count": v.layers,
        "mllama.vision.global.block_count": v.global_layers,
        "mllama.vision.intermediate_layers_indices": v.taps,
        "mllama.vision.embedding_length": v.width,
        "mllama.vision.feed_forward_length": v.mlp,
        "mllama.vision.attention.head_count": v.heads,
        "mllama.vision.attention.layer_norm_epsilon": v.norm_eps,
        "mllama.vision.image_size": v.tile,
        "mllama.vision.patch_size": v.patch,
        "mllama.vision.max_num_tiles": v.max_tiles,
        "mllama.vision.aspect_ratio_count": v.kinds,
        "mllama.vision.num_channels": v.channels,
        "mllama.vision.image_mean": v.mean,
        "mllama.vision.image_std": v.std,
    }


def _rope_factors(checkpoint: Checkpoint) -> list[PlannedTensor]:
    """Llama 3's scaling of the rotation frequencies, as the divisors ggml takes.

    Low frequencies (wavelengths beyond the original context) are slowed by `factor`, high ones kept, those between
    blended, as in transformers' `_compute_llama3_parameters`.
    """
    text, rope = checkpoint.sizes.text, checkpoint.rope
    if rope is None:
        return []
    wavelengths = 2 * np.pi * text.rope_base ** (np.arange(0, text.head_size, 2) / text.head_size)
    smooth = np.clip((rope.original / wavelengths - rope.low) / (rope.high - rope.low), 0, 1)
    divisors = 1 / ((1 - smooth) / rope.factor + smooth)
    return [_small("rope_freqs.weight", divisors)]


# --- tensors ---------------------------------------------------------------------------------------------------------

_IN_PAIRS = ("attn_q.weight", "attn_k.weight", "attn_q_proj.weight", "attn_k_proj.weight")


def _named(folder: Path, checkpoint: Checkpoint) -> dict[str, StoredTensor]:
    """The checkpoint's tensors by their GGUF names, all that are needed and no others. Raises ModelError."""
    named = {name: tensor for given, tensor in open_checkpoint(folder).items() if (name := gguf_name(given))}
    if "output.weight" not in named and checkpoint.tied and "token_embd.weight" in named:
        head = named["token_embd.weight"]
        named["output.weight"] = replace(head, name="lm_head", shape=(checkpoint.vocabulary, *head.shape[1:]))
    for tensor in named.values():
        if tensor.dtype not in DTYPES:
            raise already_quantised(f"{tensor.name} is {tensor.dtype}")
    shapes = {name: tensor.shape for name, tensor in named.items()}
    wanted = check_tensors(shapes, checkpoint.sizes, checkpoint.vocabulary)
    return {name: replace(tensor, shape=wanted[name]) for name, tensor in named.items() if name in wanted}


def _tensors(named: Mapping[str, StoredTensor], sizes: Config, mix: str, tower_mix: str) -> Iterator[PlannedTensor]:
    text, vision = sizes.text, sizes.vision
    for name, tensor in named.items():
        if name.endswith("gate") and name.startswith("v."):
            yield from _vision_gate(name, tensor)
            continue
        chosen = tower_mix if _is_vision(name) else mix
        kind = quantise.type_of(name, tensor.shape[::-1], chosen, text.layers, text.heads // text.kv_heads)
        head_size = vision.width // vision.heads if _is_vision(name) else text.head_size
        yield _matrix(name, tensor, kind, _order(name, tensor, head_size))


def _vision_gate(name: str, tensor: StoredTensor) -> Iterator[PlannedTensor]:
    """One gate of the checkpoint serves both position embeddings; the file holds what each is multiplied with."""
    gate = np.tanh(tensor.rows(0, 1).astype(np.float64).ravel())
    if name == "v.position_embd.gate":
        yield _small("v.tile_position_embd.gate", gate)
        gate = 1 - gate
    yield _small(name, gate)


def _order(name: str, tensor: StoredTensor, head_size: int) -> np.ndarray | None:
    """Which row stands at each place once every head's rows go in pairs; None if they stay."""
    if not name.endswith(_IN_PAIRS) or head_size % 2:
        # Only the tower's heads can be of an odd size: nothing is turned there, and there is no last pair.
        return None
    return np.arange(tensor.shape[0]).reshape(-1, 2, head_size // 2).swapaxes(1, 2).ravel()


def _matrix(name: str, tensor: StoredTensor, kind: int, order: np.ndarray | None) -> PlannedTensor:
    shape = tensor.shape[::-1]
    n_rows = tensor.shape[0] if len(tensor.shape) > 1 else 1
    width = int(np.prod(shape)) // n_rows
    source = tensor if len(tensor.shape) > 1 else replace(tensor, shape=(1, width))
    return PlannedTensor(
        name, shape, kind, lambda: quantise.blocks(lambda a, b: source.rows(a, b, order), n_rows, width, kind)
    )


def _small(name: str, values: np.ndarray) -> PlannedTensor:
    return PlannedTensor(name, (values.size,), quantise.NUMBERS["F32"], lambda: iter([values.astype("<f4").tobytes()]))


def _is_vision(name: str) -> bool:
    return name.startswith(("v.", "mm."))


def _again(file: Gguf, info: TensorInfo, mix: str | None) -> PlannedTensor:
    """A tensor of a GGUF file in the type `mix` gives it."""
    layers = int(file.number(f"{file.architecture}.block_count", 0))
    heads = file.number(f"{file.architecture}.attention.head_count", 1)
    gqa = int(heads // max(1, file.number(f"{file.architecture}.attention.head_count_kv", heads)))
    kind = info.type
    if mix and TYPES[kind].name not in NOT_WEIGHTS:
        kind = quantise.type_of(info.name, info.shape, mix, layers, gqa)
    n_rows = int(np.prod(info.shape[1:], dtype=np.int64)) if len(info.shape) > 1 else 1
    width, layout = info.shape[0], TYPES[info.type]
    row = width // layout.block * layout.size

    def rows(start: int, stop: int) -> np.ndarray:
        stored = read_bytes(file.path, info.offset + start * row, (stop - start) * row)
        return quantise.to_float(stored, info.type, width)

    def unchanged() -> Iterator[bytes]:
        for start in range(0, info.nbytes, _BYTES_AT_ONCE):
            yield read_bytes(file.path, info.offset + start, min(_BYTES_AT_ONCE, info.nbytes - start)).tobytes()

    def changed() -> Iterator[bytes]:
        return quantise.blocks(rows, n_rows, width, kind)

    return PlannedTensor(info.name, info.shape, kind, unchanged if kind == info.type else changed)
