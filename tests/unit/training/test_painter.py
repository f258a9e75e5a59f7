"""Scenes tell the truth about what they show."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from training.kinds import KINDS
from training.painter import Painter
from training.scenes import UNKNOWN_MARK, Art


def _art(kinds: NDArray[np.int16], wide: int = 160) -> Art:
    """A bar for each of the kinds, ``wide`` of 160."""
    pictures = np.zeros((len(kinds), 160, 160, 4), np.uint8)
    pictures[:, :, 80 - wide // 2 : 80 + wide // 2] = (200, 30, 30, 255)
    return Art(pictures, kinds, np.zeros(len(kinds), np.bool_))


def test_a_crowd_shows_several_of_a_kind_and_every_mark_is_there() -> None:
    painter = Painter(_art(np.arange(-1, len(KINDS), dtype=np.int16)), [], stylise=False, camera=0)
    alike: Counter[int] = Counter()
    for seed in range(30):
        scene = painter.crowd(256, 256, np.random.default_rng(seed))
        shown = set(np.unique(scene.owner)) - {-1}
        assert {mark for mark in shown if mark < UNKNOWN_MARK} <= {thing.mark for thing in scene.things}
        counts = Counter(thing.name for thing in scene.things)
        alike.update(counts[thing.name] for thing in scene.things)
    assert sum(n for many, n in alike.items() if many > 1) > alike[1], "most are not alone"


def test_what_no_kind_is_drawn_by_guests_too_and_stays_without_a_name() -> None:
    own = _art(np.arange(-1, len(KINDS), dtype=np.int16))
    painter = Painter(own, [], camera=0, guests=_art(np.array([-1], np.int16), wide=8), invited=1.0)
    unknown = 0
    for seed in range(8):
        scene = painter.nothing(128, 128, np.random.default_rng(seed))
        assert not scene.things
        assert (scene.owner >= UNKNOWN_MARK).sum() < 1000 * max(scene.unknown, 1), "thin bars, not squares"
        unknown += scene.unknown
    assert unknown
