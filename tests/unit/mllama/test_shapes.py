"""Other sizes than the vectors': everything comes from the file, nothing from a table."""

import json

import numpy as np
import pytest
from PIL import Image

from app.engine.families import mllama
from app.engine.families.mllama.config import read_config
from app.engine.families.mllama.core import Core, Files
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.picture import cut
from app.gguf import read_header
from app.library.convert import convert
from tests.unit.mllama import reference
from tests.unit.mllama.cases import all_cases, deviation
from tests.unit.mllama.checkpoints import VECTORS, config_of, read_tensors, write_checkpoint

SHAPES = {
    "cross-attention first, two tiles": config_of(
        width=96, heads=6, kv_heads=3, mlp=200, layers=5, cross=[0, 3], tower=80, tower_heads=5, tower_mlp=100,
        tower_layers=3, global_layers=1, taps=[0, 2], tile=42, patch=14, max_tiles=2,
    ),
    "one key head, six tiles, cross-attention last": config_of(
        width=160, heads=5, kv_heads=1, mlp=96, layers=6, cross=[2, 5], tower=48, tower_heads=2, tower_mlp=160,
        tower_layers=4, global_layers=3, taps=[1, 2, 3], tile=40, patch=8, max_tiles=6,
    ),
    "wide heads, one tile, a tap after the last layer": config_of(
        width=128, heads=2, kv_heads=2, mlp=256, layers=3, cross=[1], tower=64, tower_heads=1, tower_mlp=64,
        tower_layers=2, global_layers=1, taps=[0, 1, 2], tile=24, patch=6, max_tiles=1,
    ),
    "odd heads in the tower, taps out of order, adjacent cross-attention, five tiles": config_of(
        width=60, heads=6, kv_heads=2, mlp=55, layers=6, cross=[0, 1, 4], tower=40, tower_heads=8, tower_mlp=33,
        tower_layers=4, global_layers=1, taps=[3, 1], tile=28, patch=14, max_tiles=5, norm_eps=0.01,
    ),
    "tiles of 257 rows, one more than a product takes": config_of(
        width=64, heads=4, kv_heads=2, mlp=64, layers=2, cross=[1], tower=16, tower_heads=2, tower_mlp=16,
        tower_layers=1, global_layers=1, taps=[0], tile=64, patch=4, max_tiles=2,
    ),
    "tiles that are no multiple of a patch, no global layers, no taps": config_of(
        width=64, heads=4, kv_heads=2, mlp=64, layers=3, cross=[2], tower=32, tower_heads=2, tower_mlp=48,
        tower_layers=2, global_layers=0, taps=[], tile=45, patch=14, max_tiles=3,
    ),
}  # fmt: skip
PROMPTS = ("text", "image-40x30", "image-120x50", "follow-up", "two-images-two-turns", "two-images-together")


@pytest.mark.parametrize("name", SHAPES)
def test_logits_equal_plain_numpy(name, tmp_path):
    config = SHAPES[name]
    tensors = write_checkpoint(tmp_path / "checkpoint", config, seed=len(name))
    convert(tmp_path / "checkpoint", tmp_path / "model.gguf")
    file = read_header(tmp_path / "model.gguf")
    vision = read_config(file, file).vision
    for case in all_cases():
        if case.name in PROMPTS:
            tiles = [cut(picture, vision) for picture in case.pictures]
            wanted = reference.logits(tensors, config, case.tokens, [(t.pixels, t.arrangement) for t in tiles])
            assert deviation(mllama.logits(file.path, case.prompt, case.pictures), wanted) < 1e-4, case.name


@pytest.mark.parametrize(
    "listed",
    [
        [[3, 1], [2, 1], [1, 3], [1, 2], [1, 1]],
        [[1, 1], [1, 2], [1, 3]],
        [[1, 1], [1, 2], [1, 3], [2, 1], [3, 1], [9, 9]],
    ],
    ids=["another order", "few", "many"],
)
def test_of_the_listed_arrangements_only_the_number_counts(listed, tmp_path):
    """transformers numbers them by all that are possible in the usual order, with as many embeddings as are listed."""
    config = config_of(
        width=32, heads=2, kv_heads=1, mlp=48, layers=2, cross=[1], tower=16, tower_heads=2, tower_mlp=24,
        tower_layers=2, global_layers=1, taps=[1], tile=28, patch=14, max_tiles=3,
    )  # fmt: skip
    config["vision_config"]["supported_aspect_ratios"] = listed
    tensors = write_checkpoint(tmp_path / "checkpoint", config, seed=4)
    convert(tmp_path / "checkpoint", tmp_path / "model.gguf")
    file = read_header(tmp_path / "model.gguf")
    case = next(case for case in all_cases() if case.name == "image-40x30")
    for size, number in (((20, 200), 5), ((200, 20), 3), ((20, 20), 1)):
        picture = Image.linear_gradient("L").resize(size)
        tiles = cut(picture, read_config(file, file).vision)
        assert tiles.arrangement == number or (number > len(listed) and tiles.arrangement <= len(listed))
        wanted = reference.logits(tensors, config, case.tokens, [(tiles.pixels, tiles.arrangement)])
        assert deviation(mllama.logits(file.path, case.prompt, [picture]), wanted) < 1e-4


def test_a_prompt_longer_than_a_batch_and_than_a_block_of_the_cache(tiny):
    words = "What is in this picture? Describe it in one sentence. " * 40
    picture = Image.fromarray(np.full((50, 70, 3), 120, np.uint8))
    prompt = f"<|begin_of_text|>{words}<|image|>{words}"
    core = Core(Files(tiny), 256, devices=Devices())
    tokens, tiles = core.prompts.raw(prompt), cut(picture, core.config.vision)
    core.close()
    assert len(tokens) > 1000
    config = json.loads((VECTORS / "config.json").read_text())
    wanted = reference.logits(read_tensors(VECTORS), config, tokens, [(tiles.pixels, tiles.arrangement)])
    assert deviation(mllama.logits(tiny, prompt, [picture]), wanted) < 1e-4


def test_many_layers_fit_the_graph(tmp_path):
    """ggml counts what a graph reads beside its operations, and ends the process over one too many."""
    config = config_of(
        width=32, heads=1, kv_heads=1, mlp=32, layers=84, cross=[0], tower=16, tower_heads=2, tower_mlp=16,
        tower_layers=1, global_layers=1, taps=[0], tile=28, patch=14, max_tiles=1,
    )  # fmt: skip
    write_checkpoint(tmp_path / "checkpoint", config, seed=1)
    convert(tmp_path / "checkpoint", tmp_path / "deep.gguf")
    core = Core(Files(tmp_path / "deep.gguf"), 64, devices=Devices(1), flash="off")
    looks = core.looks([core.see(Image.new("RGB", (30, 30), (9, 99, 200)))])
    try:
        core.decoder.look_at(looks)
        assert np.isfinite(core.decoder.read([412] * 4, 0, "all")).all()
        assert np.isfinite(core.decoder.step(412, 4)).all()
    finally:
        looks.close()
        core.close()
