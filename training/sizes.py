"""The sizes of a model, and the arrangements of tiles they allow. No torch here: drawing and evaluating need it too."""

from dataclasses import dataclass


def arrangements(tiles: int) -> list[tuple[int, int]]:
    """(tiles high, tiles wide) of every arrangement of at most ``tiles``; an arrangement's id is its index + 1."""
    return [(high, wide) for high in range(1, tiles + 1) for wide in range(1, tiles + 1) if high * wide <= tiles]


@dataclass(frozen=True)
class VisionSize:
    width: int = 192
    heads: int = 6
    mlp: int = 768
    layers: int = 6
    global_layers: int = 2
    intermediate: tuple[int, ...] = (1, 3, 5)
    tile: int = 128
    patch: int = 16
    tiles: int = 4

    @property
    def patches(self) -> int:
        return (self.tile // self.patch) ** 2

    @property
    def output(self) -> int:
        """Features a patch: the final state and the intermediate ones."""
        return self.width * (1 + len(self.intermediate))


@dataclass(frozen=True)
class TextSize:
    vocabulary: int = 1905
    width: int = 192
    heads: int = 6
    kv_heads: int = 6
    mlp: int = 512
    layers: int = 8
    cross_layers: tuple[int, ...] = (1, 3, 5, 7)
    rope_base: float = 10000.0
    rope_factor: float = 8.0
    rope_original: int = 8192
