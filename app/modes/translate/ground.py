"""What a line of text stands on and the colour it is written in, told from the pixels around its letters."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capture.region import Pixels, Quad, rectify
from app.modes.translate import frames

_PAD = 0.35
"""Ground around a line that is looked at, as a part of its height."""
_RIM = 0.18
"""How far around a line its ground is for sure, as a part of its height."""


@dataclass(frozen=True, eq=False)
class Ground:
    """What a line stands on. plane: (3, 3) float64, RGB = plane @ (1, x, y) in the line's own pixels; ink: RGB."""

    plane: NDArray[np.float64]
    ink: tuple[int, int, int]

    def at(self, width: int, height: int, x: float = 0.0, y: float = 0.0) -> Pixels:
        """The ground's pixels over a rectangle whose top left is (x, y)."""
        ys, xs = np.mgrid[0:height, 0:width]
        grid = np.stack([np.ones_like(xs), xs + x, ys + y], axis=-1)
        ground: Pixels = np.clip(grid @ self.plane.T, 0, 255).astype(np.uint8)
        return ground


def ground(pixels: Pixels, quad: Quad) -> Ground:
    """The ground and ink of a line: two shades told apart by Otsu's threshold; the one just around it is the ground.

    Just around, since a plate may end where its letters do.
    """
    _, height = frames.size(quad)
    crop = rectify(pixels, quad, _PAD)
    edge = max(1, round(_PAD * height * 0.7))
    even = _evened(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), edge, 2 * round(height) + 1)
    level, _ = cv2.threshold(even, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light = even > level
    inside, rim = _around(even.shape, _PAD * height, 0.0), _around(even.shape, _PAD * height, _RIM * height)
    rim &= ~_around(even.shape, _PAD * height, 0.3 * _RIM * height)
    paper = light if light[rim].mean() > 0.5 else ~light
    letters = inside & ~paper
    paper_colour = np.median(crop[paper], axis=0)
    apart = np.abs(crop.astype(np.float64) - paper_colour).sum(axis=-1)
    strong = apart >= np.quantile(apart[letters], 0.6) if letters.any() else np.zeros_like(paper)
    ink = np.median(crop[strong & letters], axis=0) if letters.any() else 255 - paper_colour
    ys, xs = np.nonzero(cv2.erode(paper.astype(np.uint8), np.ones((3, 3), np.uint8)) if paper.mean() > 0.3 else paper)
    return Ground(_plane(crop, xs, ys, _PAD * height), _legible(ink, paper_colour))


def _around(shape: Sequence[int], pad: float, grown: float) -> NDArray[np.bool_]:
    """The place of a line in its padded crop, grown by so many pixels."""
    edge = max(0, round(pad - grown))
    place = np.zeros(shape, bool)
    place[edge : shape[0] - edge, edge : shape[1] - edge] = True
    return place


def _evened(gray: NDArray[np.uint8], edge: int, reach: int) -> NDArray[np.uint8]:
    """Without the light's own course, told from `edge` rows above and below and smoothed over `reach` pixels of them: a
    shadow that crosses a line is darker than its paper, too."""
    above, below = (np.median(rows, axis=0).astype(np.float32)[None] for rows in (gray[:edge], gray[-edge:]))
    above, below = (cv2.blur(row, (reach, 1), borderType=cv2.BORDER_REPLICATE) for row in (above, below))
    down = np.linspace(0, 1, len(gray), dtype=np.float32)[:, None]
    even: NDArray[np.uint8] = np.clip(128 + (gray - above * (1 - down) - below * down) / 2, 0, 255).astype(np.uint8)
    return even


def _plane(crop: Pixels, xs: NDArray[np.intp], ys: NDArray[np.intp], offset: float) -> NDArray[np.float64]:
    """Least squares of colour over place, a second time without the pixels that were far off (other lines, a rim)."""
    if len(xs) < 20:
        return np.column_stack([np.median(crop.reshape(-1, 3), axis=0), np.zeros(3), np.zeros(3)])
    step = 1 + len(xs) // 5000
    xs, ys = xs[::step], ys[::step]
    colours = crop[ys, xs].astype(np.float64)
    grid = np.column_stack([np.ones(len(xs)), xs - offset, ys - offset])
    near = np.abs(colours - np.median(colours, axis=0)).sum(axis=1)
    kept = near <= np.quantile(near, 0.8)
    solution: NDArray[np.float64] = np.linalg.lstsq(grid[kept], colours[kept], rcond=None)[0].T
    return solution


def _legible(ink: NDArray[np.float64], paper: NDArray[np.float64]) -> tuple[int, int, int]:
    """The original's own colour if it stands out (contrast 3 : 1, as WCAG asks of large text), else black or white."""
    if _contrast(ink, paper) < 3:
        ink = max((np.zeros(3), np.full(3, 255.0)), key=lambda colour: _contrast(colour, paper))
    red, green, blue = (int(c) for c in ink)
    return red, green, blue


def _contrast(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Contrast ratio of two sRGB colours, 1..21 (WCAG 2.2)."""

    def luminance(colour: NDArray[np.float64]) -> float:
        c = colour / 255
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
