"""Files of Llama 3.2 Vision's true sizes with random weights: made in seconds, as fast as the real ones.

Speed does not depend on what the weights are, only on their types and sizes, so one block of random rows, quantised
once a type, is repeated.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from app.gguf import TYPES
from app.library import quantise
from app.library.gguf_writer import PlannedTensor, entry, write

WIDTH, MLP, HEADS, KV_HEADS, VOCABULARY = 4096, 14336, 32, 8, 128256
TOWER, TOWER_MLP, TOWER_HEADS, TILE, PATCH, ROWS, TILES = 1280, 5120, 16, 560, 14, 1601, 4
CROSS = (3, 8, 13, 18, 23, 28, 33, 38)
LAYERS, TOWER_LAYERS, GLOBAL_LAYERS, TAPS = 40, 32, 8, (3, 7, 15, 23, 30)
_SPECIAL = ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")

Shapes = dict[str, tuple[int, ...]]


def llama_file(path: Path, layers: int, mix: str = "Q4_K_M") -> None:
    """The Llama part alone, as libllama reads it: `layers` self-attention layers of the 8B's (and 11B's) sizes."""
    shapes: Shapes = {}
    for i in range(layers):
        shapes |= _self_layer(i)
    entries = {"general.architecture": "llama", **_text_entries("llama", layers, VOCABULARY)}
    _write(path, _common(shapes, VOCABULARY), entries, mix, mix, layers)


def vision_file(
    path: Path,
    mix: str = "Q4_K_M",
    tower_mix: str = "Q6_K",
    *,
    layers: int = LAYERS,
    cross: tuple[int, ...] = CROSS,
    tower_layers: int = TOWER_LAYERS,
    global_layers: int = GLOBAL_LAYERS,
    taps: tuple[int, ...] = TAPS,
) -> None:
    """The whole model, or one of its sizes with fewer layers."""
    shapes: Shapes = {}
    for i in range(layers):
        shapes |= _cross_layer(i) if i in cross else _self_layer(i)
    shapes |= _tower(tower_layers, global_layers, len(taps))
    entries = {
        "general.architecture": "mllama",
        **_text_entries("mllama", layers, VOCABULARY + 8),
        "mllama.attention.cross_attention_layers": list(cross),
        "mllama.vision.block_count": tower_layers,
        "mllama.vision.global.block_count": global_layers,
        "mllama.vision.intermediate_layers_indices": list(taps),
        "mllama.vision.embedding_length": TOWER,
        "mllama.vision.feed_forward_length": TOWER_MLP,
        "mllama.vision.attention.head_count": TOWER_HEADS,
        "mllama.vision.image_size": TILE,
        "mllama.vision.patch_size": PATCH,
        "mllama.vision.max_num_tiles": TILES,
    }
    _write(path, _common(shapes, VOCABULARY + 8), entries, mix, tower_mix, layers)


def tower_checkpoint(folder: Path, tokenizer: Path, tower_layers: int, global_layers: int, taps: list[int]) -> None:
    """A Hugging Face checkpoint with a tower of true width and random weights, and the smallest text beside it.

    tokenizer: a folder with a tokenizer.json, for the converter.
    """
    import torch
    from safetensors.torch import save_file
    from transformers import MllamaConfig, MllamaForConditionalGeneration

    text = {"hidden_size": 256, "intermediate_size": 256, "num_hidden_layers": 2, "cross_attention_layers": [1]}
    text |= {"num_attention_heads": 8, "num_key_value_heads": 2, "vocab_size": 420, "pad_token_id": 414}
    text |= {"rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}}
    vision = {"hidden_size": TOWER, "intermediate_size": TOWER_MLP, "attention_heads": TOWER_HEADS}
    vision |= {"num_hidden_layers": tower_layers, "num_global_layers": global_layers, "image_size": TILE}
    vision |= {"patch_size": PATCH, "intermediate_layers_indices": taps, "vision_output_dim": TOWER * (1 + len(taps))}
    block = 0.02 * torch.randn(1 << 20, generator=torch.Generator().manual_seed(0))
    with torch.device("meta"):
        model = MllamaForConditionalGeneration(MllamaConfig(text_config=text, vision_config=vision))
    tensors = {}
    for name, empty in model.state_dict().items():
        values = block.repeat(-(-empty.numel() // block.numel()))[: empty.numel()].reshape(empty.shape)
        tensors[name] = (values + float("norm" in name and name.endswith("weight"))).to(torch.bfloat16)
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    save_file(tensors, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    config["text_config"].setdefault("rope_theta", 500000.0)
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((tokenizer / name).read_bytes())


def _common(shapes: Shapes, tokens: int) -> Shapes:
    return {
        "token_embd.weight": (WIDTH, tokens),
        "output.weight": (WIDTH, VOCABULARY),
        "output_norm.weight": (WIDTH,),
        "rope_freqs.weight": (WIDTH // HEADS // 2,),
        **shapes,
    }


def _mlp(i: int) -> Shapes:
    block = f"blk.{i}."
    norms: Shapes = {f"{block}{norm}.weight": (WIDTH,) for norm in ("attn_norm", "ffn_norm")}
    up: Shapes = {f"{block}ffn_{part}.weight": (WIDTH, MLP) for part in ("gate", "up")}
    return norms | up | {f"{block}ffn_down.weight": (MLP, WIDTH)}


def _self_layer(i: int) -> Shapes:
    kv = WIDTH // HEADS * KV_HEADS
    sides = {"q": WIDTH, "k": kv, "v": kv, "output": WIDTH}
    return {f"blk.{i}.attn_{part}.weight": (WIDTH, side) for part, side in sides.items()} | _mlp(i)


def _cross_layer(i: int) -> Shapes:
    kv, head = WIDTH // HEADS * KV_HEADS, WIDTH // HEADS
    sides = {"q": WIDTH, "k": kv, "v": kv, "o": WIDTH}
    shapes: Shapes = {f"blk.{i}.cross_attn_{part}_proj.weight": (WIDTH, side) for part, side in sides.items()}
    shapes |= {f"blk.{i}.cross_attn_{part}_norm.weight": (head,) for part in "qk"}
    return shapes | {f"blk.{i}.cross_attn_{part}_gate": (1,) for part in ("attn", "mlp")} | _mlp(i)


def _tower(layers: int, global_layers: int, taps: int) -> Shapes:
    shapes: Shapes = {
        "v.patch_embd.weight": (PATCH, PATCH, 3, TOWER),
        "v.class_embd": (TOWER,),
        "v.position_embd.weight": (TOWER, ROWS),
        "v.tile_position_embd.weight": (TOWER * ROWS * TILES, 9),
        "v.pre_tile_position_embd.weight": (TOWER * TILES, 9),
        "v.post_tile_position_embd.weight": (TOWER * TILES, 9),
        "mm.0.weight": (TOWER * (1 + taps), WIDTH),
        "mm.0.bias": (WIDTH,),
    }
    for name in ("position_embd", "tile_position_embd", "pre_tile_position_embd", "post_tile_position_embd"):
        shapes[f"v.{name}.gate"] = (1,)
    for norm in ("pre_ln", "post_ln"):
        shapes |= {f"v.{norm}.{kind}": (TOWER,) for kind in ("weight", "bias")}
    blocks = [f"v.blk.{i}." for i in range(layers)] + [f"v.global.blk.{i}." for i in range(global_layers)]
    for block in blocks:
        shapes |= {f"{block}attn_{part}.weight": (TOWER, TOWER) for part in ("q", "k", "v", "output")}
        shapes |= {
            f"{block}{norm}.{kind}": (TOWER,) for norm in ("attn_norm", "ffn_norm") for kind in ("weight", "bias")
        }
        shapes |= {f"{block}ffn_up.weight": (TOWER, TOWER_MLP), f"{block}ffn_up.bias": (TOWER_MLP,)}
        shapes |= {f"{block}ffn_down.weight": (TOWER_MLP, TOWER), f"{block}ffn_down.bias": (TOWER,)}
        if "global" in block:
            shapes |= {f"{block}attn_gate": (1,), f"{block}ffn_gate": (1,)}
    return shapes


def _text_entries(architecture: str, layers: int, tokens: int) -> dict[str, Any]:
    return {
        f"{architecture}.block_count": layers,
        f"{architecture}.context_length": 131072,
        f"{architecture}.embedding_length": WIDTH,
        f"{architecture}.feed_forward_length": MLP,
        f"{architecture}.attention.head_count": HEADS,
        f"{architecture}.attention.head_count_kv": KV_HEADS,
        f"{architecture}.attention.layer_norm_rms_epsilon": 1e-5,
        f"{architecture}.rope.freq_base": 500000.0,
        f"{architecture}.rope.dimension_count": WIDTH // HEADS,
        f"{architecture}.vocab_size": tokens,
        **_tokenizer(tokens),
    }


def _tokenizer(count: int) -> dict[str, Any]:
    """Byte tokens, filler, and the control tokens a conversation needs, with `<|image|>` where the real one is."""
    letters = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {byte: chr(byte) for byte in letters}
    table |= {byte: chr(256 + n) for n, byte in enumerate(b for b in range(256) if b not in table)}
    tokens = [table[byte] for byte in range(256)]
    tokens += [f"filler{i}" for i in range(len(tokens), VOCABULARY - len(_SPECIAL))]
    tokens = [*tokens, *_SPECIAL, "<|image|>", *(f"<|unused{i}|>" for i in range(7))][:count]
    control = count - VOCABULARY + len(_SPECIAL)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "llama-bpe",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [1] * (len(tokens) - control) + [3] * control,
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.bos_token_id": VOCABULARY - 5,
        "tokenizer.ggml.eos_token_id": VOCABULARY - 1,
    }


def _write(path: Path, shapes: Shapes, entries: dict[str, Any], mix: str, tower_mix: str, layers: int) -> None:
    samples: dict[tuple[int, float], bytes] = {}
    planned = []
    for name, shape in shapes.items():
        kind = quantise.type_of(
            name, shape, tower_mix if name.startswith(("v.", "mm.")) else mix, layers, HEADS // KV_HEADS
        )
        mean = 1.0 if name.endswith(("norm.weight", "ln.weight", "freqs.weight")) else 0.0
        if (kind, mean) not in samples:
            values = np.random.default_rng(kind).normal(mean, 0.02, (256, 4096)).astype(np.float32)
            samples[kind, mean] = quantise.to_type(values, kind)
        planned.append(_planned(name, shape, kind, samples[kind, mean]))
    write(path, [entry(key, value) for key, value in entries.items()], planned)


def _planned(name: str, shape: tuple[int, ...], kind: int, sample: bytes) -> PlannedTensor:
    stored = TYPES[kind]
    size = stored.size * int(np.prod(shape)) // stored.block

    def blocks() -> Iterator[bytes]:
        for start in range(0, size, len(sample)):
            yield sample[: min(len(sample), size - start)]

    return PlannedTensor(name, shape, kind, blocks)
