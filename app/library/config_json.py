"""What a Llama 3.2 Vision checkpoint is, read from its config.json and checked before anything is made of them."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from app.errors import ModelError
from app.gguf.mllama import Config, TextConfig, VisionConfig, arrangements
from app.library.preprocessor_json import normalisation
from app.library.safetensors import read_json

_MOST = 1 << 24
_SMALLEST, _LARGEST = 1e-30, 1e12
"""What a number may be that a file holds as float32, and the engine takes."""

_TEXT = {
    "hidden_act": "silu",
    "vocab_size": 128256,
    "hidden_size": 4096,
    "num_hidden_layers": 40,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "cross_attention_layers": [3, 8, 13, 18, 23, 28, 33, 38],
    "rms_norm_eps": 1e-5,
    "rope_theta": 500000.0,
    "max_position_embeddings": 131072,
}
_VISION = {
    "hidden_act": "gelu",
    "hidden_size": 1280,
    "num_hidden_layers": 32,
    "num_global_layers": 8,
    "attention_heads": 16,
    "num_channels": 3,
    "intermediate_size": 5120,
    "image_size": 448,
    "patch_size": 14,
    "norm_eps": 1e-5,
    "max_num_tiles": 4,
    "intermediate_layers_indices": [3, 7, 15, 23, 30],
}
"""What transformers takes where the file says nothing: some write only what differs from this."""


@dataclass(frozen=True)
class Rope:
    """Llama 3's scaling of the rotation frequencies, as transformers names its numbers."""

    factor: float
    low: float
    high: float
    original: float


@dataclass(frozen=True)
class Checkpoint:
    """What config.json says: the model's sizes, and what a GGUF file says of it besides."""

    sizes: Config
    vocabulary: int
    """Tokens that the output knows: all but the picture's."""
    rope: Rope | None
    tied: bool
    """Whether the output matrix is the beginning of the embeddings."""
    special: dict[str, Any]
    """What is said of special tokens: `bos_token_id` and the like."""


def read_config_json(folder: Path) -> Checkpoint:
    """What config.json, and preprocessor_config.json beside it, say of the checkpoint in `folder`.

    Raises ModelError for a model of another kind, and for one that this program's files or graphs have no room for.
    """
    with contextlib.suppress(OSError):
        if not (folder / "config.json").exists():
            raise ModelError(
                f"{folder} is no folder with a checkpoint.",
                "Give the one that has config.json and the .safetensors files.",
            )
    config = read_json(folder / "config.json")
    if config.get("model_type") != "mllama":
        raise ModelError("The checkpoint is not a Llama 3.2 Vision model.", "Choose one whose config.json says mllama.")
    if config.get("quantization_config"):
        raise already_quantised(f"quantization_config is {config['quantization_config']!r}")
    try:
        text = _Section(config, "text_config", _TEXT)
        base, rope = _rope(text)
        return Checkpoint(
            sizes=Config(_text(text, base), _vision(_Section(config, "vision_config", _VISION), folder)),
            vocabulary=text.count("vocab_size"),
            rope=rope,
            tied=bool(text.values.get("tie_word_embeddings") or config.get("tie_word_embeddings")),
            special={key: value for key, value in text.values.items() if key.endswith("_token_id")},
        )
    except ValueError as error:
        raise ModelError(
            "The checkpoint's config.json describes no model that can be converted.",
            "Download it again, or choose another checkpoint.",
            str(error),
        ) from error


def already_quantised(detail: str) -> ModelError:
    """What is said of weights of 8 bits or fewer: the numbers they stand for are spread over tensors of other names."""
    return ModelError(
        "The checkpoint is quantised already, in a way that cannot be converted.",
        "Choose the original one, with weights of 16 or 32 bits.",
        detail,
    )


