"""Small models with random weights, written as real GGUF pairs: a text model and its CLIP projector.

Every shape exercises another path of libmtmd: `llava` (one block of tokens), `tiles` (an overview and slices),
`qwen2vl` (M-RoPE, any picture size), `gemma3` (sliding window, pictures attend to themselves without order),
`mamba` (a recurrent model, whose cache cannot be cut).
The same seed gives the same bytes. Free of pytest, so that benchmarks can use it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import gguf
import numpy as np

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}"
    "{% else %}{% for part in message.content %}{{ part.text }}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

_TEXT = """the a an and of in on is are was what where who how many there that this it one two red green blue cat dog
house tree sky water left right above below picture shows sign text word says open closed door window man woman child"""
_WORDS = _TEXT.split()
_SPECIAL = (
    "<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>",
    "<|vision_start|>", "<|vision_end|>", "<start_of_image>", "<end_of_image>",
)  # fmt: skip
_STATE = 8
EOS = _SPECIAL.index("<|im_end|>")


@dataclass(frozen=True)
class Shape:
    """Sizes of a pair. `kind` names the path of libmtmd."""

    kind: str = "llava"
    width: int = 64
    layers: int = 3
    heads: int = 4
    kv_heads: int = 2
    feed_forward: int = 128
    context: int = 2048
    image: int = 56
    patch: int = 14
    vision_width: int = 64
    vision_layers: int = 3
    vision_heads: int = 4
    vision_feed_forward: int = 128
    seed: int = 1
    template: str | None = CHATML
    adds_bos: bool = False


TINY = Shape()
TILES = replace(TINY, kind="tiles")
QWEN2VL = replace(TINY, kind="qwen2vl")
GEMMA3 = replace(TINY, kind="gemma3", layers=6, image=112)
MAMBA = replace(TINY, kind="mamba", heads=0, kv_heads=0, feed_forward=0)
HEAVY_VISION = replace(
    TINY,
    layers=4,
    width=256,
    heads=8,
    feed_forward=512,
    image=448,
    vision_width=512,
    vision_layers=13,
    vision_heads=8,
    vision_feed_forward=2048,
)
"""Looking takes far longer than reading: 1024 patches through 40 million weights, before a small text model."""


class Pair(NamedTuple):
    """Paths of a text model and its projector."""

    model: Path
    projector: Path


def write_pair(folder: Path, shape: Shape = TINY) -> Pair:
    """Write the pair into `folder` (names: model.gguf, mmproj.gguf)."""
    pair = Pair(folder / "model.gguf", folder / "mmproj.gguf")
    write_text_model(pair.model, shape)
    write_projector(pair.projector, shape)
    return pair


def write_text_model(path: Path, shape: Shape = TINY) -> None:
    architecture = shape.kind if shape.kind in ("qwen2vl", "gemma3", "mamba") else "llama"
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    head = shape.width // max(1, shape.heads)
    if architecture == "mamba":
        writer.add_ssm_conv_kernel(4)
        writer.add_ssm_inner_size(2 * shape.width)
        writer.add_ssm_state_size(_STATE)
        writer.add_ssm_time_step_rank(shape.width // 16)
    elif architecture == "llama":
        writer.add_rope_dimension_count(head)
    elif architecture == "qwen2vl":
        quarter = head // 4
        writer.add_rope_dimension_sections([quarter // 2, quarter // 4 * 3, quarter // 4 * 3, 0])
    else:
        writer.add_key_length(head)
        writer.add_value_length(head)
        writer.add_sliding_window(64)
    _add_vocabulary(writer, shape.template, shape.adds_bos)
    for name, tensor in _text_tensors(shape, architecture):
        writer.add_tensor(name, tensor)
    _finish(writer)


def write_projector(path: Path, shape: Shape = TINY) -> None:
    writer = gguf.GGUFWriter(path, "clip")
    kind = {"qwen2vl": "qwen2vl_merger", "gemma3": "gemma3"}.get(shape.kind, "mlp")
    writer.add_string("clip.projector_type", kind)
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_uint32("clip.vision.image_size", shape.image)
    writer.add_uint32("clip.vision.patch_size", shape.patch)
    writer.add_uint32("clip.vision.embedding_length", shape.vision_width)
    writer.add_uint32("clip.vision.feed_forward_length", shape.vision_feed_forward)
    writer.add_uint32("clip.vision.block_count", shape.vision_layers)
    writer.add_uint32("clip.vision.attention.head_count", shape.vision_heads)
    writer.add_uint32("clip.vision.projection_dim", shape.width)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.3, 0.3, 0.3])
    writer.add_bool("clip.use_gelu", True)
    if shape.kind == "tiles":
        side = shape.image
        writer.add_array("clip.vision.image_grid_pinpoints", [side, 2 * side, 2 * side, side, 2 * side, 2 * side])
    for name, tensor in _vision_tensors(shape):
        writer.add_tensor(name, tensor)
    _finish(writer)


def _finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: gguf.GGUFWriter, template: str | None, adds_bos: bool) -> None:
    """A SentencePiece vocabulary: control tokens, all bytes, all printable characters, and words with their beginnings.

    A word can be reached by merging from the left, and longer pieces score higher, as in trained vocabularies.
    """
    kinds = gguf.TokenType
    tokens: dict[str, tuple[float, Any]] = dict.fromkeys(_SPECIAL, (0.0, kinds.CONTROL))
    tokens["<unk>"] = (0.0, kinds.UNKNOWN)
    tokens |= {f"<0x{byte:02X}>": (0.0, kinds.BYTE) for byte in range(256)}
    pieces = {"▁", *(chr(code) for code in range(33, 127)), *"äöüéñß€"}
    pieces |= {("▁" + word)[:end] for word in _WORDS for end in range(2, len(word) + 2)}
    for piece in sorted(pieces, key=lambda text: (-len(text), text)):
        tokens.setdefault(piece, (-float(len(tokens)), kinds.NORMAL))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(tokens))
    writer.add_token_scores([score for score, _ in tokens.values()])
    writer.add_token_types([kind for _, kind in tokens.values()])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(EOS)
    writer.add_add_bos_token(adds_bos)
    writer.add_add_space_prefix(False)
    writer.add_uint32("test.vocabulary", len(tokens))
    if template is not None:
        writer.add_chat_template(template)


def vocabulary_size() -> int:
    """How many tokens the vocabulary has."""
    pieces = {"▁", *(chr(code) for code in range(33, 127)), *"äöüéñß€"}
    pieces |= {("▁" + word)[:end] for word in _WORDS for end in range(2, len(word) + 2)}
    return len(_SPECIAL) + 256 + len(pieces)


class _Random:
    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)

    def matrix(self, outputs: int, inputs: int, scale: float = 1.0) -> np.ndarray:
        """`(outputs, inputs) float32`; keeps the variance of what it multiplies, times scale squared."""
        values = self._generator.standard_normal((outputs, inputs), dtype=np.float32)
        return values * np.float32(scale / np.sqrt(inputs))

    def vector(self, size: int, mean: float = 0.0) -> np.ndarray:
        return np.float32(mean) + np.float32(0.1) * self._generator.standard_normal(size, dtype=np.float32)


def _text_tensors(shape: Shape, architecture: str) -> Iterator[tuple[str, np.ndarray]]:
    random = _Random(shape.seed)
    width, feed, kv = shape.width, shape.feed_forward, shape.width // max(1, shape.heads) * shape.kv_heads
    yield "token_embd.weight", random.matrix(vocabulary_size(), width, np.sqrt(width))
    output = random.matrix(vocabulary_size(), width, 3.0)
    output[: len(_SPECIAL) + 256] = 0.0  # single bytes and control tokens are never the likeliest
    output[EOS] = random.matrix(1, width, 3.0)
    yield "output.weight", output
    yield "output_norm.weight", random.vector(width, 1.0)
    for index in range(shape.layers):
        block = f"blk.{index}."
        yield block + "attn_norm.weight", random.vector(width, 1.0)
        if architecture == "mamba":
            yield from _mamba_tensors(block, width, random)
            continue
        yield block + "attn_q.weight", random.matrix(width, width)
        yield block + "attn_k.weight", random.matrix(kv, width)
        yield block + "attn_v.weight", random.matrix(kv, width)
        yield block + "attn_output.weight", random.matrix(width, width, 0.7)
        yield block + "ffn_norm.weight", random.vector(width, 1.0)
        yield block + "ffn_gate.weight", random.matrix(feed, width)
        yield block + "ffn_up.weight", random.matrix(feed, width)
        yield block + "ffn_down.weight", random.matrix(width, feed)
        if architecture == "qwen2vl":
            for name, size in (("attn_q", width), ("attn_k", kv), ("attn_v", kv)):
                yield f"{block}{name}.bias", random.vector(size)
        if architecture == "gemma3":
            for name in ("attn_q_norm", "attn_k_norm"):
                yield f"{block}{name}.weight", random.vector(width // shape.heads, 1.0)
            for name in ("post_attention_norm", "post_ffw_norm"):
                yield f"{block}{name}.weight", random.vector(width, 1.0)


def _mamba_tensors(block: str, width: int, random: _Random) -> Iterator[tuple[str, np.ndarray]]:
    inner, rank = 2 * width, width // 16
    yield block + "ssm_in.weight", random.matrix(2 * inner, width, 2.0)
    yield block + "ssm_conv1d.weight", random.matrix(inner, 4)
    yield block + "ssm_conv1d.bias", random.vector(inner)
    yield block + "ssm_x.weight", random.matrix(rank + 2 * _STATE, inner)
    yield block + "ssm_dt.weight", random.matrix(inner, rank)
    yield block + "ssm_dt.bias", random.vector(inner)
    yield block + "ssm_a", -np.abs(random.matrix(inner, _STATE, np.sqrt(_STATE)))
    yield block + "ssm_d", random.vector(inner, 1.0)
    yield block + "ssm_out.weight", random.matrix(width, inner, 2.0)


def _vision_tensors(shape: Shape) -> Iterator[tuple[str, np.ndarray]]:
    random = _Random(shape.seed + 1000)
    width, feed, patch = shape.vision_width, shape.vision_feed_forward, shape.patch
    class_token = shape.kind in ("llava", "tiles")
    for name in ["v.patch_embd.weight"] + ["v.patch_embd.weight.1"] * (shape.kind == "qwen2vl"):
        yield name, random.matrix(width, 3 * patch * patch, 4.0).reshape(width, 3, patch, patch)
    if class_token:
        yield "v.class_embd", random.vector(width)
    if shape.kind != "qwen2vl":
        yield (
            "v.position_embd.weight",
            random.matrix((shape.image // patch) ** 2 + class_token, width, np.sqrt(width) / 4),
        )
    for name in (["pre_ln"] if class_token else []) + (["post_ln"] if not class_token else []):
        yield f"v.{name}.weight", random.vector(width, 1.0)
        yield f"v.{name}.bias", random.vector(width)
    for index in range(shape.vision_layers):
        block = f"v.blk.{index}."
        for name in ("ln1", "ln2"):
            yield f"{block}{name}.weight", random.vector(width, 1.0)
            yield f"{block}{name}.bias", random.vector(width)
        for name, outputs, inputs in (
            ("attn_q", width, width),
            ("attn_k", width, width),
            ("attn_v", width, width),
            ("attn_out", width, width),
            ("ffn_up", feed, width),
            ("ffn_down", width, feed),
        ):
            yield f"{block}{name}.weight", random.matrix(outputs, inputs).astype(np.float16)
            yield f"{block}{name}.bias", random.vector(outputs)
    yield from _projector_tensors(shape, random)


def _projector_tensors(shape: Shape, random: _Random) -> Iterator[tuple[str, np.ndarray]]:
    width = shape.vision_width
    if shape.kind == "gemma3":
        yield "mm.input_projection.weight", random.matrix(width, shape.width, np.sqrt(shape.width / width))
        yield "mm.soft_emb_norm.weight", random.vector(width, 1.0)
        return
    inputs = 4 * width if shape.kind == "qwen2vl" else width
    yield "mm.0.weight", random.matrix(inputs, inputs)
    yield "mm.0.bias", random.vector(inputs)
    yield "mm.2.weight", random.matrix(shape.width, inputs, 2.0)
    yield "mm.2.bias", random.vector(shape.width)
    if shape.kind == "tiles":
        yield "v.image_newline", random.vector(shape.width)
