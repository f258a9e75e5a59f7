"""The starter's decoder without its eyes: a text-only Llama, as llama.cpp runs it, that translates words.

A cross-attention layer adds nothing where there is no picture, so the other layers alone are the whole model of a text.
Free of pytest, so that it can be written by hand for trying the window.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import gguf
import numpy as np

from app.paths import assets_dir

STARTER = assets_dir() / "starter" / "starter.gguf"
_CROSS = (1, 3, 5, 7)
_KEPT = ("context_length", "embedding_length", "feed_forward_length", "attention.head_count", "attention.head_count_kv")


def write_text_half(path: Path, exchanged: Mapping[str, str] | None = None) -> None:
    """Write it as a GGUF of architecture "llama". exchanged: tokens that take each other's place in the vocabulary, by
    which its answers can be told from the starter's."""
    reader = gguf.GGUFReader(STARTER)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    tokens = fields["tokenizer.ggml.tokens"]
    for one, other in (exchanged or {}).items():
        here, there = tokens.index(one), tokens.index(other)
        tokens[here], tokens[there] = other, one
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Words only")
    writer.add_block_count(fields["mllama.block_count"] - len(_CROSS))
    for key in _KEPT:
        writer.add_uint32(f"llama.{key}", fields[f"mllama.{key}"])
    writer.add_layer_norm_rms_eps(fields["mllama.attention.layer_norm_rms_epsilon"])
    writer.add_rope_freq_base(fields["mllama.rope.freq_base"])
    writer.add_rope_dimension_count(fields["mllama.rope.dimension_count"])
    for key, field in reader.fields.items():
        if key.startswith("tokenizer."):
            sub = field.types[-1] if field.types[0] is gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(key, fields[key], field.types[0], sub)
    for name, rows, kind in _tensors(reader, len(tokens)):
        writer.add_tensor(name, rows, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(reader: gguf.GGUFReader, vocabulary: int) -> Iterator[tuple[str, np.ndarray, gguf.GGMLQuantizationType]]:
    """Name, rows and type of all that a text needs; layers are numbered anew."""
    layers = [n for n in range(reader.fields["mllama.block_count"].contents()) if n not in _CROSS]
    names = {f"blk.{old}.": f"blk.{new}." for new, old in enumerate(layers)}
    for tensor in reader.tensors:
        layer = tensor.name[: tensor.name.find(".", 4) + 1] if tensor.name.startswith("blk.") else ""
        if tensor.name.startswith(("v.", "mm.")) or (layer and layer not in names):
            continue
        rows = tensor.data
        if tensor.name in ("token_embd.weight", "output.weight"):  # <|image|> is read only: it has no row to be said
            rows = np.pad(rows[:vocabulary], ((0, max(0, vocabulary - len(rows))), (0, 0)))
        yield tensor.name.replace(layer, names.get(layer, ""), 1), rows, tensor.tensor_type
