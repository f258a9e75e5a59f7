import errno
import os
import random
import time
from pathlib import Path

import numpy as np
import pytest

from app.engine.pictures import PictureCache, key

KIB = 1024


def block(fill: float, kib: int = 4) -> dict[str, np.ndarray]:
    return {"embeddings": np.full(kib * KIB // 4, fill, np.float32)}


def test_what_was_put_comes_back_from_memory() -> None:
    cache = PictureCache(memory=64 * KIB)
    cache.put("a", {"k": np.arange(6, dtype=np.float16).reshape(2, 3), "v": np.ones((1, 2), np.float32)})
    found = cache.get("a")
    assert found is not None
    assert found.where == "memory"
    assert found.arrays["k"].dtype == np.float16
    np.testing.assert_array_equal(found.arrays["k"], np.arange(6).reshape(2, 3))
    assert cache.get("b") is None


def test_entries_do_not_change_with_the_arrays_they_were_made_from() -> None:
    cache = PictureCache(memory=64 * KIB)
    arrays = block(1.0)
    cache.put("a", arrays)
    arrays["embeddings"][0] = 9.0
    found = cache.get("a")
    assert found is not None
    assert found.arrays["embeddings"][0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        found.arrays["embeddings"][0] = 2.0


def test_the_least_recently_used_is_forgotten_by_bytes() -> None:
    cache = PictureCache(memory=12 * KIB)
    for name in "abc":
        cache.put(name, block(0.0))
    cache.get("a")
    cache.put("d", block(0.0))
    assert cache.get("b") is None
    assert all(cache.get(name) for name in "acd")
    cache.put("big", block(0.0, kib=13))
    assert cache.get("big") is None
    assert cache.get("d") is not None


def test_putting_again_replaces(tmp_path: Path) -> None:
    cache = PictureCache(memory=64 * KIB, folder=tmp_path, disk=64 * KIB)
    cache.put("a", block(1.0))
    cache.put("a", block(2.0))
    for reader in (cache, PictureCache(0, tmp_path, 64 * KIB)):
        found = reader.get("a")
        assert found is not None
        assert found.arrays["embeddings"][0] == 2.0


def test_another_process_finds_it_on_disk(tmp_path: Path) -> None:
    PictureCache(memory=0, folder=tmp_path / "new", disk=64 * KIB).put("a", block(3.0))
    later = PictureCache(memory=64 * KIB, folder=tmp_path / "new", disk=64 * KIB)
    first, second = later.get("a"), later.get("a")
    assert first is not None
    assert second is not None
    assert (first.where, second.where) == ("disk", "memory")
    np.testing.assert_array_equal(first.arrays["embeddings"], block(3.0)["embeddings"])


def test_the_disk_forgets_what_was_used_longest_ago(tmp_path: Path) -> None:
    cache = PictureCache(memory=0, folder=tmp_path, disk=14 * KIB)
    for age, name in ((300, "a"), (200, "b"), (100, "c")):
        cache.put(name, block(0.0))
        os.utime(tmp_path / f"{name}.npz", (time.time() - age,) * 2)
    cache.get("a")
    cache.put("d", block(0.0))
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["a", "c", "d"]


def test_every_damage_is_a_miss_and_is_removed(tmp_path: Path) -> None:
    cache = PictureCache(memory=0, folder=tmp_path, disk=64 * KIB)
    cache.put("a", block(1.0))
    path = tmp_path / "a.npz"
    good = path.read_bytes()
    middle = len(good) // 2
    noise, flipped = random.Random(1).randbytes(len(good)), good[:middle] + b"\x00\x01" + good[middle + 2 :]
    damages = [b"", good[:7], good[:middle], good[:-1], noise, flipped]
    for damage in damages:
        path.write_bytes(damage)
        assert cache.get("a") is None
        assert not path.exists()
    np.savez(path, embeddings=np.array([object()], dtype=object))
    assert cache.get("a") is None


def test_what_a_dead_process_left_is_swept(tmp_path: Path) -> None:
    old, new = tmp_path / "old.part", tmp_path / "new.part"
    old.touch()
    new.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    PictureCache(memory=0, folder=tmp_path, disk=64 * KIB).put("a", block(1.0))
    assert not old.exists()
    assert new.exists()


def test_a_folder_that_cannot_be_written_costs_only_the_cache(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    cache = PictureCache(memory=64 * KIB, folder=blocked / "inside", disk=64 * KIB)
    cache.put("a", block(1.0))
    found = cache.get("a")
    assert found is not None
    assert found.where == "memory"


def test_a_folder_that_can_only_be_read_still_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PictureCache(memory=0, folder=tmp_path, disk=64 * KIB).put("a", block(1.0))

    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "utime", read_only)
    found = PictureCache(memory=0, folder=tmp_path, disk=64 * KIB).get("a")
    assert found is not None
    np.testing.assert_array_equal(found.arrays["embeddings"], block(1.0)["embeddings"])


def test_larger_than_the_disk_may_hold_is_not_written(tmp_path: Path) -> None:
    PictureCache(memory=0, folder=tmp_path, disk=2 * KIB).put("a", block(1.0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("limit", "left"), [(0, []), (5 * KIB, ["b"])])
def test_a_smaller_limit_holds_at_once(tmp_path: Path, limit: int, left: list[str]) -> None:
    """Whoever wants no trace of pictures on disk means those of earlier days too."""
    cache = PictureCache(memory=0, folder=tmp_path, disk=64 * KIB)
    for age, name in ((200, "a"), (100, "b")):
        cache.put(name, block(0.0))
        os.utime(tmp_path / f"{name}.npz", (time.time() - age,) * 2)
    (tmp_path / "somebody's.txt").touch()
    smaller = PictureCache(memory=0, folder=tmp_path, disk=limit)
    assert sorted(path.stem for path in tmp_path.glob("*.npz")) == left
    assert (tmp_path / "somebody's.txt").exists()
    assert smaller.get("a") is None


def test_keys_tell_everything_apart() -> None:
    keys = {key("p", "a", 0), key("p", "a", 1), key("pa", "", 0), key("q", "a", 0), key("p", "a")}
    assert len(keys) == 5
    assert all(len(each) == 32 and set(each) <= set("0123456789abcdef") for each in keys)
    assert key("p", "a", 0) == key("p", "a", 0)
