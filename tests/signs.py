"""Drawn signs, menus, letters, tables and columns whose every line of text is known: words, place and order.

A `Sheet` is drawn flat, then `photograph` puts it into a scene: tilted, in perspective, with light falling off, noise
and the artefacts of JPEG. A line's quadrilateral is the box around its ink, corners clockwise from the top left, and
goes through the same homography as the pixels.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from app import paths

Colour = tuple[int, int, int]
Quad = NDArray[np.float32]

SANS = "NotoSans-Regular.ttf"
SCRIPT_FONTS = {
    "ar": "NotoSansArabic-Regular.ttf",
    "he": "NotoSansHebrew-Regular.ttf",
    "hi": "NotoSansDevanagari-Regular.ttf",
    "th": "NotoSansThai-Regular.ttf",
    "zh": "DroidSansFallbackFull.ttf",
}
WORDS = (
    "no",
    "parking",
    "exit",
    "only",
    "caution",
    "wet",
    "floor",
    "please",
    "ring",
    "bell",
    "open",
    "daily",
    "ticket",
)


@dataclass(frozen=True)
class Line:
    """One line of text and the box of its ink, (4, 2) float32 pixels."""

    text: str
    quad: Quad


@dataclass(frozen=True)
class Sheet:
    """A drawn picture (height, width, 3) uint8 RGB and its lines in reading order."""

    pixels: NDArray[np.uint8]
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


class Pen:
    """Draws lines of text on a plain sheet and remembers where their ink went."""

    def __init__(self, width: int, height: int, paper: Colour, ink: Colour) -> None:
        self.image = Image.new("RGB", (width, height), paper)
        self.draw = ImageDraw.Draw(self.image)
        self.ink = ink
        self.lines: list[Line] = []

    def write(self, x: float, baseline: float, text: str, size: int, font: str = SANS, anchor: str = "ls") -> float:
        """Write `text` at a baseline (size: pixels of an em); returns the right edge of its ink."""
        face = ImageFont.truetype(font if "/" in font else str(paths.assets_dir() / "fonts" / font), size)
        left, top, right, bottom = self.draw.textbbox((x, baseline), text, font=face, anchor=anchor)
        self.draw.text((x, baseline), text, font=face, fill=self.ink, anchor=anchor)
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        self.lines.append(Line(text, np.array(corners, np.float32)))
        return right

    def sheet(self) -> Sheet:
        return Sheet(np.asarray(self.image), tuple(self.lines))


def sign(
    rows: list[str], size: int = 60, paper: Colour = (20, 70, 140), ink: Colour = (245, 245, 240), font: str = SANS
) -> Sheet:
    """A plate with a rim and centred rows."""
    longest = max(ImageFont.truetype(str(paths.assets_dir() / "fonts" / font), size).getlength(row) for row in rows)
    width, height = int(longest + 2.4 * size), int((1.45 * len(rows) + 1.3) * size)
    pen = Pen(width, height, paper, ink)
    rim = max(2, size // 14)
    pen.draw.rounded_rectangle((2 * rim, 2 * rim, width - 2 * rim, height - 2 * rim), size // 3, outline=ink, width=rim)
    for row, text in enumerate(rows):
        pen.write(width / 2, (1.55 + 1.45 * row) * size, text, size, font, "ms")
    return pen.sheet()


def menu(dishes: list[tuple[str, str]], title: str = "", size: int = 28, width: int = 760) -> Sheet:
    """Dishes on the left, prices ranged right; reading order goes row by row."""
    pen = Pen(width, int(size * (1.75 * len(dishes) + (4.6 if title else 2))), (250, 244, 228), (60, 30, 20))
    y = 1.8 * size
    if title:
        pen.write(width / 2, y + size * 0.6, title, int(size * 1.7), anchor="ms")
        y += 2.8 * size
    for dish, price in dishes:
        pen.write(1.5 * size, y, dish, size)
        pen.write(width - 1.5 * size, y, price, size, anchor="rs")
        y += 1.75 * size
    return pen.sheet()


def letter(
    paragraphs: list[list[str]], size: int = 22, leading: float = 1.35, width: int = 0, font: str = SANS
) -> Sheet:
    """Paragraphs of given lines, ranged left, with a gap between paragraphs."""
    face = ImageFont.truetype(font if "/" in font else str(paths.assets_dir() / "fonts" / font), size)
    longest = max(face.getlength(line) for paragraph in paragraphs for line in paragraph)
    rows = sum(map(len, paragraphs))
    height = int(size * (leading * rows + 0.9 * len(paragraphs) + 3))
    pen = Pen(width or int(longest + 4 * size), height, (252, 252, 250), (30, 30, 36))
    y = 2.2 * size
    for paragraph in paragraphs:
        for line in paragraph:
            pen.write(2 * size, y, line, size, font)
            y += leading * size
        y += 0.9 * size
    return pen.sheet()


def table(cells: list[list[str]], size: int = 24, column: int = 220) -> Sheet:
    """A ruled table; reading order goes row by row."""
    row_height = int(2.2 * size)
    width, height = column * len(cells[0]) + 2 * size, row_height * len(cells) + 2 * size
    pen = Pen(width, height, (255, 255, 255), (20, 20, 20))
    for y in range(len(cells) + 1):
        pen.draw.line((size, size + y * row_height, width - size, size + y * row_height), fill=(90, 90, 90), width=2)
    for x in range(len(cells[0]) + 1):
        pen.draw.line(
            (size + x * column, size, size + x * column, size + row_height * len(cells)), fill=(90, 90, 90), width=2
        )
    for y, row in enumerate(cells):
        for x, text in enumerate(row):
            pen.write(size + x * column + 0.5 * size, size + (y + 0.66) * row_height, text, size)
    return pen.sheet()


def columns(texts: list[list[str]], size: int = 20, gutter: float = 2.5) -> Sheet:
    """Newspaper columns; reading order goes down each column."""
    face = ImageFont.truetype(str(paths.assets_dir() / "fonts" / SANS), size)
    widths = [max(face.getlength(line) for line in text) for text in texts]
    height = int(size * (1.4 * max(map(len, texts)) + 3))
    pen = Pen(int(sum(widths) + gutter * size * (len(texts) + 1)), height, (255, 253, 247), (15, 15, 15))
    x = gutter * size
    for text, width in zip(texts, widths, strict=True):
        for row, line in enumerate(text):
            pen.write(x, (2.2 + 1.4 * row) * size, line, size)
        x += width + gutter * size
    return pen.sheet()


def stacked(
    texts: list[str],
    size: int = 40,
    font: str = SCRIPT_FONTS["zh"],
    pitch: float = 1.15,
    gutter: float = 0.7,
    paper: Colour = (250, 248, 240),
) -> Sheet:
    """Columns of upright signs, one below another; reading order goes down each column, from the right one on."""
    width, height = int(size * ((1 + gutter) * len(texts) + 1.4)), int(size * (pitch * max(map(len, texts)) + 2))
    pen = Pen(width, height, paper, (20, 20, 20))
    columns = []
    for number, text in enumerate(texts):
        before = len(pen.lines)
        for row, char in enumerate(text):
            x = width - size * (1.2 + (1 + gutter) * number)
            pen.write(x, size * (1 + pitch * (row + 0.5)), char, size, font, "mm")
        ink = np.concatenate([line.quad for line in pen.lines[before:]])
        (left, top), (right, bottom) = ink.min(axis=0), ink.max(axis=0)
        corners = [(right, top), (right, bottom), (left, bottom), (left, top)]
        columns.append(Line(text, np.array(corners, np.float32)))
    return Sheet(np.asarray(pen.image), tuple(columns))


def turned(sheet: Sheet, up: bool) -> Sheet:
    """The sheet turned by a quarter, so that its lines run up, or down."""
    height, width = sheet.pixels.shape[:2]
    pixels = np.ascontiguousarray(np.rot90(sheet.pixels, 1 if up else -1))

    def corners(quad: Quad) -> Quad:
        x, y = quad.T
        return np.stack([y, width - x] if up else [height - y, x], axis=1).astype(np.float32)

    return Sheet(pixels, tuple(replace(line, quad=corners(line.quad)) for line in sheet.lines))


def photograph(
    sheet: Sheet,
    tilt: float = 0.0,
    perspective: float = 0.0,
    margin: float = 0.15,
    noise: float = 2.0,
    quality: int = 90,
    seed: int = 0,
) -> Sheet:
    """The sheet in a scene.

    tilt: degrees clockwise; perspective: how far each corner may leave its place, as a part of the sheet's side;
    margin: scenery around the sheet, as a part of its longer side; noise: standard deviation in levels.
    """
    chance = np.random.default_rng(seed)
    height, width = sheet.pixels.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    bent = corners + chance.uniform(-perspective, perspective, (4, 2)).astype(np.float32) * min(width, height)
    angle = np.deg2rad(tilt)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    placed = bent @ turn
    placed -= placed.min(axis=0) - margin * max(width, height)
    size = np.ceil(placed.max(axis=0) + margin * max(width, height)).astype(int)
    homography = cv2.getPerspectiveTransform(corners, placed.astype(np.float32))
    scene = _scene(int(size[0]), int(size[1]), chance)
    frame = (int(size[0]), int(size[1]))
    picture = cv2.warpPerspective(
        sheet.pixels, homography, frame, dst=scene, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_TRANSPARENT
    )
    light = np.linspace(chance.uniform(0.75, 1), 1, picture.shape[1])[None, :, None]
    picture = picture * light + chance.normal(0, noise, picture.shape)
    picture = cv2.GaussianBlur(np.clip(picture, 0, 255).astype(np.uint8), (3, 3), 0.6)
    _, packed = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    lines = tuple(replace(line, quad=cv2.perspectiveTransform(line.quad[None], homography)[0]) for line in sheet.lines)
    return Sheet(np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1]), lines)


def _scene(width: int, height: int, chance: np.random.Generator) -> NDArray[np.uint8]:
    """Soft coloured blotches and a few hard edges, as walls, sky and tables have."""
    blotches = chance.uniform(60, 220, (4, 5, 3)).astype(np.float32)
    scene = cv2.resize(blotches, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(4):
        x, y = chance.integers(0, width), chance.integers(0, height)
        far = (int(x + chance.integers(width // 5, width)), int(y + chance.integers(height // 5, height)))
        cv2.rectangle(scene, (int(x), int(y)), far, chance.uniform(40, 230, 3).tolist(), -1)
    return np.clip(scene, 0, 255).astype(np.uint8)


def overlap(one: Quad, other: Quad) -> float:
    """Intersection over union of two convex quadrilaterals."""
    both, _ = cv2.intersectConvexConvex(one.astype(np.float32), other.astype(np.float32))
    union = abs(cv2.contourArea(one.astype(np.float32))) + abs(cv2.contourArea(other.astype(np.float32))) - both
    return float(both / union) if union > 0 else 0.0


def ink_height(line: Line) -> float:
    """Pixels from the top to the bottom of the line's ink, at its left edge."""
    return float(np.linalg.norm(line.quad[3] - line.quad[0]))
