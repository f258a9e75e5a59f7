"""Attention by numpy's products is softmax attention, whatever the scores."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest

from app.engine.families.mllama import blas
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.graph import Graph, Workspace
from app.engine.families.mllama.store import Store
from app.engine.families.mllama.tensor import BF16
from app.engine.families.mllama.weighing import (
    InBFloat16,
    InFloat32,
    Weighing,
    and_one,
    by_columns,
    columns_shape,
)

HEADS, ROWS, SIZE = 2, 70, 8
LOOKS = [(range(50), ROWS), (range(50, ROWS), 50)]
Attend = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def attended(
    q: np.ndarray, k: np.ndarray, weighing: Callable[[], Weighing], stopping: Callable[[], bool] = lambda: False
) -> np.ndarray:
    out = np.full((ROWS, HEADS * SIZE), np.nan, np.float32)
    blas.attend(q, k, weighing, out, LOOKS, 2, stopping)
    return out


def in_float32(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    return attended(q, k, partial(InFloat32, and_one(v)))


@pytest.fixture
def in_bfloat16() -> Iterator[Attend]:
    devices = Devices(2)
    workspace = Workspace(devices, 32)
    with Store(devices, 1) as store:
        columns = store.tensor(columns_shape(ROWS, SIZE, HEADS), BF16)
        store.allocate()

        def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
            with Graph(devices, workspace) as g:
                by_columns(g, g.constant(v), columns)
                g.outputs().run()
            return attended(q, k, partial(InBFloat16, columns, SIZE))

        yield attend
    workspace.close()
    devices.close()


def by_the_book(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    scores = q.astype(np.float64) @ k.astype(np.float64).swapaxes(1, 2) / SIZE**0.5
    scores[:, 50:, 50:] = -np.inf
    weights = np.exp(scores - scores.max(2, keepdims=True))
    return (weights / weights.sum(2, keepdims=True) @ v).swapaxes(0, 1).reshape(ROWS, -1)


@pytest.fixture
def qkv() -> tuple[np.ndarray, ...]:
    return tuple(np.random.default_rng(1).standard_normal((3, HEADS, ROWS, SIZE), dtype=np.float32))


def test_some_rows_see_fewer(qkv: tuple[np.ndarray, ...]) -> None:
    assert np.abs(in_float32(*qkv) - by_the_book(*qkv)).max() < 1e-6


def test_rounding_to_bfloat16_changes_little(qkv: tuple[np.ndarray, ...], in_bfloat16: Attend) -> None:
    found, wanted = in_bfloat16(*qkv), by_the_book(*qkv)
    assert 1e-5 < np.abs(found - wanted).max() < 2**-8 * np.abs(qkv[2]).max()
    flat = in_bfloat16(qkv[0], qkv[1], np.ones_like(qkv[2]))
    assert np.abs(flat - 1).max() < 1e-6, "weights and their sum are rounded alike"


@pytest.mark.parametrize("row", [0, 1, 49], ids=["sampled", "not sampled", "the last that all see"])
def test_a_key_that_drowns_all_others(qkv: tuple[np.ndarray, ...], in_bfloat16: Attend, row: int) -> None:
    q, k, v = qkv
    k[0, row] *= 400  # scores of some hundreds: exp of one less another's would run over
    assert np.abs(k[0, row] @ q[0].T / SIZE**0.5).max() > 200
    assert np.abs(in_float32(q, k, v) - by_the_book(q, k, v)).max() < 1e-5
    assert np.abs(in_bfloat16(q, k, v) - by_the_book(q, k, v)).max() < 2**-8 * np.abs(v).max()


def test_it_stops_when_asked(qkv: tuple[np.ndarray, ...]) -> None:
    q, k, v = qkv
    assert np.isnan(attended(q, k, partial(InFloat32, and_one(v)), lambda: True)).all()
