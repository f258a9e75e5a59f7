"""What pictures become where the vectors say nothing: other normalisation."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from app.engine.families.mllama.config import read_config
from app.engine.families.mllama.picture import cut
from app.errors import ModelError
from app.gguf import read_header
from app.library.convert import convert
from app.library.gguf_writer import entry, write
from tests.unit.mllama.checkpoints import VECTORS


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
