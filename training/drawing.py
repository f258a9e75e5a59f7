"""Drawing with numpy and OpenCV: sprites, backgrounds, and what a poor camera does to a picture. Colours are RGB,
0..255."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from . import fonts
from .kinds import COLOURS

Rng = np.random.Generator
Picture = NDArray[np.uint8]
Sprite = NDArray[np.uint8]
"""(height, width, 4): colour and alpha."""

cv2.setNumThreads(1)


@dataclass(frozen=True)
class Placed:
    """Where a sprite came to lie: its box in pixels (x0, y0, x1, y1) and the map from sprite to picture (2, 3)."""

    box: tuple[float, float, float, float]
    matrix: NDArray[np.float64]


def paste(
    canvas: Picture,
    owner: NDArray[np.int8],
    mark: int,
    sprite: Sprite,
    centre: tuple[float, float],
    size: tuple[float, float],
    degrees: float = 0.0,
    opacity: float = 1.0,
) -> Placed | None:
    """Blend ``sprite``, scaled to ``size`` (width, height) and turned, onto ``canvas``; ``owner`` gets ``mark`` where
    it shows. Returns None if less than half of it lies inside."""
    while min(sprite.shape[0] / max(size[1], 1), sprite.shape[1] / max(size[0], 1)) > 2.0 and min(sprite.shape[:2]) > 8:
        sprite = _halved(sprite)
    height, width = sprite.shape[:2]
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([size[0] / width, size[1] / height])
    matrix = np.column_stack([linear, np.array(centre) - linear @ np.array([width / 2, height / 2])])
    corners = matrix @ np.array([[0, width, width, 0], [0, 0, height, height], [1, 1, 1, 1]])
    x0, y0 = np.maximum(np.floor(corners.min(1)).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(corners.max(1)).astype(int), (canvas.shape[1], canvas.shape[0]))
    if x1 - x0 < 3 or y1 - y0 < 3:
        return None
    shifted = matrix.copy()
    shifted[:, 2] -= (x0, y0)
    warped = cv2.warpAffine(sprite, shifted, (int(x1 - x0), int(y1 - y0)), flags=cv2.INTER_LINEAR)
    alpha = warped[:, :, 3]
    shows = alpha > 96
    if not shows.any() or shows.sum() < 0.5 * (sprite[:, :, 3] > 96).sum() * abs(np.linalg.det(linear)):
        return None
    weight = alpha[:, :, None].astype(np.float32) * (opacity / 255)
    part = canvas[y0:y1, x0:x1]
    part[:] = (part + weight * (warped[:, :, :3] - part.astype(np.float32))).astype(np.uint8)
    owner[y0:y1, x0:x1][shows] = mark
    columns, rows = np.flatnonzero(shows.any(0)), np.flatnonzero(shows.any(1))
    box = (float(x0 + columns[0]), float(y0 + rows[0]), float(x0 + columns[-1] + 1), float(y0 + rows[-1] + 1))
    return Placed(box, matrix)


def _halved(sprite: Sprite) -> Sprite:
    return np.asarray(cv2.resize(sprite, (sprite.shape[1] // 2, sprite.shape[0] // 2), interpolation=cv2.INTER_AREA))


def shrunk(sprite: Sprite, side: float) -> Sprite:
    """Halved as long as its shorter side stays at least ``side``: what is done to few pixels is done fast."""
    while min(sprite.shape[:2]) // 2 >= side:
        sprite = _halved(sprite)
    return sprite


def near_colour(name: str, rng: Rng) -> NDArray[np.float32]:
    """A shade that people still call ``name``."""
    spread = 9 if name in ("black", "white", "gray") else 16
    shift = np.full(3, rng.normal(0, spread)) if name in ("black", "white", "gray") else rng.normal(0, spread, 3)
    return np.clip(np.array(COLOURS[name]) + shift, 0, 255).astype(np.float32)


def tint(sprite: Sprite, colour: NDArray[np.float32]) -> Sprite:
    """The sprite's outline filled with one colour."""
    out = sprite.copy()
    out[:, :, :3] = colour
    return out


