"""A scripted video: known things come, stay and leave at known times before a shaking camera, and scenes are cut.

Drawn by the project itself, so that a test knows what is true of every frame.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

Rgb = np.ndarray
"""(H, W, 3) uint8"""
Sprite = np.ndarray
"""(h, w, 4) uint8: colour and alpha"""
Box = tuple[float, float, float, float]

TRAVEL_S = 0.4
"""Seconds a thing takes to come into the picture or to leave it."""


@dataclass(frozen=True)
class Thing:
    """`name` slides in from the nearest side to rest at `at` (its middle, fractions) from `rests` until `goes`."""

    name: str
    rests: float
    goes: float
    at: tuple[float, float]
    size: float = 0.3
    """Of the picture's height."""
    colour: tuple[int, int, int] = (200, 40, 40)


@dataclass(frozen=True)
class Scene:
    begins: float
    things: tuple[Thing, ...]
    seed: int


@dataclass
class Script:
    """A video that can be asked for any moment's frame, and for what is true then."""

    scenes: tuple[Scene, ...]
    seconds: float
    size: tuple[int, int] = (1280, 720)
    fps: float = 30.0
    shake: float = 2.0
    """Pixels by which the camera wanders."""
    noise: float = 3.0
    """Standard deviation of each pixel's noise, levels."""
    sprites: Mapping[str, Sprite] = field(default_factory=dict)
    camera: Callable[[float], np.ndarray] = lambda _: np.eye(3)
    """How the camera moves besides: (3, 3), from where a thing rests to where it is seen, in pixels."""
    _grounds: dict[int, Rgb] = field(default_factory=dict)
    _grain: list[np.ndarray] = field(default_factory=list)

    def scene(self, at: float) -> Scene:
        return next(s for s in reversed(self.scenes) if s.begins <= at)

    def cuts(self) -> list[float]:
        return [s.begins for s in self.scenes[1:]]

    def steady(self, at: float) -> dict[str, Box]:
        """What rests in view, with boxes."""
        scene = self.scene(at)
        return {t.name: self._box(t, t.at) for t in scene.things if max(t.rests, scene.begins) <= at < t.goes}

    def visible(self, at: float) -> set[str]:
        """What can be seen at all, coming and going included."""
        scene = self.scene(at)
        return {t.name for t in scene.things if self._place(t, scene, at) is not None}

    def frame(self, at: float) -> Rgb:
        """The picture `at` seconds from the start."""
        scene = self.scene(at)
        width, height = self.size
        picture = self._ground(scene.seed).copy()
        for thing in scene.things:
            place = self._place(thing, scene, at)
            if place is not None:
                side = round(thing.size * height)
                paste(picture, self._sprite(thing, side), round(place[0] * width), round(place[1] * height))
        picture = cv2.warpPerspective(picture, self.moved(at), self.size, borderMode=cv2.BORDER_REPLICATE)
        return cv2.add(picture, self._noise(at), dtype=cv2.CV_8U)

    def moved(self, at: float) -> np.ndarray:
        """(3, 3): from where a thing rests to where it is seen, in pixels."""
        dx, dy = (self.shake * math.sin(at * speed) for speed in (3.1, 4.3))
        return np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]]) @ self.camera(at)

    def times(self) -> list[float]:
        return [i / self.fps for i in range(round(self.seconds * self.fps))]

    def write(self, path: Path) -> Path:
        """The video as a Motion JPEG file."""
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), self.fps, self.size)
        for at in self.times():
            writer.write(cv2.cvtColor(self.frame(at), cv2.COLOR_RGB2BGR))
        writer.release()
        return path

    def _box(self, thing: Thing, place: tuple[float, float]) -> Box:
        width, height = self.size
        half_h, half_w = thing.size / 2, thing.size / 2 * height / width
        return place[0] - half_w, place[1] - half_h, place[0] + half_w, place[1] + half_h

    def _place(self, thing: Thing, scene: Scene, at: float) -> tuple[float, float] | None:
        """Where the thing's middle is; None when it is outside."""
        start = thing.rests - TRAVEL_S
        if at >= thing.goes + TRAVEL_S or (at < start and thing.rests > scene.begins):
            return None
        outside = -thing.size if thing.at[0] < 0.5 else 1 + thing.size
        away = max((thing.rests - at) / TRAVEL_S, (at - thing.goes) / TRAVEL_S, 0.0)
        if thing.rests <= scene.begins and at < thing.goes:
            away = 0.0
        return thing.at[0] + (outside - thing.at[0]) * min(away, 1.0), thing.at[1]

    def _sprite(self, thing: Thing, side: int) -> Sprite:
        sprite = self.sprites.get(thing.name)
        return cv2.resize(sprite, (side, side)) if sprite is not None else shape(thing.name, side, thing.colour)

    def _ground(self, seed: int) -> Rgb:
        if seed not in self._grounds:
            self._grounds[seed] = ground(self.size, seed)
        return self._grounds[seed]

    def _noise(self, at: float) -> np.ndarray:
        if not self._grain:
            rng = np.random.default_rng(1)
            width, height = self.size
            self._grain = [rng.normal(0, self.noise, (height, width, 3)).astype(np.int16) for _ in range(3)]
        return self._grain[round(at * self.fps) % len(self._grain)]


