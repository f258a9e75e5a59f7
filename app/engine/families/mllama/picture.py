"""A picture as the vision tower wants it: cut into tiles of one of a few arrangements.

Follows the image processor published with the model (transformers `image_processing_mllama`, Pillow's BILINEAR).
An arrangement is (tiles high, tiles wide); ids count from 1, because 0 stands for "no picture" in the embeddings.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from app.gguf.mllama import VisionConfig


@dataclass(frozen=True)
class Tiles:
    """A picture cut into tiles.

    pixels: (tiles, 3, tile, tile) float32, normalised, the real tiles only, row by row.
    arrangement: its id, from 1.
    """

    pixels: np.ndarray
    arrangement: int

    @property
    def count(self) -> int:
        return int(self.pixels.shape[0])


def cut(image: Image.Image, config: VisionConfig) -> Tiles:
    """Resize `image` into the best canvas, paste it at the top left on black, normalise, and cut into tiles."""
    side = config.tile
    choices = config.arrangements
    width, height = image.size
    arrangement = best_arrangement(width, height, choices, side)
    high, wide = choices[arrangement - 1]
    target = fit(width, height, wide * side, high * side, side)
    canvas = Image.new("RGB", (wide * side, high * side))
    canvas.paste(_rgb(image).resize(target, Image.Resampling.BILINEAR))
    mean, std = np.array(config.mean, np.float32), np.array(config.std, np.float32)
    pixels = (np.asarray(canvas, np.float32) / np.float32(255) - mean) / std
    tiles = pixels.reshape(high, side, wide, side, 3).transpose(0, 2, 4, 1, 3)
    return Tiles(np.ascontiguousarray(tiles.reshape(high * wide, 3, side, side)), arrangement)


def _rgb(image: Image.Image) -> Image.Image:
    """What is transparent lies on white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, (255, 255, 255))
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def best_arrangement(width: int, height: int, choices: tuple[tuple[int, int], ...], side: int) -> int:
    """The id of the canvas that enlarges the picture least; if all shrink it, the one that shrinks it least.

    On a tie the canvas of the smallest area, the first of those.
    """
    scales = [min(w * side / width, h * side / height) for h, w in choices]
    larger = [scale for scale in scales if scale >= 1]
    best = min(larger) if larger else max(scales)
    ties = [i for i, scale in enumerate(scales) if scale == best]
    return 1 + min(ties, key=lambda i: choices[i][0] * choices[i][1])


def fit(width: int, height: int, canvas_width: int, canvas_height: int, side: int) -> tuple[int, int]:
    """The (width, height) of the picture on its canvas: at most enlarged to one tile's side, its ratio kept."""
    target_width = min(max(width, side), canvas_width)
    target_height = min(max(height, side), canvas_height)
    scale_w, scale_h = target_width / width, target_height / height
    if scale_w < scale_h:
        return target_width, min(int(height * scale_w) or 1, target_height)
    return min(int(width * scale_h) or 1, target_width), target_height


def patches(tiles: Tiles, config: VisionConfig) -> np.ndarray:
    """The tiles' pixels patch by patch, as the patch embedding's rows: (tiles, patches, 3 * patch * patch) float32.

    What is left at the right and below of a tile that is no multiple of the patch is not seen, as by a convolution.
    """
    n, size = config.tile // config.patch, config.patch
    pixels = tiles.pixels[:, :, : n * size, : n * size]
    blocks = pixels.reshape(tiles.count, 3, n, size, n, size).transpose(0, 2, 4, 1, 3, 5)
    return np.ascontiguousarray(blocks.reshape(tiles.count, n * n, 3 * size * size))