def shape(name: str, colour: NDArray[np.float32], rng: Rng) -> Sprite:
    """One of the project's own flat shapes, drawn at 160 pixels."""
    size, mid, r = 160, 80, 74
    turn = {"triangle": -90, "square": 45, "diamond": 0, "hexagon": 0, "star": -90}.get(name, 0)
    mask = Image.new("L", (size, size))
    draw = ImageDraw.Draw(mask)
    if name == "circle":
        draw.ellipse((mid - r, mid - r, mid + r, mid + r), fill=255)
    elif name == "crescent":
        draw.ellipse((mid - r, mid - r, mid + r, mid + r), fill=255)
        draw.ellipse((mid - r * 0.35, mid - r * 0.9, mid + r * 1.4, mid + r * 0.85), fill=0)
    elif name == "cross":
        w = rng.uniform(18, 32)
        draw.rectangle((mid - w, mid - r, mid + w, mid + r), fill=255)
        draw.rectangle((mid - r, mid - w, mid + r, mid + w), fill=255)
    elif name == "arrow":
        w = rng.uniform(12, 24)
        draw.rectangle((mid - r, mid - w, mid + 15, mid + w), fill=255)
        draw.polygon([(mid, mid - r * 0.8), (mid + r, mid), (mid, mid + r * 0.8)], fill=255)
    elif name == "heart":
        angle = np.linspace(0, 2 * np.pi, 60)
        x = 16 * np.sin(angle) ** 3
        y = 13 * np.cos(angle) - 5 * np.cos(2 * angle) - 2 * np.cos(3 * angle) - np.cos(4 * angle)
        draw.polygon([(mid + a * 4.4, mid - b * 4.4 - 8) for a, b in zip(x, y, strict=True)], fill=255)
    else:
        corners = {"triangle": 3, "square": 4, "diamond": 4, "hexagon": 6, "star": 10}[name]
        angles = np.deg2rad(turn + np.arange(corners) * 360 / corners)
        radius = (
            np.where(np.arange(corners) % 2, r * rng.uniform(0.38, 0.5), r) if name == "star" else np.full(corners, r)
        )
        squeeze = rng.uniform(0.62, 0.8) if name == "diamond" else 1.0
        draw.polygon(
            [(mid + d * np.cos(a) * squeeze, mid + d * np.sin(a)) for d, a in zip(radius, angles, strict=True)],
            fill=255,
        )
    sprite = np.empty((size, size, 4), np.uint8)
    sprite[:, :, :3], sprite[:, :, 3] = colour, np.asarray(mask)
    return sprite


def scribble(rng: Rng) -> Sprite:
    """A thing without a name: random polygons, curves or blots."""
    picture = Image.new("RGBA", (160, 160))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(1, 6))):
        colour = (*(int(c) for c in rng.integers(0, 256, 3)), 255)
        points = [tuple(p) for p in rng.uniform(8, 152, (int(rng.integers(5, 10)), 2))]
        if rng.random() < 0.5:
            draw.polygon(points, fill=colour)
        else:
            draw.line(points, fill=colour, width=int(rng.integers(3, 12)), joint="curve")
    return np.asarray(picture)


@dataclass(frozen=True)
class Lettering:
    """A word drawn as a sprite; ``centres`` are its letters' middles, ``sizes`` their widths and heights (about), in
    sprite pixels (n, 2)."""

    sprite: Sprite
    centres: NDArray[np.float64]
    sizes: NDArray[np.float64]


