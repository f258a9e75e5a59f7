"""The gate's verdicts, each on frames made to deserve it."""

import time

import cv2
import numpy as np
import pytest

from app.capture.gate import Gate, Reason, blur, change, view
from app.capture.track import Track, is_cut
from tests.video import Scene, Script, Thing

STAR = Thing("star", 0, 99, (0.3, 0.4), 0.35, (220, 180, 40))
CIRCLE = Thing("circle", 0, 99, (0.7, 0.6), 0.25, (40, 60, 180))


def scene(*things: Thing, seed: int = 3) -> np.ndarray:
    return Script((Scene(0, things, seed),), 1, shake=0).frame(0)


def settle(gate: Gate, frame: np.ndarray, begin: float = 0.0) -> Reason:
    """The verdict once the frame has stood for a while."""
    return [gate.check(view(frame, begin + i / 30)) for i in range(8)][-1]


def test_a_good_frame_passes_and_is_then_known() -> None:
    gate, frame = Gate(), scene(STAR)
    assert settle(gate, frame) is Reason.GOOD
    gate.answered(view(frame, 1))
    assert settle(gate, frame, 2) is Reason.SAME
    gate.answered(None)
    assert settle(gate, frame, 3) is Reason.GOOD


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (np.zeros_like, Reason.BLACK),
        (lambda f: (f // 14).astype(np.uint8), Reason.DARK),
        (lambda f: np.full_like(f, 254), Reason.BRIGHT),
        (lambda f: cv2.GaussianBlur(f, (0, 0), 12), Reason.BLURRED),
        (lambda f: cv2.blur(f, (50, 1)), Reason.BLURRED),
        (lambda f: cv2.blur(f, (1, 50)), Reason.BLURRED),
    ],
)
def test_a_spoilt_frame_is_refused_with_its_reason(spoil: object, reason: Reason) -> None:
    assert settle(Gate(), spoil(scene(STAR, CIRCLE))) is reason
    assert reason.value.endswith((".", "?"))


