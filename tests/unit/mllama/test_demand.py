"""What a model is said to take from memory, against what it takes."""

import pytest

from app.engine.families.mllama.core import Core, Files
from app.engine.families.mllama.demand import demand, kv_type
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.place import Placement
from app.engine.families.mllama.tensor import F16, Q8_0
from app.library.convert import convert
from app.values import EngineOptions
from tests.unit.mllama.checkpoints import config_of, write_checkpoint

CONTEXT = 4096


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Heads of 32, many of them."""
    config = config_of(
        width=256, heads=8, kv_heads=2, mlp=256, layers=3, cross=[1], tower=32, tower_heads=2, tower_mlp=32,
        tower_layers=1, global_layers=1, taps=[0], tile=28, patch=14, max_tiles=1,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("demand")
    write_checkpoint(folder / "checkpoint", config, seed=1)
    convert(folder / "checkpoint", folder / "m.gguf", type="F16")
    return Files(folder / "m.gguf")


@pytest.mark.parametrize("flash", ["auto", "off"])
def test_working_memory_and_cache_are_no_larger_than_said(files, flash):
    options = EngineOptions(context=CONTEXT, flash=flash)
    said = demand(files, options, Placement())
    core = Core(files, CONTEXT, devices=Devices(), flash=flash)
    try:
        token = core.vocabulary.tokens("a")[0]
        core.decoder.read([token] * 256, CONTEXT - 256)
        taken = core.decoder._reading.size + core.decoder._cache._store.size
    finally:
        core.close()
    assert taken <= said.token * CONTEXT + said.text


def test_heads_without_whole_blocks_are_kept_in_sixteen_bits_and_counted_so(files, tiny):
    options = EngineOptions(kv="q8_0")
    assert (kv_type(files.config, options), kv_type(Files(tiny).config, options)) == (Q8_0, F16)
    small = Files(tiny)
    assert demand(small, options, Placement()).token == demand(small, EngineOptions(), Placement()).token
    assert demand(files, options, Placement()).token < demand(files, EngineOptions(), Placement()).token
