"""The sizes of a Llama 3.2 Vision model, read from a GGUF file's metadata and checked before anything is built."""

import math

from app.errors import ModelError
from app.gguf import Gguf
from app.gguf.mllama import PUBLISHED_MEAN, PUBLISHED_STD, Channels, Config, TextConfig, VisionConfig, arrangements
from app.wording import Wording


def read_config(text: Gguf, vision: Gguf) -> Config:
    """Read the sizes; `vision` is the projector's file or the same file again.

    Raises ModelError for another architecture and for sizes that contradict one another.
    """
    if text.architecture != "mllama":
        raise ModelError(
            Wording("{name} is not a Llama 3.2 Vision model.", name=text.path.name),
            "Choose a model of that kind, or let the program choose how to run this one.",
            f"general.architecture is {text.architecture!r}",
        )
    if text.number("split.count", 1) > 1:
        raise ModelError(
            Wording("{name} is one part of a model in several files.", name=text.path.name),
            "Join the parts with llama-gguf-split --merge.",
        )
    try:
        config = Config(_text(text), _vision(vision))
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise ModelError(
            Wording("The sizes written in {name} contradict one another.", name=text.path.name),
            "Download or convert the model again.",
            str(error),
        ) from error
    return config


class _Keys:
    """Numbers under one prefix, positive unless said otherwise."""

    def __init__(self, file: Gguf, prefix: str) -> None:
        self._file, self._prefix = file, prefix

    def count(self, key: str, default: int | None = None, limit: int = 1 << 24, least: int = 1) -> int:
        value = int(self._file.number(self._prefix + key, default))
        if not least <= value <= limit:
            raise ValueError(f"{self._prefix}{key} is {value}")
        return value

    def real(self, key: str, default: float | None = None) -> float:
        value = float(self._file.number(self._prefix + key, default))
        if not 0 < value < 1e12:
            raise ValueError(f"{self._prefix}{key} is {value}")
        return value

    def indices(self, key: str, below: int) -> tuple[int, ...]:
        values = tuple(int(value) for value in self._file.array(self._prefix + key))
        if len(set(values)) != len(values) or any(not 0 <= value < below for value in values):
            raise ValueError(f"{self._prefix}{key} is {values}, below {below}")
        return values

    def of_channels(self, key: str, default: Channels) -> Channels:
        if self._prefix + key not in self._file.metadata:
            return default
        red, green, blue = map(float, self._file.array(self._prefix + key))
        if not all(map(math.isfinite, (red, green, blue))):
            raise ValueError(f"{self._prefix}{key} is {red}, {green}, {blue}")
        return red, green, blue


def _text(file: Gguf) -> TextConfig:
    keys = _Keys(file, "mllama.")
    width, heads, layers = (
        keys.count("embedding_length"),
        keys.count("attention.head_count"),
        keys.count("block_count", limit=1000),
    )
    head_size = keys.count("attention.key_length", width // heads)
    turned = keys.count("rope.dimension_count", head_size)
    if turned != head_size:
        raise ValueError(f"RoPE over {turned} of {head_size}")
    return TextConfig(
        width=width,
        layers=layers,
        cross_layers=keys.indices("attention.cross_attention_layers", layers),
        heads=heads,
        kv_heads=keys.count("attention.head_count_kv", heads),
        head_size=head_size,
        mlp=keys.count("feed_forward_length"),
        norm_eps=keys.real("attention.layer_norm_rms_epsilon", 1e-5),
        rope_base=keys.real("rope.freq_base", 500000.0),
        context=keys.count("context_length"),
    )


def _vision(file: Gguf) -> VisionConfig:
    keys = _Keys(file, "mllama.vision.")
    layers, max_tiles = keys.count("block_count", limit=1000), keys.count("max_num_tiles", limit=64)
    return VisionConfig(
        width=keys.count("embedding_length"),
        heads=keys.count("attention.head_count"),
        mlp=keys.count("feed_forward_length"),
        layers=layers,
        global_layers=keys.count("global.block_count", limit=1000, least=0),
        taps=keys.indices("intermediate_layers_indices", layers + 1),
        norm_eps=keys.real("attention.layer_norm_epsilon", 1e-5),
        tile=keys.count("image_size", limit=1 << 13),
        patch=keys.count("patch_size", limit=1 << 13),
        channels=keys.count("num_channels", 3),
        max_tiles=max_tiles,
        kinds=keys.count("aspect_ratio_count", len(arrangements(max_tiles))),
        mean=keys.of_channels("image_mean", PUBLISHED_MEAN),
        std=keys.of_channels("image_std", PUBLISHED_STD),
    )
