"""How a Llama 3.2 Vision checkpoint wants pictures prepared, from its preprocessor_config.json.

After transformers' `MllamaImageProcessor`: what it would do with the file, a GGUF file must be able to say, or the
checkpoint is refused.
"""

import math
from pathlib import Path
from typing import Any

from app.errors import ModelError
from app.gguf.mllama import PUBLISHED_MEAN, PUBLISHED_STD, Channels
from app.library.safetensors import read_json

_BILINEAR = 2
"""Pillow's number of the way pictures are made smaller and larger."""
_SMALLEST, _LARGEST = 1e-30, 1e12
"""What a number may be that a file holds as float32."""


def normalisation(folder: Path, tile: int, max_tiles: int) -> tuple[Channels, Channels]:
    """The mean and the deviation for pixels from 0 to 1; a scale of pixels that is not 1/255 is in them.

    Raises ModelError if the checkpoint in `folder` wants anything but a picture resized with Pillow's BILINEAR, and
    padded to at most `max_tiles` tiles of `tile` pixels.
    """
    given = _given(folder)
    if given is None:
        return PUBLISHED_MEAN, PUBLISHED_STD
    try:
        usual = {"do_resize": True, "do_pad": True, "resample": _BILINEAR, "max_image_tiles": max_tiles}
        for key, wanted in (usual | {"size": {"height": tile, "width": tile}}).items():
            if given.get(key, wanted) != wanted:
                raise ValueError(f"{key} is {given[key]!r}, not {wanted!r}")
        mean, std = _mean_and_std(given)
        brightest = 255 * _scale(given)
        return _divided(mean, brightest), _divided(std, brightest)
    except (ValueError, OverflowError) as error:
        raise ModelError(
            "The checkpoint wants pictures prepared in a way that a model file cannot say.",
            "Mend its preprocessor_config.json, or choose another checkpoint.",
            str(error),
        ) from error


def _given(folder: Path) -> dict[str, Any] | None:
    """The settings, wherever this checkpoint keeps them; newer ones have them beside the tokenizer's."""
    processor, alone = folder / "processor_config.json", folder / "preprocessor_config.json"
    nested = read_json(processor).get("image_processor") if processor.is_file() else None
    given = nested if isinstance(nested, dict) else read_json(alone) if alone.is_file() else None
    return given and {key: value for key, value in given.items() if value is not None}


def _divided(values: Channels, by: float) -> Channels:
    red, green, blue = (value / by for value in values)
    if any(value and not _SMALLEST < abs(value) < _LARGEST for value in (red, green, blue)):
        raise ValueError(f"{values} divided by {by}")
    return red, green, blue


def _scale(given: dict[str, Any]) -> float:
    """What a pixel from 0 to 255 is multiplied with."""
    scale = _number(given.get("rescale_factor", 1 / 255)) if given.get("do_rescale", True) else 1.0
    if scale <= 0:
        raise ValueError(f"rescale_factor is {scale}")
    return scale


def _mean_and_std(given: dict[str, Any]) -> tuple[Channels, Channels]:
    if not given.get("do_normalize", True):
        return (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    mean, std = _channels(given, "image_mean"), _channels(given, "image_std")
    if min(std) <= 0:
        raise ValueError(f"image_std is {std}")
    return mean, std


def _channels(given: dict[str, Any], key: str) -> Channels:
    """One number, or one for each channel; transformers takes a half where none is given."""
    value = given.get(key, 0.5)
    values = value if isinstance(value, list) else [value] * 3
    if len(values) != 3:
        raise ValueError(f"{key} is {value!r}")
    red, green, blue = map(_number, values)
    return red, green, blue


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)
