"""The files of a conversation: each written in one step, and believed only if it is what it says."""

import os
import re
from pathlib import Path

from PIL import Image

from app.chat.record import KeptPicture
from app.values import Picture

DIGEST = re.compile(r"[0-9a-z-]+")


def replace(path: Path, content: bytes) -> None:
    """Write a file in one step: it is the old one or the new one, whatever happens."""
    part = path.with_suffix(".part")
    with open(part, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def holds(path: Path, content: bytes) -> bool:
    """Whether a file is just this already."""
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def write_picture(path: Path, picture: Picture) -> None:
    """Write a picture pixel for pixel, in one step."""
    part = path.with_suffix(".part")
    image = Image.frombuffer("RGB", (picture.width, picture.height), picture.pixels, "raw", "RGB", 0, 1)
    image.save(part, "PNG", compress_level=1)
    os.replace(part, path)


def read_picture(path: Path, kept: KeptPicture) -> Picture | None:
    """The picture at `path`; None if it is not, to the pixel, the one that was kept."""
    try:
        if not DIGEST.fullmatch(kept.digest) or not path.is_file():
            return None
        with Image.open(path, formats=("PNG",)) as image:
            rgb = image if image.mode == "RGB" else image.convert("RGB")  # which would copy it even so
            width, height, pixels = *rgb.size, rgb.tobytes()
        picture = Picture(width, height, pixels, kept.name, kept.digest if kept.passing else "")
    except Exception:  # a decoder raises whatever it likes
        return None
    return picture if picture.digest == kept.digest else None


def age(path: Path) -> int | None:
    """When a file was changed last, later ones have the higher number; None if there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def size(folder: Path) -> int:
    """Bytes of the files in a folder."""
    try:
        return sum(file.stat().st_size for file in folder.iterdir())
    except OSError:
        return 0
