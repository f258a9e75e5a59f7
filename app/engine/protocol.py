"""Jobs and events between the program and its engine process.

A frame is a 16-byte header (magic, version, length of the body, length of the blob; big-endian), a JSON body and
a blob of pixels (empty but for `PutPicture`). Nothing here can run code that the other side chose: bodies are
decoded into the types below or refused, lengths are limited before anything is read.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import msgspec

from app.errors import SpyglassError, kind_of
from app.values import Event, Failed, Job, Value
from app.wording import Filling, Wording

CHILD_FLAG = "--engine-child"
"""The first argument that makes this program be the engine process."""

EXIT_NO_MEMORY = 81
"""Exit status of an engine process that could not even take in a picture."""
EXIT_PROTOCOL = 82
"""Exit status of an engine process that was told something it does not understand."""

VERSION = 2
MAGIC = b"SPYG"
HEADER = struct.Struct("!4sHxxII")

MAX_ORDER = 16 << 20
"""Bytes of the JSON of one order: a very long conversation is far below."""
MAX_REPLY = 4 << 20
"""Bytes of the JSON of one reply; replies carry no blob."""
MAX_PIXELS = 512 << 20
"""Bytes of one picture: 178 megapixels."""
_MAX_TEXT = 16 << 10
"""Characters of one text of an error."""


class ProtocolError(Exception):
    """The bytes are not of this protocol, or break its limits."""


# --- program -> engine -----------------------------------------------------------------------------------------------


class PutPicture(Value, frozen=True, tag="put"):
    """Keep this picture; the frame's blob is its pixels."""

    digest: str
    width: int
    height: int
    name: str
    passing: bool = False
    """Whether it is a frame that is seen only once: then the digest is a serial that says nothing of the pixels."""


class DropPicture(Value, frozen=True, tag="drop"):
    """Forget this picture."""

    digest: str


class Run(Value, frozen=True, tag="run"):
    """Run a job, after those told before."""

    id: int
    job: Job


class Stop(Value, frozen=True, tag="stop"):
    """Let the job end soon; unknown ids are those that just ended."""

    id: int


Order = PutPicture | DropPicture | Run | Stop


# --- engine -> program -----------------------------------------------------------------------------------------------


class Hello(Value, frozen=True, tag="hello"):
    """The first reply: the engine process is up and is of this version of the program."""

    program: str


class Beat(Value, frozen=True, tag="beat"):
    """The engine process is alive; sent twice a second while a job runs."""


class Told(Value, frozen=True, tag="told"):
    """An event of a job."""

    id: int
    event: Event


Reply = Hello | Beat | Told


# --- frames ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came: `body` is JSON, not yet decoded."""

    body: bytes
    blob: bytes


class FrameDecoder:
    """Cuts a stream of bytes into frames, whatever the pieces it arrives in. Does no input or output."""

    def __init__(self, max_body: int, max_blob: int = 0) -> None:
        self._max_body = max_body
        self._max_blob = max_blob
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take in `data` and yield each frame that is now complete.

        Raises ProtocolError at the first header that is wrong; nothing can be read after it.
        """
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            body, blob = self._lengths()
            end = HEADER.size + body + blob
            if len(self._buffer) < end:
                return
            with memoryview(self._buffer) as view:
                middle = HEADER.size + body
                frame = Frame(bytes(view[HEADER.size : middle]), bytes(view[middle:end]))
            del self._buffer[:end]
            yield frame

    def _lengths(self) -> tuple[int, int]:
        magic, version, body, blob = HEADER.unpack_from(self._buffer)
        if magic != MAGIC:
            raise ProtocolError(f"not a frame: {bytes(self._buffer[:16])!r}")
        if version != VERSION:
            raise ProtocolError(f"protocol version {version}, this side speaks {VERSION}")
        if body > self._max_body or blob > self._max_blob:
            raise ProtocolError(f"frame of {body} + {blob} bytes, allowed are {self._max_body} + {self._max_blob}")
        return body, blob


def _pack(value: object) -> object:
    """A Wording travels as its template and its values."""
    if isinstance(value, Wording):
        return [value.template, value.values]
    raise NotImplementedError(type(value))


def _unpack(wanted: type, value: object) -> object:
    """What `_pack` packed; a plain string is a wording too. Raises TypeError, of which msgspec makes its own error."""
    match value:
        case str():
            return Wording(value)
        case [str(template), {**values}] if wanted is Wording:
            return Wording(template, **{str(name): _unpack_value(one) for name, one in values.items()})
    raise TypeError(f"no wording: {value!r:.100}")


def _unpack_value(value: object) -> Filling:
    if isinstance(value, str | int | float):
        return value
    return cast(Wording, _unpack(Wording, value))


_encoder = msgspec.json.Encoder(enc_hook=_pack)
_orders: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order, dec_hook=_unpack)
_replies: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply, dec_hook=_unpack)


def encode(message: Order | Reply, blob: bytes = b"") -> list[bytes]:
    """The buffers to send, one after the other; `blob` is not copied.

    Raises ProtocolError if the message breaks a limit or holds text that is not Unicode (half a surrogate pair).
    """
    try:
        body = _encoder.encode(message)
    except (UnicodeEncodeError, RecursionError) as e:
        raise ProtocolError(str(e)) from e
    allowed = MAX_REPLY if isinstance(message, Hello | Beat | Told) else MAX_ORDER
    if len(body) > allowed or len(blob) > MAX_PIXELS:
        raise ProtocolError(f"message of {len(body)} + {len(blob)} bytes, allowed are {allowed} + {MAX_PIXELS}")
    head = HEADER.pack(MAGIC, VERSION, len(body), len(blob)) + body
    return [head, blob] if blob else [head]


def decode_order(body: bytes) -> Order:
    """What the program says. Raises ProtocolError if it is none of `Order`."""
    try:
        return _orders.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError) as e:
        raise ProtocolError(f"not an order: {e}") from e


def decode_reply(body: bytes) -> Reply:
    """What the engine says. Raises ProtocolError if it is none of `Reply`."""
    try:
        return _replies.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError) as e:
        raise ProtocolError(f"not a reply: {e}") from e


def failed(error: SpyglassError) -> Failed:
    """The event that carries `error` across the pipe; `app.errors.of_kind` makes an error of it again."""
    what, todo = _sendable_wording(error.what), _sendable_wording(error.todo)
    return Failed(kind=kind_of(error), what=what, todo=todo, detail=_sendable(error.detail))


def _sendable(text: str) -> str:
    """Unicode of a sane length: file names on Linux may be neither."""
    return text[-_MAX_TEXT:].encode(errors="replace").decode()


def _sendable_wording(words: Wording) -> Wording:
    values: dict[str, Filling] = {name: _sendable_value(value) for name, value in words.values.items()}
    return Wording(_sendable(words.template), **values)


def _sendable_value(value: Filling) -> Filling:
    if isinstance(value, Wording):
        return _sendable_wording(value)
    return _sendable(value) if isinstance(value, str) else value
