"""Translate on a live picture: which frames are read, and which translations are shown where over each of them.

Pure, like app.modes.live: the caller brings the frames, the pipeline's states, the drawn passages and the time. A sign
that rests is read once. While the camera moves, its translation is carried along, and the scene counts as the one that
was read as long as it looks so from where the camera is now.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher

import cv2
import numpy as np

from app.capture.gate import View
from app.capture.plane import Corners, Matrix, Plane, mapped
from app.errors import SpyglassError, of_kind
from app.modes.schedule import Schedule, Turn
from app.modes.translate.cutouts import CutOut
from app.modes.translate.pipeline import Passage, Translation
from app.values import Event, Failed, Finished, Picture
from app.values import Reading as ReadingPrompt

_REVEALED = 0.2
"""Share of a frame that may be new before it is read again."""
_NEARER, _FURTHER = 1.35, 0.6
"""Change of size from which a text is worth reading again."""
_STILL, _FREE = 0.2, 0.8
"""Pixels of the small view: what moves by less than the first is left where it is, from the second on it follows."""
_LOST_S = 0.2
_FADE_S = 0.15
_ALIKE = 0.75
"""How alike two readings are that may be of one text (0..1); the surer of them is believed."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A translation over a frame. matrix: from the cut-out's pixels to the frame's; opacity: 0..1."""

    passage: Passage
    cutout: CutOut
    matrix: Matrix
    opacity: float


@dataclass(eq=False)
class _Placed:
    """A drawn passage. home: its corners in the anchor's small view; here: in the newest, as shown."""

    passage: Passage
    cutout: CutOut
    home: Corners
    born: float
    here: Corners | None = None
    lost_since: float | None = None


@dataclass(eq=False)
class _Reading:
    """What one frame said, followed from that frame on. scale: pixels of the frame to one of the small view."""

    plane: Plane
    picture: Picture | None = None
    state: Translation | None = None
    scale: float = 1.0
    placed: dict[int, _Placed] = field(default_factory=dict)


