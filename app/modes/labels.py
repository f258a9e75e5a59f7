"""The names on a live picture: where they are now, how sure they are, and whether they still belong to what is seen.

Pure: the caller brings the frames and the time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from app.capture.gate import Gate, View, change
from app.capture.track import Place, Track
from app.modes.boxes import area, between, overlap
from app.modes.objects import Found
from app.modes.votes import Votes
from app.values import Box

_LOST_S = 0.3
_DOUBT_S = 0.8
_CHANGED = 0.2
"""Share of what is in a box that may look different before the name is in doubt."""
_GONE = 0.5
"""The same for what stands out in it."""
_LARGE = 0.35
"""Share of the picture above which a box is about the scene and not about a thing in it."""
_MOVED = 0.25
"""Share of the picture that looks different when the camera has moved; much in a box does then, around its thing."""
_FORGET_S = 30.0
_SMOOTH = 0.6
"""Share of the way to its new place that a label goes with a frame: jitter is damped, motion hardly delayed."""
_SAME_PLACE = 0.2
_SAME_THING = 0.5
"""Overlap from which on two boxes with different names are of one thing."""
_OLDER = 0.8
"""What an answer still counts for when the next one has come."""
_SURE = 0.5
_WEIGHT = 3
"""So many answers a closer look counts for."""
_MOST_LOOKS = 4
"""Closer looks after one answer."""


@dataclass(frozen=True)
class Label:
    """A name to show. `box` is where the thing is in the newest frame; without one the name is for the list alone.

    seen: the time of the frame that the answer was about. faded: the answer no longer belongs to what is seen; it is
    shown with its age or not at all, and never on the picture. `id` stays the same while a thing is followed.
    """

    id: int
    name: str
    probability: float
    count: int
    box: Box | None
    seen: float
    faded: bool = False

    @property
    def sure(self) -> bool:
        return self.probability >= _SURE


@dataclass
class _Thing:
    """A label and what it hangs on.

    said: what its answer called it and where, in the anchor's frame; earlier: what the answers before that one did.
    vague: nothing in the box stands out, or the box is most of the picture, so that the thing may be anywhere.
    changed: the share of it that looks different from the anchor. left: it was faded once, so that another thing may
    stand there. certain: what it was called by a closer look, or when it needed none.
    """

    label: Label
    said: Found
    earlier: Votes = field(default_factory=Votes)
    vague: bool = False
    lost_since: float | None = None
    doubted_since: float | None = None
    changed: float = 0.0
    left: bool = False
    certain: str = ""

    @property
    def settled(self) -> bool:
        """Whether it has been in sight since it was named, so that what stands there now is what was named."""
        return not self.left and self.lost_since is None and self.doubted_since is None

    def show(self, box: Box | None, faded: bool) -> None:
        self.label, self.left = replace(self.label, box=box, faded=faded), self.left or faded

    def votes(self) -> Votes:
        """All that is known of its name, for the next answer; the less, the more of it looks different since."""
        return self.earlier.and_then(self.said).worth(_OLDER * max(0.0, 1 - self.changed / _CHANGED))


@dataclass
class _Answer:
    """What one frame's answer named, followed from that frame on."""

    track: Track
    things: list[_Thing] = field(default_factory=list)
    looks: int = 0


class _Now:
    """The newest frame beside the one that an answer is about; what takes time is found out once."""

    def __init__(self, gate: Gate, track: Track) -> None:
        self.track = track
        self.time = track.newest.time
        self._gate = gate
        self._places: dict[Box, Place | None] = {}

    def place(self, box: Box) -> Place | None:
        """Where `box` of the answer's frame is in the newest."""
        if box not in self._places:
            self._places[box] = self.track.place(box)
        return self._places[box]

    def where(self, one: Found) -> Box | None:
        place = self.place(one.box) if one.box is not None else None
        return place.box if place is not None else None

    @cached_property
    def differs(self) -> bool:
        """Whether a person would call them different."""
        return self._gate.differs(self.track.anchor, self.track.newest)

    @cached_property
    def moved(self) -> bool:
        """Whether so much differs that it must be the camera that moved."""
        cells = change(self.track.anchor, self.track.newest, self._gate.limits.level)
        return float(cells.mean()) > _MOVED


