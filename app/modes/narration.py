"""What is worth saying aloud about a live picture: a hint that has stood for a while, and names that are new.

Pure: the caller brings what is shown and the time, and says the words when the voice is free.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.capture.gate import Reason
from app.modes.labels import Label
from app.modes.schedule import Wait

HINTS = (Reason.BLACK, Reason.DARK, Reason.BRIGHT, Reason.BLURRED, Reason.MOVING)
"""Reasons a person can do something about."""
_SHOWN_S = 0.6
_SPOKEN_S = 1.5
_AGAIN_S = 20.0
_STEADY_S = 0.4
_FORGOTTEN_S = 10.0


@dataclass(frozen=True)
class Words:
    """Either a hint, or names with how many of each there are."""

    hint: Reason | None = None
    names: tuple[tuple[str, int], ...] = ()


@dataclass
class _Name:
    """A name in view. told: how many were told of, 0 while none."""

    count: int
    since: float
    last: float
    told: int = 0


class Narrator:
    """Show it what is shown with `see`; ask it for words with `next` when nothing is being said."""

    def __init__(self) -> None:
        self._hint: Reason | None = None
        self._since = 0.0
        self._said: dict[Reason, float] = {}
        self._names: dict[str, _Name] = {}

    def see(self, verdict: Reason | Wait, labels: Iterable[Label], now: float) -> None:
        """What is decided and shown now."""
        hint = verdict if isinstance(verdict, Reason) and verdict in HINTS else None
        if hint is not self._hint:
            self._hint, self._since = hint, now
        counts: dict[str, int] = {}
        for label in labels:
            if label.sure and not label.faded:
                counts[label.name] = counts.get(label.name, 0) + label.count
        for name, count in counts.items():
            known = self._names.setdefault(name, _Name(count, now, now))
            if known.count != count:
                known.count, known.since = count, now
            known.last = now
        self._names = {name: one for name, one in self._names.items() if now - one.last < _FORGOTTEN_S}

    def hint(self, now: float) -> Reason | None:
        """The hint to show: one that comes and goes with every frame would only flicker."""
        return self._hint if self._hint is not None and now - self._since >= _SHOWN_S else None

    def next(self, now: float) -> Words | None:
        """What to say now, which counts as said; None: nothing. Names come first: they are what one waits for."""
        names = self._new(now)
        if names:
            return Words(names=names)
        hint = self._hint
        if hint is None or now - self._since < _SPOKEN_S or now - self._said.get(hint, float("-inf")) < _AGAIN_S:
            return None
        self._said[hint] = now
        return Words(hint)

    def _new(self, now: float) -> tuple[tuple[str, int], ...]:
        """Names that stand still and were not told of since they came; fewer of a kind than before are no news."""
        new = []
        for name, one in self._names.items():
            if one.last == now and now - one.since >= _STEADY_S and one.count != one.told:
                if one.count > one.told:
                    new.append((name, one.count))
                one.told = one.count
        return tuple(new)
