"""Llama 3.2 Vision in plain numpy, straight from a checkpoint, to compare the graphs with.

Written after Meta's reference and transformers' `modeling_mllama`, with masks and whole tiles where the graphs reorder
rows and leave work out. `test_vectors.py` holds it against numbers that come from transformers itself.
"""

import math

import numpy as np

Tensors = dict[str, np.ndarray]


def project(tensors: Tensors, config: dict, pixels: np.ndarray, arrangement: int) -> np.ndarray:
    """The projected features of one picture: (max tiles, rows of a tile, text width).

    pixels: (real tiles, 3, side, side).
    """
    c, n = config["vision_config"], pixels.shape[0]
    tiles, patch, width = c["max_num_tiles"], c["patch_size"], c["hidden_size"]
    grid = c["image_size"] // patch
    rows = grid * grid + 1
    padding = -rows % 8
    v = {name.removeprefix("vision_model."): t for name, t in tensors.items() if name.startswith("vision_model.")}

    whole = np.zeros((tiles, *pixels.shape[1:]), np.float32)
    whole[:n] = pixels
    whole = whole[:, :, : grid * patch, : grid * patch]
    blocks = whole.reshape(tiles, 3, grid, patch, grid, patch).transpose(0, 2, 4, 1, 3, 5)
    x = blocks.reshape(tiles, grid * grid, -1) @ v["patch_embedding.weight"].reshape(width, -1).T
    x = x + _tile_embedding(v, "pre_tile_positional_embedding", arrangement, tiles, width)
    x = np.concatenate([np.broadcast_to(v["class_embedding"], (tiles, 1, width)), x], axis=1)
    gate = np.tanh(v["gated_positional_embedding.gate"])
    x = x + (1 - gate) * v["gated_positional_embedding.embedding"]
    per_tile = v["gated_positional_embedding.tile_embedding.weight"][arrangement].reshape(tiles, rows, width)
    x = x + gate * per_tile
    x = _layer_norm(x, v, "layernorm_pre", 1e-5)
    x = np.pad(x, ((0, 0), (0, padding), (0, 0))).reshape(-1, width)

    real = np.zeros((tiles, rows + padding), bool)
    real[:n, :rows] = True
    blocked = ~real.reshape(-1)
    mask = np.where(blocked[:, None] & blocked[None, :], -np.inf, 0)

    states = []
    for i in range(c["num_hidden_layers"]):
        states.append(x)
        x = _vision_layer(x, v, f"transformer.layers.{i}.", c, mask, gated=False)
    states.append(x)
    x = _layer_norm(x, v, "layernorm_post", 1e-5).reshape(tiles, rows + padding, width)
    x = x + _tile_embedding(v, "post_tile_positional_embedding", arrangement, tiles, width)
    x = x.reshape(-1, width)
    for i in range(c["num_global_layers"]):
        x = _vision_layer(x, v, f"global_transformer.layers.{i}.", c, mask, gated=True)
    kept = [states[i] for i in c["intermediate_layers_indices"]]
    kept = np.stack(kept, axis=-1).reshape(len(x), -1) if kept else x[:, :0]
    features = np.concatenate([x, kept], axis=-1).reshape(tiles, rows + padding, -1)[:, :rows]
    return features @ tensors["multi_modal_projector.weight"].T + tensors["multi_modal_projector.bias"]


def _tile_embedding(v: Tensors, name: str, arrangement: int, tiles: int, width: int) -> np.ndarray:
    table = v[f"{name}.embedding.weight"][arrangement].reshape(tiles, 1, width)
    return table * np.tanh(v[f"{name}.gate"])


def _vision_layer(x: np.ndarray, v: Tensors, block: str, c: dict, mask: np.ndarray, gated: bool) -> np.ndarray:
    gates = [np.tanh(v[f"{block}gate_{part}"]) if gated else 1 for part in ("attn", "ffn")]
    h = _layer_norm(x, v, f"{block}input_layernorm", c["norm_eps"])
    q, k, s = (h @ v[f"{block}self_attn.{p}_proj.weight"].T for p in "qkv")
    h = attend(q, k, s, c["attention_heads"], c["attention_heads"], mask) @ v[f"{block}self_attn.o_proj.weight"].T
    x = x + gates[0] * h
    h = _layer_norm(x, v, f"{block}post_attention_layernorm", c["norm_eps"])
    h = h @ v[f"{block}mlp.fc1.weight"].T + v[f"{block}mlp.fc1.bias"]
    h = h * 0.5 * (1 + np.vectorize(math.erf)(h / math.sqrt(2)))
    return x + gates[1] * (h @ v[f"{block}mlp.fc2.weight"].T + v[f"{block}mlp.fc2.bias"])


def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray, heads: int, kv_heads: int, mask: np.ndarray) -> np.ndarray:
    """Attention of (n, heads * head) over (m, kv heads * head), mask (n, m) added; rows that see nothing give 0."""
    size = q.shape[1] // heads
    q = q.reshape(-1, heads, size).transpose(1, 0, 2)
    k, v = (np.repeat(t.reshape(-1, kv_heads, size).transpose(1, 0, 2), heads // kv_heads, axis=0) for t in (k, v))
    scores = q @ k.transpose(0, 2, 1) / math.sqrt(size) + mask
    top = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isinf(top), 0, top))
    weights = weights / np.maximum(weights.sum(-1, keepdims=True), 1e-30)
    return (weights @ v).transpose(1, 0, 2).reshape(q.shape[1], -1)


