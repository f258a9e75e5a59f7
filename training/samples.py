"""From a scene to what the tower sees and what each of its patches should know."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kinds import COLOURS, NAMES
from .prompts import ABSENT, FIRST_LETTER, MARKS
from .scenes import CLASS, UNKNOWN_MARK, Scene, Word
from .sizes import VisionSize, arrangements
from .words import ALPHABET

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)

NONE, UNKNOWN = len(NAMES), len(NAMES) + 1
"""Patch classes after the names: nothing there, and a thing without a known name."""

MOST_ALIKE = 5
"""How many things of one kind are counted."""
SLOTS = 3
"""Letters a patch may hold."""
NO_LETTER = len(ALPHABET)
IGNORE = -100
BOX_UNIT = 1 / 3
"""How much of a tile's side one unit of a box's distances means."""

_COLOUR = {name: index for index, name in enumerate(COLOURS)}
_LETTER = {letter: index for index, letter in enumerate(ALPHABET)}
Sample = dict[str, Any]


@dataclass(frozen=True)
class Canvas:
    """A picture's place on the tiles: arrangement (tiles high, wide) and the picture's own size in pixels."""

    arrangement: tuple[int, int]
    height: int
    width: int


def fit(height: int, width: int, size: VisionSize) -> Canvas:
    """Meta's choice of canvas and size for a picture: the canvas that enlarges least if one can hold it, else the one
    that shrinks least, the smallest on a tie; enlarged at most to one tile's side."""
    tile = size.tile
    options = [(a, min(a[0] * tile / height, a[1] * tile / width)) for a in arrangements(size.tiles)]
    holding = [scale for _, scale in options if scale >= 1]
    chosen = min(holding) if holding else max(scale for _, scale in options)
    arrangement = min((a for a, scale in options if scale == chosen), key=lambda a: a[0] * a[1])
    target_h = min(max(height, tile), arrangement[0] * tile)
    target_w = min(max(width, tile), arrangement[1] * tile)
    scale_h, scale_w = target_h / height, target_w / width
    if scale_w < scale_h:
        return Canvas(arrangement, min(int(height * scale_w) or 1, target_h), target_w)
    return Canvas(arrangement, target_h, min(int(width * scale_h) or 1, target_w))


def random_canvas(rng: np.random.Generator, size: VisionSize) -> Canvas:
    """Sizes as pictures have them: mostly square to 16:9, some long ones, some upright, some smaller than a tile."""
    if rng.random() < 0.06:
        return fit(int(rng.integers(40, size.tile + 1)), int(rng.integers(40, size.tile + 1)), size)
    common = (1.0, 4 / 3, 3 / 2, 16 / 9, 3 / 4, float(np.exp(rng.uniform(np.log(0.4), np.log(3)))))
    ratio = float(rng.choice(common, p=(0.24, 0.32, 0.12, 0.12, 0.06, 0.14)))
    return fit(1000, round(1000 * ratio), size)


def full_canvas(rng: np.random.Generator, size: VisionSize) -> Canvas:
    """One that has all tiles and leaves no part of them empty, most often the squarest: the most to learn from for
    what it costs."""
    full = sorted((a for a in arrangements(size.tiles) if a[0] * a[1] == size.tiles), key=lambda a: abs(a[0] - a[1]))
    high, wide = full[0 if rng.random() < 0.75 else int(rng.integers(len(full)))]
    return Canvas((high, wide), high * size.tile, wide * size.tile)


def _to_tiles(grid: NDArray[Any], arrangement: tuple[int, int], tiles: int) -> NDArray[Any]:
    """(tiles high * n, tiles wide * n, ...) -> (tiles, n, n, ...), missing tiles zero."""
    high, wide = arrangement
    n = grid.shape[0] // high
    cut = grid.reshape(high, n, wide, n, *grid.shape[2:]).swapaxes(1, 2).reshape(high * wide, n, n, *grid.shape[2:])
    out = np.zeros((tiles, *cut.shape[1:]), grid.dtype)
    out[: len(cut)] = cut
    return out


def encode(scene: Scene, canvas: Canvas, size: VisionSize, tiles: int) -> Sample:
    """tiles (T, side, side, 3) uint8, arrangement id, count of real tiles, and each patch's lessons (T * patches,
    ...)."""
    high, wide = canvas.arrangement
    picture = np.zeros((high * size.tile, wide * size.tile, 3), np.uint8)
    picture[: canvas.height, : canvas.width] = scene.picture
    lessons = patch_lessons(scene, high * size.tile, wide * size.tile, size)
    sample: Sample = {
        "tiles": _to_tiles(picture, canvas.arrangement, tiles),
        "arrangement": np.int64(arrangements(size.tiles).index(canvas.arrangement) + 1),
        "count": np.int64(high * wide),
        "things": np.int64(min(len(scene.things), 5)),
    }
    for name, grid in lessons.items():
        rows = _to_tiles(grid, canvas.arrangement, tiles).reshape(tiles * size.patches, *grid.shape[2:])
        if grid.dtype == np.int16:
            rows[high * wide * size.patches :] = IGNORE
        sample[name] = rows
    return sample


