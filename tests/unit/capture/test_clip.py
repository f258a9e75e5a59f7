"""The last seconds of a camera as a video file."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from app.capture.clip import Clip
from app.capture.frame import Frame
from app.errors import SpyglassError


@pytest.fixture
def clip() -> Clip:
    """Six seconds of noise, more than any buffer holds back."""
    kept, rng = Clip(), np.random.default_rng(1)
    for number in range(30):
        kept.add(Frame(rng.integers(0, 256, (480, 640, 3), np.uint8), number, number / 5))
    return kept


def test_a_clip_is_a_video_of_every_frame(clip: Clip, tmp_path: Path) -> None:
    clip.save(tmp_path / "clip.avi")

    video = cv2.VideoCapture(str(tmp_path / "clip.avi"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 30
    assert (video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (640, 480)


def test_a_full_disk_is_no_saved_clip(clip: Clip, tmp_path: Path) -> None:
    (tmp_path / "clip.avi").symlink_to("/dev/full")

    with pytest.raises(SpyglassError, match="could not be saved"):
        clip.save(tmp_path / "clip.avi")
    assert not (tmp_path / "clip.avi").is_symlink()
