"""What goes to a GPU of which size. Pure arithmetic; no GPU is needed."""

from app.engine.families.mllama.config import read_config
from app.engine.families.mllama.core import Files
from app.engine.families.mllama.demand import demand
from app.engine.families.mllama.place import Placement, Sizes, place, sizes
from app.gguf import read_header
from app.values import EngineOptions

GIB = 1 << 30
PARTS = Sizes(layer=(GIB,) * 8, tower=2 * GIB, head=GIB)


def on(free, **more):
    return place(PARTS, 99, free * 8 * GIB // 7, 0, **more)


def test_a_gpu_that_holds_all_gets_all():
    placed = on(20)
    assert placed.layers == frozenset(range(8))
    assert placed.tower
    assert placed.head
    assert placed.weight("blk.3.ffn_up.weight") == placed.weight("v.blk.0.ffn_up.weight") == 99
    assert placed.weight("output.weight") == placed.layer(0) == placed.vision == 99
    assert placed.weight("token_embd.weight") is None


def test_the_tower_comes_first_then_the_last_layers():
    placed = on(5)
    assert placed.tower
    assert placed.layers == {5, 6, 7}
    assert not placed.head
    assert placed.weight("blk.4.attn_q.weight") is None
    assert placed.weight("output.weight") is None
    small = on(1)
    assert not small.tower
    assert small.layers == {7}


def test_fewer_layers_than_fit_may_be_asked_for_and_none_at_all():
    assert on(20, layers=2).layers == {6, 7}
    assert on(20, layers=0) == Placement()
    assert Placement().weight("blk.0.attn_q.weight") is None


def test_sizes_count_every_part_and_memory_left_to_the_cpu_shrinks(tiny):
    files = Files(tiny)
    parts = sizes(files.config, files.tensors, 1000, 100, 5)
    everything = sum(info.nbytes for info in files.tensors.values())
    rest = files.tensors["token_embd.weight"].nbytes + files.tensors["output_norm.weight"].nbytes
    rest += files.tensors["rope_freqs.weight"].nbytes
    seen = 4 * 4 * 17 * 2 * 16 * 2  # two cross-attention layers
    assert sum(parts.layer) + parts.tower + parts.head == everything - rest + 1000 * 100 + seen + 5
    alone = demand(files, EngineOptions(), Placement())
    helped = demand(files, EngineOptions(), Placement(1, frozenset(range(7)), tower=True, head=True))
    assert helped.weights < alone.weights
    assert helped.projector == helped.token == helped.picture == 0
    assert alone.projector > 0
    file = read_header(tiny)
    assert read_config(file, file) == files.config
