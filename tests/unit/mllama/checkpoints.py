"""Small checkpoints of this architecture with random weights, for any sizes, and GGUF files in the older layouts."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np

VECTORS = Path(__file__).parents[2] / "data" / "tiny-llama-3.2-vision"


def read_tensors(folder: Path) -> dict[str, np.ndarray]:
    """The float32 tensors of a one-file checkpoint."""
    raw = (folder / "model.safetensors").read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    del header["__metadata__"]
    found = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        found[name] = np.frombuffer(raw[8 + length + start : 8 + length + end], np.float32).reshape(entry["shape"])
    return found


def write_tensors(path: Path, tensors: dict[str, np.ndarray]) -> None:
    header, offset = {}, 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    raw = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + b"".join(t.tobytes() for t in tensors.values()))


def config_of(
    *, width: int, heads: int, kv_heads: int, mlp: int, layers: int, cross: list[int], tower: int, tower_heads: int,
    tower_mlp: int, tower_layers: int, global_layers: int, taps: list[int], tile: int, patch: int, max_tiles: int,
    norm_eps: float = 1e-5,
) -> dict:  # fmt: skip
    """A config.json as transformers writes it; the vocabulary is that of the vectors."""
    config = json.loads((VECTORS / "config.json").read_text())
    config["text_config"] |= {
        "hidden_size": width, "num_attention_heads": heads, "num_key_value_heads": kv_heads,
        "intermediate_size": mlp, "num_hidden_layers": layers, "cross_attention_layers": cross,
    }  # fmt: skip
    arrangements = [[h, w] for h in range(1, max_tiles + 1) for w in range(1, max_tiles // h + 1)]
    config["vision_config"] |= {
        "hidden_size": tower, "attention_heads": tower_heads, "intermediate_size": tower_mlp,
        "num_hidden_layers": tower_layers, "num_global_layers": global_layers, "intermediate_layers_indices": taps,
        "image_size": tile, "patch_size": patch, "max_num_tiles": max_tiles,
        "supported_aspect_ratios": arrangements, "vision_output_dim": tower * (1 + len(taps)),
        "norm_eps": norm_eps,
    }  # fmt: skip
    return config


def write_checkpoint(folder: Path, config: dict, seed: int) -> dict[str, np.ndarray]:
    """A whole checkpoint with random weights; its tensors."""
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        shutil.copy(VECTORS / name, folder / name)
    (folder / "config.json").write_text(json.dumps(config))
    random = np.random.default_rng(seed)
    tensors = {
        name: _random(random, name, shape) for name, shape in _shapes(config["text_config"], config["vision_config"])
    }
    write_tensors(folder / "model.safetensors", tensors)
    return tensors


def _random(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values of a size that keeps every part of the model from vanishing in the sum."""
    values = random.standard_normal(shape).astype(np.float32)
    if "norm" in name and name.endswith("weight"):
        return 1 + 0.1 * values
    if len(shape) > 1 and "embed" not in name:
        return values / np.sqrt(np.prod(shape[1:])).astype(np.float32)
    return values * np.float32(0.3 if "bias" in name else 0.7)


def _shapes(t: dict, v: dict) -> list[tuple[str, tuple[int, ...]]]:
    width, head = t["hidden_size"], t["hidden_size"] // t["num_attention_heads"]
    kv = t["num_key_value_heads"] * head
    rows = (v["image_size"] // v["patch_size"]) ** 2 + 1
    kinds, tiles, tower = len(v["supported_aspect_ratios"]) + 1, v["max_num_tiles"], v["hidden_size"]
    names = [
        ("language_model.model.embed_tokens.weight", (t["vocab_size"] + 8, width)),
        ("language_model.model.norm.weight", (width,)),
        ("language_model.lm_head.weight", (t["vocab_size"], width)),
        ("multi_modal_projector.weight", (width, tower * (1 + len(v["intermediate_layers_indices"])))),
        ("multi_modal_projector.bias", (width,)),
        ("vision_model.patch_embedding.weight", (tower, 3, v["patch_size"], v["patch_size"])),
        ("vision_model.class_embedding", (tower,)),
        ("vision_model.gated_positional_embedding.embedding", (rows, tower)),
        ("vision_model.gated_positional_embedding.gate", (1,)),
        ("vision_model.gated_positional_embedding.tile_embedding.weight", (kinds, tiles * rows * tower)),
    ]
    for part in ("pre", "post"):
        block = f"vision_model.{part}_tile_positional_embedding"
        names += [(f"{block}.embedding.weight", (kinds, tiles * tower)), (f"{block}.gate", (1,))]
        names += [(f"vision_model.layernorm_{part}.{kind}", (tower,)) for kind in ("weight", "bias")]
    for i in range(t["num_hidden_layers"]):
        names += _text_layer(f"language_model.model.layers.{i}.", i in t["cross_attention_layers"], t, width, kv, head)
    for kind, count in (("transformer", v["num_hidden_layers"]), ("global_transformer", v["num_global_layers"])):
        for i in range(count):
            block = f"vision_model.{kind}.layers.{i}."
            names += _vision_layer(block, tower, v["intermediate_size"])
            if kind.startswith("global"):
                names += [(f"{block}gate_attn", (1,)), (f"{block}gate_ffn", (1,))]
    return names


def _text_layer(block: str, cross: bool, t: dict, width: int, kv: int, head: int) -> list[tuple[str, tuple[int, ...]]]:
    attention = f"{block}{'cross' if cross else 'self'}_attn."
    names = [(f"{attention}{part}_proj.weight", (n, width)) for part, n in (("q", width), ("k", kv), ("v", kv))]
    names += [(f"{attention}o_proj.weight", (width, width))]
    if cross:
        names += [(f"{attention}{part}_norm.weight", (head,)) for part in "qk"]
        names += [(f"{block}cross_attn_{part}_gate", (1,)) for part in ("attn", "mlp")]
    names += [(f"{block}{norm}_layernorm.weight", (width,)) for norm in ("input", "post_attention")]
    names += [(f"{block}mlp.{part}_proj.weight", (t["intermediate_size"], width)) for part in ("gate", "up")]
    return [*names, (f"{block}mlp.down_proj.weight", (width, t["intermediate_size"]))]


def _vision_layer(block: str, width: int, mlp: int) -> list[tuple[str, tuple[int, ...]]]:
    names = [(f"{block}self_attn.{part}_proj.weight", (width, width)) for part in "qkvo"]
    for norm in ("input", "post_attention"):
        names += [(f"{block}{norm}_layernorm.{kind}", (width,)) for kind in ("weight", "bias")]
    names += [(f"{block}mlp.fc1.weight", (mlp, width)), (f"{block}mlp.fc1.bias", (mlp,))]
    return [*names, (f"{block}mlp.fc2.weight", (width, mlp)), (f"{block}mlp.fc2.bias", (width,))]
