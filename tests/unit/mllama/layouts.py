"""The model of the vectors in the layouts that older converters wrote, made from a converted file."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from app.gguf import Gguf, TensorInfo
from app.library.gguf_writer import PlannedTensor, write

OLD_NAMES = {".attn_norm.": ".ln1.", ".ffn_norm.": ".ln2.", ".attn_output.": ".attn_out."}
SWAPPED = {".ffn_up.": ".ffn_down.", ".ffn_down.": ".ffn_up."}


def rewrite(
    file: Gguf,
    out: Path,
    names: dict[str, str],
    drop: tuple[str, ...] = (),
    more: tuple[bytes, ...] = (),
    shapes: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
) -> None:
    """Write the tensors of `file` that `names` lists (old name -> new name).

    drop: metadata keys (beginnings) to leave out; more: entries to add; shapes: others for some (by old name).
    """
    raw = file.path.read_bytes()
    entries = [raw[a:b] for key, (a, b) in file.spans.items() if not key.startswith(drop or ("\0",))]
    planned = []
    for old, new in names.items():
        info = file.tensors[old]
        data = raw[info.offset : info.offset + info.nbytes]
        planned.append(PlannedTensor(new, shapes.get(old, info.shape), info.type, lambda data=data: iter([data])))
    write(out, [*entries, *more], planned)


def two_files(file: Gguf, folder: Path) -> tuple[Path, Path]:
    """The text and the projector as files of their own, with the projector's older names."""
    text, projector = folder / "text.gguf", folder / "projector.gguf"
    vision = {name: old_name(name) for name in file.tensors if name.startswith(("v.", "mm."))}
    rewrite(file, text, {name: name for name in file.tensors if name not in vision}, drop=("mllama.vision.",))
    rewrite(file, projector, vision, drop=("tokenizer.", "mllama.block", "mllama.attention", "mllama.rope"))
    return text, projector


def old_name(name: str) -> str:
    for table in (OLD_NAMES, SWAPPED):
        for new, old in table.items():
            if new in name:
                return name.replace(new, old)
    return name


def values(file: Gguf, info: TensorInfo) -> np.ndarray:
    """A float32 tensor of `file`, slowest dimension first."""
    return np.fromfile(file.path, np.float32, info.nbytes // 4, offset=info.offset).reshape(info.shape[::-1])
