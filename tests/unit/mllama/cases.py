"""The cases of the vectors, and how numbers are compared."""

import json

import numpy as np
from PIL import Image

from tests.unit.mllama.checkpoints import VECTORS


class Case:
    """A prompt with pictures and what the reference makes of it."""

    def __init__(self, case: dict, numbers: np.lib.npyio.NpzFile) -> None:
        self.name, self.prompt, self.greedy = case["name"], case["text"], case["greedy"]
        self.pictures = [_picture(name) for name in case["images"]]
        prefix = f"{self.name}."
        self.expected = {key.removeprefix(prefix): numbers[key] for key in numbers.files if key.startswith(prefix)}
        self.tokens = [int(token) for token in self.expected["input_ids"]]


def _picture(name: str) -> Image.Image:
    with Image.open(VECTORS / name) as picture:
        return picture.copy()


def all_cases() -> list[Case]:
    numbers = np.load(VECTORS / "expected.npz")
    return [Case(case, numbers) for case in json.loads((VECTORS / "cases.json").read_text())["cases"]]


def deviation(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference, relative to the largest value."""
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())
