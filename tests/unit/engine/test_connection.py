import socket
import threading
from collections.abc import Iterator

import pytest

from app.engine import protocol
from app.engine.connection import Connection
from app.engine.protocol import Beat, DropPicture, FrameDecoder, Hello, Order, ProtocolError, PutPicture, Stop
from app.values import Picture, passing_picture
from tests.echo import picture


class Pair:
    """A connection and the other side of it."""

    def __init__(self, picture_bytes: int = 100) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.connection = Connection(self.ours, picture_bytes)
        self._decoder = FrameDecoder(protocol.MAX_ORDER, protocol.MAX_PIXELS)

    def heard(self) -> list[tuple[Order, bytes]]:
        self.connection.flush()
        assert not self.connection.has_outgoing
        frames = self._decoder.feed(self.theirs.recv(1 << 20))
        return [(protocol.decode_order(f.body), f.blob) for f in frames]

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


def put(p: Picture) -> tuple[Order, bytes]:
    return PutPicture(digest=p.digest, width=p.width, height=p.height, name=p.name), p.pixels


def test_a_picture_is_sent_once_while_the_other_side_holds_it(pair: Pair) -> None:
    a, b = picture(1), picture(2)
    pair.connection.send_pictures([a, a, b])
    assert pair.heard() == [put(a), put(b)]
    pair.connection.send_pictures([b, a])
    pair.connection.send(Stop(id=1))
    assert pair.heard() == [(Stop(id=1), b"")]


def test_the_picture_used_longest_ago_is_dropped_first(pair: Pair) -> None:
    a, b, c = (picture(i) for i in (1, 2, 3))  # 36 bytes each, 100 are allowed
    pair.connection.send_pictures([a, b])
    pair.connection.send_pictures([a])
    pair.heard()
    pair.connection.send_pictures([c])
    assert pair.heard() == [put(c), (DropPicture(digest=b.digest), b"")]
    pair.connection.send_pictures([b])
    assert pair.heard() == [put(b), (DropPicture(digest=a.digest), b"")]


def test_a_frame_that_has_passed_is_dropped_before_pictures_that_may_be_asked_about_again(pair: Pair) -> None:
    a, b, frame = picture(1), picture(2), passing_picture(4, 3, bytes(36))
    pair.connection.send_pictures([a])
    pair.connection.send_pictures([frame])
    (_, (sent, pixels)) = pair.heard()
    assert isinstance(sent, PutPicture)
    assert (sent.passing, sent.digest, pixels) == (True, frame.digest, frame.pixels)
    pair.connection.send_pictures([b])
    assert pair.heard() == [put(b), (DropPicture(digest=frame.digest), b"")]
    pair.connection.send_pictures([a])
    assert not pair.connection.has_outgoing


def test_the_pictures_of_one_job_stay_even_if_they_are_more_than_allowed(pair: Pair) -> None:
    many = [picture(i) for i in range(5)]
    pair.connection.send_pictures([picture(9)])
    pair.heard()
    pair.connection.send_pictures(many)
    assert pair.heard() == [*map(put, many), (DropPicture(digest=picture(9).digest), b"")]


def test_a_large_picture_goes_out_in_parts_and_never_waits(pair: Pair) -> None:
    big = Picture(2000, 1000, bytes(range(250)) * 24000)
    pair.connection.send_pictures([big])
    pair.connection.flush()
    assert pair.connection.has_outgoing
    received = bytearray()

    def take() -> None:
        while len(received) < len(big.pixels) + 100:
            data = pair.theirs.recv(1 << 16)
            if not data:
                return
            received.extend(data)

    thread = threading.Thread(target=take)
    thread.start()
    while pair.connection.has_outgoing:
        pair.connection.flush()
    pair.ours.shutdown(socket.SHUT_WR)
    thread.join()
    (frame,) = FrameDecoder(protocol.MAX_ORDER, protocol.MAX_PIXELS).feed(bytes(received))
    assert frame.blob == big.pixels


def test_replies_are_received_as_they_come(pair: Pair) -> None:
    assert list(pair.connection.receive()) == []
    data = b"".join(protocol.encode(Hello(program="1")) + protocol.encode(Beat()))
    pair.theirs.sendall(data[:-5])
    assert list(pair.connection.receive()) == [Hello(program="1")]
    pair.theirs.sendall(data[-5:])
    assert list(pair.connection.receive()) == [Beat()]


def test_garbage_after_good_replies_raises_after_them(pair: Pair) -> None:
    pair.theirs.sendall(b"".join(protocol.encode(Beat())) + b"terminate called after throwing")
    replies = pair.connection.receive()
    assert next(replies) == Beat()
    with pytest.raises(ProtocolError):
        next(replies)


def test_a_closed_line_is_told_from_a_quiet_one(pair: Pair) -> None:
    pair.theirs.close()
    with pytest.raises(EOFError):
        list(pair.connection.receive())
    pair.connection.send(Stop(id=1))
    with pytest.raises(BrokenPipeError):
        pair.connection.flush()
    pair.connection.forget_outgoing()
    pair.connection.flush()