def letter(
    word: str,
    font: str,
    ink: NDArray[np.float32],
    board: NDArray[np.float32] | None,
    rng: Rng,
    height: int = 40,
) -> Lettering:
    """The word in letters of ``height`` pixels, on a board if one is given."""
    drawn, left, edges = fonts.draw(word, font, height)
    pad = int(rng.integers(4, 22)) if board is not None else 3
    wide, tall = drawn.shape[1] + 2 * pad, drawn.shape[0] + 2 * pad
    middles = (edges[:-1] + edges[1:]) / 2 + pad - left
    weight = np.zeros((tall, wide, 1), np.float32)
    weight[pad:-pad, pad:-pad, 0] = drawn / np.float32(255)
    sprite = np.empty((tall, wide, 4), np.uint8)
    if board is None:
        sprite[:, :, :3], sprite[:, :, 3] = ink, weight[:, :, 0] * 255
    else:
        plate = Image.new("L", (wide, tall))
        ImageDraw.Draw(plate).rounded_rectangle((0, 0, wide - 1, tall - 1), radius=int(rng.integers(0, 14)), fill=255)
        sprite[:, :, :3], sprite[:, :, 3] = ink * weight + board * (1 - weight), np.asarray(plate)
    sizes = np.column_stack([np.diff(edges), np.full(len(word), drawn.shape[0])])
    return Lettering(sprite, np.column_stack([middles, np.full(len(word), tall / 2)]), sizes)


def background(height: int, width: int, rng: Rng) -> Picture:
    """Plain, graded, mottled, striped, or two surfaces meeting: what things may lie on."""
    kind = rng.random()
    base = rng.uniform(0, 255, 3) if rng.random() < 0.6 else rng.uniform(190, 255) + rng.normal(0, 6, 3)
    if kind < 0.35:
        picture = np.broadcast_to(base, (height, width, 3)).astype(np.float32)
    elif kind < 0.60:
        corners = (base + rng.normal(0, 45, (2, 2, 3))).astype(np.float32)
        picture = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)
    elif kind < 0.82:
        cells = int(rng.integers(3, 24))
        mottle = (base + rng.normal(0, rng.uniform(5, 45), (cells, cells, 3))).astype(np.float32)
        picture = cv2.resize(mottle, (width, height), interpolation=cv2.INTER_CUBIC)
    elif kind < 0.92:
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        angle = rng.uniform(0, np.pi)
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * rng.uniform(0.08, 0.6))
        wave = np.sign(wave) if rng.random() < 0.5 else wave
        picture = (base + wave[:, :, None] * rng.normal(0, 22, 3)).astype(np.float32)
    else:
        picture = np.empty((height, width, 3), np.float32)
        picture[:] = base
        picture[int(height * rng.uniform(0.3, 0.8)) :] = rng.uniform(0, 255, 3)
    if rng.random() < 0.3:
        picture = picture + rng.normal(0, rng.uniform(2, 10), (height, width, 1))
    return np.clip(picture, 0, 255).astype(np.uint8)


def degrade(picture: Picture, rng: Rng, strength: float) -> Picture:
    """Light, blur, noise and JPEG, as of a camera held by hand; ``strength`` 0..1 scales each and how many occur."""
    out = picture.astype(np.float32)
    height, width = out.shape[:2]
    if rng.random() < 0.6 * strength:
        light = rng.uniform(1 - 0.5 * strength, 1 + 0.25 * strength, (2, 2, 1)) * rng.uniform(
            1 - 0.08 * strength, 1.05, 3
        )
        out *= cv2.resize(light.astype(np.float32), (width, height))
    if rng.random() < 0.4 * strength:
        out = 255 * (np.clip(out, 0, 255) / 255) ** rng.uniform(0.65, 1.6)
    if rng.random() < 0.5 * strength:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.3, 0.4 + 0.9 * strength))
    elif rng.random() < 0.2 * strength:
        length = int(rng.integers(2, 6))
        kernel = np.zeros((length, length), np.float32)
        np.fill_diagonal(kernel if rng.random() < 0.5 else kernel[:, ::-1], 1 / length)
        out = cv2.filter2D(out, -1, kernel)
    if rng.random() < 0.5 * strength:
        out += rng.standard_normal((height, width, 3), np.float32) * np.float32(rng.uniform(1, 3 + 14 * strength))
    out = np.clip(out, 0, 255).astype(np.uint8)
    if rng.random() < 0.3 * strength:
        _, data = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 85))])
        out = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return out