def logits(tensors: Tensors, config: dict, tokens: list[int], pictures: list[tuple[np.ndarray, int]]) -> np.ndarray:
    """The logits after every token. pictures: each one's pixels and arrangement (see `project`)."""
    c, n = config["text_config"], len(tokens)
    t = {name.removeprefix("language_model."): x for name, x in tensors.items() if name.startswith("language_model.")}
    rows = (config["vision_config"]["image_size"] // config["vision_config"]["patch_size"]) ** 2 + 1
    seen, owner = [np.zeros((0, c["hidden_size"]))], []
    for number, (pixels, arrangement) in enumerate(pictures):
        features = project(tensors, config, pixels, arrangement)
        seen.append(features.reshape(-1, c["hidden_size"]))
        owner += [number if tile < len(pixels) else -1 for tile in range(len(features)) for _ in range(rows)]
    visible = _visible(tokens, config["image_token_index"], len(pictures))
    look = np.where(visible[:, np.array(owner, int)] & (np.array(owner) >= 0), 0, -np.inf) if owner else None
    blind = ~visible.any(axis=1)
    causal = np.triu(np.full((n, n), -np.inf), 1)

    x = t["model.embed_tokens.weight"][tokens]
    for i in range(c["num_hidden_layers"]):
        block = f"model.layers.{i}."
        cross = i in c["cross_attention_layers"]
        if cross and not pictures:
            continue
        h = _rms_norm(x, t[f"{block}input_layernorm.weight"], c)
        if cross:
            h = _cross(h, np.concatenate(seen), t, f"{block}cross_attn.", c, look)
            h = np.tanh(t[f"{block}cross_attn_attn_gate"]) * np.where(blind[:, None], 0, h)
        else:
            h = _self(h, t, f"{block}self_attn.", c, causal)
        x = x + h
        h = _rms_norm(x, t[f"{block}post_attention_layernorm.weight"], c)
        gate, up = (h @ t[f"{block}mlp.{part}_proj.weight"].T for part in ("gate", "up"))
        h = (gate / (1 + np.exp(-gate)) * up) @ t[f"{block}mlp.down_proj.weight"].T
        x = x + (np.tanh(t[f"{block}cross_attn_mlp_gate"]) * np.where(blind[:, None], 0, h) if cross else h)
    return _rms_norm(x, t["model.norm.weight"], c) @ t["lm_head.weight"].T


def _visible(tokens: list[int], mark: int, pictures: int) -> np.ndarray:
    """Which row sees which picture: up to the next picture's token, a run of tokens side by side counting as one."""
    places = [i for i, token in enumerate(tokens) if token == mark]
    visible = np.zeros((len(tokens), pictures), bool)
    for number, place in enumerate(places):
        following = [p for k, p in enumerate(places) if k > number and p != place + (k - number)]
        visible[place : (following or [len(tokens)])[0], number] = True
    return visible


def _self(h: np.ndarray, t: Tensors, block: str, c: dict, mask: np.ndarray) -> np.ndarray:
    q, k, v = (h @ t[f"{block}{part}_proj.weight"].T for part in "qkv")
    heads, kv_heads = c["num_attention_heads"], c["num_key_value_heads"]
    size = q.shape[1] // heads
    angles = np.arange(len(h))[:, None] * _frequencies(c, size)
    q, k = _rotate(q, heads, angles), _rotate(k, kv_heads, angles)
    return attend(q, k, v, heads, kv_heads, mask) @ t[f"{block}o_proj.weight"].T


def _cross(h: np.ndarray, seen: np.ndarray, t: Tensors, block: str, c: dict, mask: np.ndarray) -> np.ndarray:
    heads, kv_heads = c["num_attention_heads"], c["num_key_value_heads"]
    q, k, v = h @ t[f"{block}q_proj.weight"].T, seen @ t[f"{block}k_proj.weight"].T, seen @ t[f"{block}v_proj.weight"].T
    q, k = (
        _rms_norm(x.reshape(len(x), n, -1), t[f"{block}{part}_norm.weight"], c).reshape(len(x), -1)
        for x, n, part in ((q, heads, "q"), (k, kv_heads, "k"))
    )
    return attend(q, k, v, heads, kv_heads, mask) @ t[f"{block}o_proj.weight"].T


def _frequencies(c: dict, size: int) -> np.ndarray:
    """Rotations a position, slowed for long wavelengths as Llama 3.1 does."""
    base = c["rope_theta"] ** -(np.arange(0, size, 2) / size)
    rope = c["rope_scaling"]
    original, slow = rope["original_max_position_embeddings"], base / rope["factor"]
    found = []
    for fast, slowed in zip(base, slow, strict=True):
        wavelength = 2 * math.pi / fast
        if wavelength < original / rope["high_freq_factor"]:
            found.append(fast)
        elif wavelength > original / rope["low_freq_factor"]:
            found.append(slowed)
        else:
            share = (original / wavelength - rope["low_freq_factor"]) / (
                rope["high_freq_factor"] - rope["low_freq_factor"]
            )
            found.append((1 - share) * slowed + share * fast)
    return np.array(found)


def _rotate(x: np.ndarray, heads: int, angles: np.ndarray) -> np.ndarray:
    """RoPE over halves, as the checkpoint's rows are ordered."""
    first, second = np.split(x.reshape(len(x), heads, -1), 2, axis=-1)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1).reshape(len(x), -1)


def _layer_norm(x: np.ndarray, v: Tensors, name: str, eps: float) -> np.ndarray:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps) * v[f"{name}.weight"] + v[f"{name}.bias"]


def _rms_norm(x: np.ndarray, weight: np.ndarray, c: dict) -> np.ndarray:
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + c["rms_norm_eps"]) * weight
