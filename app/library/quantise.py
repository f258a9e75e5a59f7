"""Which type each tensor gets in a quantised model, and the making of it.

The mixes are llama.cpp's (`llama_tensor_get_type` in its `llama-quant.cpp`): the output head and, in the M mixes,
some of the value and down projections get more bits.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count

import numpy as np

from app.engine import ggml
from app.errors import UsageError
from app.gguf import TYPES

NUMBERS = {stored.name: number for number, stored in TYPES.items()}

MIXES: dict[str, tuple[str, int]] = {
    "F32": ("F32", 0),
    "F16": ("F16", 1),
    "BF16": ("BF16", 32),
    "Q4_0": ("Q4_0", 2),
    "Q4_1": ("Q4_1", 3),
    "Q5_0": ("Q5_0", 8),
    "Q5_1": ("Q5_1", 9),
    "Q8_0": ("Q8_0", 7),
    "Q2_K": ("Q2_K", 10),
    "Q3_K_S": ("Q3_K", 11),
    "Q3_K_M": ("Q3_K", 12),
    "Q3_K_L": ("Q3_K", 13),
    "Q4_K_S": ("Q4_K", 14),
    "Q4_K_M": ("Q4_K", 15),
    "Q5_K_S": ("Q5_K", 16),
    "Q5_K_M": ("Q5_K", 17),
    "Q6_K": ("Q6_K", 18),
    "IQ4_NL": ("IQ4_NL", 25),
    "IQ4_XS": ("IQ4_XS", 30),
}
"""Name of a mix -> its main type and llama.cpp's number for `general.file_type`."""

_ALIASES = {"Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "Q3_K": "Q3_K_M"}
_FALLBACKS = {"Q2_K": "Q4_0", "Q3_K": "Q4_0", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0", "IQ4_XS": "IQ4_NL"}
_ROWS_AT_ONCE = 8 << 20
"""Elements turned at a time: 32 MiB as float32."""
_WORTH_A_THREAD = 1 << 16
"""Elements: most tensors of a model are vectors, made in less time than a thread."""


def mix_named(name: str) -> str:
    """The mix a person means by `name`. Raises UsageError for an unknown one."""
    upper = name.upper()
    mix = _ALIASES.get(upper, upper)
    if mix not in MIXES:
        raise UsageError(f"There is no model type {name}.", f"Choose one of {', '.join(MIXES)}.")
    return mix


def vision_mix(mix: str) -> str:
    """The vision tower's type where none was chosen: the text's, but no fewer than 6 bits."""
    return mix if mix in ("F32", "F16", "BF16", "Q8_0") else "Q6_K"


def type_of(name: str, shape: tuple[int, ...], mix: str, layers: int, gqa: int) -> int:
    """The type tensor `name` of `shape` (ggml's order) gets in `mix`.

    layers and gqa (query heads per key head) are the text decoder's.
    """
    if len(shape) < 2 or not name.endswith(".weight") or _stays_float(name):
        wide = name == "v.tile_position_embd.weight" and mix != "F32"
        return NUMBERS["F16" if wide else "F32"]
    kind = MIXES[mix][0]
    if kind not in ("F32", "F16", "BF16") and not name.startswith(("v.", "mm.")):
        kind = _raised(name, mix, layers, gqa)
    if shape[0] % TYPES[NUMBERS[kind]].block:
        kind = _FALLBACKS.get(kind, "F16")
    if shape[0] % TYPES[NUMBERS[kind]].block:
        kind = "F16"
    return NUMBERS[kind]


def _stays_float(name: str) -> bool:
    return "norm" in name or "position_embd" in name or name == "v.patch_embd.weight"


def _raised(name: str, mix: str, layers: int, gqa: int) -> str:
    """The type of a text matrix, with the exceptions of each mix."""
    kind = MIXES[mix][0]
    if name == "output.weight":
        return "Q8_0" if kind == "Q8_0" else "Q6_K"
    found = re.match(r"blk\.(\d+)\.", name)
    layer = int(found[1]) if found else 0
    if "attn_v" in name:
        return _raised_value(mix, kind, layer, layers, gqa)
    if "ffn_down" in name:
        return _raised_down(mix, kind, layer, layers)
    if "attn_output" in name or "attn_o_proj" in name:
        return {"Q2_K": "Q3_K", "Q3_K_M": "Q4_K", "Q3_K_L": "Q5_K"}.get(mix, kind)
    return kind


def _more_bits(layer: int, layers: int) -> bool:
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def _raised_value(mix: str, kind: str, layer: int, layers: int, gqa: int) -> str:
    if mix == "Q2_K":
        return "Q4_K" if gqa >= 4 else "Q3_K"
    if mix == "Q3_K_M":
        return "Q5_K" if layer < 2 else "Q4_K"
    if mix == "Q3_K_L" or (mix in ("IQ4_NL", "IQ4_XS") and gqa >= 4) or (mix == "Q4_K_S" and layer < 4):
        return "Q5_K"
    return "Q6_K" if mix in ("Q4_K_M", "Q5_K_M") and _more_bits(layer, layers) else kind


def _raised_down(mix: str, kind: str, layer: int, layers: int) -> str:
    if mix == "Q2_K":
        return "Q3_K"
    if mix == "Q3_K_M":
        return "Q5_K" if layer < layers // 16 else "Q4_K"
    if mix == "Q3_K_L" or (mix in ("Q4_K_S", "IQ4_NL", "IQ4_XS") and layer < layers // 8):
        return "Q5_K"
    return "Q6_K" if mix in ("Q4_K_M", "Q5_K_M") and _more_bits(layer, layers) else kind


def blocks(rows: Callable[[int, int], np.ndarray], n_rows: int, width: int, kind: int) -> Iterator[bytes]:
    """Turn a matrix into `kind`, some rows at a time, on every core. `rows(start, stop)` gives float32 rows."""
    step = max(1, _ROWS_AT_ONCE // width)
    with ThreadPoolExecutor(cpu_count() or 1) as pool:
        for start in range(0, n_rows, step):
            values = rows(start, min(start + step, n_rows))
            share = min(len(values), cpu_count() or 1, values.size // _WORTH_A_THREAD)
            if share < 2:
                yield to_type(values, kind)
            else:
                yield b"".join(pool.map(lambda part: to_type(part, kind), np.array_split(values, share)))


def to_type(values: np.ndarray, kind: int) -> bytes:
    """float32 rows as ggml stores them in type `kind`."""
    name = TYPES[kind].name
    if name == "F32":
        return values.astype("<f4").tobytes()
    g = ggml.library()
    values = np.ascontiguousarray(values, np.float32)
    n_rows, width = values.shape
    out = np.empty(n_rows * width // TYPES[kind].block * TYPES[kind].size, np.uint8)
    g.quantize_chunk(kind, values.ctypes.data, out.ctypes.data, 0, n_rows, width, None)
    return out.tobytes()


def to_float(raw: np.ndarray, kind: int, width: int) -> np.ndarray:
    """Rows stored in type `kind` (bytes) as float32, (rows, width)."""
    stored = TYPES[kind]
    values = np.empty(raw.size // stored.size * stored.block, np.float32)
    if stored.name == "F32":
        values = raw.view("<f4").copy()
    else:
        ggml.library().get_type_traits(kind).contents.to_float(raw.ctypes.data, values.ctypes.data, values.size)
    return values.reshape(-1, width)
