"""The same thing as other hands would draw it: colours, outlines, strokes, proportions; sprites as in ``drawing``."""

import cv2
import numpy as np

from .drawing import Rng, Sprite


def vary(sprite: Sprite, rng: Rng) -> Sprite:
    """Another hand's drawing of the same thing: mirrored, other colours, flat tones, outlines, a sticker's rim."""
    sprite = np.array(sprite[:, ::-1] if rng.random() < 0.5 else sprite)
    colour = sprite[:, :, :3].astype(np.float32)
    chance = rng.random()
    if chance < 0.45:
        grey = colour.mean(2, keepdims=True)
        colour = grey + (colour - grey) * rng.uniform(0.3, 1.5)
        colour = colour @ (np.eye(3) + rng.normal(0, 0.06, (3, 3))).astype(np.float32)
        colour = (colour - 128) * rng.uniform(0.7, 1.25) + 128 + rng.uniform(-25, 25)
    elif chance < 0.49:
        colour = np.repeat(colour.mean(2, keepdims=True), 3, 2)
    elif chance < 0.53:
        step = rng.uniform(40, 90)
        colour = np.floor(colour / step) * step + step / 2
    elif chance < 0.56:
        colour = colour[:, :, rng.permutation(3)]
    sprite[:, :, :3] = np.clip(colour, 0, 255)
    if rng.random() < 0.2:
        sprite = outline(sprite, rng)
    return sprite


def outline(sprite: Sprite, rng: Rng) -> Sprite:
    """A dark line round the shape and along inner edges, or a light rim as stickers have."""
    thick = max(1, round(int(rng.integers(2, 6)) * sprite.shape[0] / 160))
    alpha = sprite[:, :, 3]
    grown = cv2.dilate(alpha, np.ones((2 * thick + 1, 2 * thick + 1), np.uint8))
    light = rng.random() < 0.3
    line = np.full(3, rng.uniform(225, 255) if light else rng.uniform(0, 50), np.float32)
    colour = sprite[:, :, :3]
    if not light and rng.random() < 0.6:
        edges = cv2.Canny(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY), 40, 120)
        edges = cv2.dilate(edges, np.ones((3, 3), np.uint8))
        colour[(edges > 0) & (alpha > 0)] = line
    weight = alpha[:, :, None].astype(np.float32) / 255
    out = np.empty_like(sprite)
    out[:, :, :3] = colour * weight + line * (1 - weight)
    out[:, :, 3] = grown
    return out


def wild(sprite: Sprite, rng: Rng) -> Sprite:
    """What no set of pictograms draws: bent proportions, other hues, a few tones, thicker or thinner strokes, lines on
    plain paper. Whoever knows a thing by the strokes of some sets does not know it in the next one's."""
    sprite = bent(sprite, rng) if rng.random() < 0.6 else np.array(sprite)
    ways = (hued, toned, stroked, smoothed, lined)
    for way in rng.permutation(len(ways))[: int(rng.integers(1, 3))]:
        sprite = ways[way](sprite, rng)
    return outline(sprite, rng) if rng.random() < 0.35 else sprite