class LiveTranslation:
    """Show it every frame with `see`; tell it what the pipeline says about those it sends with `took`, and the end with
    `event`."""

    def __init__(self, schedule: Schedule | None = None) -> None:
        self.schedule = schedule or Schedule()
        self.error: SpyglassError | None = None
        """Why the last reading failed; None once one has worked."""
        self._shown: _Reading | None = None
        self._coming: _Reading | None = None
        self._compared: Plane | None = None
        """What frames are compared with to tell whether they are worth reading."""
        self._now = 0.0

    def see(self, seen: View) -> Turn:
        """The next frame: it is judged, and what is shown follows it."""
        turn = self.judge(seen)
        self.follow(seen)
        return turn

    def judge(self, seen: View) -> Turn:
        """The first half of `see`, all that a reading has to wait for."""
        self._now = seen.time
        for reading in self._readings():
            reading.plane.step(seen)
        self._compare()
        turn = self.schedule.look(seen)
        if turn.cut:
            self._shown = self._coming = self._compared = None
        if turn.send:
            self._coming = _Reading(Plane(seen))
            self._compared = self._coming.plane
        return turn

    def follow(self, seen: View) -> None:
        """The second half of `see`: translations go where their text is in this frame."""
        for reading in self._readings():
            for placed in reading.placed.values():
                _follow(placed, reading.plane, seen.time)

    def took(self, picture: Picture, state: Translation, drawn: Iterable[tuple[int, CutOut]]) -> None:
        """What the pipeline has found out so far about the frame that was sent. drawn: numbers of passages that are
        finished since the last time, and their pictures."""
        if state.draft or isinstance(state.progress, ReadingPrompt) or state.stage not in ("finding", "reading"):
            self.schedule.writing()
        reading = self._coming
        if reading is None:
            return
        reading.picture, reading.state = picture, state
        reading.scale = picture.width / reading.plane.anchor.grey.shape[1]
        for at, cutout in drawn:
            placed = _Placed(state.passages[at], cutout, cutout.corners / reading.scale, self._now)
            self._settle(placed, reading)
            reading.placed[at] = placed
            _follow(placed, reading.plane, self._now)

    def event(self, event: Event, now: float) -> bool:
        """The end of what was begun with a frame; whether what is shown has changed by it."""
        if isinstance(event, Failed):
            self.error = of_kind(event.kind, event.what, event.todo, event.detail)
        elif not isinstance(event, Finished):
            return False
        failed = isinstance(event, Failed)
        complete = isinstance(event, Finished) and event.reason in ("stop", "length")
        if complete and self._coming is not None:
            self.error, self._shown = None, self._coming
        else:
            self._compared = None
        self._coming = None
        self.schedule.ended(now, cancelled=not complete and not failed, failed=failed)
        return complete

    def shown(self) -> tuple[Shown, ...]:
        """What to lay over the frame seen last."""
        return tuple(
            Shown(one.passage, one.cutout, _matrix(one.cutout, one.here * reading.scale), self._opacity(one))
            for one, reading in self._visible()
            if one.here is not None and self._opacity(one) > 0
        )

    @property
    def reading(self) -> bool:
        """Whether a frame is being read or translated."""
        return self._coming is not None

    def state(self) -> Translation | None:
        """What is known of the text in view: the reading that is being made once it has words, else the last one."""
        coming, shown = self._coming, self._shown
        for reading in (coming, shown):
            if reading is not None and reading.state is not None and (reading is shown or reading.state.passages):
                kept = {at: placed.passage for at, placed in reading.placed.items()}
                passages = tuple(kept.get(i, p) for i, p in enumerate(reading.state.passages))
                return replace(reading.state, passages=passages)
        return None

    def picture(self) -> Picture | None:
        """The frame that the last complete reading is about."""
        return self._shown.picture if self._shown is not None else None

    def _readings(self) -> list[_Reading]:
        return [reading for reading in (self._shown, self._coming) if reading is not None]

    def _visible(self) -> list[tuple[_Placed, _Reading]]:
        """What is new, and of what was there before that over which nothing new is drawn."""
        coming, shown = self._coming, self._shown
        new = [(placed, coming) for placed in coming.placed.values()] if coming is not None else []
        if shown is None:
            return new
        old = [p for p in shown.placed.values() if not any(_overlap(p, n) > 0.2 for n, _ in new)]
        return [*((placed, shown) for placed in old), *new]

    def _opacity(self, placed: _Placed) -> float:
        risen = min(1.0, (self._now - placed.born) / _FADE_S + 0.2)
        fallen = 0.0 if placed.lost_since is None else (self._now - placed.lost_since) / _LOST_S
        return max(0.0, risen - fallen)

    def _compare(self) -> None:
        """Let the gate compare with what was read as it looks from here, so that a moved camera reads nothing twice."""
        plane = self._compared
        reading = next((r for r in self._readings() if r.plane is plane), None)
        if plane is None or plane.matrix is None or reading is None:
            return
        size = float(np.sqrt(abs(np.linalg.det(plane.matrix[:2, :2]))))
        worth = plane.revealed() > _REVEALED or not _FURTHER < size < _NEARER or not reading.placed
        if worth and reading is self._shown:
            return
        as_seen = plane.view_from_here()
        if as_seen is not None:
            self.schedule.gate.compare(as_seen)

    def _settle(self, placed: _Placed, reading: _Reading) -> None:
        """Let a passage that stood there before stay as it is drawn, unless it has become another: nothing flickers."""
        if self._shown is None or reading.plane.matrix is None:
            return
        place = reading.plane.where(placed.home)
        for old in self._shown.placed.values():
            if place is None or old.here is None or _share(old.here, place) < 0.4:
                continue
            same = old.passage.source == placed.passage.source
            like = SequenceMatcher(None, old.passage.source, placed.passage.source).ratio() >= _ALIKE
            near = 0.75 < _size(old.here) * reading.scale / _size(old.cutout.corners) < _NEARER
            if near and (same or (like and old.passage.sure >= placed.passage.sure)):
                placed.passage, placed.cutout = old.passage, old.cutout
                placed.home = mapped(np.asarray(np.linalg.inv(reading.plane.matrix), np.float64), old.here)
                placed.here, placed.born = old.here, old.born
                return


def _follow(placed: _Placed, plane: Plane, now: float) -> None:
    """Move to where it is now; what hardly moved stays, so that a text at rest does not tremble."""
    place = plane.where(placed.home)
    if place is not None:
        placed.lost_since = None
    elif placed.lost_since is None:
        placed.lost_since = now
    if place is None:
        matrix = plane.matrix_at(placed.home)
        place = mapped(matrix, placed.home) if matrix is not None else None
    if place is None or placed.here is None:
        placed.here = place if place is not None else placed.here
        return
    far = float(np.abs(place - placed.here).max())
    placed.here = placed.here + (place - placed.here) * min(max((far - _STILL) / (_FREE - _STILL), 0.0), 1.0)


def _matrix(cutout: CutOut, corners: Corners) -> Matrix:
    height, width = cutout.pixels.shape[:2]
    own = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(own, corners.astype(np.float32)), np.float64)


def _overlap(one: _Placed, other: _Placed) -> float:
    return _share(one.here, other.here) if one.here is not None and other.here is not None else 0.0


def _share(one: Corners, other: Corners) -> float:
    """The common area of two convex quadrilaterals as a part of the smaller one's."""
    common, _ = cv2.intersectConvexConvex(one.astype(np.float32), other.astype(np.float32))
    areas: Sequence[float] = [abs(float(cv2.contourArea(c.astype(np.float32)))) for c in (one, other)]
    return float(common) / max(min(areas), 1e-6)


def _size(corners: Corners) -> float:
    return float(np.sqrt(abs(cv2.contourArea(corners.astype(np.float32)))))
