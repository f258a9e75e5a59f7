"""Questions for the echo family, and an ear for the events of a job."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from app.engine.client import EngineClient
from app.values import Ask, Event, Failed, Finished, Message, ModelSpec, Picture, Piece, is_last

PATIENCE_S = 30.0
"""How long a test waits for what must come; generous, because nothing is decided by it."""


def picture(red: int = 1, width: int = 4, height: int = 3) -> Picture:
    return Picture(width, height, bytes([red % 256, red // 256, 7]) * (width * height), f"{red}.png")


def question(text: str, *pictures: Picture, model: str = "echo", **more: Any) -> Ask:
    """An Ask of one message."""
    message = Message(role="user", text=text, pictures=tuple(p.digest for p in pictures))
    return Ask(model=ModelSpec(path=model), messages=(message,), **more)


def script(*steps: dict[str, Any], **more: Any) -> Ask:
    """An Ask that makes the echo family play these steps."""
    return question(json.dumps({"answer": steps}, separators=(",", ":")), **more)


def say(text: str, **more: Any) -> dict[str, Any]:
    return {"do": "say", "text": text, **more}


class Heard:
    """Collects the events of one job; every method may be called from any thread."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def wait_for(self, wanted: Callable[[Event], bool]) -> Event:
        """The first event that is wanted. Fails the test if it does not come, or if the job ends before."""
        with self._changed:
            self._changed.wait_for(lambda: any(wanted(e) or is_last(e) for e in self.events), PATIENCE_S)
            found = [e for e in self.events if wanted(e)]
        assert found, f"waited in vain; heard {self.events[-3:]}"
        return found[0]

    def last(self) -> Finished | Failed:
        """The last event; there must be exactly one."""
        self.wait_for(is_last)
        ends = [e for e in self.events if isinstance(e, Finished | Failed)]
        assert len(ends) == 1
        assert self.events[-1] is ends[0]
        return ends[0]

    def reason(self) -> str:
        last = self.last()
        assert isinstance(last, Finished), last
        return last.reason

    def failure(self) -> Failed:
        last = self.last()
        assert isinstance(last, Failed), last
        return last

    @property
    def text(self) -> str:
        return "".join(e.text for e in self.events if isinstance(e, Piece))


def is_piece(event: Event) -> bool:
    return isinstance(event, Piece)


def seconds_to_cancel(client: EngineClient, job: Ask, when: Callable[[Event], bool], times: int = 3) -> float:
    """How long the end of a job takes that is cancelled at its first event that is `when`; the quickest of `times`.

    The quickest, because on a busy machine any one may be kept waiting by others.
    """
    taken: list[float] = []
    for _ in range(times):
        heard = Heard()
        job_id = client.submit(job, on_event=heard)
        heard.wait_for(when)
        began = time.monotonic()
        client.cancel(job_id)
        assert heard.reason() == "cancelled"
        taken.append(time.monotonic() - began)
    return min(taken)
