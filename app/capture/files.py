"""Picture files, whatever they hold, become upright 8-bit sRGB pixels or a `PictureError`.

Files come from strangers, so nothing is believed: only regular files are opened (a pipe or a device could block for
ever), only formats that Pillow and libheif decode themselves are tried (none that starts another program), sizes are
checked before a pixel is decoded, and whatever a decoder raises ends at this border.
"""

import contextlib
import functools
import io
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from app.errors import PictureError
from app.values import Picture
from app.wording import Wording

SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".gif"),
    *(".tif", ".tiff", ".bmp", ".jp2", ".ppm", ".pgm", ".pbm"),
)
"""File name endings to offer in a dialog; what a file really is, its content says."""

MAX_FILE = 512 << 20
"""Bytes of a file that is read: 64 megapixels of 16-bit TIFF."""
MAX_PIXELS = 64_000_000
"""Pixels of a picture, so that decoding takes at most five seconds and 1.5 GB on two slow cores."""
MAX_PIXELS_OF_JPEG = 200_000_000
"""A JPEG above `MAX_PIXELS` is decoded at half its width and height, unless it is progressive: such a one would first
have to be unpacked whole."""
MAX_PIXELS_OF_JPEG_2000 = 12_000_000

_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF", "TIFF", "BMP", "JPEG2000", "PPM")
_STRIP = 1 << 20
_WHITE = 255
_READABLE = Wording("Open a JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP, JPEG 2000 or PPM picture.")


def open_picture(path: str | Path) -> Picture:
    """The picture in the file at `path`. Raises PictureError; see `from_bytes`."""
    name = _shown(path)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", str(path)):
        raise PictureError(
            "Spyglass does not fetch pictures from addresses.", "Save the picture to a file and open that.", name
        )
    try:
        # A pipe or a device must not even be opened: reading could wait for ever. Between the question and the opening
        # the file can change, hence the flag that keeps an opening from waiting, and the second look.
        _need_regular_file(os.stat(path), name)
        with open(path, "rb", opener=_open_at_once) as file:
            _need_regular_file(os.fstat(file.fileno()), name)
            return from_stream(file, name)
    except FileNotFoundError as error:
        raise PictureError(
            Wording("There is no file {name}.", name=name), "Check its name and folder.", str(error)
        ) from error
    except PermissionError as error:
        raise PictureError(
            Wording("You may not read {name}.", name=name), "Change its permissions or copy it.", str(error)
        ) from error
    except (OSError, ValueError) as error:
        raise PictureError(
            Wording("{name} cannot be read.", name=name), "Check the path and the disk.", str(error)
        ) from error


def from_stream(stream: BinaryIO, name: str) -> Picture:
    """The picture that `stream` holds (to its end). Raises PictureError, and OSError from the stream itself."""
    data = stream.read(MAX_FILE + 1)
    return from_bytes(data, name)


def from_bytes(data: bytes, name: str) -> Picture:
    """The picture in `data`, the content of a picture file: upright, on white where it is transparent, the first frame
    if it moves, 16 bits and CMYK reduced to 8-bit sRGB, colour profile applied.

    A JPEG of more than `MAX_PIXELS` comes back at half its width and height. Raises PictureError if `data` is empty,
    too large, not a picture, or damaged.
    """
    if not data:
        raise PictureError(Wording("{name} is empty.", name=name), "Choose another picture.")
    if len(data) > MAX_FILE:
        raise PictureError(
            Wording("{name} has more than {size} MiB.", name=name, size=MAX_FILE >> 20), "Save the picture smaller."
        )
    _prepare()
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            return _decode(image, name)
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        what, todo = _what_else(data, name)
        raise PictureError(what, todo) from error
    except Exception as error:  # decoders raise SyntaxError, EOFError, struct.error, MemoryError and more
        raise PictureError(
            Wording("{name} is damaged or cut short.", name=name),
            "Get it again, or save it anew in another program.",
            repr(error),
        ) from error


