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

from app.engine.families.mllama.weighing import QUERIES, Weighing, and_one

Ranges = Sequence[tuple[range, int]]
"""Ranges of rows, and at how many of the first rows each looks."""
_SAMPLED = 16
"""One key in so many is asked first, how large a query's scores are."""


class _Part(NamedTuple):
    """Some queries of a head, which look at the first ``seen`` rows."""

    head: int
    queries: slice
    seen: int


def attend(
    q: np.ndarray,
    k: np.ndarray,
    weighing: Callable[[], Weighing],
    out: np.ndarray,
    looks: Ranges,
    threads: int,
    stopping: Callable[[], bool],
) -> None:
    """softmax(q k / sqrt(head)) v: q and k (heads, rows, head) -> out (rows, heads * head), all float32.

    weighing: what a thread weighs the values with. stopping: asked between parts of the work; True leaves the rest
    undone.
    """
    parts = deque(
        _Part(head, slice(first, min(first + QUERIES, rows.stop)), seen)
        for rows, seen in looks
        for head in range(len(q))
        for first in rows[::QUERIES]
    )
    k = and_one(k)
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(_work, q, k, weighing, out, parts, stopping) for _ in range(threads)]:
            done.result()


def _work(
    q: np.ndarray,
    k: np.ndarray,
    weighing: Callable[[], Weighing],
    out: np.ndarray,
    parts: deque[_Part],
    stopping: Callable[[], bool],
) -> None:
    """Do parts until none is left, all scores in the same memory."""
    heads, _, size = q.shape
    by_head = out.reshape(-1, heads, size)
    with weighing() as values:
        while not stopping():
            try:
                part = parts.popleft()
            except IndexError:
                return
            head, queries, seen = part
            asked = np.empty((queries.stop - queries.start, size + 1), np.float32)
            np.multiply(q[head, queries], np.float32(size**-0.5), out=asked[:, :-1])
            mixed, sums = _softmax_of(asked, k[head, :seen], values, head)
            np.divide(mixed, sums, out=by_head[queries, head])


def _softmax_of(asked: np.ndarray, k: np.ndarray, values: Weighing, head: int) -> tuple[np.ndarray, np.ndarray]:
    """exp(asked k) v and the sums of exp(asked k), each query's scores less a number about as large as their largest.

    Any such number gives the same softmax; only one too small by 88 lets ``exp`` run over. A sample of the keys tells
    one for next to nothing, and where it misleads, all keys are asked."""
    n, seen = len(asked), len(k)
    scores = values.scores[:n, :seen]
    for keys in (k[::_SAMPLED], k):
        asked[:, -1] = -(asked[:, :-1] @ keys[:, :-1].T).max(1)
        np.matmul(asked, k.T, out=scores)
        with np.errstate(over="ignore", invalid="ignore"):
            np.exp(scores, out=scores)
            mixed, sums = values.mix(head, n, seen)
        if np.isfinite(mixed).all() and np.isfinite(sums).all():
            break
    return mixed, sums