def marks(scene: Scene, canvas: Canvas, size: VisionSize, tiles: int) -> NDArray[np.bool_]:
    """(marks, T * patches): ``spots`` by tiles."""
    high, wide = canvas.arrangement
    grids = spots(scene, high * size.tile, wide * size.tile, size.patch)
    return np.stack([_to_tiles(grid, canvas.arrangement, tiles).ravel() for grid in grids])


def spots(scene: Scene, height: int, width: int, patch: int) -> NDArray[np.bool_]:
    """(marks, patch rows, patch columns): which patches show each thing, and which hold each letter to be read."""
    found = np.zeros((MARKS, height // patch, width // patch), bool)
    owner = np.full((height, width), -1, np.int16)
    owner[: scene.owner.shape[0], : scene.owner.shape[1]] = scene.owner
    owners = {thing.mark: thing.mark for thing in scene.things}
    for mark, mine in (owners or {i: UNKNOWN_MARK + i for i in range(min(scene.unknown, FIRST_LETTER))}).items():
        share = (owner == mine).reshape(height // patch, patch, width // patch, patch).mean((1, 3))
        found[mark] = share >= min(0.25, share.max()) if share.any() else False
    word = scene.word or scene.highest
    for index, (x, y) in enumerate(word.centres[: ABSENT - FIRST_LETTER] if word else ()):
        row, column = int(y // patch), int(x // patch)
        if 0 <= row < found.shape[1] and 0 <= column < found.shape[2]:
            found[FIRST_LETTER + index, row, column] = True
    return found


def patch_lessons(scene: Scene, height: int, width: int, size: VisionSize) -> dict[str, NDArray[Any]]:
    """What each patch should know: the thing it shows most of, that thing's box and colour and how many are alike,
    the letters centred in it."""
    p = size.patch
    rows, columns = height // p, width // p
    kind = np.full((rows, columns), NONE, np.int16)
    colour, alike = (np.full((rows, columns), IGNORE, np.int16) for _ in range(2))
    box = np.zeros((rows, columns, 4), np.float32)
    letters = np.full((rows, columns, SLOTS), NO_LETTER, np.int16)
    best = np.full((rows, columns), 0.12)
    owner = np.full((height, width), -1, np.int16)
    owner[: scene.owner.shape[0], : scene.owner.shape[1]] = scene.owner
    y, x = np.mgrid[:rows, :columns] * p + p / 2
    marks = {thing.mark: thing for thing in scene.things}
    names = Counter(thing.name for thing in scene.things)
    for mark in np.unique(owner):
        if mark < 0 or mark == 99:
            continue
        share = (owner == mark).reshape(rows, p, columns, p).mean((1, 3))
        more = share > best
        best[more] = share[more]
        kind[(share > 0.03) & (share <= 0.12) & (kind == NONE)] = IGNORE
        thing = marks.get(int(mark))
        kind[more] = CLASS[thing.name] if thing else UNKNOWN
        colour[more] = _COLOUR[thing.colour] if thing and thing.colour else IGNORE
        alike[more] = names[thing.name] - 1 if thing and names[thing.name] <= MOST_ALIKE else IGNORE
        if thing:
            edges = np.stack([x - thing.box[0], y - thing.box[1], thing.box[2] - x, thing.box[3] - y], -1)
            box[more] = edges[more] / (BOX_UNIT * size.tile)
    glyph, covered = np.full((rows, columns), NO_LETTER, np.int16), np.full((rows, columns), 0.2 * p * p)
    for word in scene.lines + ([scene.word] if scene.word else []):
        _place_letters(word.text, word.centres, letters, p)
        _cover(word, glyph, covered, p)
    return {"kind": kind, "colour": colour, "alike": alike, "box": box, "letters": letters, "glyph": glyph}


def _cover(word: Word, glyph: NDArray[np.int16], covered: NDArray[np.float64], patch: int) -> None:
    """Write to each patch the letter that covers most of it; ``covered`` is how many pixels the one there covers."""
    if word.sizes is None:
        return
    for character, (x, y), (wide, tall) in zip(word.text, word.centres, word.sizes, strict=True):
        for row in range(max(0, int((y - tall / 2) // patch)), min(len(glyph), int((y + tall / 2) // patch) + 1)):
            high = min(y + tall / 2, (row + 1) * patch) - max(y - tall / 2, row * patch)
            for column in range(
                max(0, int((x - wide / 2) // patch)), min(glyph.shape[1], int((x + wide / 2) // patch) + 1)
            ):
                area = high * (min(x + wide / 2, (column + 1) * patch) - max(x - wide / 2, column * patch))
                if area > covered[row, column]:
                    glyph[row, column], covered[row, column] = _LETTER[character], area


def _place_letters(text: str, centres: NDArray[np.float64], letters: NDArray[np.int16], patch: int) -> None:
    used: dict[tuple[int, int], int] = {}
    for character, (x, y) in zip(text, centres, strict=True):
        cell = (int(y // patch), int(x // patch))
        slot = used.get(cell, 0)
        if slot < SLOTS and 0 <= cell[0] < letters.shape[0] and 0 <= cell[1] < letters.shape[1]:
            letters[cell[0], cell[1], slot] = _LETTER[character]
            used[cell] = slot + 1
