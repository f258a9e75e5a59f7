"""A line of text in a picture: where it stands, and its straightened crop."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Quad = NDArray[np.float32]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Region:
    """A line of text.

    quad: (4, 2) float32 pixels, clockwise from where its first letter's top left is, for a line that runs up or down
    too; sure: 0..1, how letter-like it is; spacing: how far apart its letters are where they are far, as a part of its
    height; stacked: whether it runs down and its letters stand upright, one below another.
    """

    quad: Quad
    sure: float
    spacing: float = 0.0
    stacked: bool = False

    @property
    def height(self) -> float:
        """Pixels from the top of the line's ink to its bottom."""
        return float(np.linalg.norm(self.quad[3] - self.quad[0]) + np.linalg.norm(self.quad[2] - self.quad[1])) / 2

    @property
    def width(self) -> float:
        return float(np.linalg.norm(self.quad[1] - self.quad[0]) + np.linalg.norm(self.quad[2] - self.quad[3])) / 2

    @property
    def angle(self) -> float:
        """Degrees clockwise from level."""
        across = self.quad[1] - self.quad[0] + self.quad[2] - self.quad[3]
        return float(np.degrees(np.arctan2(across[1], across[0])))

    @property
    def turned(self) -> bool:
        """Whether it runs up or down."""
        return not -45 <= self.angle <= 45


def rectify(pixels: Pixels, quad: Quad, pad: float = 0.25) -> Pixels:
    """The straightened crop of a line at native resolution, (h, w, 3) uint8, with `pad` of its height on every side."""
    height = max(1.0, float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2)
    width = max(1.0, float(np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])) / 2)
    edge = pad * height
    inner = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32) + np.float32(edge)
    size = (max(1, round(width + 2 * edge)), max(1, round(height + 2 * edge)))
    homography = cv2.getPerspectiveTransform(quad.astype(np.float32), inner)
    crop: Pixels = cv2.warpPerspective(pixels, homography, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return crop
