"""The parts of a prompt on their way into libmtmd's structures and out of them."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llama_cpp import mtmd_cpp

from app.engine.quotes import Words


@dataclass(frozen=True)
class Chunk:
    """One piece of a tokenized prompt: tokens, or a slice of a picture.

    pointer: `const mtmd_input_chunk *`, valid as long as the chunks it came from.
    """

    tokens: tuple[int, ...] = ()
    picture: str = ""
    cells: int = 0
    positions: int = 0
    pointer: int = 0


@dataclass(frozen=True)
class Bitmap:
    """A picture; without pixels only its size counts."""

    width: int
    height: int
    pixels: bytes | None
    digest: str


def inputs_of(parts: Sequence[Words | Bitmap], bitmaps: list[int]) -> tuple[Any, list[Any]]:
    """`mtmd_input_part **` for `parts`, and what must stay alive with it. New bitmaps are appended to `bitmaps`."""
    keep: list[Any] = []
    pointers: list[Any] = []
    for part in parts:
        if isinstance(part, Bitmap):
            data = (
                None
                if part.pixels is None
                else ctypes.cast(ctypes.c_char_p(part.pixels), ctypes.POINTER(ctypes.c_uint8))
            )
            bitmap = mtmd_cpp.mtmd_bitmap_init(part.width, part.height, data)
            bitmaps.append(bitmap)
            mtmd_cpp.mtmd_bitmap_set_id(bitmap, part.digest.encode())
            item = mtmd_cpp.mtmd_input_part(text=None, bitmap=bitmap)
        else:
            raw, special = part.text.encode(), not part.plain
            text = mtmd_cpp.mtmd_input_text(text=raw, text_len=len(raw), add_special=False, parse_special=special)
            keep += [raw, text]
            item = mtmd_cpp.mtmd_input_part(text=ctypes.pointer(text), bitmap=None)
        keep.append(item)
        pointers.append(ctypes.pointer(item))
    array = (ctypes.POINTER(mtmd_cpp.mtmd_input_part) * len(pointers))(*pointers)
    return array, [*keep, *pointers]


def chunk_at(pointer: int) -> Chunk:
    """What the `const mtmd_input_chunk *` holds."""
    if mtmd_cpp.mtmd_input_chunk_get_type(pointer) == mtmd_cpp.MTMD_INPUT_CHUNK_TYPE_TEXT:
        count = ctypes.c_size_t()
        tokens = mtmd_cpp.mtmd_input_chunk_get_tokens_text(pointer, ctypes.byref(count))
        return Chunk(tokens=tuple(tokens[: count.value]), pointer=pointer)
    return Chunk(
        picture=(mtmd_cpp.mtmd_input_chunk_get_id(pointer) or b"").decode() or "?",
        cells=mtmd_cpp.mtmd_input_chunk_get_n_tokens(pointer),
        positions=mtmd_cpp.mtmd_input_chunk_get_n_pos(pointer),
        pointer=pointer,
    )
