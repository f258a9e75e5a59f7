"""The program's end of the line to an engine process: never waits, knows which pictures the other side holds."""

import socket
from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from app.engine import protocol
from app.engine.protocol import DropPicture, FrameDecoder, Order, PutPicture, Reply
from app.values import Picture

_CHUNK = 256 << 10


class Held(NamedTuple):
    """What the engine process holds of a picture. size: bytes of pixels."""

    size: int
    passing: bool


class Connection:
    """Sends orders and receives replies over a non-blocking socket.

    picture_bytes: how many bytes of pixels the engine process is asked to hold; the pictures of one job may be more.
    """

    def __init__(self, line: socket.socket, picture_bytes: int) -> None:
        self._line = line
        self._decoder = FrameDecoder(protocol.MAX_REPLY)
        self._outgoing: deque[memoryview] = deque()
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._picture_bytes = picture_bytes

    @property
    def has_outgoing(self) -> bool:
        return bool(self._outgoing)

    def send(self, order: Order, blob: bytes = b"") -> None:
        """Queue an order; `flush` sends it. Raises ProtocolError if it breaks a limit."""
        self._outgoing.extend(memoryview(b) for b in protocol.encode(order, blob))

    def send_pictures(self, pictures: Iterable[Picture]) -> None:
        """Queue the pictures that the engine process does not hold, and let it drop those used longest ago."""
        wanted = {p.digest: p for p in pictures}
        for digest, picture in wanted.items():
            if digest not in self._held:
                self.send(_put(picture), picture.pixels)
                self._held[digest] = Held(len(picture.pixels), picture.passing)
            self._held.move_to_end(digest)
        self._drop(wanted)

    def _drop(self, wanted: Collection[str]) -> None:
        """Frames that have passed by go first, then what was used longest ago, until the rest is few enough."""
        total = sum(held.size for held in self._held.values())
        for digest in sorted(self._held, key=lambda d: not self._held[d].passing):
            held = self._held[digest]
            if digest in wanted or (total <= self._picture_bytes and not held.passing):
                continue
            self.send(DropPicture(digest=digest))
            del self._held[digest]
            total -= held.size

    def flush(self) -> None:
        """Send as much as the socket takes. Raises OSError if the other side is gone."""
        while self._outgoing:
            try:
                sent = self._line.send(self._outgoing[0])
            except BlockingIOError:
                return
            if sent == len(self._outgoing[0]):
                self._outgoing.popleft()
            else:
                self._outgoing[0] = self._outgoing[0][sent:]

    def forget_outgoing(self) -> None:
        """Nobody is there to take what is still queued."""
        self._outgoing.clear()

    def receive(self) -> Iterator[Reply]:
        """The replies that are complete after one read.

        Raises ProtocolError at the first bytes that are no reply, EOFError if the other side has closed the line.
        """
        try:
            data = self._line.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError as e:
            raise EOFError(str(e)) from e
        if not data:
            raise EOFError
        for frame in self._decoder.feed(data):
            yield protocol.decode_reply(frame.body)


def _put(picture: Picture) -> PutPicture:
    return PutPicture(
        digest=picture.digest,
        width=picture.width,
        height=picture.height,
        name=picture.name,
        passing=picture.passing,
    )
