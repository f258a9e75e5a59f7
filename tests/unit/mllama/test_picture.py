"""What pictures become where the vectors say nothing: other normalisation, and what is transparent."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from app.engine.families import mllama
from app.engine.families.mllama.config import read_config
from app.engine.families.mllama.picture import cut
from app.errors import ModelError
from app.gguf import read_header
from app.library.convert import convert
from app.library.gguf_writer import entry, write
from tests.unit.mllama.checkpoints import VECTORS

PROMPT = "<|begin_of_text|><|image|>What"


def config_of(path):
    file = read_header(path)
    return read_config(file, file)


def test_pixels_are_normalised_as_the_checkpoint_wants_it(tmp_path):
    checkpoint = shutil.copytree(VECTORS, tmp_path / "checkpoint")
    settings = json.loads((checkpoint / "preprocessor_config.json").read_text())
    settings |= {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.25, 2.0], "rescale_factor": 1 / 510}
    (checkpoint / "preprocessor_config.json").write_text(json.dumps(settings))
    convert(checkpoint, tmp_path / "m.gguf")
    pixels = cut(Image.new("RGB", (56, 56), (51, 102, 255)), config_of(tmp_path / "m.gguf").vision).pixels
    wanted = [(0.1 - 0.1) / 0.5, (0.2 - 0.2) / 0.25, (0.5 - 0.3) / 2.0]
    assert np.abs(pixels - np.array(wanted, np.float32)[:, None, None]).max() < 1e-6


def test_a_file_that_says_nothing_of_it_means_what_was_published(tiny, tmp_path):
    silent, wanted = _without_data(tiny, tmp_path), config_of(tiny).vision
    assert config_of(silent).vision.mean == pytest.approx(wanted.mean)
    assert config_of(silent).vision.std == pytest.approx(wanted.std)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image_std", [0.5, 0.0, 0.5]),
        ("image_std", 0.5),
        ("image_mean", [0.5]),
        ("image_mean", [0.5, float("nan"), 0.5]),
        ("image_mean", ["red", "green", "blue"]),
    ],
)
def test_a_file_that_says_nonsense_of_it_is_refused(key, value, tiny, tmp_path):
    with pytest.raises(ModelError, match="contradict"):
        config_of(_without_data(tiny, tmp_path, entry(f"mllama.vision.{key}", value)))


def _without_data(tiny, tmp_path, *more):
    """The metadata of `tiny` alone, without what it says of pixels but with what is said `more`."""
    file, raw = read_header(tiny), tiny.read_bytes()
    entries = [raw[a:b] for key, (a, b) in file.spans.items() if "image_mean" not in key and "image_std" not in key]
    write(tmp_path / "metadata.gguf", [*entries, *more], [])
    return tmp_path / "metadata.gguf"


def _half_transparent():
    picture = Image.new("RGBA", (40, 30), (200, 30, 60, 128))
    picture.paste((0, 0, 0, 0), (0, 0, 20, 30))
    return picture


def _palette():
    picture = Image.new("P", (40, 30), 1)
    picture.putpalette([9, 9, 9, 200, 30, 60])
    picture.paste(0, (0, 0, 20, 30))
    picture.info["transparency"] = 0
    return picture


def _colour_for_nothing():
    """As a PNG of true colours says which one of them is transparent."""
    picture = _half_transparent().convert("RGB")
    picture.info["transparency"] = (0, 0, 0)
    return picture


@pytest.mark.parametrize(
    ("picture", "right"),
    [
        (_half_transparent(), (227, 142, 157)),
        (_half_transparent().convert("LA"), (169, 169, 169)),
        (_palette(), (200, 30, 60)),
        (_colour_for_nothing(), (200, 30, 60)),
    ],
    ids=["RGBA", "LA", "P", "RGB"],
)
def test_what_is_transparent_lies_on_white(picture, right, tiny):
    """As in the reference's `convert_to_rgb`; the left half is transparent altogether."""
    flat = Image.new("RGB", picture.size, right)
    flat.paste((255, 255, 255), (0, 0, 20, 30))
    config = config_of(tiny).vision
    assert np.abs(cut(picture, config).pixels - cut(flat, config).pixels).max() < 0.02
    if picture.mode == "RGBA":
        assert np.array_equal(mllama.logits(tiny, PROMPT, [picture]), mllama.logits(tiny, PROMPT, [flat]))
