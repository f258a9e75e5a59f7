import resource
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from app.engine import fit, machine
from app.engine.fit import Demand, cache_that_fits, context_that_fits
from app.errors import MemoryShortError

MIB = 1 << 20
MODEL = Demand(weights=1000 * MIB, projector=500 * MIB, picture=300 * MIB, text=100 * MIB, token=MIB)
FIXED = 1000 + 500 + 300 + 256


def context(free: int, asked: int = 0, trained: int = 100_000) -> int:
    return context_that_fits(MODEL, free * MIB, asked=asked, default=8192, trained=trained)


def test_a_picture_is_encoded_while_the_text_model_rests() -> None:
    assert MODEL.fixed == FIXED * MIB


def test_the_default_is_taken_when_it_fits() -> None:
    assert context(FIXED + 8192) == 8192


def test_without_a_wish_the_context_shrinks_to_what_fits() -> None:
    assert context(FIXED + 1100) == 1024
    assert context(FIXED + 512) == 512


def test_a_cache_takes_no_more_than_the_model_leaves() -> None:
    def cache(free: int) -> int:
        return cache_that_fits(MODEL, free * MIB, context=1024, asked=512 * MIB) // MIB

    assert cache(FIXED + 1024 + 600) == 512
    assert cache(FIXED + 1024 + 100) == 100
    assert cache(FIXED + 1000) == 0


def test_no_more_than_the_model_was_trained_for() -> None:
    assert context(FIXED + 50_000, trained=300) == 300
    assert context(FIXED + 50_000, asked=9000, trained=4096) == 4096


def test_a_wish_that_does_not_fit_is_refused_with_one_that_does() -> None:
    with pytest.raises(MemoryShortError) as raised:
        context(FIXED + 2000, asked=4096)
    assert "4096 tokens" in raised.value.what
    assert "6.0 GiB" in raised.value.what
    assert "1792 tokens" in raised.value.todo


def test_a_model_that_does_not_fit_at_all_is_refused_in_numbers() -> None:
    with pytest.raises(MemoryShortError) as raised:
        context(FIXED + 100)
    assert "2.5 GiB" in raised.value.what  # 2056 + 512 MiB
    assert "2.1 GiB are free" in raised.value.what
    assert "weights 1.0 GiB" in raised.value.detail


def test_sizes_in_words() -> None:
    assert fit.gib(3 << 30) == "3.0 GiB"
    assert fit.gib(200 * MIB) == "200 MiB"


def test_this_machine_has_threads_and_memory() -> None:
    assert machine.threads() >= 1
    assert machine.threads(7) == 7
    assert machine.free_memory() > 0


@pytest.mark.skipif(sys.platform != "linux", reason="how a process learns what counts against its limit")
def test_the_process_s_own_limit_holds_for_all_but_mapped_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda: 4000 * MIB)
    assert machine.room(0) == 4000 * MIB
    used = machine._own_memory()
    assert used
    limit = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (used + 300 * MIB, limit[1]))
    try:
        assert 250 * MIB < machine.room(0) <= 300 * MIB
        assert 1250 * MIB < machine.room(1000 * MIB) <= 1300 * MIB
        assert machine.room(10_000 * MIB) == 4000 * MIB
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, limit)


def test_weights_that_this_process_has_mapped_are_not_free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The system counts them as page cache, to be had at once; two models would be read from the disk for ever."""
    (tmp_path / "memory.max").write_text(str(5000 * MIB))
    (tmp_path / "memory.current").write_text(str(3500 * MIB))
    (tmp_path / "memory.stat").write_text(f"active_file 7\ninactive_file {2500 * MIB}\n")
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    used = SimpleNamespace(rss=2500 * MIB, shared=2000 * MIB)
    monkeypatch.setattr(psutil.Process, "memory_info", lambda _: used)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=6000 * MIB))
    assert machine.free_memory() == 2000 * MIB
    (tmp_path / "memory.max").write_text("max")
    assert machine.free_memory() == 4000 * MIB
    del used.shared  # as on Windows
    assert machine.free_memory() == 6000 * MIB
