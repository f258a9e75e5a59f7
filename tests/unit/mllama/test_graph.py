"""The layer under the model: operations check their operands, and a computation can be stopped."""

import resource
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from app.engine.families.mllama.attention import Seen, attend, by_products, flash_queries, heads_last
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.graph import Cancelled, Graph, Workspace
from app.engine.families.mllama.store import Store
from app.engine.families.mllama.tensor import I64, Tensor
from app.errors import EngineError, MemoryShortError


@pytest.fixture
def devices():
    devices = Devices(threads=1)
    yield devices
    devices.close()


@pytest.fixture
def graph(devices):
    workspace = Workspace(devices, 4096)
    with Graph(devices, workspace) as g:
        yield g
    workspace.close()


def matrix(*shape):
    return np.random.default_rng(1).standard_normal(shape[::-1]).astype(np.float32)


def test_operands_that_do_not_fit_raise_instead_of_ending_the_process(graph):
    a, b = graph.input((8, 4)), graph.input((6, 4))
    for wrong in (
        lambda: graph.linear(a, b),
        lambda: graph.add(a, b),
        lambda: graph.swiglu(a, b),
        lambda: graph.rows(a, 3, 2),
        lambda: graph.reshape(a, (5, 5)),
        lambda: graph.concat(a, b, axis=1),
        lambda: graph.copy(a, b),
        lambda: graph.put(a, b, graph.input((4,), I64)),
        lambda: graph.repeat(a, (9, 4)),
        lambda: graph.flash(graph.input((4, 2, 3)), graph.input((4, 5, 2)), graph.input((4, 5, 2)), 0.5),
        lambda: graph.product(graph.input((4, 5, 2)), graph.input((4, 2, 3))),
        lambda: graph.window(a, (1, 0), (8, 4)),
        lambda: graph.softmax(a, 0.5, b),
    ):
        with pytest.raises(EngineError):
            wrong()


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of memory that the system keeps")
def test_a_graph_that_found_no_memory_may_be_tried_again(devices):
    """ggml takes a plan whose memory could not be had for carried out: the second time it would end the process."""
    workspace = Workspace(devices, 64)

    def double(rows):
        with Graph(devices, workspace) as g:
            x = g.input((1024, rows))
            y = g.scale(x, 2.0)
            g.outputs(y)
            g.set(x, np.ones((rows, 1024), np.float32))
            g.run()
            return g.get(y)

    limit = resource.getrlimit(resource.RLIMIT_DATA)
    used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (used + (64 << 20), limit[1]))
    try:
        for _ in range(2):
            with pytest.raises(MemoryShortError):
                double(1 << 16)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limit)
    assert (double(4) == 2).all()
    workspace.close()


@pytest.mark.parametrize("heads", [1, 2, 5, 12, 16, 40])
def test_flash_attention_gets_whole_tiles_for_every_thread(heads):
    """ggml cuts the queries of all heads into 4 equal shares a thread, and a share into tiles of 64 of one head."""
    for threads in range(1, 65):
        n = flash_queries(heads, threads)
        share, rest = divmod(n * heads, 4 * threads)
        assert (rest, share % 64, n % 64) == (0, 0, 0)
        assert n <= max(1024, 256 * threads)
    assert [flash_queries(16, threads) for threads in (1, 2, 4, 6, 8, 12)] == [1024, 1024, 1024, 960, 1024, 960]


@pytest.mark.parametrize("n", [1, 5])
def test_every_form_of_attention_is_softmax_of_scaled_products(graph, n):
    q, k, v = matrix(16, 4, n), matrix(16, 2, 7), matrix(16, 2, 7)
    mask = np.where(np.arange(7) > np.arange(n)[:, None] + 2, -np.inf, 0).astype(np.float16)
    query, keys, values, hidden = (graph.constant(x) for x in (q, k, v, mask))
    keys, by_columns, by_rows = (
        heads_last(graph, keys),
        graph.contiguous(graph.turn(values, (1, 2, 0, 3))),
        heads_last(graph, values),
    )
    found = [
        attend(graph, query, Seen(keys, by_rows, by_columns=False), hidden),
        attend(graph, query, Seen(keys, by_columns, by_columns=True), hidden),
        attend(graph, query, Seen(keys, by_columns, by_columns=True), hidden, flash=False),
        by_products(graph, query, keys, by_columns, hidden),
    ]
    graph.outputs(*found).run()
    scores = np.einsum("nhd,mhd->hnm", q, np.repeat(k, 2, axis=1)) / 4 + mask.astype(np.float32)
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    wanted = np.einsum("hnm,mhd->nhd", weights, np.repeat(v, 2, axis=1)).reshape(n, -1)
    for tensor in found:
        assert np.allclose(graph.get(tensor), np.squeeze(wanted), atol=1e-5)


def test_interleaving_goes_feature_by_feature(graph):
    a, b, c = (matrix(3, 2) for _ in range(3))
    found = graph.interleave([graph.constant(x) for x in (a, b, c)])
    graph.outputs(found).run()
    assert np.array_equal(graph.get(found), np.stack([a, b, c], axis=-1).reshape(2, 9))


def test_rows_are_written_into_a_store_and_stay_there(devices, graph):
    with Store(devices, 1) as store:
        kept: Tensor = store.tensor((4, 6))
        store.allocate()
        new, places = matrix(4, 2), np.array([5, 1])
        index = graph.input((2,), I64)
        graph.outputs(graph.put(kept, graph.constant(new), index))
        graph.set(index, places)
        graph.run()
        whole = graph.get(kept)
        assert np.array_equal(whole[places], new)
        assert not whole[[0, 2, 3, 4]].any()


def test_a_running_computation_stops_at_once_and_the_next_one_runs(devices, graph):
    x = graph.constant(matrix(512, 512))
    y = x
    for _ in range(2000):
        y = graph.linear(x, y)
    graph.outputs(y)
    asked = []

    def stop():
        asked.append(time.monotonic())
        devices.stop()

    timer = threading.Timer(0.05, stop)
    timer.start()
    with pytest.raises(Cancelled):
        graph.run()
    assert time.monotonic() - asked[0] < 0.3
    timer.join()
    devices.go()
    other = Workspace(devices, 16)
    with Graph(devices, other) as g:
        total = g.add(g.constant(matrix(4)), g.constant(matrix(4)))
        g.outputs(total).run()
        assert np.allclose(g.get(total), 2 * matrix(4))
    other.close()
