"""Good and bad pictures as bytes, made anew for each test run: one of each kind that people and strangers bring."""

import functools
import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image, ImageCms

SIZE = (48, 32)
"""Width and height of the scene when it stands upright."""

RED, GREEN, BLUE, GREY = (220, 30, 30), (30, 160, 60), (40, 60, 200), (120, 120, 120)


def scene() -> npt.NDArray[np.uint8]:
    """(32, 48, 3): red, green / blue, grey quarters, so that every turn and mirror image can be told."""
    pixels = np.empty((SIZE[1], SIZE[0], 3), dtype=np.uint8)
    pixels[:16, :24], pixels[:16, 24:], pixels[16:, :24], pixels[16:, 24:] = RED, GREEN, BLUE, GREY
    return pixels


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """`image` as a file of Pillow's format `kind`."""
    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def good() -> dict[str, tuple[bytes, int]]:
    """By name: a file that shows the scene upright in sRGB, and by how much its pixels may differ from it."""
    rgb = Image.fromarray(scene())
    lossy = 26
    files = {
        "plain.png": (encode(rgb, "PNG"), 0),
        "plain.bmp": (encode(rgb, "BMP"), 0),
        "plain.ppm": (encode(rgb, "PPM"), 0),
        "plain.tif": (encode(rgb, "TIFF"), 0),
        "lzw.tif": (encode(rgb, "TIFF", compression="tiff_lzw"), 0),
        "plain.jpg": (encode(rgb, "JPEG", quality=95, subsampling=0), lossy),
        "progressive.jpg": (encode(rgb, "JPEG", quality=95, subsampling=0, progressive=True), lossy),
        "lossless.webp": (encode(rgb, "WEBP", lossless=True), 0),
        "plain.avif": (encode(rgb, "AVIF", quality=95, subsampling="4:4:4"), lossy),
        "plain.heic": (encode(rgb, "HEIF", quality=95, chroma=444), lossy),
        "plain.jp2": (encode(rgb, "JPEG2000"), 0),
        "palette.png": (encode(rgb.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"), 0),
        "palette.gif": (encode(rgb, "GIF"), 0),
        "named-wrongly.png": (encode(rgb, "JPEG", quality=95, subsampling=0), lossy),
        "cmyk.jpg": (encode(rgb.convert("CMYK"), "JPEG", quality=95, subsampling=0), lossy),
        "cmyk.tif": (encode(rgb.convert("CMYK"), "TIFF"), 0),
        "lab.tif": (encode(_lab(rgb), "TIFF"), 12),
        "colours-16-bit.png": (png(scene().astype(np.uint16) * 257, 2), 1),
        "srgb-profile.png": (encode(rgb, "PNG", icc_profile=_srgb_profile()), 0),
        "other-profile.png": (_in_other_colours(rgb), 6),
        "broken-profile.png": (encode(rgb, "PNG", icc_profile=b"nonsense" * 40), 0),
        "animated.gif": (encode(rgb, "GIF", save_all=True, append_images=[Image.new("RGB", SIZE)] * 3), 0),
        "animated.webp": (encode(rgb, "WEBP", lossless=True, save_all=True, append_images=[Image.new("RGB", SIZE)]), 0),
        "animated.png": (encode(rgb, "PNG", save_all=True, append_images=[Image.new("RGB", SIZE)] * 3), 0),
        "many-pages.tif": (encode(rgb, "TIFF", save_all=True, append_images=[Image.new("RGB", SIZE)]), 0),
    }
    for orientation in range(1, 9):
        files[f"exif-{orientation}.png"] = (turned(orientation), 0)
    return files


def _lab(rgb: Image.Image) -> Image.Image:
    lab = ImageCms.profileToProfile(
        rgb, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    return lab


def _srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """A display profile whose red is sRGB's blue and the other way round: applied or not, one sees at once."""
    profile = bytearray(_srgb_profile())
    for i in range(struct.unpack_from(">I", profile, 128)[0]):
        at = 132 + 12 * i
        swap = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(bytes(profile[at : at + 4]))
        profile[at : at + 4] = swap or profile[at : at + 4]
    return bytes(profile).replace(b"s\0R\0G\0B", b"o\0t\0h\0r").replace(b"sRGB", b"othr")


def _in_other_colours(rgb: Image.Image) -> bytes:
    red, green, blue = rgb.split()
    return encode(Image.merge("RGB", (blue, green, red)), "PNG", icc_profile=swapped_profile())


def turned(orientation: int) -> bytes:
    """A PNG whose pixels are stored turned or mirrored, with the EXIF note that says how to undo it."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    rgb = Image.fromarray(scene())
    stored = rgb.transpose(undo[orientation]) if orientation in undo else rgb
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(stored, "PNG", exif=exif)


def png(
    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], colour: int, size: tuple[int, int] | None = None
) -> bytes:
    """A PNG of (height, width[, channels]) pixels, 8 or 16 bits, colour type 0 grey or 2 RGB; `size` may lie."""
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder(">"))).view(np.uint8).reshape(height, -1)
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", *(size or (width, height)), 8 * pixels.itemsize, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*c) for c in ((b"IHDR", header), (b"IDAT", body), (b"IEND", b"")))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


@functools.cache
def bomb(side: int = 30000) -> bytes:
    """A grey PNG of `side` x `side` pixels that takes about a thousandth of that on disk."""
    packer, row, body = zlib.compressobj(9), b"\0" * (side + 1), []
    body = [packer.compress(row) for _ in range(side)] + [packer.flush()]
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", b"".join(body)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*c) for c in chunks)


SVG = b"""<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>"""


def bad() -> dict[str, Callable[[], bytes]]:
    """By name: a file that must be refused with a `PictureError`. Some take a second to make, hence the functions."""
    rgb = Image.fromarray(scene())
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8))

    def cut(kind: str) -> Callable[[], bytes]:
        return lambda: (whole := encode(noise, kind))[: len(whole) // 2]

    return {
        "empty.png": lambda: b"",
        "drawing.png": lambda: SVG,
        "document.jpg": lambda: b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
        "page.png": lambda: b"<!doctype html><html><body>404</body></html>",
        "noise.jpg": lambda: np.random.default_rng(1).bytes(5000),
        "zeros.png": lambda: bytes(4096),
        "postscript.png": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
        "bomb.png": bomb,
        "bomb.gif": lambda: b"GIF89a" + struct.pack("<HH", 65535, 65535) + encode(rgb, "GIF")[10:],
        "bomb.jpg": lambda: _huge_jpeg(),
        "bomb.jp2": lambda: encode(Image.new("L", (4000, 4000)), "JPEG2000"),
        "says-more-than-it-has.png": lambda: png(scene(), 2, (4000, 4000)),
        "header-only.png": lambda: encode(rgb, "PNG")[:33],
        "wrong-checksum.png": lambda: encode(rgb, "PNG").replace(b"IDAT", b"IDAT\1", 1),
        **{f"cut.{kind.lower()}": cut(kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF")},
    }


def _huge_jpeg() -> bytes:
    """A JPEG that says it is 60000 x 60000."""
    data = bytearray(encode(Image.fromarray(scene()), "JPEG"))
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, 60000, 60000)
    return bytes(data)
