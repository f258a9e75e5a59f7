"""Puts things and words on scenes, from one collection of art and fonts and a seed."""

import numpy as np
from numpy.typing import NDArray

from . import drawing, styles, words
from .kinds import COLOURS, KINDS, SHAPES
from .scenes import UNKNOWN_MARK, Art, Scene, Thing, Word

Rng = np.random.Generator
TINTABLE = ("star", "heart")
_KIND_ROWS = {kind.name: index for index, kind in enumerate(KINDS)}


class Brush:
    """What whole scenes are painted with."""

    def __init__(
        self,
        art: Art,
        font_files: list[str],
        camera: float = 0.6,
        stylise: bool = True,
        dirt: float = 0.8,
        wild: float = 0.0,
        guests: Art | None = None,
        invited: float = 0.0,
    ) -> None:
        """camera: how bad the camera is, 0..1; dirt: the share of pictures taken with it; stylise: whether drawings
        are varied as by other hands; wild: the share of them varied more than any hand would (``styles.wild``);
        guests: drawings of other hands, ``invited``: the share of things that are theirs, where they have that kind."""
        self.art, self.fonts, self.camera, self.stylise, self.dirt, self.wild = (
            art,
            font_files,
            camera,
            stylise,
            dirt,
            wild,
        )
        self.rows = art.of_kind()
        self.guests, self.invited = guests, invited
        self.guest_rows = guests.of_kind() if guests else []
        self.unknown_rows = np.flatnonzero(art.kind < 0)
        self.guest_strangers = np.flatnonzero(guests.kind < 0) if guests else self.unknown_rows[:0]
        self.drawable = [index for index, rows in enumerate(self.rows) if len(rows)]

    def sprite(self, name: str, size: float, rng: Rng) -> tuple[drawing.Sprite, str | None]:
        """A drawing of the kind or shape, fine enough for ``size`` pixels, and its colour's name if it has just one."""
        if name in SHAPES or (name in TINTABLE and rng.random() < 0.5):
            colour = str(rng.choice(list(COLOURS)))
            sprite = drawing.shape(name, drawing.near_colour(colour, rng), rng)
            return (styles.outline(sprite, rng) if rng.random() < 0.25 else sprite), colour
        if self.guests and rng.random() < self.invited and len(self.guest_rows[_KIND_ROWS[name]]):
            kind = _KIND_ROWS[name]
            return self._guest(self.guests, self.guest_rows[kind], self.rows[kind], size, rng)
        row = int(rng.choice(self.rows[_KIND_ROWS[name]]))
        sprite = drawing.shrunk(self.art.pictures[row], 1.25 * size)
        if self.art.mono[row]:
            colour = str(rng.choice(list(COLOURS))) if rng.random() < 0.6 else "black"
            sprite = styles.bent(sprite, rng) if self.is_wild(rng) else sprite
            return drawing.tint(sprite, drawing.near_colour(colour, rng)), colour
        if self.is_wild(rng):
            return styles.wild(sprite, rng), None
        return (styles.vary(sprite, rng) if self.stylise else np.array(sprite)), None

    def _guest(
        self, guests: Art, rows: NDArray[np.intp], usual: NDArray[np.intp], size: float, rng: Rng
    ) -> tuple[drawing.Sprite, str | None]:
        """One of the guests' drawings ``rows``: what is one flat colour, most often coloured in like one of the
        ``usual`` drawings."""
        row = int(rng.choice(rows))
        sprite = drawing.shrunk(guests.pictures[row], 1.25 * size)
        if not guests.mono[row]:
            return (styles.wild if self.is_wild(rng) else styles.vary)(sprite, rng), None
        sprite = np.array(sprite[:, ::-1] if rng.random() < 0.5 else sprite)
        sprite = styles.bent(sprite, rng) if self.is_wild(rng) else sprite
        coloured = usual[~self.art.mono[usual]]
        if len(coloured) and rng.random() < 0.75:
            return styles.coloured_in(sprite, self.art.pictures[int(rng.choice(coloured))], rng), None
        colour = str(rng.choice(list(COLOURS))) if rng.random() < 0.6 else "black"
        return drawing.tint(sprite, drawing.near_colour(colour, rng)), colour

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
        if self.guests and len(self.guest_strangers) and rng.random() < self.invited:
            sprite, _ = self._guest(self.guests, self.guest_strangers, self.unknown_rows, size, rng)
        elif rng.random() < 0.65 and len(self.unknown_rows):
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

    def spot(self, scene: Scene, size: float, rng: Rng) -> tuple[float, float]:
        """A centre so that a thing of this size lies inside."""
        height, width = scene.owner.shape
        x, y = (float(rng.uniform(min(size / 2, side / 2), max(side - size / 2, side / 2))) for side in (width, height))
        return x, y

    def label(self, scene: Scene, band: tuple[float, float, float, float], rng: Rng) -> None:
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