class _Section:
    """A part of config.json. Its methods raise ValueError for what is missing or cannot be."""

    def __init__(self, config: dict[str, Any], name: str, defaults: dict[str, Any]) -> None:
        values = config.get(name)
        if not isinstance(values, dict):
            raise ValueError(f"{name} is {values!r}")
        self.values: dict[str, Any] = defaults | values

    def count(self, key: str, least: int = 1, most: int = _MOST) -> int:
        value = self.values.get(key)
        if not _is_whole(value) or not least <= value <= most:
            raise ValueError(f"{key} is {value!r}")
        return value

    def real(self, key: str) -> float:
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _SMALLEST < value < _LARGEST:
            raise ValueError(f"{key} is {value!r}")
        return float(value)

    def indices(self, key: str, below: int) -> tuple[int, ...]:
        found = self.values.get(key)
        if not isinstance(found, list) or any(not _is_whole(i) or not 0 <= i < below for i in found):
            raise ValueError(f"{key} is {found!r}, of {below}")
        if len(set(found)) < len(found):
            raise ValueError(f"{key} is {found!r}")
        return tuple(found)

    def must_be(self, key: str, wanted: object) -> None:
        if self.values[key] != wanted:
            raise ValueError(f"{key} is {self.values[key]!r}, not {wanted!r}")


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(section: _Section, rope_base: float) -> TextConfig:
    section.must_be("hidden_act", "silu")
    layers = section.count("num_hidden_layers", most=1000)
    width, heads = section.count("hidden_size"), section.count("num_attention_heads")
    size = section.values.get("head_dim") or width // heads
    if not _is_whole(size):
        raise ValueError(f"head_dim is {size!r}")
    return TextConfig(
        width=width,
        layers=layers,
        cross_layers=section.indices("cross_attention_layers", layers),
        heads=heads,
        kv_heads=section.count("num_key_value_heads"),
        head_size=size,
        mlp=section.count("intermediate_size"),
        norm_eps=section.real("rms_norm_eps"),
        context=section.count("max_position_embeddings"),
        rope_base=rope_base,
    )


def _rope(section: _Section) -> tuple[float, Rope | None]:
    """The base, and the scaling if there is one: in `rope_parameters` since transformers 5, in two keys before."""
    given = [section.values.get(key) or {} for key in ("rope_parameters", "rope_scaling")]
    if not all(isinstance(part, dict) for part in given):
        raise ValueError(f"RoPE is {given!r}")
    rope = _Section({"rope": given[0] | given[1]}, "rope", {"rope_theta": section.values["rope_theta"]})
    kind = rope.values.get("rope_type", rope.values.get("type", "default"))
    if kind not in ("default", "llama3"):
        raise ValueError(f"the scaling of RoPE is {kind!r}")
    base = rope.real("rope_theta")
    if kind == "default":
        return base, None
    names = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
    scaling = Rope(*(rope.real(name) for name in names))
    if scaling.low >= scaling.high:
        raise ValueError(f"the scaling of RoPE is {scaling}")
    return base, scaling


def _vision(section: _Section, folder: Path) -> VisionConfig:
    section.must_be("hidden_act", "gelu")
    layers, max_tiles = section.count("num_hidden_layers", most=1000), section.count("max_num_tiles", most=64)
    tile = section.count("image_size", most=1 << 13)
    mean, std = normalisation(folder, tile, max_tiles)
    return VisionConfig(
        width=section.count("hidden_size"),
        layers=layers,
        global_layers=section.count("num_global_layers", least=0, most=1000),
        # The index of the last layer's output is allowed, as in the engine.
        taps=section.indices("intermediate_layers_indices", layers + 1),
        heads=section.count("attention_heads"),
        mlp=section.count("intermediate_size"),
        norm_eps=section.real("norm_eps"),
        tile=tile,
        patch=section.count("patch_size", most=1 << 13),
        max_tiles=max_tiles,
        kinds=_kinds(section.values.get("supported_aspect_ratios"), max_tiles),
        channels=section.count("num_channels", least=3, most=3),
        mean=mean,
        std=std,
    )


def _kinds(listed: object, max_tiles: int) -> int:
    """How many arrangements have embeddings. Only that many matter of the list: transformers numbers pictures'
    arrangements by all that are possible in the usual order, whatever the list says."""
    if listed is None:
        return len(arrangements(max_tiles))
    if not isinstance(listed, list) or not listed:
        raise ValueError(f"supported_aspect_ratios is {listed!r}")
    return len(listed)
