"""Draws scenes: what lies where, from one collection of art and fonts and a seed."""

import numpy as np
from numpy.typing import NDArray

from . import drawing, styles, words
from .kinds import COLOURS, KINDS, SHAPES
from .scenes import UNKNOWN_MARK, Art, Scene, Thing, Word

Rng = np.random.Generator
TINTABLE = ("star", "heart")
_KIND_ROWS = {kind.name: index for index, kind in enumerate(KINDS)}


class Painter:
    """Draws scenes from one collection of art and fonts."""

    def __init__(
        self,
        art: Art,
        font_files: list[str],
        camera: float = 0.6,
        stylise: bool = True,
        dirt: float = 0.8,
        wild: float = 0.0,
    ) -> None:
        """camera: how bad the camera is, 0..1; dirt: the share of pictures taken with it; stylise: whether drawings
        are varied as by other hands; wild: the share of them varied more than any hand would (``styles.wild``)."""
        self.art, self.fonts, self.camera, self.stylise, self.dirt, self.wild = (
            art,
            font_files,
            camera,
            stylise,
            dirt,
            wild,
        )
        self.rows = art.of_kind()
        self.unknown_rows = np.flatnonzero(art.kind < 0)
        self.drawable = [index for index, rows in enumerate(self.rows) if len(rows)]

    # ------------------------------------------------------------------------------------------ parts

    def sprite(self, name: str, size: float, rng: Rng) -> tuple[drawing.Sprite, str | None]:
        """A drawing of the kind or shape, fine enough for ``size`` pixels, and its colour's name if it has just one."""
        if name in SHAPES or (name in TINTABLE and rng.random() < 0.5):
            colour = str(rng.choice(list(COLOURS)))
            sprite = drawing.shape(name, drawing.near_colour(colour, rng), rng)
            return (styles.outline(sprite, rng) if rng.random() < 0.25 else sprite), colour
        row = int(rng.choice(self.rows[_KIND_ROWS[name]]))
        sprite = drawing.shrunk(self.art.pictures[row], 1.25 * size)
        if self.art.mono[row]:
            colour = str(rng.choice(list(COLOURS))) if rng.random() < 0.6 else "black"
            sprite = styles.bent(sprite, rng) if self.is_wild(rng) else sprite
            return drawing.tint(sprite, drawing.near_colour(colour, rng)), colour
        if self.is_wild(rng):
            return styles.wild(sprite, rng), None
        return (styles.vary(sprite, rng) if self.stylise else np.array(sprite)), None

    def is_wild(self, rng: Rng) -> bool:
        """Whether the next drawing is to be varied more than any hand would; without chance where none is."""
        return self.wild > 0 and rng.random() < self.wild

    def any_name(self, rng: Rng) -> str:
        if rng.random() < 0.12:
            return str(rng.choice(SHAPES + TINTABLE))
        return KINDS[int(rng.choice(self.drawable))].name

    def put(self, scene: Scene, name: str, centre: tuple[float, float], size: float, rng: Rng) -> bool:
        """Add a thing; False if it would lie mostly outside."""
        sprite, colour = self.sprite(name, size, rng)
        turn = float(rng.normal(0, 12)) if rng.random() < 0.85 else float(rng.uniform(-60, 60))
        if name in ("square", "diamond", "cross", "arrow", "triangle"):
            turn = float(rng.normal(0, 6))
        stretch = float(np.exp(rng.normal(0, 0.06)))
        mark = len(scene.things)
        where = drawing.paste(scene.picture, scene.owner, mark, sprite, centre, (size * stretch, size / stretch), turn)
        if where is None:
            return False
        scene.things.append(Thing(name, where.box, colour, mark))
        return True

    def put_unknown(self, scene: Scene, centre: tuple[float, float], size: float, rng: Rng) -> None:
        if rng.random() < 0.65 and len(self.unknown_rows):
            row = int(rng.choice(self.unknown_rows))
            sprite = drawing.shrunk(self.art.pictures[row], 1.25 * size)
            if self.art.mono[row]:
                sprite = drawing.tint(sprite, drawing.near_colour(str(rng.choice(list(COLOURS))), rng))
            else:
                sprite = (styles.wild if self.is_wild(rng) else styles.vary)(sprite, rng)
        else:
            sprite = drawing.scribble(rng)
        mark = UNKNOWN_MARK + scene.unknown
        turn = float(rng.normal(0, 15))
        if drawing.paste(scene.picture, scene.owner, mark, sprite, centre, (size, size), turn) is not None:
            scene.unknown += 1

    def blank(self, height: int, width: int, rng: Rng) -> Scene:
        return Scene(drawing.background(height, width, rng), np.full((height, width), -1, np.int8))

    def paper(self, height: int, width: int, rng: Rng) -> Scene:
        """Half the time one colour only, which is easier to read on."""
        scene = self.blank(height, width, rng)
        if rng.random() < 0.5:
            scene.picture[:] = rng.uniform(0, 255, 3)
        return scene

    def contrast(self, scene: Scene, box: tuple[int, int, int, int], rng: Rng) -> NDArray[np.float32]:
        """A colour that can be read over what lies in the box."""
        x0, y0, x1, y1 = box
        behind = scene.picture[max(y0, 0) : max(y1, 1), max(x0, 0) : max(x1, 1)].reshape(-1, 3).mean(0)
        return readable_on(behind, rng)

    # ------------------------------------------------------------------------------------------ whole scenes

    def single(self, height: int, width: int, rng: Rng, name: str | None = None) -> Scene:
        """One thing, from a third of the picture to all of it."""
        scene = self.blank(height, width, rng)
        short = min(height, width)
        while not scene.things:
            size = float(short * rng.uniform(0.38, 1.0))
            self.put(scene, name or self.any_name(rng), self.spot(scene, size, rng), size, rng)
        return self.finish(scene, rng)

    def small(self, height: int, width: int, rng: Rng) -> Scene:
        """One small thing somewhere in the picture."""
        scene = self.blank(height, width, rng)
        short = min(height, width)
        while not scene.things:
            size = max(14.0, float(short * rng.uniform(0.09, 0.38)))
            self.put(scene, self.any_name(rng), self.spot(scene, size, rng), size, rng)
        return self.finish(scene, rng)

    def spot(self, scene: Scene, size: float, rng: Rng) -> tuple[float, float]:
        """A centre so that a thing of this size lies inside."""
        height, width = scene.owner.shape
        x, y = (float(rng.uniform(min(size / 2, side / 2), max(side - size / 2, side / 2))) for side in (width, height))
        return x, y

    def several(self, height: int, width: int, rng: Rng, count: int | None = None) -> Scene:
        """Up to five things on a jittered grid, often several of a kind, now and then with an unknown one among
        them."""
        scene = self.blank(height, width, rng)
        total = count or int(rng.integers(2, 6))
        columns = int(np.clip(round((total * 1.4 * width / height) ** 0.5), 1, 6))
        rows = int(np.ceil((total + int(rng.random() < 0.4)) / columns))
        cell = min(width / columns, height / rows)
        names = [self.any_name(rng)]
        repeat = rng.choice([0.15, 0.6, 1.0], p=[0.5, 0.25, 0.25])
        while len(names) < total:
            names.append(str(rng.choice(names)) if rng.random() < repeat else self.any_name(rng))
        free = list(rng.permutation(columns * rows))
        for name in names:
            index = free.pop()
            size = float(cell * rng.uniform(0.6, 1.0))
            slack_x, slack_y = (width / columns - size) / 2, (height / rows - size) / 2
            x = (index % columns + 0.5) * width / columns + rng.uniform(-1, 1) * max(slack_x, 0)
            y = (index // columns + 0.5) * height / rows + rng.uniform(-1, 1) * max(slack_y, 0)
            if not self.put(scene, name, (float(x), float(y)), size, rng):
                self.put(scene, name, (float(x), float(y)), size * 0.8, rng)
            if free and rng.random() < 0.06:
                index = free[0]
                centre = ((index % columns + 0.5) * width / columns, (index // columns + 0.5) * height / rows)
                if len(free) > total - len(scene.things):
                    free.pop(0)
                    self.put_unknown(scene, centre, cell * 0.7, rng)
        return self.finish(scene, rng)

    def sign(self, height: int, width: int, rng: Rng, meaning: tuple[int, str] | None = None) -> Scene:
        """A word or number, on a board or straight on the background, sometimes with a thing beside it."""
        scene = self.blank(height, width, rng)
        chance = rng.random()
        if meaning is None and chance < 0.5:
            meaning = (int(rng.integers(len(words.MEANINGS))), str(rng.choice(list(words.LANGUAGES))))
        if meaning is not None:
            text = words.in_case(words.MEANINGS[meaning[0]][list(words.LANGUAGES).index(meaning[1])], rng)
        else:
            text = words.number(rng) if chance < 0.68 else words.made_up(rng)
        beside = rng.random() < 0.15
        band = (0, 0, width, height) if not beside else (0, 0, width, int(height * 0.55))
        if beside:
            size = height * rng.uniform(0.28, 0.42)
            self.put(
                scene, self.any_name(rng), (width * float(rng.uniform(0.25, 0.75)), height * 0.77), float(size), rng
            )
        self.write(scene, text, meaning, band, rng)
        return self.finish(scene, rng)

    def page(self, height: int, width: int, rng: Rng) -> Scene:
        """Lines of words and numbers: many letters at once, to learn them by."""
        scene = self.paper(height, width, rng)
        font, ink = str(rng.choice(self.fonts)), self.contrast(scene, (0, 0, width, height), rng)
        tall = float(np.exp(rng.uniform(np.log(11), np.log(64))))
        y = tall * 0.6 + float(rng.uniform(0, 6))
        while y + tall * 0.5 < height:
            if rng.random() < 0.3:
                font = str(rng.choice(self.fonts))
            x = float(rng.uniform(2, 10))
            while True:
                text = words.any_text(rng)
                lettering = drawing.letter(text, font, ink, None, rng)
                wide = lettering.sprite.shape[1]
                scale = tall / 46
                if x + wide * scale > width:
                    break
                line = self.set_word(scene, lettering, text, None, (x + wide * scale / 2, y), scale, 0.0)
                scene.lines += [line] if line else []
                x += wide * scale + tall * 0.3
            y += tall * float(rng.uniform(0.95, 1.5))
        return self.finish(scene, rng)

    def collage(self, height: int, width: int, rng: Rng) -> Scene:
        """Small things and words side by side all over the picture: many lessons for the price of one."""
        scene = self.paper(height, width, rng)
        cell = float(np.exp(rng.uniform(np.log(30), np.log(150))))
        columns, rows = max(1, int(width / cell)), max(1, int(height / cell))
        wide, tall = width / columns, height / rows
        for row in range(rows):
            column = 0
            while column < columns:
                chance, span = rng.random(), min(int(rng.integers(2, 5)), columns - column)
                if chance < 0.33 and span > 1:
                    band = (column * wide, row * tall, (column + span) * wide, (row + 1) * tall)
                    self._label(scene, band, rng)
                else:
                    span, size = 1, min(wide, tall) * float(rng.uniform(0.7, 1.05))
                    x, y = column + float(rng.uniform(0.4, 0.6)), row + float(rng.uniform(0.4, 0.6))
                    centre = (x * wide, y * tall)
                    if chance < 0.43:
                        self.put_unknown(scene, centre, size, rng)
                    elif chance < 0.95:
                        self.put(scene, self.any_name(rng), centre, size, rng)
                column += span
        return self.finish(scene, rng)

    def _label(self, scene: Scene, band: tuple[float, float, float, float], rng: Rng) -> None:
        """Any text, as large as the band (x0, y0, x1, y1) allows or a little smaller."""
        x0, y0, x1, y1 = band
        text, ink = words.any_text(rng), self.contrast(scene, (int(x0), int(y0), int(x1), int(y1)), rng)
        lettering = drawing.letter(text, str(rng.choice(self.fonts)), ink, None, rng)
        tall, wide = lettering.sprite.shape[:2]
        scale = min((x1 - x0) * 0.98 / wide, (y1 - y0) * 0.9 / tall)
        if scale * tall < 9:
            return
        scale = max(scale * float(rng.uniform(0.7, 1.0)), 9 / tall)
        line = self.set_word(scene, lettering, text, None, ((x0 + x1) / 2, (y0 + y1) / 2), scale, 0.0)
        scene.lines += [line] if line else []

    def set_word(
        self,
        scene: Scene,
        lettering: drawing.Lettering,
        text: str,
        meaning: tuple[int, str] | None,
        centre: tuple[float, float],
        scale: float,
        turn: float,
    ) -> Word | None:
        """Paste lettering; None if it would lie outside."""
        tall, wide = lettering.sprite.shape[:2]
        size = (wide * scale, tall * scale)
        where = drawing.paste(scene.picture, scene.owner, 99, lettering.sprite, centre, size, turn)
        if where is None:
            return None
        shrink = where_scale(where, lettering.sprite, size)
        centres = lettering.centres * shrink @ where.matrix[:, :2].T + where.matrix[:, 2]
        return Word(text, centres, meaning, lettering.sizes * scale)

    def write(
        self, scene: Scene, text: str, meaning: tuple[int, str] | None, band: tuple[int, int, int, int], rng: Rng
    ) -> None:
        board = rng.uniform(0, 255, 3).astype(np.float32) if rng.random() < 0.6 else None
        ink = readable_on(board, rng) if board is not None else self.contrast(scene, band, rng)
        lettering = drawing.letter(text, str(rng.choice(self.fonts)), ink, board, rng)
        tall, wide = lettering.sprite.shape[:2]
        room = (band[2] - band[0], band[3] - band[1])
        fit = min(room[0] * 0.96 / wide, room[1] * 0.9 / tall)
        legible = min(fit, 12 / 40 * 1.0)
        scale = float(np.clip(fit * rng.uniform(0.45, 1.0), legible, fit))
        size = (wide * scale, tall * scale)
        x = float(rng.uniform(band[0] + size[0] / 2, max(band[2] - size[0] / 2, band[0] + size[0] / 2 + 0.01)))
        y = float(rng.uniform(band[1] + size[1] / 2, max(band[3] - size[1] / 2, band[1] + size[1] / 2 + 0.01)))
        turn = float(rng.normal(0, 3)) if rng.random() < 0.5 else 0.0
        scene.word = self.set_word(scene, lettering, text, meaning, (x, y), scale, turn)

    def chart(self, height: int, width: int, rng: Rng) -> Scene:
        """A bar chart: two to five labelled bars, one clearly the highest."""
        light = rng.random() < 0.8
        paper = rng.uniform(225, 255) if light else rng.uniform(10, 60)
        scene = Scene(np.full((height, width, 3), paper, np.uint8), np.full((height, width), -1, np.int8))
        count = int(rng.integers(2, 6))
        labels = (
            [chr(65 + i) for i in range(count)]
            if rng.random() < 0.6
            else list(rng.permutation(list("ABCDEFGHKMNPRSTXYZ123456789")))[:count]
        )
        left, right = width * rng.uniform(0.06, 0.15), width * rng.uniform(0.88, 0.97)
        floor, ceiling = height * rng.uniform(0.80, 0.86), height * rng.uniform(0.06, 0.2)
        heights = rng.uniform(0.1, 0.82, count)
        best = int(rng.integers(count))
        heights[best] = rng.uniform(0.9, 1.0)
        ink = np.full(3, 20 if light else 235, np.float32)
        shade = rng.uniform(20, 215, (count, 3)) if rng.random() < 0.6 else np.tile(rng.uniform(20, 215, 3), (count, 1))
        font, pitch = str(rng.choice(self.fonts)), (right - left) / count
        wide = pitch * rng.uniform(0.45, 0.85)
        for i in range(count):
            x0, y0 = int(left + pitch * (i + 0.5) - wide / 2), int(floor - heights[i] * (floor - ceiling))
            scene.picture[y0 : int(floor), x0 : int(x0 + wide)] = shade[i]
            lettering = drawing.letter(str(labels[i]), font, ink, None, rng)
            tall = min(height - floor - 2, 0.13 * height) * 0.95
            below, scale = (x0 + wide / 2, floor + tall * 0.62), tall / lettering.sprite.shape[0]
            label = self.set_word(scene, lettering, str(labels[i]), None, below, scale, 0.0)
            scene.lines += [label] if label else []
            scene.highest = label if i == best else scene.highest
        scene.picture[int(floor) : int(floor) + max(1, height // 90), int(left) : int(right)] = ink
        scene.owner[:] = -1
        return self.finish(scene, rng)

    def nothing(self, height: int, width: int, rng: Rng) -> Scene:
        """Nothing the starter has a name for: unknown drawings, scribbles, or just a background."""
        scene = self.blank(height, width, rng)
        for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.15, 0.55, 0.2, 0.1]))):
            size = float(min(height, width) * rng.uniform(0.3, 0.9))
            self.put_unknown(scene, self.spot(scene, size, rng), size, rng)
        return self.finish(scene, rng)

    def one_of(self, shares: dict[str, float], height: int, width: int, rng: Rng) -> Scene:
        """A scene of one of these sorts, each as often as its share says."""
        make = str(rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values())))
        if width < 0.8 * height and make in ("sign", "chart"):
            make = "single"
        if make == "pair":
            return self.several(height, width, rng, 2)
        scene: Scene = getattr(self, make)(height, width, rng)
        return scene

    def finish(self, scene: Scene, rng: Rng) -> Scene:
        if self.camera and rng.random() < self.dirt:
            scene.picture = drawing.degrade(scene.picture, rng, self.camera * float(rng.uniform(0.3, 1.0) / 0.6) ** 0.5)
        return scene


def where_scale(where: drawing.Placed, sprite: drawing.Sprite, size: tuple[float, float]) -> NDArray[np.float64]:
    """``paste`` halves a large sprite before placing it; letters' centres must shrink alike."""
    drawn = np.linalg.norm(where.matrix[:, :2], axis=0)
    return np.array([size[0] / sprite.shape[1], size[1] / sprite.shape[0]]) / drawn


def readable_on(colour: NDArray[np.float32], rng: Rng) -> NDArray[np.float32]:
    """Another colour, at least 90 levels lighter or darker."""
    level = float(np.mean(colour))
    lighter = level < 128 if abs(level - 128) > 38 else rng.random() < 0.5
    target = rng.uniform(min(level + 90, 245), 255) if lighter else rng.uniform(0, max(level - 90, 10))
    return np.clip(target + rng.normal(0, 18, 3), 0, 255).astype(np.float32)
