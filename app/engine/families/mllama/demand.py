"""What a model takes from memory, the machine's and a GPU's, before it is loaded."""

from app.engine import machine
from app.engine.families.mllama.core import Files
from app.engine.families.mllama.decoder import BATCH
from app.engine.families.mllama.device import Devices
from app.engine.families.mllama.place import Placement, place, sizes
from app.engine.families.mllama.tensor import F16, Q8_0, nbytes
from app.engine.families.mllama.weighing import QUERIES
from app.engine.fit import Demand
from app.gguf.mllama import Config
from app.values import EngineOptions

DEFAULT_CONTEXT = 8192


def kv_type(config: Config, options: EngineOptions) -> int:
    """How keys and values are stored: as asked, but not in blocks of 32 where heads do not consist of them."""
    return Q8_0 if options.kv == "q8_0" and config.text.head_size % 32 == 0 else F16


def placement(files: Files, devices: Devices, options: EngineOptions) -> Placement:
    """What goes to the GPU, if there is one."""
    if devices.gpu is None:
        return Placement()
    context = min(options.context or DEFAULT_CONTEXT, files.config.text.context)
    token = token_bytes(files.config, kv_type(files.config, options))
    parts = sizes(files.config, files.tensors, token, context, _tower_memory(files.config, devices.threads))
    free = devices.free_memory(devices.gpu)
    return place(parts, devices.gpu_buffer_type, free, _batch_memory(files), options.gpu_layers)


def demand(files: Files, options: EngineOptions, placed: Placement) -> Demand:
    """What the machine's own memory must hold.

    Weights as they lie in the files; a token's part of the KV cache (a layer's once more, gathered for reading) and of
    a batch's mask; one picture's keys and values twice (ready for use, and remembered); working memory; without flash
    attention also a batch's scores of everything it looks at.
    """
    config = files.config
    here = _here(files, placed)
    vision = sum(size for name, size in here.items() if name.startswith(("v.", "mm.")))
    seen = picture_bytes(config)
    layers = sum(placed.layer(i) is None for i in config.text.self_layers)
    token = token_bytes(config, kv_type(config, options)) * (layers + bool(layers)) // len(config.text.self_layers)
    rows = config.vision.max_tiles * config.vision.rows
    scores = 4 * BATCH * config.text.heads if options.flash == "off" else 0
    return Demand(
        weights=sum(here.values()) - vision + seen + min(options.cache_memory, seen),
        token=token + 2 * BATCH + scores if layers else 0,
        projector=vision,
        picture=0 if placed.tower else _tower_memory(config, machine.threads(options.threads)),
        text=_batch_memory(files) + scores * rows,
    )


def mapped(files: Files, placed: Placement) -> int:
    """Bytes of weights that are used as they lie in the files."""
    return sum(_here(files, placed).values())


def _here(files: Files, placed: Placement) -> dict[str, int]:
    return {name: info.nbytes for name, info in files.tensors.items() if placed.weight(name) is None}


def token_bytes(config: Config, kind: int) -> int:
    """Bytes a token takes in the KV cache of type `kind`, all layers together."""
    c = config.text
    return 2 * len(c.self_layers) * nbytes((c.kv_heads * c.head_size,), kind)


def picture_bytes(config: Config) -> int:
    """Keys and values of a picture of the most tiles, float16."""
    rows = config.vision.max_tiles * config.vision.rows
    return 2 * 2 * len(config.text.cross_layers) * rows * config.text.kv_heads * config.text.head_size


def _tower_memory(config: Config, threads: int) -> int:
    """The rows' states (running, kept, four for attention, and keys and values once more), each thread's scores, and
    what the projection makes of the rows."""
    c = config.vision
    rows = c.max_tiles * (c.rows + c.padding)
    return 4 * rows * (c.width * (7 + len(c.taps)) + threads * QUERIES + 2 * c.features + config.text.width)


def _batch_memory(files: Files) -> int:
    """A batch's widest intermediate results, and a row of logits."""
    c, vocabulary = files.config.text, files.tensors["output.weight"].shape[-1]
    return 4 * BATCH * (8 * c.width + 3 * c.mlp) + 8 * vocabulary
