"""Pictures as people have them: bad light, glare, faint and coloured print, walls, screens, newspapers, large scans.

Each function draws one kind of picture and knows every line of text in it, as `signs` does.
"""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

from app import paths
from tests.signs import SANS, Colour, Line, Pen, Sheet, letter, menu, sign

DISHES = [
    ("Tomato soup with basil", "4,50 €"),
    ("Grilled trout", "17,90 €"),
    ("Roast potatoes", "6,20 €"),
    ("House salad", "7,80 €"),
    ("Chocolate cake", "5,40 €"),
    ("Coffee", "2,90 €"),
]
PROSE = (
    "The town council met on Monday to talk about the old bridge over the river which has been closed since the flood "
    "of last spring and will now be built anew at a cost of two million as the mayor told our paper after the meeting "
    "people who live on the far bank have had to drive for half an hour to reach the market and the school"
)


def shaded(sheet: Sheet, seed: int = 0) -> Sheet:
    """Light from one side, and the hard shadow of the hand that holds the camera."""
    chance = np.random.default_rng(seed)
    height, width = sheet.pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    way = chance.uniform(0, 2 * np.pi)
    along = np.cos(way) * x / width + np.sin(way) * y / height
    light = 0.3 + 0.7 * (along - along.min()) / np.ptp(along)
    edge = x * chance.uniform(-0.4, 0.4) + y < height * chance.uniform(0.3, 0.7)
    light *= cv2.GaussianBlur(np.where(edge, 1.0, 0.5).astype(np.float32), (0, 0), max(2.0, width / 120))
    return _seen(sheet, sheet.pixels * light[..., None], seed)


def glaring(sheet: Sheet, seed: int = 0) -> Sheet:
    """A lamp mirrored in a laminated page: its middle is nearly white, letters in it are faint but there."""
    chance = np.random.default_rng(seed)
    height, width = sheet.pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    middle = chance.uniform(0.3, 0.7, 2) * (width, height)
    far = np.hypot((x - middle[0]) / (0.35 * width), (y - middle[1]) / (0.3 * height))
    veil = 0.82 * np.exp(-(far**2))[..., None]
    return _seen(sheet, sheet.pixels * 0.8 * (1 - veil) + 255 * veil, seed)


