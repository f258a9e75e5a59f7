"""What a model takes from the machine's memory, before it is loaded."""

from app.engine.families.mllama.config import Config
from app.engine.families.mllama.core import Files
from app.engine.families.mllama.text import BATCH
from app.engine.fit import Demand
from app.values import EngineOptions

DEFAULT_CONTEXT = 8192
_KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32}


def demand(files: Files, options: EngineOptions) -> Demand:
    """Weights as they lie in the files, the KV cache a token, one picture's keys and values, and working memory."""
    config = files.config
    vision = sum(t.nbytes for t in files.vision.tensors.values() if t.name.startswith(("v.", "mm.")))
    everything = sum(t.nbytes for file in files.all for t in file.tensors.values())
    seen = picture_bytes(config)
    return Demand(
        weights=everything - vision + seen + min(options.cache_memory, seen),
        token=int(
            2 * len(config.text.self_layers) * config.text.kv_heads * config.text.head_size * _KV_BYTES[options.kv]
        ),
        projector=vision,
        picture=_tower_memory(config),
        text=_batch_memory(config, files),
    )


def picture_bytes(config: Config) -> int:
    """Keys and values of a picture of the most tiles, float16."""
    rows = config.vision.max_tiles * config.vision.rows
    return 2 * 2 * len(config.text.cross_layers) * rows * config.text.kv_heads * config.text.head_size


def _tower_memory(config: Config) -> int:
    """The rows' states (one running, the kept ones), a layer's widest intermediate results, and the projection."""
    c = config.vision
    rows = c.max_tiles * (c.rows + c.padding)
    return 4 * rows * (c.width * (6 + len(c.taps)) + 2 * c.mlp + config.text.width)


def _batch_memory(config: Config, files: Files) -> int:
    c, output = config.text, files.text.tensors.get("output.weight")
    vocabulary = output.shape[-1] if output else 0
    return 4 * BATCH * (8 * c.width + 3 * c.mlp) + 8 * vocabulary