def ground(size: tuple[int, int], seed: int) -> Rgb:
    """A wall or a table: one colour, unevenly lit, a little grained."""
    rng = np.random.default_rng(seed)
    base = rng.integers(90, 200, 3)
    light = cv2.resize(rng.normal(0, 18, (4, 6)), size, interpolation=cv2.INTER_CUBIC)
    grain = cv2.resize(rng.normal(0, 4, (size[1] // 12, size[0] // 12)), size, interpolation=cv2.INTER_CUBIC)
    return np.clip(base + light[..., None] + grain[..., None], 0, 255).astype(np.uint8)


def shape(name: str, side: int, colour: tuple[int, int, int]) -> Sprite:
    """A plain shape filling its square."""
    big = side * 4
    mask = np.zeros((big, big), np.uint8)
    if name == "circle":
        cv2.circle(mask, (big // 2, big // 2), big // 2 - 1, 255, -1)
    else:
        cv2.fillPoly(mask, [(np.array(_CORNERS[name]) * big).astype(np.int32)], 255)
    sprite = np.empty((side, side, 4), np.uint8)
    sprite[..., :3] = colour
    sprite[..., 3] = cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA)
    return sprite


def _star() -> list[tuple[float, float]]:
    angles = [math.pi * (i / 5 - 0.5) for i in range(10)]
    return [
        (0.5 + (0.2 if i % 2 else 0.5) * math.cos(a), 0.52 + (0.2 if i % 2 else 0.5) * math.sin(a))
        for i, a in enumerate(angles)
    ]


_CORNERS: dict[str, list[tuple[float, float]]] = {
    "square": [(0, 0), (1, 0), (1, 1), (0, 1)],
    "triangle": [(0.5, 0), (1, 1), (0, 1)],
    "diamond": [(0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)],
    "cross": [
        *((0.35, 0), (0.65, 0), (0.65, 0.35), (1, 0.35), (1, 0.65), (0.65, 0.65)),
        *((0.65, 1), (0.35, 1), (0.35, 0.65), (0, 0.65), (0, 0.35), (0.35, 0.35)),
    ],
    "star": _star(),
}


def paste(picture: Rgb, sprite: Sprite, x: int, y: int) -> None:
    """Lay the sprite over the picture, its middle at (x, y); what is outside is cut off."""
    height, width = sprite.shape[:2]
    left, top = x - width // 2, y - height // 2
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, picture.shape[1]), min(top + height, picture.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = sprite[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = part[..., 3:].astype(np.float32) / 255
    under = picture[y0:y1, x0:x1]
    under[:] = (part[..., :3] * alpha + under * (1 - alpha)).astype(np.uint8)


def desk(size: tuple[int, int] = (1280, 720), sprites: Mapping[str, Sprite] | None = None) -> Script:
    """Half a minute: an empty table, things that come and go, one quiet stretch, and two cuts."""
    red, blue, green, yellow = (200, 40, 40), (40, 60, 190), (30, 140, 60), (235, 200, 40)
    table = (
        Thing("star", 2.0, 7.5, (0.25, 0.4), 0.34, yellow),
        Thing("circle", 4.5, 20.0, (0.7, 0.55), 0.3, red),
        Thing("cross", 16.0, 18.5, (0.3, 0.6), 0.32, blue),
    )
    wall = (
        Thing("triangle", 0.0, 26.0, (0.3, 0.5), 0.36, green),
        Thing("square", 23.5, 99.0, (0.72, 0.4), 0.26, blue),
    )
    back = (Thing("diamond", 0.0, 99.0, (0.5, 0.5), 0.4, red),)
    scenes = (Scene(0.0, table, 3), Scene(21.0, wall, 8), Scene(28.0, back, 15))
    return Script(scenes, 31.0, size, sprites=sprites or {})
