"""The values that cross rooms and the engine's pipe: frozen, validated when decoded, free of behaviour.

Everything except `Picture` travels as JSON (msgspec checks types on arrival, so garbage from a broken engine
process is refused at the border). A `Picture` travels as one block of pixels beside the JSON and is named by its
digest everywhere else.
"""

import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from app.wording import Wording


@dataclass(frozen=True, eq=False)
class Picture:
    """RGB pixels as the engine gets them: upright, no alpha, 8 bits a channel.

    pixels: `height * width * 3` bytes, row by row. `digest` identifies the pixels (not the file) and is what
    messages and caches refer to. `name` is for people only. serial: a unique name that stands for the digest of a frame
    that passes by (see `passing_picture`); empty for a picture that may be asked about again.
    """

    width: int
    height: int
    pixels: bytes = field(repr=False)
    name: str = ""
    serial: str = ""
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1 or len(self.pixels) != self.width * self.height * 3:
            raise ValueError(f"{len(self.pixels)} bytes are not {self.width} x {self.height} RGB pixels")
        if self.serial:
            object.__setattr__(self, "digest", self.serial)
            return
        digest = hashlib.blake2b(f"{self.width}x{self.height}:".encode(), digest_size=16)
        digest.update(self.pixels)
        object.__setattr__(self, "digest", digest.hexdigest())

    @property
    def passing(self) -> bool:
        """Whether it is seen only once, so that nothing of it is worth keeping."""
        return bool(self.serial)


def passing_picture(width: int, height: int, pixels: bytes, name: str = "") -> Picture:
    """A frame of a camera or a video: no other will ever be equal to it, and the digest of a frame of 720p would take
    longer (3 ms and more) than all the judging of it."""
    return Picture(width, height, pixels, name, f"frame-{uuid.uuid4().hex}")


Box = tuple[float, float, float, float]
"""A rectangle in a picture: left, top, right, bottom as fractions 0..1 of its width and height."""


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that travels as JSON."""


# --- what is asked ---------------------------------------------------------------------------------------------------


class Message(Value, frozen=True):
    """One message of a conversation; its pictures (by digest) stand before its text."""

    role: Literal["system", "user", "assistant"]
    text: str
    pictures: tuple[str, ...] = ()


class Sampling(Value, frozen=True):
    """How the next token is chosen. temperature 0 is greedy; the other limits then do not matter."""

    temperature: float = 0.0
    top_k: int = 0
    """0: no limit."""
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int = 0
    max_tokens: int = 1024


class EngineOptions(Value, frozen=True):
    """How a model is run. Zero or "auto" lets the family choose from the machine."""

    context: int = 0
    """Tokens the KV cache holds; 0: as much as the model and the memory allow, up to the family's default."""
    kv: Literal["f16", "q8_0"] = "f16"
    flash: Literal["auto", "on", "off"] = "auto"
    threads: int = 0
    gpu_layers: int = -1
    """-1: as many as fit on a GPU backend if there is one; 0: none."""
    vision: Literal["exact", "fast"] = "exact"
    """mllama only: "fast" leaves a picture's missing tiles out of the vision tower."""
    cache_dir: str = ""
    """Where picture embeddings are kept between starts; empty: not kept."""
    cache_memory: int = 512 << 20
    """Bytes of picture embeddings kept in memory."""
    cache_disk: int = 2 << 30
    """Bytes of picture embeddings kept on disk."""


class ModelSpec(Value, frozen=True):
    """A model as the engine loads it: a GGUF file, the projector's file if it is a separate one, and the options.

    The path `echo` (or `echo:SCRIPT`) names the scripted family that needs no file.
    """

    path: str
    projector: str | None = None
    options: EngineOptions = EngineOptions()


class Ask(Value, frozen=True, tag="ask"):
    """A conversation whose next assistant message is wanted."""

    model: ModelSpec
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    schema: dict[str, Any] | None = None
    """JSON schema the answer must follow; enforced by a grammar while sampling."""
    lane: str | None = None
    """Jobs of one lane replace each other while they wait (a newer live frame makes an older one pointless)."""
    aside: bool = False
    """Whether the model only helps another one: it must find room beside that, and never takes its place."""


class Load(Value, frozen=True, tag="load"):
    """Load a model now, so that the next question need not wait for it."""

    model: ModelSpec
    lane: str | None = None


class Doctor(Value, frozen=True, tag="doctor"):
    """Report about the native side: libraries, versions, backends, devices. Answered by one `Report`."""

    lane: str | None = None


Job = Ask | Load | Doctor


# --- what is answered ------------------------------------------------------------------------------------------------


class Stats(Value, frozen=True):
    """The figures of one answer. Times are seconds; `first_token_s` counts from when the job reached the engine."""

    prompt_tokens: int = 0
    reused_tokens: int = 0
    """Prompt tokens (a picture counts as its positions) that were still in the KV cache."""
    computed_tokens: int = 0
    pictures: int = 0
    pictures_encoded: int = 0
    pictures_from_memory: int = 0
    pictures_from_disk: int = 0
    written_tokens: int = 0
    load_s: float = 0.0
    look_s: float = 0.0
    read_s: float = 0.0
    first_token_s: float = 0.0
    write_s: float = 0.0
    probability: float = 1.0
    """Geometric mean of the probabilities of the tokens written: how sure the model was."""


class Loading(Value, frozen=True, tag="loading"):
    """The model is being loaded. fraction 0..1."""

    fraction: float


class Looking(Value, frozen=True, tag="looking"):
    """Picture number `picture` (from 0) of `of` is in the vision tower. fraction 0..1 of this picture."""

    picture: int
    of: int
    fraction: float


class Reading(Value, frozen=True, tag="reading"):
    """The prompt is being read (prefill). fraction 0..1."""

    fraction: float


class Piece(Value, frozen=True, tag="piece"):
    """The next text of the answer, whole characters only.

    `probability` is that of its token; where several tokens make up one character, the product of theirs.
    """

    text: str
    probability: float = 1.0


class Report(Value, frozen=True, tag="report"):
    """Facts about the native side, by name, for `spyglass doctor`."""

    facts: dict[str, Any]


class Finished(Value, frozen=True, tag="finished"):
    """The job is done. `stop`: the model ended; `length`: max_tokens or the context is full; `cancelled` by the person;
    `replaced` by a newer job of its lane before it started."""

    reason: Literal["stop", "length", "cancelled", "replaced"]
    stats: Stats = Stats()


class Failed(Value, frozen=True, tag="failed"):
    """The job ended with an error (see app.errors); what was written before stands."""

    kind: str
    what: Wording
    todo: Wording
    detail: str = ""


Progress = Loading | Looking | Reading
"""What is done for an answer before its first piece."""

Event = Progress | Piece | Report | Finished | Failed


def is_last(event: Event) -> bool:
    """Whether no further event of the same job follows."""
    return isinstance(event, Finished | Failed)
