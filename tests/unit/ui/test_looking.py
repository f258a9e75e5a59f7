"""What looks at the live picture, before an engine that a test speaks for."""

from collections.abc import Callable, Iterable

import numpy as np
from PySide6.QtCore import QObject

from app.capture.camera import Frame
from app.ui.looking import Looking, Sighting
from app.values import Event, Finished, Job, ModelSpec, Picture, Piece


class Engine:
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.tell: list[Callable[[Event], None]] = []

    def submit(self, job: Job, pictures: Iterable[Picture], on_event: Callable[[Event], None]) -> int:  # noqa: ARG002
        self.tell.append(on_event)
        return len(self.tell)

    def cancel(self, job_id: int) -> None: ...


def frames(looking: Looking, begin: int) -> None:
    """Half a second before a still scene."""
    rgb = np.full((90, 160, 3), 120, np.uint8)
    rgb[30:60, 40:80] = 200
    for i in range(begin, begin + 15):
        looking.see(Frame(rgb, i, i / 30))


def test_what_was_seen_belongs_to_the_wish_it_was_asked_with() -> None:
    """The person may wish for something else while the answer is on its way."""
    engine, parent = Engine(), QObject()
    looking = Looking(engine, parent)
    sighted: list[Sighting] = []
    looking.sighted.connect(sighted.append)
    for number, wish in enumerate(("a star", "a bus")):
        looking.begin(ModelSpec(path="echo"), wish)
        frames(looking, 15 * number)
    for tell in engine.tell:
        tell(Piece(text="Yes"))
        tell(Finished(reason="stop"))
    looking.end()
    assert [one.wish for one in sighted] == ["a bus"]


def test_a_picture_that_is_gone_leaves_nothing() -> None:
    engine, parent = Engine(), QObject()
    looking = Looking(engine, parent)
    looking.begin(ModelSpec(path="echo"), "")
    frames(looking, 0)
    engine.tell[0](Piece(text='{"objects":[{"name":"cup","count":1}]}'))
    seen = looking.newest()
    assert seen is not None
    assert [label.name for label in seen.labels] == ["cup"]
    looking.forget()
    assert looking.newest() is None
    assert looking.end()
    assert not looking.end()
