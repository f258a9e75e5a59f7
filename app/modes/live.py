"""Recognise on a live picture: which frames are asked about, and which names are shown over each of them.

Pure: the caller brings the frames, the engine's events and the time, and does what the turns say. The same input gives
the same output, so an hour can be played in a minute.
"""

from collections import deque
from statistics import median

from app.capture.gate import View
from app.errors import SpyglassError, of_kind
from app.modes.closer import around, named
from app.modes.labels import Label, Labels
from app.modes.objects import Found
from app.modes.recognise import Reading, recognition
from app.modes.schedule import Figures, Schedule, Turn
from app.values import Ask, Box, Event, Failed, Finished, ModelSpec, Piece, Progress

_KEPT = 50


class Live:
    """Show it every frame with `see`, and every event of the job it asked for with `event`."""

    lane = "live"

    def __init__(self, schedule: Schedule | None = None, closer: bool = False) -> None:
        """closer: look closer at things whose names are doubtful, while there is nothing new to look at."""
        self.schedule = schedule or Schedule()
        self.error: SpyglassError | None = None
        """Why the last job failed; None once one has worked."""
        self._labels = Labels(self.schedule.gate)
        self._reading = Reading()
        self._found: tuple[Found, ...] = ()
        self._frame_time = 0.0
        self._labelled = False
        self.nothing = False
        """Whether the last answer named nothing, and the scene was not cut since."""
        self._closer = closer
        self._looked_at: tuple[Label, Box] | None = None
        """What the job under way looks at by itself, as it was then, and the part of the frame it was shown."""
        self.delays: deque[float] = deque(maxlen=_KEPT)
        """Seconds from a frame to its first label, of the last answers."""

    def see(self, seen: View) -> Turn:
        """The next frame: it is judged, and what is shown follows it."""
        turn = self.judge(seen)
        self.follow(seen)
        return turn

    def judge(self, seen: View) -> Turn:
        """The first half of `see`, all that a job has to wait for."""
        doubtful = self._labels.doubtful() if self._closer else None
        part = around(doubtful.box, seen.grey.shape[1::-1]) if doubtful is not None and doubtful.box else None
        turn = self.schedule.look(seen, part)
        if turn.cut:
            self._labels.cut()
            self.nothing = False
        if turn.send:
            self._reading, self._found = Reading(), ()
            self._frame_time, self._labelled = seen.time, False
            self._looked_at = (doubtful, turn.part) if doubtful is not None and turn.part is not None else None
            if self._looked_at is None:
                self._labels.asked(seen)
        return turn

    def follow(self, seen: View) -> None:
        """The second half of `see`: names go where their things are in this frame."""
        self._labels.step(seen)

    def ask(self, model: ModelSpec, picture: str) -> Ask:
        return recognition(model, (picture,), self.lane)

    def labels(self) -> tuple[Label, ...]:
        """What to show over the frame seen last."""
        return self._labels.current()

    def event(self, event: Event, now: float) -> bool:
        """The next event of the job under way; whether it changed what is named."""
        if isinstance(event, Piece):
            return self._piece(event, now)
        if isinstance(event, Progress):
            self.schedule.began(event)
        elif isinstance(event, Finished):
            return self._finished(event, now)
        elif isinstance(event, Failed):
            self.error = of_kind(event.kind, event.what, event.todo, event.detail)
            self._labels.dropped()
            self.schedule.ended(now, failed=True)
        return False

    def figures(self, now: float) -> Figures:
        return self.schedule.figures(now, median(self.delays) if self.delays else None)

    def _piece(self, piece: Piece, now: float) -> bool:
        self.schedule.writing()
        self._reading.add(piece)
        found = self._reading.found()
        if found == self._found or self._looked_at is not None:
            return False
        self._found = found
        self._labels.found(found)
        if found and not self._labelled:
            self._labelled = True
            self.delays.append(now - self._frame_time)
        return True

    def _finished(self, event: Finished, now: float) -> bool:
        complete = event.reason in ("stop", "length")
        changed = False
        if not complete:
            self._labels.dropped()
        else:
            self.error = None
            changed = self._looked_closer() if self._looked_at is not None else False
            self._labels.done()
            self.nothing = not self._labels.current()
        self.schedule.ended(now, cancelled=not complete)
        return changed

    def _looked_closer(self) -> bool:
        assert self._looked_at is not None
        label, part = self._looked_at
        assert label.box is not None
        return self._labels.looked_closer(label.id, named(self._reading.found(), label.box, part))