class Labels:
    """Show it every frame with `step`, and each answer with `asked`, `found` and `done`."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._shown: _Answer | None = None
        self._coming: _Answer | None = None
        self._ids = 0

    def current(self) -> tuple[Label, ...]:
        """What to show: the answer that is being written, and of the one before what it has not named yet."""
        coming = self._coming.things if self._coming is not None else []
        named = {t.label.id for t in coming}
        before = [t for t in self._shown.things if t.label.id not in named] if self._shown is not None else []
        return tuple(t.label for t in [*before, *coming] if t.lost_since is None or t.label.faded)

    def asked(self, seen: View) -> None:
        """An answer about this frame is on its way."""
        self._coming = _Answer(Track(seen))

    def found(self, objects: Iterable[Found]) -> None:
        """All that the answer on its way has named so far."""
        if self._coming is None:
            return
        answer = self._coming
        now = _Now(self._gate, answer.track)
        before = self._shown.things if self._shown is not None else []
        old = {t.label.id for t in before}
        things: list[_Thing] = []
        for one, known in _paired(tuple(objects), before, now):
            taken = {t.label.id for t in things}
            free = [t for t in answer.things if t.label.id not in taken]
            ours = [t for t in free if t.label.id not in old or _is(t, known)]
            same = next((t for t in ours if t.said == one and (known is None or _is(t, known))), None)
            things.append(same or self._named(one, known, now, ours))
        answer.things = things

    def done(self) -> None:
        """The answer on its way is complete: what it did not name is gone."""
        if self._coming is not None:
            self._shown, self._coming = self._coming, None
            for thing in self._shown.things:
                if not _is_doubtful(thing, self._shown):
                    thing.certain = thing.label.name

    def doubtful(self) -> Label | None:
        """A thing in sight that is worth a closer look: its name is faint, or was given to several things at once, so
        that its probability is not that of this one."""
        answer = self._shown
        if answer is None or self._coming is not None or answer.looks >= _MOST_LOOKS:
            return None
        return next((t.label for t in answer.things if _is_doubtful(t, answer) and _can_be_shown_alone(t)), None)

    def looked_closer(self, number: int, one: Found | None) -> bool:
        """What a closer look at the thing of this id called it; None: nothing is there. Returns whether it is still in
        sight."""
        answer = self._shown
        if answer is None:
            return False
        answer.looks += 1
        thing = next((t for t in answer.things if t.label.id == number), None)
        if thing is None or not thing.settled:
            return False
        if one is None:
            answer.things.remove(thing)
            return True
        thing.said = replace(thing.said, name=one.name, probability=one.probability)
        thing.earlier = Votes().with_more(thing.said, _WEIGHT - 1)
        thing.label, thing.certain = replace(thing.label, name=one.name, probability=one.probability), one.name
        return True

    def dropped(self) -> None:
        """The answer on its way will not come."""
        self._coming = None

    def cut(self) -> None:
        """Another scene: nothing that was said belongs to it."""
        self._shown = self._coming = None

    def step(self, seen: View) -> None:
        """Follow everything into the next frame."""
        for answer in (self._shown, self._coming):
            if answer is not None:
                self._follow(answer, seen)

    def _follow(self, answer: _Answer, seen: View) -> None:
        answer.track.step(seen)
        now = _Now(self._gate, answer.track)
        for thing in answer.things:
            self._look_for(thing, now, seen.time)
        answer.things = [t for t in answer.things if not _over(t, seen.time)]

    def _look_for(self, thing: _Thing, now: _Now, since: float) -> None:
        """Put the label where its thing is in the newest frame, or fade it. since: when a doubt of now has begun."""
        if thing.said.box is None:
            thing.show(None, now.differs)
            return
        place = now.place(thing.said.box)
        if place is None:
            self._lose(thing, now.time)
            return
        thing.lost_since, thing.changed = None, place.changed
        if not _changed_there(thing, place, now):
            thing.doubted_since = None
        elif thing.doubted_since is None:
            thing.doubted_since = since
        doubted = thing.doubted_since is not None and now.time - thing.doubted_since >= _DOUBT_S
        thing.show(None if doubted else between(thing.label.box or place.box, place.box, _SMOOTH), doubted)

    def _lose(self, thing: _Thing, now: float) -> None:
        if thing.lost_since is None:
            thing.lost_since = now
        elif now - thing.lost_since >= _LOST_S:
            thing.show(None, True)

    def _named(self, one: Found, known: _Thing | None, now: _Now, coming: Iterable[_Thing]) -> _Thing:
        """A newly named object. One that was shown already keeps its id and moves gently to its new place."""
        box = now.where(one)
        same = known or next((t for t in coming if t.label.name == one.name and _near(t.label.box, box)), None)
        if same is None:
            self._ids += 1
        number, start = (same.label.id, same.label.box) if same is not None else (self._ids, None)
        earlier = known.votes() if known is not None and known.settled else Votes()
        name, sure = earlier.and_then(one).elected()
        seen = now.track.anchor.time
        label = Label(number, name, sure, one.count, start if box else None, seen)
        thing = _Thing(label, one, earlier, one.box is not None and _is_vague(one.box, now.track))
        thing.certain = known.certain if known is not None and known.settled else ""
        # An answer may be late: what is in doubt now may have gone as soon as the frame was taken.
        self._look_for(thing, now, seen)
        return thing


def _paired(objects: Sequence[Found], before: Sequence[_Thing], now: _Now) -> Iterable[tuple[Found, _Thing | None]]:
    """Every object with the shown thing that it is: one of its name nearby, or else one that stands in its place."""
    pairs: dict[int, _Thing] = {}
    for alike in (_of_one_name, _in_one_place):
        for i, one in enumerate(objects):
            if i not in pairs:
                box, taken = now.where(one), [t.label.id for t in pairs.values()]
                found = next((t for t in before if t.label.id not in taken and alike(t, one, box)), None)
                if found is not None:
                    pairs[i] = found
    return [(one, pairs.get(i)) for i, one in enumerate(objects)]


def _is(thing: _Thing, known: _Thing | None) -> bool:
    return known is not None and thing.label.id == known.label.id


def _of_one_name(thing: _Thing, one: Found, box: Box | None) -> bool:
    return thing.label.name == one.name and _near(thing.label.box, box)


def _in_one_place(thing: _Thing, _: Found, box: Box | None) -> bool:
    there = thing.label.box
    return thing.settled and there is not None and box is not None and overlap(there, box) > _SAME_THING


def _is_vague(box: Box, track: Track) -> bool:
    return area(box) > _LARGE or not track.shows(box)


def _is_doubtful(thing: _Thing, answer: _Answer) -> bool:
    several = sum(t.label.name == thing.label.name for t in answer.things) > 1
    return thing.certain != thing.label.name and (several or not thing.label.sure)


def _can_be_shown_alone(thing: _Thing) -> bool:
    box = thing.label.box
    return box is not None and thing.settled and area(box) <= _LARGE


def _changed_there(thing: _Thing, place: Place, now: _Now) -> bool:
    """Whether something changed where the name was given, though the rest of it still looks the same."""
    if not now.differs:
        return False
    if thing.vague:
        return True
    return (place.changed > _CHANGED or place.gone > _GONE) and not now.moved


def _near(one: Box | None, other: Box | None) -> bool:
    """Whether two labels of one name may be of one thing: they overlap, or one of them has no place."""
    return one is None or other is None or overlap(one, other) > _SAME_PLACE


def _over(thing: _Thing, now: float) -> bool:
    return thing.label.faded and now - thing.label.seen > _FORGET_S
