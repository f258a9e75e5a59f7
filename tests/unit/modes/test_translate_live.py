"""Live translation against scripted videos of signs, and an engine that takes its time, on a clock of its own."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest

from app.capture.camera import Frame
from app.capture.gate import view
from app.modes.lookout import picture_of
from app.modes.translate.cutouts import CutOut, cut_out
from app.modes.translate.live import LiveTranslation, Shown
from app.modes.translate.pipeline import Translation, Wish, translate_picture
from app.values import Event, Failed, Finished, ModelSpec, Picture
from tests import signs
from tests.unit.modes.test_translate import Scripted
from tests.video import Scene, Script, Sprite, Thing

SIZE = (640, 360)
ROWS = ["Ticket office", "Open from 8 to 18"]
FRENCH = {"Ticket office": "Guichet", "Open from 8 to 18": "Ouvert de 8 à 18", "Way out": "Sortie"}
WISH = Wish(ModelSpec(path="reader.gguf"), "fr")
LOOK_S = 0.5


def sprite(sheet: signs.Sheet) -> Sprite:
    """A sign in the middle of a square, see-through around it."""
    height, width = sheet.pixels.shape[:2]
    side = max(height, width)
    square = np.zeros((side, side, 4), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width, :3] = sheet.pixels
    square[top : top + height, left : left + width, 3] = 255
    return square


def street(seconds: float = 3.0, **more: object) -> Script:
    """A sign on a wall; at the end of `seconds`, if there is a cut, another one elsewhere."""
    sprites = {"office": sprite(signs.sign(ROWS, 60)), "exit": sprite(signs.sign(["Way out"], 60))}
    office = Thing("office", 0, 99, (0.5, 0.5), 1.1)
    scenes = (Scene(0.0, (office, *_marks(4)), 3),)
    return Script(scenes, seconds, SIZE, 15.0, sprites=sprites, **more)  # type: ignore[arg-type]


def _marks(number: int) -> tuple[Thing, ...]:
    places = ((0.1, 0.2), (0.9, 0.15), (0.08, 0.85), (0.92, 0.8))
    kinds = ("star", "diamond", "triangle", "square")
    return tuple(Thing(kinds[i], 0, 99, places[i], 0.12, (60 + 40 * i, 90, 50)) for i in range(number))


def cut_to_exit(script: Script, at: float) -> Script:
    other = Scene(at, (Thing("exit", 0, 99, (0.4, 0.4), 0.9, (0, 0, 0)),), 8)
    script.scenes = (*script.scenes, other)
    return script


@dataclass
class Played:
    """What was shown over each frame."""

    live: LiveTranslation
    times: list[float] = field(default_factory=list)
    shown: list[tuple[Shown, ...]] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)

    def at(self, time: float) -> tuple[Shown, ...]:
        return self.shown[min(range(len(self.times)), key=lambda i: abs(self.times[i] - time))]

    def corners(self, time: float, at: int = 0) -> np.ndarray:
        return corners(self.at(time)[at])


def corners(shown: Shown) -> np.ndarray:
    height, width = shown.cutout.pixels.shape[:2]
    own = np.array([[(0, 0), (width, 0), (width, height), (0, height)]], np.float64)
    return cv2.perspectiveTransform(own, shown.matrix)[0]


def text_of(script: Script, at: float) -> str:
    return "Way out" if script.scene(at).begins > 0 else "\n".join(ROWS)


Drawn = list[tuple[Translation, list[tuple[int, CutOut]]]]


def translated(picture: Picture, text: str) -> Drawn:
    """All that the pipeline says about a frame, and what is drawn of it."""
    engine = Scripted(lambda _: text, lambda source: FRENCH.get(source, source.upper()))
    told: Drawn = []
    done: set[int] = set()
    for state in translate_picture(picture, WISH, engine):
        new = [i for i, p in enumerate(state.passages) if p.translation is not None and i not in done]
        done.update(new)
        told.append((state, [(i, piece) for i in new if (piece := cut_out(picture, state, i))]))
    return told


def play(script: Script, text: Callable[[float], str] | None = None, fail: float = -1.0) -> Played:
    """fail: what is sent before this time comes to nothing."""
    live = LiveTranslation()
    played = Played(live)
    due: list[tuple[float, Picture, Drawn]] = []
    for number, at in enumerate(script.times()):
        if due and due[0][0] <= at:
            _, picture, told = due.pop()
            for state, drawn in told:
                live.took(picture, state, drawn)
            end: Event = Finished(reason="stop") if told else Failed(kind="EngineError", what="It died.", todo="Wait.")
            live.event(end, at)
        rgb = script.frame(at)
        turn = live.see(view(rgb, at))
        if turn.cancel and due:
            due.clear()
            live.event(Finished(reason="cancelled"), at)
        if turn.send:
            played.sent.append(at)
            picture = picture_of(Frame(rgb, number, at))
            words = text(at) if text else text_of(script, at)
            due.append((at + LOOK_S, picture, translated(picture, words) if at > fail else []))
        played.times.append(at)
        played.shown.append(live.shown())
    return played


def test_a_sign_at_rest_is_read_once_and_its_translation_stands_still() -> None:
    played = play(street(5.0))
    assert len(played.sent) == 1
    first = next(t for t, s in zip(played.times, played.shown, strict=True) if s)
    assert first - played.sent[0] <= LOOK_S + 0.1
    later = [s for t, s in zip(played.times, played.shown, strict=True) if t > first + 0.2]
    assert {tuple(one.passage.translation for one in shown) for shown in later} == {tuple(FRENCH.values())[:2]}
    assert all(one.opacity == 1.0 for shown in later for one in shown)
    places = np.array([[corners(one) for one in shown] for shown in later])
    assert np.abs(np.diff(places, axis=0)).max() < 2.5, "no more than the camera shakes"


def test_without_a_shake_not_a_pixel_moves() -> None:
    played = play(street(4.0, shake=0.0))
    places = np.array(
        [[corners(one) for one in shown] for t, shown in zip(played.times, played.shown, strict=True) if t > 1.5]
    )
    assert np.ptp(places, axis=0).max() == 0.0


def wander(at: float) -> np.ndarray:
    """To and fro, turning and coming nearer, after a second and a half."""
    t = max(0.0, at - 1.5)
    angle, scale = 0.08 * math.sin(1.7 * t), 1 + 0.08 * math.sin(1.1 * t)
    turn = cv2.getRotationMatrix2D((320, 180), math.degrees(angle), scale)
    turn[:, 2] += (28 * math.sin(2 * t), 14 * math.sin(1.3 * t))
    return np.vstack([turn, (0, 0, 1)])


def test_the_translation_follows_the_sign_and_is_not_read_again() -> None:
    script = street(7.0, camera=wander)
    played = play(script)
    assert len(played.sent) == 1
    then = played.times[next(i for i, s in enumerate(played.shown) if s)]
    home = [
        cv2.perspectiveTransform(played.corners(then, i)[None], np.linalg.inv(script.moved(then)))[0] for i in (0, 1)
    ]
    off = []
    for at, shown in zip(played.times, played.shown, strict=True):
        if at > then + 0.2:
            assert len(shown) == 2, at
            for one, rest in zip(shown, home, strict=True):
                off.append(np.abs(corners(one) - cv2.perspectiveTransform(rest[None], script.moved(at))[0]).max())
    assert np.quantile(off, 0.95) < 3.0
    assert max(off) < 6.0


def test_at_a_cut_it_is_gone_in_the_same_frame_and_the_new_sign_is_read() -> None:
    played = play(cut_to_exit(street(5.0), 2.5))
    after = next(i for i, t in enumerate(played.times) if t >= 2.5)
    assert played.shown[after - 1]
    assert not played.shown[after]
    assert [one.passage.translation for one in played.at(4.5)] == ["Sortie"]
    assert len(played.sent) == 2


def test_what_is_covered_is_hidden_and_comes_back() -> None:
    script = street(8.0)
    hand = Thing("square", 2.5, 5.0, (0.5, 0.94), 0.9, (190, 140, 110))
    script.scenes = (Scene(0.0, (*script.scenes[0].things, hand), 3),)
    played = play(script, lambda at: ROWS[0] if 2.0 < at < 5.0 else "\n".join(ROWS))
    assert len(played.at(2.0)) == 2
    assert [one.passage.translation for one in played.at(4.5)] == ["Guichet"]
    assert [one.passage.translation for one in played.at(7.5)] == ["Guichet", "Ouvert de 8 à 18"]


def test_a_reading_that_is_less_sure_changes_nothing() -> None:
    """A cup is put beside the sign, so the scene is read again, this time with a mistake."""
    script = street(6.0, shake=0.0)
    script.scenes = (Scene(0.0, (*script.scenes[0].things, Thing("circle", 2.5, 99, (0.9, 0.5), 0.2)), 3),)
    live_texts: list[str] = []

    def text(at: float) -> str:
        live_texts.append("\n".join(ROWS) if at < 2 else "Tickot office\nOpen from 8 to 18")
        return live_texts[-1]

    played = play(script, text)
    assert len(played.sent) == 2
    steady = [s for t, s in zip(played.times, played.shown, strict=True) if t > 1.5]
    assert {tuple(one.passage.translation for one in shown) for shown in steady} == {("Guichet", "Ouvert de 8 à 18")}
    assert np.ptp(np.array([[corners(one) for one in shown] for shown in steady]), axis=0).max() < 1.0
    state = played.live.state()
    assert state is not None
    assert state.original == "\n".join(ROWS)


def test_after_a_failure_it_is_tried_again() -> None:
    played = play(street(4.0), fail=0.5)
    assert len(played.sent) == 2
    assert len(played.at(3.9)) == 2
    assert played.live.error is None


def test_a_failure_is_kept_for_the_person() -> None:
    played = play(street(1.5), fail=5.0)
    assert played.live.error is not None
    assert played.live.error.what == "It died."


@pytest.mark.parametrize("rows", [["Ticket office"], ["Open from 8", "to 18 h"]])
def test_a_cut_out_covers_its_lines_and_nothing_far_from_them(rows: list[str]) -> None:
    sheet = signs.photograph(signs.sign(rows, 50), 5, seed=2)
    height, width = sheet.pixels.shape[:2]
    picture = Picture(width, height, sheet.pixels.tobytes())
    state, _ = translated(picture, "\n".join(rows))[-1]
    piece = cut_out(picture, state, 0)
    assert piece is not None
    mask = np.zeros((height, width), np.uint8)
    h, w = piece.pixels.shape[:2]
    mask[piece.top : piece.top + h, piece.left : piece.left + w] = piece.pixels[..., 3]
    for line in sheet.lines[: len(state.passages[0].lines)]:
        inside = cv2.fillConvexPoly(np.zeros_like(mask), np.rint(line.quad).astype(np.int32), 255) > 0
        assert (mask[inside] > 250).mean() > 0.98
    assert (mask > 0).mean() < 0.5


def test_nothing_is_drawn_for_what_stays_as_it_is() -> None:
    sheet = signs.sign(["42 km"], 50)
    height, width = sheet.pixels.shape[:2]
    picture = Picture(width, height, sheet.pixels.tobytes())
    engine = Scripted(lambda _: "42", lambda text: text)
    state = list(translate_picture(picture, WISH, engine))[-1]
    assert all(cut_out(picture, state, i) is None for i in range(len(state.passages)))
