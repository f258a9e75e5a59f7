"""What of a prompt is already in the KV cache: the longest common prefix of tokens and picture spans. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PictureSpan:
    """One picture (or one slice of it) as it stands in a prompt.

    identity: equal exactly if the embeddings are (pixels, projector, limits, slice). cells: entries of the KV cache it
    takes. positions: by how much it moves the position of what follows; fewer than cells with M-RoPE, where the
    tokens of a picture share positions.
    """

    identity: str
    cells: int
    positions: int


Item = int | PictureSpan
"""A token id or a picture."""


def cells(items: Iterable[Item]) -> int:
    """Entries of the KV cache that `items` take."""
    return sum(item.cells if isinstance(item, PictureSpan) else 1 for item in items)


def positions(items: Iterable[Item]) -> int:
    """The position of what follows `items`."""
    return sum(item.positions if isinstance(item, PictureSpan) else 1 for item in items)


def common(cached: Sequence[Item], wanted: Sequence[Item]) -> int:
    """How many items of `wanted` need not be computed because `cached` begins with them.

    A picture is reused whole or not at all. The last item is always left to be computed: its logits are what the
    answer begins with, and the cache does not hold them.
    """
    limit = min(len(cached), len(wanted) - 1)
    for index in range(limit):
        if cached[index] != wanted[index]:
            return index
    return max(limit, 0)
