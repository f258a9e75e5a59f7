"""Draws whole scenes: what lies where."""

import numpy as np

from . import drawing, words
from .brush import Brush
from .scenes import Scene

Rng = np.random.Generator


class Painter(Brush):
    """Draws scenes of every sort."""

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
                    self.label(scene, band, rng)
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

    def crowd(self, height: int, width: int, rng: Rng) -> Scene:
        """A grid of few kinds, up to five drawings of each, mixed: how many there are of its kind is a lesson from
        everything in it. In a collage nearly everything is alone."""
        scene = self.blank(height, width, rng)
        cell = min(height, width) / float(rng.uniform(1.7, 4.3))
        columns, rows = max(1, int(width / cell)), max(1, int(height / cell))
        wide, tall = width / columns, height / rows
        names: list[str] = []
        while len(names) < columns * rows:
            names += [self.any_name(rng)] * int(rng.choice(5, p=(0.22, 0.34, 0.2, 0.13, 0.11)) + 1)
        for place, name in zip(rng.permutation(columns * rows), names, strict=False):
            size = min(wide, tall) * float(rng.uniform(0.6, 1.0))
            x, y = place % columns + rng.uniform(0.4, 0.6), place // columns + rng.uniform(0.4, 0.6)
            if rng.random() < 0.85:
                self.put(scene, name, (float(x * wide), float(y * tall)), size, rng)
            elif rng.random() < 0.5:
                self.put_unknown(scene, (float(x * wide), float(y * tall)), size, rng)
        return self.finish(scene, rng)

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
