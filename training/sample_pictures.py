"""``python -m training.sample_pictures``: the pictures for a first start, ``assets/samples``, drawn by the project."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import art, drawing, fonts
from .paths import WORK

SAMPLES = Path(__file__).parent.parent / "assets" / "samples"
_HEIGHT, _WIDTH = 480, 640
_SET = "fluent-emoji-flat"

Colour = tuple[int, int, int]


def graded(top: Colour, bottom: Colour, height: int = _HEIGHT) -> drawing.Picture:
    """A surface that passes from one colour to another."""
    ends = np.array([[top], [bottom]], np.float32)
    picture: drawing.Picture = cv2.resize(ends, (_WIDTH, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    return picture


def meadow() -> drawing.Picture:
    """A sky over grass."""
    picture = graded((150, 205, 245), (225, 242, 252))
    picture[330:] = graded((134, 194, 104), (96, 160, 80), _HEIGHT - 330)
    return picture


def room() -> drawing.Picture:
    """A wall over a table."""
    picture = graded((246, 236, 219), (236, 222, 200))
    picture[310:] = graded((176, 124, 84), (146, 98, 64), _HEIGHT - 310)
    return picture


def place(picture: drawing.Picture, icon: str, x: int, y: int, size: int, degrees: float = 0.0) -> None:
    """Draw one icon of the set, with a soft shadow under it."""
    icons = art.read_icons(art.fetch(_SET, art.TRAIN_SETS[_SET], WORK / "npm"))
    margin = size // 2  # room for the shadow to fade
    sprite = np.pad(art.render(icons[icon], 2 * size), ((margin, margin), (margin, margin), (0, 0)))
    side = sprite.shape[0] / 2
    owner = np.full(picture.shape[:2], -1, np.int8)
    shadow = drawing.tint(sprite, np.zeros(3, np.float32))
    shadow[:, :, 3] = cv2.GaussianBlur(shadow[:, :, 3], (0, 0), size / 16)
    drawing.paste(picture, owner, 0, shadow, (x + size * 0.03, y + size * 0.05), (side, side), degrees, opacity=0.25)
    drawing.paste(picture, owner, 0, sprite, (x, y), (side, side), degrees)


def sign(word: str, ink: Colour, board: Colour) -> drawing.Picture:
    """A word on a board on a plastered wall."""
    rng = np.random.default_rng(3)
    picture = graded((214, 210, 202), (188, 182, 172))
    face = next(f for f in fonts.find(("OpenSans-",)) if "Bold" in f and "Italic" not in f)
    colours: list[NDArray[np.float32]] = [np.array(c, np.float32) for c in (ink, board)]
    lettering = drawing.letter(word, face, colours[0], colours[1], rng, height=120)
    tall, wide = lettering.sprite.shape[:2]
    scale = 520 / wide
    owner = np.full(picture.shape[:2], -1, np.int8)
    drawing.paste(picture, owner, 0, lettering.sprite, (_WIDTH / 2, _HEIGHT / 2), (wide * scale, tall * scale), -2.0)
    return picture


def chart() -> drawing.Picture:
    """Four labelled bars; the third is the highest."""
    picture = np.full((_HEIGHT, _WIDTH, 3), 250, np.uint8)
    owner = np.full(picture.shape[:2], -1, np.int8)
    face = next(f for f in fonts.find(("OpenSans-",)) if "Bold" in f and "Italic" not in f)
    ink, rng = np.array((40, 40, 48), np.float32), np.random.default_rng(1)
    shades = ((66, 133, 190), (232, 146, 60), (90, 168, 104), (186, 92, 130))
    for i, (label, tall, shade) in enumerate(zip("ABCD", (150, 95, 320, 210), shades, strict=True)):
        left = 75 + i * 135
        picture[400 - tall : 400, left : left + 85] = shade
        sprite = drawing.letter(label, face, ink, None, rng).sprite
        size = (56 * sprite.shape[1] / sprite.shape[0], 56.0)
        drawing.paste(picture, owner, 0, sprite, (left + 42, 440), size)
    picture[400:404, 50:600] = 40
    return picture


def main() -> None:
    SAMPLES.mkdir(parents=True, exist_ok=True)
    dog, table, balloons = meadow(), room(), graded((120, 180, 240), (222, 240, 252))
    place(dog, "dogface", 320, 275, 300)
    place(table, "catface", 140, 210, 190)
    place(table, "soccerball", 345, 300, 150)
    place(table, "redapple", 525, 290, 140)
    for x, y, lean in ((150, 210, -8), (325, 265, 0), (500, 195, 7)):
        place(balloons, "balloon", x, y, 190, lean)
    pictures = {
        "dog": dog,
        "table": table,
        "balloons": balloons,
        "sign": sign("AUSGANG", (255, 255, 255), (24, 122, 76)),
        "chart": chart(),
    }
    for name, picture in pictures.items():
        Image.fromarray(picture).save(SAMPLES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
