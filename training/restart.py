"""The weights of a starter that has shipped, so that a training can go on from it: the converter's way backwards."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from app.gguf import Gguf, TensorInfo, read_header
from app.library.names import gguf_name

from .model import Mllama

_F32, _F16, _Q8_0 = 0, 1, 8
_IN_PAIRS = ("attn_q.weight", "attn_k.weight", "attn_q_proj.weight", "attn_k_proj.weight")


def load(model: Mllama, path: Path) -> None:
    """Fill ``model`` from a GGUF file in F32, F16 or Q8_0.

    Raises ValueError for other types, KeyError or RuntimeError if it is of other shapes."""
    file = read_header(path)
    raw = np.memmap(path, np.uint8, "r")
    state = {name: _tensor(name, like, file, raw, model) for name, like in model.state_dict().items()}
    model.load_state_dict(state)


def _tensor(name: str, like: Tensor, file: Gguf, raw: NDArray[np.uint8], model: Mllama) -> Tensor:
    stored = gguf_name(name)
    assert stored is not None, name
    values = _floats(file.tensors[stored], raw)
    if stored.startswith("v.") and stored.endswith("gate"):
        values = np.arctanh(1 - values if stored == "v.position_embd.gate" else values)
    if stored.endswith(_IN_PAIRS):
        size = model.vision_model.size if stored.startswith("v.") else model.language_model.size
        rows = values.reshape(-1, size.width // size.heads // 2, 2, like.shape[1])
        values = rows.swapaxes(1, 2)
    return torch.from_numpy(np.array(values, np.float32)).reshape(like.shape)


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
