"""The weights of a starter that has shipped, so that a training can go on from it: the converter's way backwards."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from app.gguf import Gguf, TensorInfo, read_header
from app.library.names import gguf_name

from . import tokens
from .kinds import NAMES
from .model import Mllama
from .sizes import arrangements

_F32, _F16, _Q8_0 = 0, 1, 8
_BY_TOKEN = ("language_model.model.embed_tokens.weight", "language_model.lm_head.weight")
_IN_PAIRS = ("attn_q.weight", "attn_k.weight", "attn_q_proj.weight", "attn_k_proj.weight")


def load(model: Mllama, path: Path, tokenizer: Tokenizer) -> None:
    """Fill ``model``, which speaks ``tokenizer``, from a GGUF file in F32, F16 or Q8_0.

    Raises ValueError for other types, KeyError or RuntimeError if it is of other shapes."""
    file = read_header(path)
    raw = np.memmap(path, np.uint8, "r")
    rows = _rows_of(tokenizer, file.array("tokenizer.ggml.tokens"))
    state = {}
    for name, like in model.state_dict().items():
        if name in _BY_TOKEN:
            stored = _floats(file.tensors[_stored_name(name)], raw).reshape(-1, like.shape[1])
            state[name] = like.clone()
            state[name][: len(rows)] = torch.from_numpy(stored[rows[: len(like)]])
        else:
            state[name] = _tensor(name, like, file, raw, model)
    model.load_state_dict(state)


def with_more_tiles(table: Tensor, tiles: int) -> Tensor:
    """An embedding for each tile of each arrangement, for ``tiles`` of them instead of fewer: (arrangements + 1, tiles
    * n) of each. A tile of a new arrangement begins as the mean of those that lay alike across and alike down."""
    before = next(n for n in range(1, tiles + 1) if len(arrangements(n)) + 1 == len(table))
    old, rows = table.unflatten(1, (before, -1)), {a: i for i, a in enumerate(arrangements(before), 1)}
    new = old.new_zeros(len(arrangements(tiles)) + 1, tiles, old.shape[2])
    for row, (high, wide) in enumerate(arrangements(tiles), 1):
        new[row, high * wide :] = old[1, -1]  # a missing tile, where there could be one
        for tile in range(high * wide):
            down, across = divmod(tile, wide)
            column = old[rows[min(high, before), 1], _at(down, high, before)]
            line = old[rows[1, min(wide, before)], _at(across, wide, before)]
            new[row, tile] = line if high == 1 else column if wide == 1 else (line + column) / 2
    return new.flatten(1)


def _at(index: int, count: int, most: int) -> int:
    """The place ``index`` of ``count`` on a line of at most ``most``."""
    return round(index * (min(count, most) - 1) / max(1, count - 1))


def _rows_of(tokenizer: Tokenizer, old: list[str]) -> list[int]:
    """For each token the row of the starter's it begins as: its own, or that of the same name as it stands after a
    space. Raises KeyError for one that has neither."""
    known = {token: row for row, token in enumerate(old)}
    singular = {
        word: root
        for name in NAMES
        for form, roots in ((form, tokens.forms(tokenizer, name)[0]) for form in tokens.forms(tokenizer, name))
        for word, root in zip(form, roots, strict=True)
    }
    ordered = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    return [known[token if token in known else singular[token]] for token, _ in ordered]


def _stored_name(name: str) -> str:
    stored = gguf_name(name)
    assert stored is not None, name
    return stored


def _tensor(name: str, like: Tensor, file: Gguf, raw: NDArray[np.uint8], model: Mllama) -> Tensor:
    stored = _stored_name(name)
    values = _floats(file.tensors[stored], raw)
    if stored.startswith("v.") and stored.endswith("gate"):
        values = np.arctanh(1 - values if stored == "v.position_embd.gate" else values)
    if stored.endswith(_IN_PAIRS):
        size = model.vision_model.size if stored.startswith("v.") else model.language_model.size
        rows = values.reshape(-1, size.width // size.heads // 2, 2, like.shape[1])
        values = rows.swapaxes(1, 2)
    tensor = torch.from_numpy(np.array(values, np.float32)).reshape(file.tensors[stored].shape[::-1])
    if tensor.numel() == like.numel():
        return tensor.reshape(like.shape)
    if stored.startswith("v."):
        return _for_canvas(tensor, like, model)
    return _for_each_head(tensor, like, model)


def _for_canvas(tensor: Tensor, like: Tensor, model: Mllama) -> Tensor:
    """A table of positions, or of tiles, of a tower that had smaller tiles or fewer of them."""
    size = model.vision_model.size
    if tensor.ndim == 2 and len(tensor) != len(like):
        if like.shape[1] == size.width:
            return with_more_patches(tensor, size.patches)
        tensor = with_more_tiles(tensor, size.tiles)
    if tensor.numel() != like.numel():
        tensor = with_more_patches(tensor.unflatten(1, (size.tiles, -1, size.width)), size.patches).flatten(1)
    return tensor


def with_more_patches(table: Tensor, patches: int) -> Tensor:
    """An embedding for the class row and each patch of a tile, (..., 1 + n, width), for ``patches`` of them: each
    begins as what lay at its place of the tile."""
    first, rest = table[..., :1, :], table[..., 1:, :]
    before, after = round(rest.shape[-2] ** 0.5), round(patches**0.5)
    grid = rest.transpose(-1, -2).reshape(-1, table.shape[-1], before, before)
    grid = F.interpolate(grid, (after, after), mode="bilinear").flatten(2).transpose(1, 2)
    return torch.cat([first, grid.reshape(*table.shape[:-2], patches, table.shape[-1])], -2)


def _for_each_head(tensor: Tensor, like: Tensor, model: Mllama) -> Tensor:
    """Keys' or values' rows, repeated for as many heads as the model has of them now: it computes the same at first."""
    size = model.language_model.size
    head = size.width // size.heads
    return tensor.unflatten(0, (-1, head)).repeat_interleave(len(like) // len(tensor), 0).flatten(0, 1)


def _floats(info: TensorInfo, raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A tensor's numbers, flat. Q8_0: blocks of 32, a float16 scale before 32 signed bytes."""
    data = raw[info.offset : info.offset + info.nbytes]
    if info.type in (_F32, _F16):
        return data.view(np.float32 if info.type == _F32 else np.float16).astype(np.float32)
    if info.type != _Q8_0:
        raise ValueError(f"{info.name} is of type {info.type}; only F32, F16 and Q8_0 are known here")
    blocks = data.reshape(-1, 34)
    scales = np.ascontiguousarray(blocks[:, :2]).view(np.float16).astype(np.float32)
    return (scales * np.ascontiguousarray(blocks[:, 2:]).view(np.int8)).ravel()
