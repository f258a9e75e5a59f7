"""Files that lie, in the real engine process: each ends in clear words or in an answer, soon; the next one works."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import gguf
from app.engine.client import EngineClient
from app.values import Ask, EngineOptions, Failed, Finished, ModelSpec, Sampling
from tests import models
from tests.unit.engine.mtmd.conftest import FIRST, PICTURES, user

SECONDS = 5.0
WHICH = ("model", "projector")
HUGE = (0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)


@pytest.fixture
def client() -> Iterator[EngineClient]:
    with EngineClient() as engine:
        yield engine


class Target:
    """A good pair, one file of which is replaced by a bad one."""

    def __init__(self, pair: models.Pair, which: str, folder: Path, client: EngineClient) -> None:
        self.good: Path = getattr(pair, which)
        self.raw = self.good.read_bytes()
        self.header = gguf.read_header(self.good)
        self._pair, self._which, self._client = pair, which, client
        self._bad = folder / f"{which}.gguf"

    def ask(self, raw: bytes) -> Failed | Finished:
        """The last event of a question to the pair with `raw` in place of the good file; in time, or the test fails."""
        self._bad.write_bytes(raw)
        pair = self._pair._replace(**{self._which: self._bad})
        spec = ModelSpec(
            path=str(pair.model), projector=str(pair.projector), options=EngineOptions(context=256, threads=1)
        )
        question = Ask(model=spec, messages=(user("what is it", FIRST),), sampling=Sampling(max_tokens=4))
        began = time.monotonic()
        *_, last = self._client.run(question, PICTURES.values())
        assert time.monotonic() - began < SECONDS
        assert isinstance(last, Failed | Finished)
        if isinstance(last, Failed):
            assert last.what.endswith(".")
            assert last.todo.endswith(".")
        return last

    def with_number(self, at: int, value: int, size: int = 8) -> bytes:
        return self.raw[:at] + (value & ((1 << 8 * size) - 1)).to_bytes(size, "little") + self.raw[at + size :]


@pytest.fixture(params=WHICH)
def target(
    request: pytest.FixtureRequest, pairs: Callable[[models.Shape], models.Pair], tmp_path: Path, client: EngineClient
) -> Target:
    return Target(pairs(models.TINY), request.param, tmp_path, client)


@pytest.mark.timeout(300)
def test_a_hundred_mutations(target: Target) -> None:
    end = target.header.data_offset
    failures = 0
    for number in range(100):
        generator = random.Random(f"{target.good.name} {number}")
        raw = bytearray(target.raw)
        size = generator.choice((1, 1, 2, 4, 8))
        region = generator.choice(((0, 24), (24, 900), (24, end - 8), (end - 3000, end - 8)))
        at = generator.randrange(*region)
        raw[at : at + size] = generator.choice((bytes(size), b"\xff" * size, generator.randbytes(size)))
        failures += isinstance(target.ask(bytes(raw)), Failed)
    assert failures > 30
    assert isinstance(target.ask(target.raw), Finished)


def test_counts_that_lie(target: Target) -> None:
    for at in (8, 16, 24):  # tensors, metadata, the length of the first key
        for value in HUGE:
            assert isinstance(target.ask(target.with_number(at, value)), Failed), (at, value)


def test_arrays_and_strings_that_lie_about_their_length(target: Target) -> None:
    arrays = [value for value in target.header.metadata.values() if isinstance(value, gguf.ArrayValue)]
    for array in arrays:
        for value in HUGE:
            target.ask(target.with_number(array.offset - 8, value))
            if array.kind == 8:
                target.ask(target.with_number(array.offset, value))
        assert isinstance(target.ask(target.with_number(array.offset - 8, 2**62)), Failed)


def test_tensors_that_lie_about_their_shape_and_place(target: Target) -> None:
    for name in list(target.header.tensors)[::11]:
        after = target.raw.index(name.encode()) + len(name)
        dimensions = len(target.header.tensors[name].shape)
        for value in HUGE:
            target.ask(target.with_number(after, value, size=4))
            target.ask(target.with_number(after + 4, value))
            target.ask(target.with_number(after + 4 + 8 * dimensions, value, size=4))
        for value in HUGE[2:]:
            assert isinstance(target.ask(target.with_number(after + 8 + 8 * dimensions, value)), Failed)


def test_files_cut_short(target: Target) -> None:
    for length in (0, 3, 4, 23, 24, 100, target.header.data_offset - 1, target.header.data_offset, len(target.raw) - 1):
        assert isinstance(target.ask(target.raw[:length]), Failed), length


def test_sizes_in_the_metadata_that_lie(target: Target) -> None:
    for key, value in target.header.metadata.items():
        if type(value) is int and not key.startswith("general."):
            at = target.raw.index(key.encode()) + len(key) + 4
            for lie in (0, 1, 3, 2**31 - 1, 2**32 - 1):
                target.ask(target.with_number(at, lie, size=4))


def test_not_a_model_at_all(target: Target) -> None:
    assert isinstance(target.ask(target.raw), Finished)
    for raw in (b"GGUF", b"not a model", b"\x89PNG\r\n\x1a\n" * 9, bytes(1000), b"GGUF\x03\0\0\0" + b"\xff" * 41):
        assert isinstance(target.ask(raw), Failed)
    assert isinstance(target.ask(target.raw), Finished)
