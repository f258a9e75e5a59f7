"""The art: pictograms of several openly licensed sets, each rendered once to a cache of RGBA pictures.

The sets are npm packages with SVG bodies in one JSON file (see README.md for licences and versions). OpenMoji is never
trained on: it is the style the evaluation calls "never seen".
"""

import hashlib
import json
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import resvg_py
from numpy.typing import NDArray
from PIL import Image

from .kinds import KINDS
from .scenes import Art
from .stream import workers

SIZE = 160
"""Side of a cached picture in pixels."""

TRAIN_SETS = {
    "noto": "1.2.9",
    "noto-v1": "1.2.5",
    "twemoji": "1.2.5",
    "fluent-emoji": "1.2.7",
    "fluent-emoji-flat": "1.2.6",
    "emojione": "1.2.3",
    "fxemoji": "1.2.2",
    "streamline-emojis": "1.2.4",
    "fluent-emoji-high-contrast": "1.2.6",
    "emojione-monotone": "1.2.1",
}
UNSEEN_SETS = {"openmoji": "1.2.29"}
MONOCHROME = frozenset({"fluent-emoji-high-contrast", "emojione-monotone"})
"""Sets whose drawings are one flat colour, to be tinted."""

Rgba = NDArray[np.uint8]


def fetch(name: str, version: str, folder: Path) -> Path:
    """Download one set with npm, once, and return its tarball."""
    tarball = folder / f"iconify-json-{name}-{version}.tgz"
    if not tarball.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", f"@iconify-json/{name}@{version}", "--pack-destination", str(folder)]
        subprocess.run(command, check=True, capture_output=True)
    return tarball


def read_icons(tarball: Path, hyphens: bool = False) -> dict[str, str]:
    """Icon name without hyphens, if not asked for -> a whole SVG document. Aliases and skin-tone variants are left
    out."""
    with tarfile.open(tarball) as archive:
        member = archive.extractfile("package/icons.json")
        assert member is not None
        data = json.load(member)
    icons = {}
    for name, icon in data["icons"].items():
        if icon.get("hidden") or "skin-tone" in name:
            continue
        width, height = (icon.get(side, data.get(side, 16)) for side in ("width", "height"))
        box = f"{icon.get('left', 0)} {icon.get('top', 0)} {width} {height}"
        body = icon["body"].replace("currentColor", "#000")
        icons[name if hyphens else name.replace("-", "")] = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{body}</svg>'
        )
    return icons


def render(svg: str, size: int = SIZE) -> Rgba:
    """Draw an SVG, trimmed to its ink and centred on a transparent square of ``size`` pixels."""
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size)
    return trimmed(Image.open(BytesIO(bytes(png))).convert("RGBA"), size)


def trimmed(picture: Image.Image, size: int = SIZE) -> Rgba:
    """A picture's ink, centred on a transparent square of ``size`` pixels."""
    box = picture.getchannel("A").point(lambda a: 255 if a > 24 else 0).getbbox()
    if box is None:
        raise ValueError("the drawing is empty")
    ink = picture.crop(box)
    scale = (size - 4) / max(ink.size)
    ink = ink.resize((max(1, round(ink.width * scale)), max(1, round(ink.height * scale))), Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (size, size))
    square.paste(ink, ((size - ink.width) // 2, (size - ink.height) // 2))
    return np.asarray(square)


# Words in an icon's name that make it too near to a kind, or to a person or a sign, to pass as "nothing known".
_NOT_UNKNOWN = (
    "face",
    "man",
    "woman",
    "person",
    "people",
    "boy",
    "girl",
    "flag",
    "family",
    "clock",
    "moon",
    "heart",
    "hand",
    "cat",
    "monkey",
    "button",
    "keycap",
    "input",
    "arrow",
    "square",
    "circle",
    "diamond",
    "letter",
    "regional",
    "star",
    "oclock",
    "thirty",
    "claus",
    "medal",
    "ball",
    "finger",
    "thumb",
    "fist",
    "index",
    "elephant",
    "mammoth",
    "printer",
    "dice",
    "luggage",
    "suitcase",
    "squares",
    "santa",
    "ox",
    "buffalo",
    "cheese",
    "smil",
    "grin",
    "book",
    "globe",
    "kiss",
    "couple",
    "sun",
    "phone",
    "house",
    "mail",
    "envelope",
    "train",
    "car",
    "bus",
)


def _choose(icons: dict[str, str], seed: int, unknown: int) -> list[tuple[int, str]]:
    """(kind index or -1, SVG) for every kind's drawings in the set, and some drawings of nothing known."""
    chosen, used = [], set()
    for index, kind in enumerate(KINDS):
        for icon in kind.icons:
            for spelling in (icon, icon + "face"):
                if spelling in icons and spelling not in used:
                    used.add(spelling)
                    chosen.append((index, icons[spelling]))
    known = {icon for kind in KINDS for icon in kind.icons}
    rest = sorted(
        n for n in icons if n not in used and not any(k in n for k in known) and not any(w in n for w in _NOT_UNKNOWN)
    )
    picks = np.random.default_rng(seed).permutation(len(rest))[:unknown]
    return chosen + [(-1, icons[rest[i]]) for i in picks]


def render_or_none(svg: str) -> Rgba | None:
    try:
        return render(svg)
    except ValueError:
        return None


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    """Write beside, then rename: of two processes that draw at once, neither reads half of what the other wrote."""
    part = path.with_stem(f"{path.stem}-{os.getpid()}")
    write(part)
    os.replace(part, path)


def key_of(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def cached(stem: Path, drawings: Callable[[], Iterator[tuple[int, Rgba, bool]]]) -> Art:
    """The drawings, (kind index or -1, picture, whether it is one flat colour) each, from ``stem``'s files or drawn
    now."""
    cache, table = stem.with_suffix(".npy"), stem.with_suffix(".npz")
    if not table.exists():
        kinds, pictures, mono = zip(*drawings(), strict=True)
        _replace(cache, partial(np.save, arr=np.stack(pictures)))
        _replace(table, partial(np.savez, kind=np.array(kinds, np.int16), mono=np.array(mono)))
    columns = np.load(table)
    return Art(np.load(cache, mmap_mode="r"), columns["kind"], columns["mono"])


def load(sets: dict[str, str], work: Path, unknown: int = 300) -> Art:
    """The drawings of ``sets``, from the cache in ``work`` or rendered now (about a minute for all of them)."""

    def drawings() -> Iterator[tuple[int, Rgba, bool]]:
        for name, version in sets.items():
            chosen = _choose(read_icons(fetch(name, version, work / "npm")), seed=7, unknown=unknown)
            with workers(os.cpu_count() or 1) as pool:
                drawn = pool.map(render_or_none, [svg for _, svg in chosen], chunksize=16)
            for (index, _), picture in zip(chosen, drawn, strict=True):
                if picture is not None:
                    yield index, picture, name in MONOCHROME

    return cached(work / f"art-{key_of(sorted(sets.items()), KINDS, SIZE, unknown)}", drawings)
