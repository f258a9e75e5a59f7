"""The pair of files: checked before native code sees them, and what they will take from memory."""

import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.engine.fit import Demand
from app.errors import ModelError
from app.gguf import TYPES, ArrayValue, Gguf, GgufError, read_header
from app.gguf.vocabulary import check_vocabulary
from app.values import EngineOptions, ModelSpec
from app.wording import Wording

DEFAULT_CONTEXT = 8192
BATCH, BATCH_GPU = 128, 512
"""Tokens computed at once, unless a picture must be computed whole (docs/decisions/0021)."""
_TILED = re.compile("Q[2-6]_K|IQ[1-3]_|IQ4_XS")
"""Types whose matrix products ggml tiles on x86, unless the weights are repacked."""

_KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32}
_PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
_PROJECTIONS = {
    "mlp": ("mm.2.weight", 1),
    "pixtral": ("mm.2.weight", 1),
    "qwen2vl_merger": ("mm.2.weight", 1),
    "qwen2.5vl_merger": ("mm.2.weight", 1),
    "gemma3": ("mm.input_projection.weight", 0),
    "idefics3": ("mm.model.fc.weight", 1),
}
"""Projector type -> the tensor and the axis that tell how wide a picture token is. Other types: libmtmd tells."""


@dataclass(frozen=True)
class Files:
    """Checked headers of a model (all its parts) and of its projector, if it has one."""

    parts: tuple[Gguf, ...]
    projector: Gguf | None

    @property
    def model(self) -> Gguf:
        return self.parts[0]


def check(spec: ModelSpec) -> Files:
    """Read and check both headers. Raises ModelError for what is damaged, contradicts itself or does not belong."""
    parts = tuple(read_header(path) for path in _parts(Path(spec.path)))
    model = parts[0]
    if model.architecture == "clip":
        raise ModelError(
            Wording("{name} is the vision part of a model, not the model itself.", name=model.path.name),
            "Choose the model's own file, and this one as its projector.",
        )
    _check_text(model)
    if spec.projector is None:
        return Files(parts, None)
    projector = read_header(spec.projector)
    if projector.architecture != "clip":
        raise ModelError(
            Wording("{name} is not the vision part of a model.", name=projector.path.name),
            "Choose the projector that belongs to the model; its name usually begins with mmproj.",
        )
    _check_vision(projector)
    width = _picture_width(projector)
    if width is not None and width != _integer(model, "embedding_length"):
        raise wrong_projector(projector.path, width, _integer(model, "embedding_length"))
    return Files(parts, projector)


def wrong_projector(projector: Path, picture: int, text: int) -> ModelError:
    """The error for a projector whose picture tokens are `picture` numbers wide where the model takes `text`."""
    return ModelError(
        Wording("The projector {name} belongs to another model.", name=projector.name),
        "Choose the projector that was published with the model.",
        f"picture tokens are {picture} wide, the model takes {text}",
    )


def trained_context(model: Gguf) -> int:
    return _integer(model, "context_length")


def demand(files: Files, options: EngineOptions, gpu_layers: int = 0) -> Demand:
    """What the pair takes from the machine's memory. gpu_layers of the model lie on a GPU instead."""
    model = files.model
    layers = _integer(model, "block_count")
    weights = sum(tensor.nbytes for part in files.parts for tensor in part.tensors.values())
    on_host = max(0, layers - gpu_layers) / layers
    projector = files.projector
    return Demand(
        weights=int(weights * on_host) if gpu_layers < layers else weights // 16,
        token=int(token_bytes(model, options) * on_host),
        projector=0 if projector is None else sum(tensor.nbytes for tensor in projector.tensors.values()),
        picture=0 if projector is None else _picture_memory(projector),
        text=_text_memory(model),
    )


def repack(files: Files) -> bool:
    """Whether ggml should rearrange the weights for this processor while loading.

    Not if most of them are of types that it multiplies faster as they are, and that then stay mapped
    (docs/decisions/0021).
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    tensors = [tensor for part in files.parts for tensor in part.tensors.values()]
    tiled = sum(tensor.nbytes for tensor in tensors if _TILED.match(TYPES[tensor.type].name))
    return 2 * tiled < sum(tensor.nbytes for tensor in tensors)


def token_bytes(model: Gguf, options: EngineOptions) -> int:
    """Bytes of KV cache a token takes: keys and values of every layer's key-value heads."""
    layers, heads = _integer(model, "block_count"), max(_integers(model, "attention.head_count"), default=0)
    kv_heads = _integers(model, "attention.head_count_kv") or [heads]
    head = _integer(model, "embedding_length") // max(1, heads)
    width = _integer(model, "attention.key_length", head) + _integer(model, "attention.value_length", head)
    total = sum(kv_heads) if len(kv_heads) > 1 else kv_heads[0] * layers
    return int(total * width * _KV_BYTES[options.kv])


