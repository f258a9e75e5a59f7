"""What a conversation is in its file: the words as JSON."""

from collections.abc import Mapping

import msgspec

from app.chat.conversation import State, Turn
from app.errors import kind_of, of_kind
from app.values import Picture, Stats
from app.wording import Filling, Wording

VERSION = 1

_Words = list[str | dict[str, object]]
"""A Wording: its template and its values."""


class _Error(msgspec.Struct):
    kind: str
    what: _Words
    todo: _Words
    detail: str


class KeptTurn(msgspec.Struct, omit_defaults=True):
    question: str
    answer: str = ""
    pictures: tuple[str, ...] = ()
    mode: str = "ask"
    model: str = ""
    state: State = State.STOPPED
    stats: Stats | None = None
    cut_off: bool = False
    error: _Error | None = None
    note: bool = False


class KeptPicture(msgspec.Struct, omit_defaults=True):
    digest: str
    name: str
    passing: bool = False


class File(msgspec.Struct):
    version: int
    title: str
    turns: list[KeptTurn]
    pictures: list[KeptPicture]


class Said(msgspec.Struct, frozen=True):
    """A question and its answer, as the model wrote it. pictures: the digests of those it is about."""

    question: str
    answer: str = ""
    mode: str = "ask"
    pictures: tuple[str, ...] = ()


class Outline(msgspec.Struct):
    """What a list of conversations needs of a file."""

    version: int
    title: str
    turns: tuple[Said, ...]


def packed(turn: Turn) -> KeptTurn:
    error = turn.error
    return KeptTurn(
        question=writable(turn.question),
        answer=writable(turn.answer),
        pictures=turn.pictures,
        mode=turn.mode,
        model=writable(turn.model),
        state=turn.state if turn.ended else State.STOPPED,
        stats=turn.stats,
        cut_off=turn.cut_off,
        error=_Error(kind_of(error), _pack(error.what), _pack(error.todo), writable(error.detail)) if error else None,
        note=turn.note,
    )


def unpacked(number: int, kept: KeptTurn, pictures: Mapping[str, Picture]) -> Turn:
    error = kept.error
    return Turn(
        id=number,
        question=kept.question,
        pictures=tuple(digest for digest in kept.pictures if digest in pictures),
        mode=kept.mode,
        model=kept.model,
        answer=kept.answer,
        state=kept.state,
        stats=kept.stats,
        cut_off=kept.cut_off,
        error=of_kind(error.kind, _unpack(error.what), _unpack(error.todo), error.detail) if error else None,
        note=kept.note,
    )


def _pack(words: Wording) -> _Words:
    return [writable(words.template), {name: _pack_filling(value) for name, value in words.values.items()}]


def _pack_filling(value: Filling) -> object:
    if isinstance(value, Wording):
        return _pack(value)
    return writable(value) if isinstance(value, str) else value


def _unpack(packed: object) -> Wording:
    """What `_pack` packed; what is none becomes words all the same."""
    match packed:
        case [str(template), {**values}]:
            return Wording(template, **{str(name): _filling(value) for name, value in values.items()})
    return Wording(str(packed))


def _filling(value: object) -> Filling:
    return value if isinstance(value, str | int | float) else _unpack(value)


def writable(text: str) -> str:
    """`text` as it can be written: half a surrogate pair, as a keyboard may send, has no UTF-8."""
    return text.encode(errors="replace").decode()
