"""The tower's attention by numpy, whose products (OpenBLAS) are the fastest float32 ones where there is AVX-512.

ggml's own forms end a sum over a head's few features with adding up a vector's lanes, which costs as much as the sum
(docs/decisions/0012). OpenBLAS must compute each product on the thread that asks for it (`OPENBLAS_NUM_THREADS=1`,
set for the engine's process); with more threads the result is the same, later.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

Ranges = Sequence[tuple[range, int]]
"""Ranges of rows, and at how many of the first rows each looks."""
QUERIES = 256
"""Queries of a head at a time: enough for a product to be fast, few enough for its scores to stay in the caches."""


class _Part(NamedTuple):
    """Some queries of a head, which look at the first ``seen`` rows."""

    head: int
    queries: slice
    seen: int


def attend(
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    out: np.ndarray,
    looks: Ranges,
    threads: int,
    stopping: Callable[[], bool],
) -> None:
    """softmax(q k / sqrt(head)) v: q, k and v (heads, rows, head) -> out (rows, heads * head), all float32.

    stopping: asked between parts of the work; True leaves the rest undone.
    """
    parts = deque(
        _Part(head, slice(first, min(first + QUERIES, rows.stop)), seen)
        for rows, seen in looks
        for head in range(len(q))
        for first in rows[::QUERIES]
    )
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(_work, q, k, v, out, parts, stopping) for _ in range(threads)]:
            done.result()


def _work(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, out: np.ndarray, parts: deque[_Part], stopping: Callable[[], bool]
) -> None:
    """Do parts until none is left, all scores in the same memory."""
    heads, rows, size = k.shape
    scratch, ones = np.empty(QUERIES * rows, np.float32), np.ones(rows, np.float32)
    by_head = out.reshape(-1, heads, size)
    while not stopping():
        try:
            head, queries, seen = parts.popleft()
        except IndexError:
            return
        asked = q[head, queries] * np.float32(size**-0.5)
        scores = scratch[: len(asked) * seen].reshape(len(asked), seen)
        np.matmul(asked, k[head, :seen].T, out=scores)
        scores -= scores.max(1, keepdims=True)
        np.exp(scores, out=scores)
        mixed, total = scores @ v[head, :seen], scores @ ones[:seen]  # numpy's own sum takes three times as long
        np.divide(mixed, total[:, None], out=by_head[queries, head])
