"""The straightened frame of a line: its own pixels, level, from (0, 0) at the top left of its ink, and the way back."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from app.capture.region import Pixels, Quad


def size(quad: Quad) -> tuple[float, float]:
    """Width and height of a line in pixels, at least 1."""
    width = float(np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3])) / 2
    height = float(np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1])) / 2
    return max(width, 1.0), max(height, 1.0)


def placed(quad: Quad, left: float, top: float, right: float, bottom: float) -> Quad:
    """A rectangle of the straightened line as a quadrilateral of the picture."""
    corners = np.array([[(left, top), (right, top), (right, bottom), (left, bottom)]], np.float32)
    quadrilateral: Quad = cv2.perspectiveTransform(corners, homography(quad))[0]
    return quadrilateral


def homography(quad: Quad) -> NDArray[np.float64]:
    """From the straightened line's pixels to the picture's."""
    width, height = size(quad)
    inner = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(inner, quad.astype(np.float32)), np.float64)


def put(
    canvas: Pixels, patch: Pixels, mask: NDArray[np.uint8], quad: Quad, origin: tuple[float, float], scale: float
) -> None:
    """Blend a patch into the picture. origin: the line's top left in it; scale: its pixels to one of the line's."""
    to_line = np.array([[1 / scale, 0, -origin[0] / scale], [0, 1 / scale, -origin[1] / scale], [0, 0, 1]])
    whole = homography(quad) @ to_line
    corners = np.array([[(0, 0), (patch.shape[1], 0), patch.shape[1::-1], (0, patch.shape[0])]], np.float32)
    seen = cv2.perspectiveTransform(corners, whole)[0]
    left, top = np.maximum(np.floor(seen.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(seen.max(axis=0)).astype(int) + 2, canvas.shape[1::-1])
    if right <= left or bottom <= top:
        return
    shift = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]]) @ whole
    window = (int(right - left), int(bottom - top))
    warp: Callable[..., Pixels] = cv2.warpPerspective
    colour = warp(patch, shift, window, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    weight = warp(mask, shift, window, flags=cv2.INTER_AREA).astype(np.float32)[..., None] / 255
    below = canvas[top:bottom, left:right].astype(np.float32)
    canvas[top:bottom, left:right] = np.rint(below + (colour - below) * weight).astype(np.uint8)
