"""Keeping a translation: the picture with the words drawn over it, or both texts."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from app.errors import SpyglassError, UsageError
from app.modes.translate.overlay import overlay
from app.modes.translate.pipeline import Translation
from app.values import Picture
from app.wording import Wording

PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".pdf": "PDF"}
TEXT = ".txt"
SUFFIXES = (*PICTURES, TEXT)


def save(path: Path, picture: Picture | None, translation: Translation, say: Callable[[str], str] = str) -> None:
    """Write a translation; the ending of the name says as what. say: puts remarks into the reader's language.

    Raises SpyglassError."""
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        what = Wording("A translation is not saved as {kind}.", kind=kind) if kind else "The file's name has no ending."
        raise UsageError(what, Wording("Use {names}.", names=_list()))
    if picture is None and kind != TEXT:
        raise UsageError("There is no picture to draw on.", "Save the texts as .txt.")
    path = path.resolve()
    part = path.with_name(f".spyglass-{uuid.uuid4().hex}.part")
    try:
        try:
            if kind == TEXT or picture is None:
                part.write_text(side_by_side(translation, say), "utf-8")
            else:
                drawn = overlay(picture, translation).picture
                image = Image.frombytes("RGB", (drawn.width, drawn.height), drawn.pixels)
                # Of a PDF's title Pillow would make the name of the part that is written first.
                extra = {"resolution": 150.0, "title": path.stem} if kind == ".pdf" else {"quality": 92}
                image.save(part, PICTURES[kind], **extra)
            os.replace(part, path)  # what stood there stays until all of it is written
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise SpyglassError(
            Wording("{name} cannot be written.", name=path.name), "Check the folder and the disk.", str(error)
        ) from error


def side_by_side(translation: Translation, say: Callable[[str], str] = str) -> str:
    """Every passage as it was read; below it, after an arrow, what it means, and after one back, what that means."""
    blocks = []
    for passage in translation.passages:
        lines = [passage.source]
        if passage.translation is not None:
            lines.append(f"→ {passage.translation}")
        if passage.back is not None:
            lines.append(f"← {passage.back.text}")
        lines += [f"! {say(concern.sentence)}" for concern in passage.concerns]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _list() -> str:
    return ", ".join(SUFFIXES)
