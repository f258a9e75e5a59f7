"""Attention, softmax(q k / sqrt(head)) v, in the forms that are fastest for what is asked.

Heads come last in what is looked at: keys are (head, m, kv_heads); values lie by rows, (head, m, kv_heads), as ggml's
flash attention reads them, or by columns, (m, head, kv_heads), as a product does. Neighbouring query heads share a key
head.
"""

from dataclasses import dataclass
from math import lcm

from app.engine.families.mllama.graph import Graph
from app.engine.families.mllama.tensor import Tensor

_HEADS_LAST = (0, 2, 1, 3)
_FLASH_TILE = 64
"""Queries of one head that ggml's flash attention on a CPU takes at once; fewer cost as much."""
_FLASH_SHARES = 4
"""Equal shares a thread into which it cuts the queries of all heads."""


@dataclass(frozen=True)
class Seen:
    """Keys and values a row may look at, and how the values lie. Either may be a view."""

    keys: Tensor
    values: Tensor
    by_columns: bool


def attend(g: Graph, q: Tensor, seen: Seen, mask: Tensor | None = None, flash: bool = True) -> Tensor:
    """q (head, heads, n), mask (m, n) float16, 0 or -inf -> (head * heads, n).

    Values by columns: a single row goes by products (docs/decisions/0017), many by flash attention, unless `flash`
    says no.
    """
    if not seen.by_columns:
        return by_flash(g, q, seen.keys, seen.values, mask)
    if q.shape[2] == 1:
        return of_one_row(g, q, seen.keys, seen.values, mask)
    if flash:
        return by_flash(g, q, g.contiguous(seen.keys), rows(g, seen.values), mask)
    return by_products(g, q, seen.keys, seen.values, mask)


def by_flash(g: Graph, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """ggml's one operation for it, values by rows. On a CPU a fifth faster where k and v are contiguous."""
    head, heads, n, _ = q.shape
    return g.reshape(g.flash(heads_last(g, q), k, v, head**-0.5, mask), (head * heads, n))


def flash_queries(heads: int, threads: int, most: int = 1024) -> int:
    """How many queries one flash attention operation should have, about `most`: so many that every share of every
    thread consists of whole tiles. With 6 threads and 16 heads 960 instead of 1024 are a twelfth faster each."""
    step = lcm(_FLASH_TILE * _FLASH_SHARES * threads, _FLASH_TILE * heads) // heads
    return max(step, most // step * step)


def by_products(g: Graph, q: Tensor, k: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
    """Two products with a softmax between, values by columns."""
    head, heads, n, _ = q.shape
    mixed = g.product(values, g.softmax(g.product(k, g.contiguous(heads_last(g, q))), head**-0.5, mask))
    return g.reshape(g.contiguous(heads_last(g, mixed)), (head * heads, n))


def of_one_row(g: Graph, q: Tensor, k: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
    """`by_products` for a single row: the query heads that share keys become rows of one product, so that keys and
    values are read once for all of them."""
    head, heads, _, _ = q.shape
    m, kv_heads = k.shape[1], k.shape[2]
    scores = g.product(k, g.reshape(q, (head, heads // kv_heads, kv_heads)))
    weights = g.softmax(g.reshape(scores, (m, 1, heads)), head**-0.5, mask)
    mixed = g.product(values, g.reshape(weights, (m, heads // kv_heads, kv_heads)))
    return g.reshape(mixed, (head * heads, 1))


def heads_last(g: Graph, x: Tensor) -> Tensor:
    """A view of x (head, heads, n) as (head, n, heads), and back."""
    return g.turn(x, _HEADS_LAST)


def rows(g: Graph, values: Tensor) -> Tensor:
    """Values by columns moved to lie by rows."""
    return g.contiguous(g.turn(values, (1, 0, 2, 3)))
