"""One size for all that was of one size: the dishes of a menu shall not each be as large as there is room for it."""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_ALIKE = 1.12
"""How much larger than the next smaller text one may be to be of one size with it."""
_SHARED = 0.85
"""How much smaller, beside the middle of all that is of one size, a text may have to be for the others to follow it."""
_SPREAD = 6
"""Texts from which is told how sizes grow over the picture, as they do on a page that leans back."""


def evened(natural: Sequence[float], fits: Sequence[float], places: Sequence[NDArray[np.float32]]) -> list[float]:
    """The size of each text.

    natural: sizes of the originals; fits: the largest that each may have, 0 for what is set otherwise; places: where
    each stands, (2,) pixels.
    """
    sizes = list(fits)
    order = sorted((i for i, size in enumerate(fits) if size), key=lambda i: natural[i])
    starts = [at for at, i in enumerate(order) if not at or natural[i] > _ALIKE * natural[order[at - 1]]]
    for start, end in itertools.pairwise([*starts, len(order)]):
        some = order[start:end]
        expected = _expected(np.array([natural[i] for i in some]), np.array([places[i] for i in some], np.float64))
        shares = np.array([fits[i] for i in some]) / expected
        common = float(shares[shares >= _SHARED * np.median(shares)].min())
        for i, own in zip(some, expected, strict=True):
            sizes[i] = min(fits[i], common * float(own))
    return sizes


def _expected(natural: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sizes without what comes from the letters that each text happens to have: a plane over the picture."""
    if len(natural) < _SPREAD:
        return np.full(len(natural), np.median(natural))
    grid = np.column_stack([np.ones(len(places)), places - places.mean(axis=0)])
    plane = grid @ np.linalg.lstsq(grid, natural, rcond=None)[0]
    expected: NDArray[np.float64] = np.clip(plane, natural.min(), natural.max())
    return expected
