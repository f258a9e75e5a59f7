import random

import pytest

from app import errors, gguf
from app.engine import protocol
from app.engine.protocol import Beat, DropPicture, FrameDecoder, Hello, ProtocolError, PutPicture, Run, Stop, Told
from app.values import Ask, Doctor, Finished, Load, Message, ModelSpec, Piece, Report, Stats

ASK = Ask(
    model=ModelSpec(path="a.gguf", projector="b.gguf"),
    messages=(Message(role="user", text='Was ist das? "\u0416\U0001f52d"', pictures=("d1",)),),
    schema={"type": "object", "properties": {"a": {"enum": [1, None]}}},
    lane="live",
)
ORDERS = [
    PutPicture(digest="d1", width=2, height=1, name="\u00e4.png"),
    Run(id=1, job=ASK),
    Run(id=2, job=Load(model=ModelSpec(path="x"))),
    Run(id=3, job=Doctor()),
    Stop(id=3),
    DropPicture(digest="d1"),
]
REPLIES = [
    Hello(program="1.2"),
    Beat(),
    Told(id=1, event=Piece(text="x", probability=0.5)),
    Told(id=1, event=Report(facts={"a": [1, {"b": None}]})),
    Told(id=1, event=Finished(reason="stop", stats=Stats(prompt_tokens=3))),
]


def frame(body: bytes, magic: bytes = protocol.MAGIC, version: int = protocol.VERSION, blob: bytes = b"") -> bytes:
    return protocol.HEADER.pack(magic, version, len(body), len(blob)) + body + blob


def test_every_order_and_reply_comes_back_equal() -> None:
    for order in ORDERS:
        assert protocol.decode_order(b"".join(protocol.encode(order))[16:]) == order
    for reply in REPLIES:
        assert protocol.decode_reply(b"".join(protocol.encode(reply))[16:]) == reply


def test_decoder_finds_the_frames_in_whatever_pieces_they_arrive() -> None:
    pixels = random.Random(1).randbytes(5000)
    stream = b"".join(b"".join(protocol.encode(o, pixels if isinstance(o, PutPicture) else b"")) for o in ORDERS)
    for seed in range(50):
        rng = random.Random(seed)
        decoder = FrameDecoder(1 << 20, 1 << 20)
        frames, rest = [], stream
        while rest:
            n = rng.choice([1, 2, 15, 16, 17, 100, len(rest)])
            frames += list(decoder.feed(rest[:n]))
            rest = rest[n:]
        assert [protocol.decode_order(f.body) for f in frames] == ORDERS
        assert [f.blob for f in frames] == [pixels] + [b""] * 5


def test_decoder_yields_what_was_whole_before_the_garbage() -> None:
    decoder = FrameDecoder(100)
    frames = decoder.feed(frame(b"{}") + b"Segmentation fault (core dumped)")
    assert next(frames).body == b"{}"
    with pytest.raises(ProtocolError, match="not a frame"):
        next(frames)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"llama_model_loader: loaded meta data", "not a frame"),
        (bytes(16), "not a frame"),
        (frame(b"{}", version=protocol.VERSION + 1), f"version {protocol.VERSION + 1}"),
        (protocol.HEADER.pack(protocol.MAGIC, protocol.VERSION, 101, 0), "101"),
        (protocol.HEADER.pack(protocol.MAGIC, protocol.VERSION, 0xFFFFFFFF, 0), "4294967295"),
        (protocol.HEADER.pack(protocol.MAGIC, protocol.VERSION, 2, 51), "51"),
    ],
)
def test_decoder_refuses_at_the_header(data: bytes, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        list(FrameDecoder(100, 50).feed(data))


def test_a_decoder_without_a_blob_limit_takes_no_blob() -> None:
    with pytest.raises(ProtocolError):
        list(FrameDecoder(100).feed(frame(b"{}", blob=b"x")))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{}",
        b'{"type":"unknown"}',
        b'{"type":"told","id":"1","event":{"type":"piece","text":"x"}}',
        b'{"type":"told","id":1,"event":{"type":"piece"}}',
        b'{"type":"told","id":1,"event":{"type":"piece","text":5}}',
        b'{"type":"told","id":1,"event":{"type":"piece","text":"\xff"}}',
        b'{"type":"told","id":1,"event":{"type":"finished","reason":"because"}}',
        b'{"type":"told","id":1,"event":{"type":"looking","picture":0,"of":1,"fraction":null}}',
        b'{"type":"told","id":1e99,"event":{"type":"reading","fraction":0}}',
        b'{"type":"told","id":1,"event":{"type":"report","facts":{"a":' + b"[" * 100000 + b"]" * 100000 + b"}}}",
        b'{"type":"hello"}',
        b'{"type":"hello","program":"1"}trailing',
    ],
)
def test_replies_that_are_none_are_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        protocol.decode_reply(body)


def test_an_order_is_no_reply_and_the_other_way_round() -> None:
    with pytest.raises(ProtocolError):
        protocol.decode_reply(b'{"type":"stop","id":1}')
    with pytest.raises(ProtocolError):
        protocol.decode_order(b'{"type":"beat"}')


def test_what_is_too_large_or_no_unicode_is_not_sent() -> None:
    with pytest.raises(ProtocolError, match="allowed"):
        protocol.encode(Told(id=1, event=Piece(text="x" * protocol.MAX_REPLY)))
    with pytest.raises(ProtocolError, match="allowed"):
        protocol.encode(DropPicture(digest="x" * protocol.MAX_ORDER))
    with pytest.raises(ProtocolError):
        protocol.encode(DropPicture(digest="\udc80"))


def test_an_error_crosses_the_pipe_with_its_kind() -> None:
    for error in (
        errors.MemoryShortError("What.", "Todo.", "detail"),
        errors.EngineError("What.", "Todo."),
        errors.SpyglassError("What.", "Todo."),
    ):
        event = protocol.failed(error)
        again = errors.of_kind(event.kind, event.what, event.todo, event.detail)
        assert type(again) is type(error)
        assert (again.what, again.todo, again.detail) == (error.what, error.todo, error.detail)


def test_an_error_of_a_subclass_arrives_as_the_class_the_other_side_knows() -> None:
    class Special(gguf.GgufError):
        def __init__(self) -> None:
            errors.ModelError.__init__(self, "What.", "Todo.")

    assert protocol.failed(Special()).kind == "ModelError"


def test_an_error_can_be_sent_whatever_is_in_its_detail() -> None:
    event = protocol.failed(errors.ModelError("What \udc80.", "Todo.", "\udcff" + "x" * (protocol.MAX_REPLY + 1)))
    (data,) = protocol.encode(Told(id=1, event=event))
    assert len(data) < 100_000
    assert event.what == "What ?."
