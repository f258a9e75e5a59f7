"""A stream of training batches, drawn by worker processes.

Every sample is seen once. Drawing one costs a few milliseconds, so seeing it again is tempting; but a small model
learns a picture by heart the first time it comes back.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing.pool import AsyncResult, Pool
from typing import Any

import numpy as np

Sample = dict[str, Any]
_make: Callable[[int], Sample]


def _draw(numbers: range) -> dict[str, Any]:
    samples = [_make(number) for number in numbers]
    keys = {key: None for sample in samples for key in sample}
    return {key: np.stack([sample[key] for sample in samples if key in sample]) for key in keys}


def share_of(number: int, batch: int, rank: int, ranks: int) -> int:
    """Which sample of all is the ``number``-th one of process ``rank``: each batch is cut into one block a process."""
    step, place = divmod(number, batch // ranks)
    return step * batch + rank * (batch // ranks) + place


def workers(count: int) -> Pool:
    """Forked processes that end at SIGTERM: the training's own handler, which only takes note of it, would have them
    live on and whoever closes the pool wait for ever."""
    return multiprocessing.get_context("fork").Pool(count, signal.signal, (signal.SIGTERM, signal.SIG_DFL))


class Stream:
    """Batches of ``size`` samples, in order from sample ``start`` on; ``make(number)`` draws one, in ``count``
    processes."""

    def __init__(self, make: Callable[[int], Sample], start: int, size: int, count: int) -> None:
        global _make
        _make = make  # inherited by fork
        self._pool = workers(count)
        self._parts = max(1, size // 16)
        self._next, self._size, self._ahead = start, size, 2 * count + 2 * self._parts

    def __iter__(self) -> Iterator[dict[str, Any]]:
        pending: deque[AsyncResult[dict[str, Any]]] = deque()
        while True:
            while len(pending) < self._ahead:
                pending.append(
                    self._pool.apply_async(_draw, (range(self._next, self._next + self._size // self._parts),))
                )
                self._next += self._size // self._parts
            parts = [pending.popleft().get() for _ in range(self._parts)]
            yield {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}

    def close(self) -> None:
        self._pool.terminate()
        self._pool.join()
