"""The pictures that ship with the program, to try it with."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtGui import QImage

from app import paths

_SHOWN = 3


@dataclass(frozen=True)
class Sample:
    path: Path
    image: QImage


def find_samples() -> list[Sample]:
    """The first few, read. Not for the window's thread."""
    files = sorted(path for path in (paths.assets_dir() / "samples").glob("*") if path.suffix in (".jpg", ".png"))
    found = (Sample(path, QImage(str(path))) for path in files[:_SHOWN])
    return [sample for sample in found if not sample.image.isNull()]
