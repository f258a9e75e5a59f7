"""A flat picture followed through frames: where a part of it is, also after it was covered for a while."""

import cv2
import numpy as np

from app.capture.gate import View, view
from app.capture.plane import Plane

HEIGHT, WIDTH = 180, 320


def wall(shift: float = 0.0, covered: bool = False) -> View:
    """A wall of soft spots, moved to the right by so many pixels; its left two thirds may be covered."""
    spots = np.random.default_rng(5).integers(0, 255, (HEIGHT // 10, WIDTH // 10, 3), np.uint8)
    move = np.array([[1.0, 0.0, shift], [0.0, 1.0, 0.0]])
    rgb = cv2.warpAffine(cv2.resize(spots, (WIDTH, HEIGHT)), move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
    if covered:
        rgb[:, : 2 * WIDTH // 3] = 128
    return view(rgb, 0.0)


def followed(*frames: View) -> Plane:
    plane = Plane(wall())
    for frame in frames:
        plane.step(frame)
    return plane


def test_what_was_covered_is_found_again() -> None:
    before = followed(wall())
    hidden = followed(wall(), *(wall(shift, covered=True) for shift in (1.0, 2.0)))
    again = followed(wall(), *(wall(shift, covered=True) for shift in (1.0, 2.0)), wall(3.0), wall(4.0))
    assert hidden.points < before.points / 2
    assert again.points > 0.9 * before.points


def test_nothing_drifts_while_the_camera_moves_to_and_fro() -> None:
    shifts = [10 * np.sin(i / 5) for i in range(150)]
    plane = followed(*map(wall, shifts))
    corners = np.array([(60, 40), (160, 40), (160, 120), (60, 120)], np.float64)
    place = plane.where(corners)
    assert place is not None
    assert np.abs(place - corners - (shifts[-1], 0)).max() < 0.04