def walled(sheet: Sheet, paper: Colour, seed: int = 0) -> Sheet:
    """Letters painted on a rough wall: what was paper of one colour is plaster with joints between its stones."""
    chance = np.random.default_rng(seed)
    height, width = sheet.pixels.shape[:2]
    wall = np.zeros((height, width), np.float32)
    for scale, depth in ((3, 5.0), (9, 8.0), (40, 14.0)):
        coarse = chance.normal(0, 1, (height // scale + 2, width // scale + 2)).astype(np.float32)
        wall += depth * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    stone = max(24, height // 6)
    for row, y in enumerate(range(0, height, stone)):
        cv2.line(wall, (0, y), (width, y), -40, 2)
        for x in range(stone * (row % 2), width, 2 * stone):
            cv2.line(wall, (x, y), (x, y + stone), -40, 2)
    ink = np.abs(sheet.pixels.astype(np.float32) - np.array(paper, np.float32)).sum(axis=-1, keepdims=True)
    shown = np.clip(ink / max(1.0, float(ink.max())), 0, 1)
    rough = sheet.pixels + wall[..., None] * (1 - 0.6 * shown)
    return _seen(sheet, rough, seed)


def _seen(sheet: Sheet, light: NDArray[np.floating], seed: int, noise: float = 3.0, quality: int = 85) -> Sheet:
    """What a sensor and JPEG make of it."""
    chance = np.random.default_rng(seed + 1)
    picture = np.clip(light + chance.normal(0, noise, light.shape), 0, 255).astype(np.uint8)
    picture = np.asarray(cv2.GaussianBlur(picture, (3, 3), 0.6), np.uint8)
    _, packed = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return replace(sheet, pixels=np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1]))


def developed(sheet: Sheet, seed: int = 0) -> Sheet:
    """The sheet as it is, through a sensor and JPEG."""
    return _seen(sheet, sheet.pixels, seed)


def faint(gap: int, dark: bool = False, size: int = 30) -> Sheet:
    """Grey on grey, `gap` levels apart."""
    paper = 70 if dark else 205
    ink = paper + gap if dark else paper - gap
    return sign(["Visiting hours", "daily from 14 to 16"], size, (paper,) * 3, (ink,) * 3)


def posters(size: int = 34) -> Sheet:
    """Plates side by side whose colours differ in nothing but hue, each pair in another one, on a grey board."""
    pairs: list[tuple[Colour, Colour, str]] = [
        ((200, 60, 60), (60, 140, 60), "Fresh bread"),
        ((60, 90, 200), (160, 70, 60), "Night bus stop"),
        ((250, 235, 60), (250, 160, 30), "Summer sale"),
        ((40, 150, 160), (170, 110, 170), "Flower market"),
        ((250, 250, 250), (250, 225, 40), "Lemonade"),
        ((20, 20, 20), (10, 30, 150), "Cinema entrance"),
    ]
    plates = [sign([words], size, paper, ink) for paper, ink, words in pairs]
    width = max(plate.pixels.shape[1] for plate in plates) + 40
    height = sum(plate.pixels.shape[0] + 20 for plate in plates) + 20
    board = np.full((height, width, 3), 128, np.uint8)
    lines, top = [], 20
    for plate in plates:
        tall, wide = plate.pixels.shape[:2]
        board[top : top + tall, 20 : 20 + wide] = plate.pixels
        lines += [Line(line.text, line.quad + np.float32((20, top))) for line in plate.lines]
        top += tall + 20
    return Sheet(board, tuple(lines))


def screen(size: int = 15) -> Sheet:
    """A chat in dark mode: panels, bubbles, coloured names and links, small grey times."""
    pen = Pen(900, 620, (24, 26, 30), (215, 218, 222))
    pen.draw.rectangle((0, 0, 220, 620), fill=(32, 35, 41))
    pen.draw.line((220, 0, 220, 620), fill=(48, 52, 60), width=1)
    for row, name in enumerate(("Family", "Football club", "Work", "Neighbours", "Anna Petersen")):
        y = 40 + 62 * row
        pen.draw.ellipse((14, y - 14, 46, y + 18), fill=((52, 120, 200), (190, 90, 60), (90, 150, 80))[row % 3])
        pen.ink = (226, 228, 232)
        pen.write(60, y, name, size)
        pen.ink = (130, 135, 144)
        pen.write(60, y + 22, "See you on Sunday", size - 3)
    messages = (
        ("Has anybody seen my keys?", (42, 46, 54), (226, 228, 232)),
        ("They hang beside the door", (0, 92, 75), (233, 237, 239)),
        ("Thank you so much!", (42, 46, 54), (226, 228, 232)),
        ("www.example.org/lost-and-found", (42, 46, 54), (83, 189, 235)),
    )
    for row, (words, bubble, ink) in enumerate(messages):
        y, x = 90 + 110 * row, 260 if row % 2 == 0 else 480
        pen.draw.rounded_rectangle((x - 16, y - 28, x + 330, y + 42), 12, fill=bubble)
        pen.ink = ink
        pen.write(x, y, words, size + 1)
        pen.ink = (150, 160, 160)
        pen.write(x + 310, y + 32, f"1{row}:4{row}", size - 3, anchor="rs")
    return pen.sheet()


def newspaper(size: int = 20, gutter: float = 1.0) -> Sheet:
    """Justified columns with narrow gutters under a headline that runs over all of them; down each, then the next."""
    face = ImageFont.truetype(str(paths.assets_dir() / "fonts" / SANS), size)
    wide, rows, count = 13.5 * size, 16, 3
    pen = Pen(int(count * wide + (count - 1) * gutter * size + 4 * size), int((7 + 1.3 * rows) * size), *_NEWS)
    pen.write(2 * size, 3.2 * size, "The old bridge is to be built anew", int(2.2 * size))
    at, prose = 0, PROSE.split()
    for column in range(count):
        left = 2 * size + column * (wide + gutter * size)
        for row in range(rows):
            words: list[str] = []
            while True:
                word = prose[at % len(prose)]
                if words and face.getlength(" ".join([*words, word])) > wide:
                    break
                words.append(word)
                at += 1
            _justified(pen, face, words, left, (5.6 + 1.3 * row) * size, wide, size)
    return pen.sheet()


_NEWS: tuple[Colour, Colour] = ((226, 222, 210), (40, 38, 38))


def _justified(
    pen: Pen, face: ImageFont.FreeTypeFont, words: list[str], left: float, y: float, wide: float, size: int
) -> None:
    """One line, its spaces stretched to fill the column, and one entry for it."""
    free = (wide - sum(face.getlength(word) for word in words)) / max(1, len(words) - 1)
    first, x = len(pen.lines), left
    for word in words:
        pen.write(x, y, word, size)
        x += face.getlength(word) + free
    boxes = np.concatenate([line.quad for line in pen.lines[first:]])
    (x0, y0), (x1, y1) = boxes.min(axis=0), boxes.max(axis=0)
    pen.lines[first:] = [Line(" ".join(words), np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32))]


def scan(size: int = 11, width: int = 2400, height: int = 1800, seed: int = 0) -> Sheet:
    """The small print of a contract in a corner of a large scan, under a heading of ordinary size."""
    chance = np.random.default_rng(seed)
    rows = [[" ".join(chance.choice(PROSE.split(), 12)) for _ in range(6)] for _ in range(5)]
    small, head = letter(rows, size, 1.45), letter([["Terms of the contract"]], 60)
    page = np.full((height, width, 3), 250, np.uint8)
    lines = []
    for part, (left, top) in ((head, (300, 200)), (small, (300, 600))):
        tall, wide = part.pixels.shape[:2]
        page[top : top + tall, left : left + wide] = part.pixels
        lines += [Line(line.text, line.quad + np.float32((left, top))) for line in part.lines]
    return Sheet(page, tuple(lines))


PLASTER, PAINT = (176, 160, 140), (60, 40, 40)
KINDS: dict[str, tuple[float, Callable[[], list[Sheet]]]] = {
    "menu in bad light": (0.95, lambda: [shaded(menu(DISHES, "Menu", 26), seed) for seed in (0, 1)]),
    "sign in bad light": (0.95, lambda: [shaded(sign(["No parking", "at any time"], 48), seed) for seed in (0, 2)]),
    "glare": (0.95, lambda: [glaring(menu(DISHES, "Menu", 26), seed) for seed in (0, 1)]),
    "faint": (0.95, lambda: [developed(faint(gap, dark), gap) for gap in (24, 40) for dark in (False, True)]),
    "coloured on coloured": (0.95, lambda: [developed(posters(size), size) for size in (26, 40)]),
    "on a wall": (
        0.6,
        lambda: [
            walled(sign(["Way to the beach", "200 m"], size, PLASTER, PAINT), PLASTER, size) for size in (30, 50, 90)
        ],
    ),
    "dark screen": (0.95, lambda: [screen(14), screen(18)]),
    "newspaper": (0.9, lambda: [newspaper(16), shaded(newspaper(20, 1.2), 3)]),
    "large scan": (0.95, lambda: [scan()]),
}
"""By name: the share of lines that must be found, and what draws some pictures of the kind."""
