"""A stream of training samples: worker processes draw, a window of recent samples is drawn from more than once.

Drawing a scene costs a few milliseconds, as much as learning from it on two cores; so each sample serves ``reuse``
steps on average, from a window large enough that repetitions lie far apart.
"""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing.pool import AsyncResult
from typing import Any

import numpy as np

Sample = dict[str, Any]
_BLOCK = 32
_make: Callable[[int], Sample]


def _block(start: int) -> list[Sample]:
    return [_make(index) for index in range(start, start + _BLOCK)]


class Stream:
    """``make(index)`` draws sample ``index``; samples are drawn in order from ``start`` on, by ``workers``
    processes."""

    def __init__(self, make: Callable[[int], Sample], start: int, workers: int, reuse: float, window: int) -> None:
        global _make
        _make = make  # inherited by fork
        self._pool = multiprocessing.get_context("fork").Pool(workers)
        self._pending: deque[AsyncResult[list[Sample]]] = deque()
        self._next, self._ahead = start, 3 * workers
        self._fresh: list[Sample] = []
        self._reuse, self._window = reuse, window
        self.drawn = start

    def _take(self, count: int) -> list[Sample]:
        while len(self._fresh) < count:
            while len(self._pending) < self._ahead:
                self._pending.append(self._pool.apply_async(_block, (self._next,)))
                self._next += _BLOCK
            self._fresh += self._pending.popleft().get()
        taken, self._fresh = self._fresh[:count], self._fresh[count:]
        self.drawn += count
        return taken

    def batches(self, size: int, seed: int) -> Iterator[dict[str, Any]]:
        """Endless batches: each key's arrays stacked; values that are no arrays come as lists."""
        rng = np.random.default_rng(seed)
        window: deque[Sample] = deque(self._take(min(self._window, 8 * size)), maxlen=self._window)
        owed = 0.0
        while True:
            owed += size / self._reuse
            window.extend(self._take(int(owed)))
            owed -= int(owed)
            chosen = [window[i] for i in rng.choice(len(window), size, replace=False)]
            yield {
                key: np.stack([s[key] for s in chosen])
                if isinstance(chosen[0][key], np.ndarray | np.generic)
                else [s[key] for s in chosen]
                for key in chosen[0]
            }

    def close(self) -> None:
        self._pool.terminate()
        self._pool.join()
