import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from app.capture import files
from app.capture.files import from_array, from_bytes, open_picture
from app.errors import PictureError
from app.values import Picture
from tests import pictures

GOOD = pictures.good()
BAD = pictures.bad()


def pixels(picture: Picture) -> npt.NDArray[np.int16]:
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3).astype(np.int16)


@pytest.mark.parametrize("name", GOOD)
def test_every_kind_of_file_shows_the_scene(name: str, tmp_path: Path) -> None:
    data, tolerance = GOOD[name]
    (tmp_path / name).write_bytes(data)
    picture = open_picture(tmp_path / name)
    assert (picture.width, picture.height, picture.name) == (*pictures.SIZE, name)
    assert np.abs(pixels(picture) - pictures.scene()).max() <= tolerance


@pytest.mark.parametrize("name", BAD)
def test_every_bad_file_is_refused_in_time_and_words(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(BAD[name]())
    before, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PictureError) as caught:
        open_picture(tmp_path / name)
    assert time.monotonic() - before < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 100 << 10
    assert name in caught.value.what
    assert ("million pixels" in caught.value.what) == name.startswith("bomb")
    assert caught.value.todo


def test_a_bomb_is_refused_in_numbers() -> None:
    with pytest.raises(PictureError, match="30000 x 30000 = 900 million pixels; 64 are the most"):
        from_bytes(pictures.bomb(), "bomb.png")


@pytest.mark.parametrize(
    ("content", "what"), [(pictures.SVG, "is an SVG drawing"), (b"%PDF-1.7\n%", "is a PDF document")]
)
def test_a_drawing_and_a_document_are_called_so_and_what_makes_pictures_of_them_is_said(
    content: bytes, what: str
) -> None:
    with pytest.raises(PictureError, match=what) as caught:
        from_bytes(content, "a.png")
    assert "in another program" in caught.value.todo
    assert "PNG" in caught.value.todo


@pytest.mark.parametrize("size", [(1, 1), (1, 20000), (20000, 1)])
def test_narrow_pictures_are_pictures(size: tuple[int, int]) -> None:
    picture = from_bytes(pictures.encode(Image.new("RGB", size, pictures.BLUE), "PNG"), "narrow.png")
    assert (picture.width, picture.height) == size
    assert picture.pixels[:3] == bytes(pictures.BLUE)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_is_transparent_becomes_white(mode: str) -> None:
    image = Image.new("RGBA", (2, 1))
    image.putpixel((0, 0), (0, 0, 0, 255))
    kind = "TIFF" if mode == "PA" else "PNG"
    picture = from_bytes(pictures.encode(image.convert(mode), kind), "see-through")
    assert picture.pixels == bytes([0, 0, 0, 255, 255, 255])


def test_a_half_transparent_palette_colour_is_mixed_with_white() -> None:
    image = Image.new("P", (1, 1))
    image.putpalette([200, 0, 0])
    picture = from_bytes(pictures.encode(image, "PNG", transparency=bytes([128])), "palette.png")
    assert np.abs(pixels(picture).ravel() - (227, 127, 127)).max() <= 1


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.array([[0, 32768, 65535]], np.uint16), "PNG"),
        (np.array([[0, 32768, 65535]], np.uint16), "TIFF"),
        (np.array([[0, 0.5, 1]], np.float32), "TIFF"),
        (np.array([[0, 2.0, 4.0]], np.float32), "TIFF"),
        (np.array([[0, 500_000, 1_000_000]], np.int32), "TIFF"),
    ],
)
def test_more_than_8_bits_are_scaled_not_cut(array: npt.NDArray[np.float32], kind: str) -> None:
    picture = from_bytes(pictures.encode(Image.fromarray(array), kind), "deep")
    assert np.abs(pixels(picture)[0, :, 0] - (0, 128, 255)).max() <= 1


def test_numbers_that_are_no_numbers_do_no_harm() -> None:
    array = np.array([[np.nan, np.inf, 1.0]], np.float32)
    picture = from_bytes(pictures.encode(Image.fromarray(array), "TIFF"), "nan.tif")
    assert picture.pixels == bytes([0, 0, 0, 0, 0, 0, 255, 255, 255])


def test_damaged_exif_costs_the_exif_not_the_picture() -> None:
    data = pictures.encode(Image.fromarray(pictures.scene()), "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\xff\xff")
    with pytest.warns(UserWarning, match="Corrupt EXIF"):
        picture = from_bytes(data, "exif.png")
    assert (pixels(picture) == pictures.scene()).all()


def test_a_large_jpeg_is_decoded_smaller_unless_it_is_progressive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_PIXELS", 500)
    picture = from_bytes(GOOD["plain.jpg"][0], "large.jpg")
    assert (picture.width, picture.height) == (24, 16)
    assert np.abs(pixels(picture) - pictures.scene()[::2, ::2]).mean() < 12
    for name in ("progressive.jpg", "plain.png"):
        with pytest.raises(PictureError, match="48 x 32"):
            from_bytes(GOOD[name][0], name)


def test_a_file_of_too_many_bytes_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(files, "MAX_FILE", 1 << 20)
    with open(tmp_path / "long.png", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(PictureError, match="more than 1 MiB"):
        open_picture(tmp_path / "long.png")


def test_missing_folder_and_address(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "gone.png", "There is no file gone.png"),
        (tmp_path, "is a folder"),
        ("https://example.org/cat.png", "does not fetch"),
        ("file:///cat.png", "does not fetch"),
        ("a\0b.png", "cannot be read"),
        ("", "There is no file"),
        ("x" * 5000, "cannot be read"),
    ):
        with pytest.raises(PictureError, match=words):
            open_picture(path)


def test_pipes_and_devices_never_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", "/dev/zero", "/dev/tty"):
        with pytest.raises(PictureError, match=r"is a pipe or a device|There is no file|cannot be read"):
            open_picture(path)


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.png").write_bytes(GOOD["plain.png"][0])

    def refuse(path: str, _flags: int) -> int:
        raise PermissionError(13, "Permission denied", path)  # what everyone but root gets

    monkeypatch.setattr(files, "_open_at_once", refuse)
    with pytest.raises(PictureError, match=r"You may not read secret\.png"):
        open_picture(tmp_path / "secret.png")


def test_names_are_fit_to_print(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n\x1b[2J.png")
    Path(path).write_bytes(GOOD["plain.png"][0])
    assert open_picture(path).name == "???[2J.png"


def test_200_mutations_of_good_files_end_in_a_picture_or_a_picture_error() -> None:
    random = np.random.default_rng(7)
    kinds = [GOOD[n][0] for n in ("plain.jpg", "palette.gif", "plain.heic", "plain.avif", "lzw.tif", "plain.jp2")]
    outcomes: dict[type, int] = {}
    for i in range(200):
        data = bytearray(kinds[i % len(kinds)])
        for at in random.integers(0, len(data), 4):
            data[at] = random.integers(0, 256)
        outcome = _outcome(lambda data=bytes(data): from_bytes(data, "mutant"))
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    assert set(outcomes) == {Picture, PictureError}


def _outcome(action: Callable[[], Picture]) -> type:
    try:
        return type(action())
    except PictureError:
        return PictureError


def test_arrays() -> None:
    picture = from_array(pictures.scene()[:, ::-1], "frame")
    assert (picture.width, picture.height, picture.name) == (48, 32, "frame")
    assert (pixels(picture) == pictures.scene()[:, ::-1]).all()
    for wrong in (np.zeros((2, 2), np.uint8), np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 3), np.float32)):
        with pytest.raises(ValueError, match="given"):
            from_array(wrong)
