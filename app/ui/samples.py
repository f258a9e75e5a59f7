"""The pictures that ship with the program, to try it with."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtGui import QImage

from app import paths
from app.wording import Wording

_QUESTIONS = {
    "dog.png": Wording("What is this?"),
    "balloons.png": Wording("What colour are the balloons?"),
    "chart.png": Wording("Which bar is the highest?"),
}
"""The samples that are offered, in this order, each with a question that the starter answers rightly."""


@dataclass(frozen=True)
class Sample:
    path: Path
    image: QImage


def find_samples() -> list[Sample]:
    """Those to offer, read. Not for the window's thread."""
    files = (paths.assets_dir() / "samples" / name for name in _QUESTIONS)
    found = (Sample(path, QImage(str(path))) for path in files)
    return [sample for sample in found if not sample.image.isNull()]


def question_about(name: str) -> Wording | None:
    """What to ask first about the picture of this name, if it is a sample."""
    return _QUESTIONS.get(name)
