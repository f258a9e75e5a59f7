"""Line drawings that are coloured in keep their outside, and get the colours of another drawing."""

import numpy as np

from training import styles


def test_what_lines_enclose_is_filled_and_the_outside_stays_open() -> None:
    y, x = np.mgrid[:80, :80]
    away = np.hypot(x - 40, y - 40)
    ring = np.zeros((80, 80, 4), np.uint8)
    ring[:, :, 3] = 255 * ((away > 20) & (away < 26))
    like = np.full((160, 160, 4), 255, np.uint8)
    like[:, :, :3] = (200, 40, 40)
    inside, outside, line = away < 18, away > 28, (away > 22) & (away < 24)
    reds = 0
    for seed in range(20):
        drawn = styles.coloured_in(ring, like, np.random.default_rng(seed))
        assert (drawn[inside, 3] == 255).all()
        assert (drawn[outside, 3] == 0).all()
        assert drawn[line, :3].max() <= 90
        assert np.ptp(drawn[inside, :3], axis=0).max() == 0, "one colour"
        reds += (drawn[40, 40, :3] == (200, 40, 40)).all()
    assert 8 <= reds < 20, "most often the other drawing's"
