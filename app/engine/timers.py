"""Named timers for an event loop, on a clock that only counts time in which the loop ran."""

import time
from collections.abc import Callable

_LONGEST_STEP = 1.0


class Timers:
    """At most one timer a name; the loop calls `step` after every wait and then `run_due`.

    The clock advances by at most a second a step. After the computer slept, or a slow callback held the loop up,
    no deadline has passed that the other side had no chance to meet.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen = clock()
        self._now = 0.0
        self._timers: dict[str, tuple[float, Callable[[], None]]] = {}

    def set(self, name: str, delay: float, action: Callable[[], None]) -> None:
        """Run `action` after `delay` seconds instead of what was set under `name`."""
        self.step()
        self._timers[name] = (self._now + delay, action)

    def drop(self, *names: str) -> None:
        """Forget these timers."""
        for name in names:
            self._timers.pop(name, None)

    def is_set(self, name: str) -> bool:
        return name in self._timers

    def wait(self) -> float | None:
        """Seconds the loop may wait; None if nothing is set."""
        if not self._timers:
            return None
        first = min(when for when, _ in self._timers.values())
        return min(max(0.0, first - self._now), _LONGEST_STEP)

    def step(self) -> None:
        """Advance the clock."""
        seen = self._clock()
        self._now += min(seen - self._seen, _LONGEST_STEP)
        self._seen = seen

    def run_due(self) -> None:
        """Run and forget what is due."""
        for name, (when, action) in list(self._timers.items()):
            if when <= self._now and self._timers.get(name) == (when, action):
                del self._timers[name]
                action()
