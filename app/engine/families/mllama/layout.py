"""Finds a Llama 3.2 Vision model's tensors in its files, whatever these call them, and checks their shapes.

Two layouts exist. The one-file layout's names are the ones used here. Older files come in two (text, projector); the
projector's differ in a few suffixes, and its `ffn_down` is the FIRST layer of a vision MLP.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

from app.errors import ModelError
from app.gguf import NOT_WEIGHTS, TYPES, Gguf, TensorInfo
from app.gguf.mllama import Config, VisionConfig, expected
from app.wording import Wording

_OLD_SUFFIXES = {"attn_norm": "ln1", "ffn_norm": "ln2", "attn_output": "attn_out"}

Located = dict[str, tuple[Gguf, TensorInfo]]
"""This program's name of a tensor -> the file it is in, and where."""


def locate(config: Config, files: tuple[Gguf, ...]) -> Located:
    """Find every expected tensor, and the optional ones, under this program's names.

    Raises ModelError naming the first that is missing, misshapen or of a type that is no weight.
    """
    found: Located = {}
    swapped = any(_mlp_swapped(file.tensors, config.vision) for file in files)
    for name, shape in expected(config).items():
        found[name] = _find(name, shape, files, swapped)
    found["token_embd.weight"] = _find("token_embd.weight", (config.text.width, 0), files, swapped)
    if any("output.weight" in file.tensors for file in files):
        found["output.weight"] = _find("output.weight", (config.text.width, 0), files, swapped)
    else:
        found["output.weight"] = _beginning(*found["token_embd.weight"])
    if any("rope_freqs.weight" in file.tensors for file in files):
        found["rope_freqs.weight"] = _find("rope_freqs.weight", (config.text.head_size // 2,), files, swapped)
    return found


def _beginning(file: Gguf, info: TensorInfo) -> tuple[Gguf, TensorInfo]:
    """The embeddings as output matrix: without the picture's row and the padding after it, if the file says so."""
    width, rows = info.shape
    words = int(file.number("mllama.vocab_size", rows))
    if not 0 < words < rows:
        return file, info
    return file, replace(info, shape=(width, words), nbytes=info.nbytes // rows * words)


def _mlp_swapped(tensors: Mapping[str, TensorInfo], c: VisionConfig) -> bool:
    """Whether this file calls the first MLP layer `ffn_down`: seen by its shape, or by the names beside it."""
    up = tensors.get("v.blk.0.ffn_up.weight")
    if up is None or c.width == c.mlp:
        return "v.blk.0.ln1.weight" in tensors
    return up.shape == (c.mlp, c.width)


def _find(name: str, shape: tuple[int, ...], files: tuple[Gguf, ...], swapped: bool) -> tuple[Gguf, TensorInfo]:
    for candidate in _names(name, swapped):
        for file in files:
            info = file.tensors.get(candidate)
            if info is not None:
                return file, _shaped(file, info, shape)
    raise ModelError(
        Wording("The model file {name} is incomplete.", name=files[-1].path.name),
        "Download or convert it again; if it comes in two files, give both.",
        f"tensor {name} is missing",
    )


def _names(name: str, swapped: bool) -> list[str]:
    """The names one tensor goes by, the layout at hand first."""
    if not name.startswith("v."):
        return [name]
    if swapped and ".ffn_up." in name:
        name = name.replace(".ffn_up.", ".ffn_down.")
    elif swapped and ".ffn_down." in name:
        name = name.replace(".ffn_down.", ".ffn_up.")
    names = [name, f"{name}.weight"]
    for new, old in _OLD_SUFFIXES.items():
        if f".{new}." in name:
            names.append(name.replace(f".{new}.", f".{old}."))
    return names


def _shaped(file: Gguf, info: TensorInfo, shape: tuple[int, ...]) -> TensorInfo:
    """The tensor in the shape that is expected; 0 in `shape` stands for any size.

    Files may leave out sides of 1 or add some. Where these stand would be another product, over which ggml ends the
    process, so nothing goes on with the file's own shape.
    """
    sides = [side for side in info.shape if side != 1] or [1]
    wanted = [side for side in shape if side != 1] or [1]
    fits = len(sides) == len(wanted) and all(w in (0, s) for s, w in zip(sides, wanted, strict=True))
    kind = TYPES[info.type].name
    if not fits or kind in NOT_WEIGHTS:
        raise ModelError(
            Wording("The model file {name} does not fit its own description.", name=file.path.name),
            "Download or convert it again.",
            f"tensor {info.name} is {info.shape} in {kind}, {shape} was expected",
        )
    any_size = math.prod(info.shape) // math.prod(side or 1 for side in shape)
    return replace(info, shape=tuple(side or any_size for side in shape))