def from_array(rgb: npt.NDArray[np.uint8], name: str = "") -> Picture:
    """A picture of the pixels `rgb`, (height, width, 3) uint8. Raises ValueError for any other shape or type."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"(height, width, 3) uint8 wanted, {rgb.shape} {rgb.dtype} given")
    return Picture(width=rgb.shape[1], height=rgb.shape[0], pixels=rgb.tobytes(), name=name)


def _shown(path: str | Path) -> str:
    """The file's name as text that can be printed and sent: on disk it may hold line ends or bytes that are no text."""
    name = os.path.basename(path) or str(path) or "?"
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _need_regular_file(status: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise PictureError(Wording("{name} is a folder.", name=name), "Choose a picture inside it.")
    if not stat.S_ISREG(status.st_mode):
        raise PictureError(Wording("{name} is a pipe or a device, not a file.", name=name), "Choose a picture file.")


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@functools.cache
def _prepare() -> None:
    pillow_heif.register_heif_opener()
    # Pillow's own limit is one for all formats and begins with a warning on standard error; ours is in `_decode`.
    Image.MAX_IMAGE_PIXELS = None


def _what_else(data: bytes, name: str) -> tuple[Wording, Wording]:
    """What a file is that holds no picture, and what to do."""
    head = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head:
        what = Wording("{name} is an SVG drawing, which has no pixels.", name=name)
        return what, Wording("Open it in another program and save it there as a PNG picture.")
    if head.startswith(b"%pdf"):
        what = Wording("{name} is a PDF document.", name=name)
        return what, Wording("Open it in another program and save the page there as a PNG picture.")
    return Wording("{name} is not a picture that Spyglass can read.", name=name), _READABLE


def _decode(image: Image.Image, name: str) -> Picture:
    width, height = image.size
    limit = _limit(image)
    if width * height > limit:
        what = Wording(
            "{name} has {width} x {height} = {millions:.0f} million pixels; {most:.0f} are the most.",
            name=name,
            width=width,
            height=height,
            millions=width * height / 1e6,
            most=limit / 1e6,
        )
        raise PictureError(what, "Save the picture smaller.")
    if width * height > MAX_PIXELS:
        image.draft(None, (width // 2, height // 2))
    profile = image.info.get("icc_profile")
    image = _srgb(_flat(_upright(image)), profile)
    return Picture(width=image.size[0], height=image.size[1], pixels=_pixels(image), name=name)


def _pixels(image: Image.Image) -> bytes:
    """What `image.tobytes()` gives, in strips: put together at once, they would keep the window's thread waiting."""
    width, height = image.size
    rows = max(1, _STRIP // (3 * width))
    pixels = io.BytesIO()  # grows without being copied, and hands out what it holds without copying it
    for top in range(0, height, rows):
        pixels.write(image.crop((0, top, width, min(top + rows, height))).tobytes())
    return pixels.getvalue()


def _limit(image: Image.Image) -> int:
    if image.format in ("JPEG", "MPO") and "progressive" not in image.info:
        return MAX_PIXELS_OF_JPEG
    return MAX_PIXELS_OF_JPEG_2000 if image.format == "JPEG2000" else MAX_PIXELS


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    with contextlib.suppress(Exception):  # damaged notes in the margin are no reason to refuse the picture
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _flat(image: Image.Image) -> Image.Image:
    """8 bits a channel and nothing transparent; the mode is L, RGB, CMYK, or a rare one that `_srgb` converts."""
    if image.mode.startswith(("I", "F")):
        return _to_8_bit(image)
    if image.has_transparency_data:
        above = image.convert("RGBA")
        below = Image.new("RGB", image.size, (_WHITE,) * 3)
        below.paste(above, mask=above.getchannel("A"))
        return below
    return image.convert("RGB") if image.mode in ("P", "1") else image


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Integers are taken as 16-bit, floating-point numbers as 0..1; whatever exceeds that as 0..its largest value."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    top = max(1.0 if image.mode == "F" else 65535.0, float(values.max()))
    values *= 255.0 / top
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8), "L")


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """`image` in sRGB. A profile that is damaged or of another colour model is left aside, as viewers do."""
    if image.mode == "LAB":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    if not profile:
        return _rgb(image)
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return _rgb(image)
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return _rgb(image)
    assert converted is not None
    return converted


def _rgb(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGB" else image.convert("RGB")
