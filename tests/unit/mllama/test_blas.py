"""Attention by numpy's products is softmax attention, whatever the scores."""

import numpy as np
import pytest

from app.engine.families.mllama import blas

HEADS, ROWS, SIZE = 2, 70, 8
LOOKS = [(range(50), ROWS), (range(50, ROWS), 50)]


def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    out = np.full((ROWS, HEADS * SIZE), np.nan, np.float32)
    blas.attend(q, k, v, out, LOOKS, 2, lambda: False)
    return out


def by_the_book(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    scores = q.astype(np.float64) @ k.astype(np.float64).swapaxes(1, 2) / SIZE**0.5
    scores[:, 50:, 50:] = -np.inf
    weights = np.exp(scores - scores.max(2, keepdims=True))
    return (weights / weights.sum(2, keepdims=True) @ v).swapaxes(0, 1).reshape(ROWS, -1)


@pytest.fixture
def qkv() -> tuple[np.ndarray, ...]:
    return tuple(np.random.default_rng(1).standard_normal((3, HEADS, ROWS, SIZE), dtype=np.float32))


def test_some_rows_see_fewer(qkv: tuple[np.ndarray, ...]) -> None:
    assert np.abs(attend(*qkv) - by_the_book(*qkv)).max() < 1e-6


@pytest.mark.parametrize("row", [0, 1, 49], ids=["sampled", "not sampled", "the last that all see"])
def test_a_key_that_drowns_all_others(qkv: tuple[np.ndarray, ...], row: int) -> None:
    q, k, v = qkv
    k[0, row] *= 400  # scores of some hundreds: exp of one less another's would run over
    assert np.abs(k[0, row] @ q[0].T / SIZE**0.5).max() > 200
    assert np.abs(attend(q, k, v) - by_the_book(q, k, v)).max() < 1e-5


def test_it_stops_when_asked(qkv: tuple[np.ndarray, ...]) -> None:
    out = np.zeros((ROWS, HEADS * SIZE), np.float32)
    blas.attend(*qkv, out, LOOKS, 2, lambda: True)
    assert not out.any()