def gpu_layers(files: Files, options: EngineOptions, free: int) -> int:
    """How many layers to put on a GPU with `free` bytes: as asked, else as many as fit beside the projector.

    Weights and KV cache of a layer go together; an eighth of the GPU is left for working memory.
    """
    if options.gpu_layers >= 0:
        return options.gpu_layers
    layers = _integer(files.model, "block_count")
    whole = demand(files, options)
    context = options.context or min(DEFAULT_CONTEXT, trained_context(files.model))
    layer = (whole.weights + whole.token * context) // layers
    room = free - free // 8 - whole.projector - max(whole.picture, whole.text)
    fitting = max(0, room // max(1, layer))
    return layers + 1 if fitting > layers else fitting  # the output matrix counts as one more layer


def _parts(path: Path) -> list[Path]:
    match = _PART.search(path.name)
    if match is None:
        return [path]
    count = min(int(match[2]), 1000)
    return [
        path.with_name(f"{path.name[: match.start()]}-{index:05}-of-{match[2]}.gguf") for index in range(1, count + 1)
    ]


def _check_text(model: Gguf) -> None:
    """Refuse sizes that llama.cpp would divide by, allocate or index with before it looks twice."""
    if not model.architecture:
        raise GgufError(model.path, "general.architecture is missing")
    for key, most in (("block_count", 1024), ("embedding_length", 1 << 18), ("context_length", 1 << 30)):
        if not 1 <= _integer(model, key) <= most:
            raise GgufError(model.path, f"{key} is {_integer(model, key)}")
    for key in ("attention.head_count", "attention.head_count_kv"):
        if any(not 0 <= heads <= 1 << 14 for heads in _integers(model, key)):
            raise GgufError(model.path, f"{key} is {_integers(model, key)}")
    embeddings = model.tensors.get("token_embd.weight")
    if embeddings is not None and embeddings.shape[0] != _integer(model, "embedding_length"):
        raise GgufError(model.path, f"embedding_length contradicts the tensors: {embeddings.shape}")
    check_vocabulary(model)


def _check_vision(projector: Gguf) -> None:
    """The same for the projector. One that is not for pictures has none of these sizes; libmtmd says so."""
    sizes = {}
    for key, most in (
        ("image_size", 1 << 14),
        ("patch_size", 1 << 10),
        ("embedding_length", 1 << 16),
        ("block_count", 1 << 10),
        ("attention.head_count", 1 << 10),
    ):
        if f"clip.vision.{key}" in projector.metadata:
            sizes[key] = projector.number(f"clip.vision.{key}")
            if not 1 <= sizes[key] <= most:
                raise GgufError(projector.path, f"{key} is {sizes[key]}")
    norm = projector.tensors.get("v.blk.0.ln1.weight")
    if norm is not None and norm.shape != (sizes.get("embedding_length", norm.shape[0]),):
        raise GgufError(
            projector.path, f"embedding_length is {sizes['embedding_length']}, but the tensors are {norm.shape}"
        )
    if sizes.get("image_size", 0) < sizes.get("patch_size", 0):
        raise GgufError(projector.path, f"a picture is smaller than its patches: {sizes}")


def _picture_width(projector: Gguf) -> int | None:
    name, axis = _PROJECTIONS.get(projector.text("clip.projector_type"), ("", 0))
    tensor = projector.tensors.get(name)
    return None if tensor is None or axis >= len(tensor.shape) else tensor.shape[axis]


def _text_memory(model: Gguf) -> int:
    """Working memory of a batch: a few activations of the widest kinds, in float32, and a row of logits."""
    width, feed = _integer(model, "embedding_length"), max(_integers(model, "feed_forward_length"), default=0)
    vocabulary = model.metadata.get("tokenizer.ggml.tokens")
    count = vocabulary.count if isinstance(vocabulary, ArrayValue) else 0
    return 4 * (BATCH_GPU * (8 * width + 3 * feed) + 2 * count)


def _picture_memory(projector: Gguf) -> int:
    """Working memory of the vision tower with flash attention: a few activations of every patch, in float32."""
    vision = "clip.vision."
    side = projector.number(vision + "image_size", 1024) // max(1.0, projector.number(vision + "patch_size", 14))
    pixels = projector.number(vision + "image_max_pixels", 0)
    patches = max(side * side, pixels / max(1.0, projector.number(vision + "patch_size", 14)) ** 2)
    width, feed = (projector.number(vision + key, 1024) for key in ("embedding_length", "feed_forward_length"))
    return int(4 * patches * (8 * width + 2 * feed))


def _integer(model: Gguf, key: str, default: int | None = None) -> int:
    return int(model.number(f"{model.architecture}.{key}", default))


def _integers(model: Gguf, key: str) -> list[int]:
    """A size that is one number for all layers, or an array with one a layer; empty if there is neither."""
    name = f"{model.architecture}.{key}"
    value: Any = model.metadata.get(name)
    if not isinstance(value, ArrayValue):
        return [] if value is None else [int(model.number(name))]
    values = model.array(name)[:1024]
    if not all(isinstance(each, int) for each in values):
        raise GgufError(model.path, f"{name} is {values}")
    return values
