"""What lies on the GPU: as much as fits, the parts that gain most first; the rest stays with the CPU.

The scheduler runs an operation where its weights lie. The vision tower comes first: it is small and does most of the
arithmetic of a first answer. Then whole text layers from the last one down, each with its share of the KV cache, and
once all are there the output matrix. The token table always stays with the CPU, which only looks up rows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.gguf import TensorInfo
from app.gguf.mllama import Config

_BLOCK = re.compile(r"blk\.(\d+)\.")


@dataclass(frozen=True)
class Placement:
    """What lies on the GPU, whose buffer type is `buffer`; everything with the CPU if it is None."""

    buffer: int | None = None
    layers: frozenset[int] = frozenset()
    tower: bool = False
    head: bool = False

    def weight(self, name: str) -> int | None:
        """The buffer type the weight `name` is copied to; None leaves it where it is."""
        block = _BLOCK.match(name)
        if block:
            return self.layer(int(block[1]))
        if name.startswith(("v.", "mm.")):
            return self.vision
        return self.buffer if self.head and name in ("output.weight", "output_norm.weight") else None

    def layer(self, number: int) -> int | None:
        """Where the keys and values of a layer lie."""
        return self.buffer if number in self.layers else None

    @property
    def vision(self) -> int | None:
        """Where the vision tower's state lies."""
        return self.buffer if self.tower else None


@dataclass(frozen=True)
class Sizes:
    """Bytes of the parts of a model. layer: each one's weights and keys and values."""

    layer: tuple[int, ...]
    tower: int
    head: int


def sizes(
    config: Config, tensors: Mapping[str, TensorInfo], token_bytes: int, context: int, tower_memory: int
) -> Sizes:
    """token_bytes: of the KV cache a token, all layers together; tower_memory: working memory of a picture."""
    weights = [0] * config.text.layers
    tower = head = 0
    for name, info in tensors.items():
        block = _BLOCK.match(name)
        if block:
            weights[int(block[1])] += info.nbytes
        elif name.startswith(("v.", "mm.")):
            tower += info.nbytes
        elif name == "output.weight":
            head += info.nbytes
    cache = token_bytes * context // max(1, len(config.text.self_layers))
    rows = config.vision.max_tiles * config.vision.rows
    seen = 4 * rows * config.text.kv_heads * config.text.head_size
    layers = (w + (seen if i in config.text.cross_layers else cache) for i, w in enumerate(weights))
    return Sizes(tuple(layers), tower + tower_memory, head)


def place(parts: Sizes, buffer: int, free: int, working: int, layers: int = -1) -> Placement:
    """Fill a GPU with `free` bytes, of which `working` are for intermediate results and an eighth stays unused.

    layers: how many text layers at most; -1 for as many as fit, 0 for nothing at all.
    """
    if layers == 0:
        return Placement()
    room = free - free // 8 - working
    tower = parts.tower <= room
    room -= parts.tower if tower else 0
    chosen: list[int] = []
    for number in reversed(range(len(parts.layer))):
        if parts.layer[number] > room or len(chosen) == layers:
            break
        chosen.append(number)
        room -= parts.layer[number]
    head = len(chosen) == len(parts.layer) and parts.head <= room
    return Placement(buffer, frozenset(chosen), tower, head)