def bent(sprite: Sprite, rng: Rng) -> Sprite:
    """Pulled about by a coarse grid, up to a twelfth of its side."""
    height, width = sprite.shape[:2]
    cells = int(rng.integers(3, 6))
    pull = rng.uniform(-1, 1, (cells, cells, 2)) * rng.uniform(0.02, 0.08) * min(height, width)
    pull = cv2.resize(pull.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    pull[:, :, 0] += np.arange(width, dtype=np.float32)
    pull[:, :, 1] += np.arange(height, dtype=np.float32)[:, None]
    return np.asarray(cv2.remap(sprite, pull, None, cv2.INTER_LINEAR))


def hued(sprite: Sprite, rng: Rng) -> Sprite:
    """All hues turned alike, and more or less of them."""
    hsv = cv2.cvtColor(np.ascontiguousarray(sprite[:, :, :3]), cv2.COLOR_RGB2HSV)
    hsv[:, :, 0] = (hsv[:, :, 0].astype(int) + int(rng.integers(180))) % 180
    hsv[:, :, 1] = np.clip(hsv[:, :, 1] * rng.uniform(0.3, 1.6), 0, 255)
    sprite[:, :, :3] = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return sprite


def toned(sprite: Sprite, rng: Rng) -> Sprite:
    """Two to five colours at most, one for each step of lightness, most often the lighter the lighter."""
    count = int(rng.integers(2, 6))
    inks = rng.uniform(0, 255, (count, 3)).astype(np.uint8)
    inks = inks[np.argsort(inks.sum(1, dtype=int))] if rng.random() < 0.8 else inks
    grey = cv2.cvtColor(np.ascontiguousarray(sprite[:, :, :3]), cv2.COLOR_RGB2GRAY)
    low, high = (
        (int(v) for v in np.percentile(grey[sprite[:, :, 3] > 96], (2, 98))) if sprite[:, :, 3].any() else (0, 1)
    )
    steps = np.clip((np.arange(256) - low) * count // max(high - low, 1), 0, count - 1)
    sprite[:, :, :3] = inks[steps][grey]
    return sprite


def stroked(sprite: Sprite, rng: Rng) -> Sprite:
    """Its light parts grow at the expense of the dark ones, or the other way round."""
    side = max(2, round(int(rng.integers(2, 6)) * sprite.shape[0] / 160))
    change = cv2.dilate if rng.random() < 0.5 else cv2.erode
    sprite[:, :, :3] = change(np.ascontiguousarray(sprite[:, :, :3]), np.ones((side, side), np.uint8))
    return sprite


def smoothed(sprite: Sprite, rng: Rng) -> Sprite:
    """Without its small details."""
    side = 2 * max(1, round(int(rng.integers(2, 6)) * sprite.shape[0] / 160)) + 1
    sprite[:, :, :3] = cv2.medianBlur(np.ascontiguousarray(sprite[:, :, :3]), side)
    return sprite


def lined(sprite: Sprite, rng: Rng) -> Sprite:
    """Its edges in ink, on one light colour or on what is left of its own."""
    alpha = sprite[:, :, 3]
    edges = cv2.Canny(cv2.cvtColor(np.ascontiguousarray(sprite[:, :, :3]), cv2.COLOR_RGB2GRAY), 30, 90)
    side = max(2, round(int(rng.integers(3, 7)) * sprite.shape[0] / 160))
    ink = cv2.dilate(edges, np.ones((side, side), np.uint8))
    ink |= cv2.morphologyEx(alpha, cv2.MORPH_GRADIENT, np.ones((side, side), np.uint8))
    own = rng.uniform(0, 0.9) if rng.random() < 0.6 else 0.0
    paper, line = rng.uniform(190, 255, 3), rng.uniform(0, 70, 3)
    sprite[:, :, :3] = np.clip(sprite[:, :, :3] * np.float32(own) + (paper * (1 - own)).astype(np.float32), 0, 255)
    sprite[(ink > 96) & (alpha > 0), :3] = line
    return sprite


def coloured_in(sprite: Sprite, like: Sprite, rng: Rng) -> Sprite:
    """A line drawing with what its lines enclose filled as a child fills it: in the colours of another drawing of the
    same thing, in any colours, or left white. Lines are of one dark colour."""
    ink = sprite[:, :, 3]
    height, width = ink.shape
    framed = np.pad((ink < 96).astype(np.uint8), 1, constant_values=1)
    _, parts, table, middles = cv2.connectedComponentsWithStats(framed, connectivity=4)
    parts = parts[1:-1, 1:-1]
    inks = np.full((len(table), 3), 255.0)
    inks += rng.normal(0, 5, 3)
    if rng.random() < 0.8:
        places = np.clip(np.round(middles * (like.shape[1] / width, like.shape[0] / height)).astype(int), 0, None)
        x, y = np.minimum(places[:, 0], like.shape[1] - 1), np.minimum(places[:, 1], like.shape[0] - 1)
        shown = like[y, x, 3] > 200
        inks[shown] = like[y, x, :3][shown]
    if rng.random() < 0.3:
        inks = inks[rng.permutation(len(inks))] if rng.random() < 0.5 else rng.uniform(0, 255, inks.shape)
    out = np.empty_like(sprite)
    weight = ink[:, :, None].astype(np.float32) / 255
    line = rng.uniform(0, 60) + rng.uniform(0, 30, 3)
    out[:, :, :3] = np.clip(inks, 0, 255)[parts] * (1 - weight) + line * weight
    out[:, :, 3] = np.where(parts == parts[0, 0], ink, 255)
    return out