def test_a_dark_scene_with_a_light_in_it_is_no_dark_scene() -> None:
    frame = (scene(STAR) // 14).astype(np.uint8)
    cv2.rectangle(frame, (500, 300), (800, 500), (230, 230, 230), -1)
    assert settle(Gate(), frame) is Reason.GOOD


def test_a_swung_camera_is_asked_to_hold_still() -> None:
    gate, wide = Gate(), cv2.resize(scene(STAR, CIRCLE), (2560, 720))
    verdicts = [gate.check(view(np.ascontiguousarray(wide[:, x : x + 1280]), x / 1200)) for x in range(0, 600, 40)]
    assert set(verdicts) == {Reason.MOVING}


def test_what_never_rests_is_looked_at_in_the_end() -> None:
    gate, base = Gate(), scene(CIRCLE)
    passed = []
    for i in range(90):
        frame = base.copy()
        cv2.circle(frame, (300 + 150 * (i % 2), 300), 80, (250, 250, 250), -1)
        if gate.check(view(frame, i / 30)) is Reason.GOOD:
            passed.append(i / 30)
            gate.answered(view(frame, i / 30))
    assert passed
    assert passed[0] >= gate.limits.patience_s
    assert len(passed) <= 3


@pytest.mark.parametrize("shift", [2, 8, 15])
def test_a_shaking_hand_changes_nothing(shift: int) -> None:
    gate, frame = Gate(), scene(STAR, CIRCLE)
    gate.answered(view(frame, 0))
    shaken = cv2.warpAffine(
        frame, np.float64([[1, 0, shift], [0, 1, -shift]]), (1280, 720), borderMode=cv2.BORDER_REPLICATE
    )
    assert not gate.differs(view(frame, 0), view(shaken, 1))


def test_light_that_changes_everywhere_changes_nothing() -> None:
    frame = scene(STAR, CIRCLE)
    brighter = cv2.add(frame, np.full_like(frame, 20))
    assert not Gate().differs(view(frame, 0), view(brighter, 1))


def test_something_new_is_a_difference_even_in_the_same_brightness() -> None:
    plain = np.full((720, 1280, 3), 128, np.uint8)
    coloured = plain.copy()
    cv2.circle(coloured, (640, 360), 40, (181, 104, 128), -1)  # as bright as what is around it
    grey = cv2.cvtColor(coloured, cv2.COLOR_RGB2GRAY)
    assert int(np.ptp(grey)) <= 4
    assert Gate().differs(view(plain, 0), view(coloured, 1))
    assert Gate().differs(view(scene(STAR), 0), view(scene(STAR, CIRCLE), 1))


def test_another_size_is_another_scene() -> None:
    small, turned = scene(STAR), np.rot90(scene(STAR)).copy()
    assert change(view(small, 0), view(turned, 1), 14).all()
    assert is_cut(view(small, 0), view(turned, 1))
    track = Track(view(small, 0))
    track.step(view(turned, 1))
    assert track.place((0.2, 0.2, 0.5, 0.5)) is None


@pytest.mark.parametrize("size", [(1, 1), (2, 700), (700, 2), (5, 5), (33, 31)])
def test_frames_of_any_size_can_be_judged(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    gate = Gate()
    for i in range(3):
        frame = rng.integers(0, 255, (*size, 3)).astype(np.uint8)
        assert gate.check(view(frame, i / 30)) in Reason
        track = Track(view(frame, 0))
        track.step(view(frame, 1))
        track.place((0.1, 0.1, 0.9, 0.9))
        track.shows((0.1, 0.1, 0.9, 0.9))


def test_noise_is_not_taken_for_sharpness() -> None:
    rng = np.random.default_rng(0)
    soft = cv2.GaussianBlur(scene(STAR, CIRCLE), (0, 0), 12)
    noisy = np.clip(soft + rng.normal(0, 5, soft.shape), 0, 255).astype(np.uint8)
    assert blur(view(noisy, 0).grey) > 0.6
    assert blur(view(scene(STAR, CIRCLE), 0).grey) < 0.4


def test_cuts_are_seen_and_motion_is_none() -> None:
    one, other = view(scene(STAR), 0), view(scene(CIRCLE, seed=8), 1)
    moved = view(np.roll(scene(STAR), 12, 1), 1)
    assert is_cut(one, other)
    assert not is_cut(one, moved)
    assert not is_cut(one, view(scene(STAR, CIRCLE), 1))


def test_a_tracked_thing_that_leaves_or_is_covered_is_lost() -> None:
    box = (0.3 - 0.1, 0.4 - 0.175, 0.3 + 0.1, 0.4 + 0.175)
    with_it, without = scene(STAR, CIRCLE), scene(CIRCLE)
    track = Track(view(with_it, 0))
    assert track.place(box) is not None
    track.step(view(without, 1))
    assert track.place(box) is None
    track.step(view(with_it, 2))
    back = track.place(box)
    assert back is not None
    assert back.box == pytest.approx(box, abs=0.02)
    assert max(back.changed, back.gone) < 0.02


@pytest.mark.parametrize("box", [(0.1, 0.15, 0.45, 0.65), (0.05, 0.1, 0.55, 0.8)])
def test_a_box_that_is_mostly_table_tells_when_its_thing_has_gone(box: tuple[float, float, float, float]) -> None:
    """Though most of it still looks the same."""
    track = Track(view(scene(STAR, CIRCLE), 0))
    assert track.shows(box)
    assert not track.shows((0.4, 0.05, 0.5, 0.2))
    track.step(view(scene(CIRCLE), 1))
    place = track.place(box)
    assert place is None or place.gone > 0.5


def test_a_tracked_thing_may_come_closer() -> None:
    frame, box = scene(STAR), (0.2, 0.225, 0.4, 0.575)
    track = Track(view(frame, 0))
    for i in range(1, 16):
        matrix = cv2.getRotationMatrix2D((640, 360), 0, 1 + i * 0.02)
        track.step(view(cv2.warpAffine(frame, matrix, (1280, 720), borderMode=cv2.BORDER_REPLICATE), i / 30))
    grown = [0.5 + (v - 0.5) * 1.3 for v in box]
    closer = track.place(box)
    assert closer is not None
    assert closer.box == pytest.approx(grown, abs=0.03)
    assert max(closer.changed, closer.gone) < 0.1


def test_judging_a_720p_frame_takes_under_three_milliseconds() -> None:
    """The best of many runs: other programs may be at work on this machine."""
    frames = [scene(STAR), scene(STAR, CIRCLE)]
    gate = Gate()
    gate.answered(view(frames[0], 0))
    took = [1.0]
    patience = time.monotonic() + 5.0
    while len(took) < 60 or (min(took) >= 0.003 and time.monotonic() < patience):
        begin = time.perf_counter()
        gate.check(view(frames[len(took) % 2], len(took) / 30))
        took.append(time.perf_counter() - begin)
    assert min(took) < 0.003
