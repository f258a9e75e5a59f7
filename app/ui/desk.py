"""The pictures at hand: which one is on the stage, and which will go with the next question.

Everything that takes time (reading, decoding, cutting, scaling) happens on other threads.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QImage

from app.capture import files
from app.capture.qt.incoming import Incoming, picture_of
from app.errors import PictureError, SpyglassError
from app.ui import unopened
from app.ui.bridge import Background
from app.ui.i18n import shown
from app.values import Picture
from app.wording import Wording

MOST_AT_ONCE = 8
"""Pictures that can go with one question."""
THUMBNAIL = QSize(320, 240)

_SMALLEST_LEVEL = 1024
_LARGE = 16_000_000
"""Pixels from which on a picture is not kept a second time the way Qt draws it."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """A picture made ready to be shown.

    levels: the picture as Qt draws it, each half as large as the one before. part_of: where it was cut out.
    """

    picture: Picture
    levels: tuple[QImage, ...] = field(repr=False)
    thumbnail: QImage = field(repr=False)
    part_of: str = ""


def make_sheet(picture: Picture, part_of: str = "") -> Sheet:
    """Prepare a picture for the stage. Takes up to a second for the largest; not for the window's thread."""
    whole = QImage(picture.pixels, picture.width, picture.height, picture.width * 3, QImage.Format.Format_RGB888)
    rgb = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
    levels = [_drawn(rgb) if picture.width * picture.height < _LARGE else whole]
    while max(rgb.shape[:2]) > _SMALLEST_LEVEL:
        half = max(1, rgb.shape[1] // 2), max(1, rgb.shape[0] // 2)
        # Qt would halve it as well, but hold Python's lock meanwhile, and so the window's thread.
        rgb = np.asarray(cv2.resize(rgb, half, interpolation=cv2.INTER_AREA), np.uint8)
        levels.append(_drawn(rgb))
    size = whole.size().scaled(THUMBNAIL, Qt.AspectRatioMode.KeepAspectRatio).boundedTo(whole.size())
    thumbnail = levels[-1].scaled(size.expandedTo(QSize(1, 1)), mode=Qt.TransformationMode.SmoothTransformation)
    return Sheet(picture, tuple(levels), thumbnail, part_of)


def _drawn(rgb: npt.NDArray[np.uint8]) -> QImage:
    """(H, W, 3) uint8 as Qt draws it without touching each pixel. An image keeps alive the pixels it was made of."""
    pixels = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA))
    height, width, _ = pixels.shape
    return QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32)


class Desk(QObject):
    """stage: the Sheet on the stage or None. attached: what goes with the next question. opening: whether a picture is
    being read. told: something to know. failed: a SpyglassError to show."""

    stage_changed = Signal(object)
    attached_changed = Signal(list)
    opening = Signal(bool)
    told = Signal(str)
    failed = Signal(object)

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self.gathers = True
        """Whether a picture that comes joins those that go with the next question; else it takes their place."""
        self.stage: Sheet | None = None
        self.attached: list[Sheet] = []
        self._carried: list[Sheet] = []
        """What goes along though nobody brought it: the stage, with a new conversation. What is brought replaces it."""
        self._latest = 0  # so many pictures were begun with; each has its number
        self._coming: set[int] = set()
        self._shown = self._cutting = 0  # of the picture on the stage, and of the part that was drawn last

    @property
    def busy(self) -> bool:
        """Whether a picture is on its way to the next question."""
        return bool(self._coming)

    def take(self, what: Incoming) -> bool:
        """Open what was dropped or pasted; False if there is no picture in it."""
        if what.paths:
            self.open(what.paths)
        elif what.encoded:
            self._make([partial(files.from_bytes, what.encoded, shown(Wording("Pasted picture")))])
        elif what.image is not None:
            self._make([partial(picture_of, what.image, shown(Wording("Pasted picture")))])
        return what.has_picture()

    def open(self, paths: Sequence[Path | str]) -> None:
        """Open picture files: the first goes on the stage, all go with the next question, or as many as can."""
        if paths:
            most = MOST_AT_ONCE - len(self._kept())
            self._make([partial(files.open_picture, path) for path in paths[:most]], len(paths))

    def open_image(self, image: QImage, name: str) -> None:
        """Show pixels that the desktop gave."""
        self._make([partial(picture_of, image, name)])

    def open_frame(self, rgb: npt.NDArray[np.uint8], name: str) -> None:
        """Show a frame of a camera, (H, W, 3) uint8."""
        self._make([partial(files.from_array, rgb, name)])

    def cut(self, part: QRect) -> None:
        """Let the next question be about a part of the picture on the stage, in its pixels."""
        sheet = self.stage
        part = part.intersected(QRect(0, 0, sheet.picture.width, sheet.picture.height)) if sheet else QRect()
        if sheet and not part.isEmpty():
            self._coming.discard(self._cutting)
            self._cutting = number = self._begin()
            self._background.run(
                lambda: _cut_out(sheet.picture, part), partial(self._on_cut, number), partial(self._on_failed, number)
            )

    def uncut(self) -> None:
        """Let the next question be about the whole picture again."""
        if self._cutting in self._coming:
            self._end(self._cutting)
        stage = self.stage
        if stage and any(sheet.part_of == stage.picture.digest for sheet in self.attached):
            self._attach(self._exchanged(stage.picture.digest, stage))

    def attach_stage(self) -> None:
        """Let the picture on the stage go with the next question."""
        self._carried = [self.stage] if self.stage else []
        self._attach(self._carried)

    def restore(self, pictures: Sequence[Picture]) -> None:
        """Let pictures of an earlier question go with the next one."""
        if pictures:
            self._make([lambda p=p: p for p in pictures])  # type: ignore[misc]

    def lay(self, sheet: Sheet | None) -> None:
        """Put this on the stage, or nothing; it has been asked about before and does not go with the next question."""
        self._coming.clear()
        self._latest += 1
        self._shown = self._latest
        self.opening.emit(False)
        self.stage = sheet
        self.stage_changed.emit(sheet)
        self._attach([])

    def look_at(self, sheet: Sheet) -> None:
        """Put this one on the stage; what goes with the next question stays as it is."""
        if sheet is not self.stage and not sheet.part_of:
            self.stage = sheet
            self.stage_changed.emit(sheet)

    def look_again(self, picture: Picture) -> None:
        """Put a picture of an earlier question on the stage."""
        latest = self._latest

        def done(sheet: Sheet) -> None:
            if latest == self._latest:
                self.look_at(sheet)

        if self.stage is None or picture.digest != self.stage.picture.digest:
            self._background.run(lambda: make_sheet(picture), done, self.failed.emit)

    def detach(self, sheet: Sheet) -> None:
        """Do not send this one along; what the stage shows still goes, if anything does."""
        rest = [other for other in self.attached if other is not sheet]
        self._attach(rest)
        if rest and sheet is self.stage:
            self.look_at(rest[-1])

    def sent(self) -> None:
        """The question is on its way; the stage stays as it is."""
        self._attach([])

    def _begin(self) -> int:
        """The number of something that is on its way from now on."""
        self._latest += 1
        self._coming.add(self._latest)
        self.opening.emit(True)
        return self._latest

    def _end(self, number: int) -> None:
        self._coming.discard(number)
        self.opening.emit(self.busy)

    def _make(self, sources: "Sequence[Callable[[], Picture]]", wanted: int = 0) -> None:
        """wanted: of how many pictures these are the first."""
        if len(self._kept()) >= MOST_AT_ONCE:
            self.failed.emit(unopened.no_more(MOST_AT_ONCE))
            return
        if not self.gathers:  # the one opened last wins
            self._coming.clear()
        number, wanted = self._begin(), max(wanted, len(sources))
        self._background.run(
            partial(_make_all, sources, wanted),
            partial(self._on_made, number, wanted),
            partial(self._on_failed, number),
        )

    def _on_made(self, number: int, wanted: int, made: "tuple[list[Sheet], list[PictureError]]") -> None:
        sheets, bad = made
        if number not in self._coming:  # it is no longer wanted
            return
        kept = self._kept({sheet.picture.digest for sheet in sheets})
        joining = sheets[: MOST_AT_ONCE - len(kept)]  # others may have come meanwhile
        if joining and number > self._shown:
            self._shown = number
            self.stage = joining[0]
            self.stage_changed.emit(self.stage)
        self._attach([*kept, *joining])
        if bad:
            self.failed.emit(unopened.some(bad, len(bad) + len(sheets), wanted))
        elif not joining:
            self.failed.emit(unopened.no_more(MOST_AT_ONCE))
        elif wanted > len(joining):
            self.told.emit(unopened.only(len(joining), wanted))
        self._end(number)

    def _kept(self, but: Collection[str] = ()) -> list[Sheet]:
        """What still goes with the next question once another picture comes; `but` for those of these digests."""
        if not self.gathers or self.attached is self._carried:
            return []
        return [sheet for sheet in self.attached if sheet.picture.digest not in but and sheet.part_of not in but]

    def _on_cut(self, number: int, sheet: Sheet) -> None:
        if number not in self._coming:
            return
        sheets = self._exchanged(sheet.part_of, sheet)
        if len(sheets) <= MOST_AT_ONCE:
            self._attach(sheets)
        else:
            self.failed.emit(unopened.no_more(MOST_AT_ONCE))
        self._end(number)

    def _exchanged(self, digest: str, sheet: Sheet) -> list[Sheet]:
        """What goes along, with `sheet` in the place of the picture of this digest or of a part of it, else behind."""
        for index, other in enumerate(self.attached):
            if digest in (other.picture.digest, other.part_of):
                return [*self.attached[:index], sheet, *self.attached[index + 1 :]]
        return [*self.attached, sheet]

    def _on_failed(self, number: int, error: SpyglassError) -> None:
        self.failed.emit(error)
        if number in self._coming:
            self._end(number)

    def _attach(self, sheets: list[Sheet]) -> None:
        self.attached = sheets
        self.attached_changed.emit(sheets)


def _make_all(sources: "Sequence[Callable[[], Picture]]", wanted: int) -> tuple[list[Sheet], list[PictureError]]:
    """The pictures that are good, and what is wrong with the others. Raises PictureError if none is.

    wanted: of how many these are the first.
    """
    sheets, bad = [], []
    for source in sources:
        try:
            sheets.append(make_sheet(source()))
        except PictureError as error:
            bad.append(error)
    if not sheets:
        raise unopened.some(bad, len(bad), wanted)
    return sheets, bad


def _cut_out(picture: Picture, part: QRect) -> Sheet:
    rows = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
    inside = rows[part.top() : part.top() + part.height(), part.left() : part.left() + part.width()]
    return make_sheet(files.from_array(np.ascontiguousarray(inside), picture.name), part_of=picture.digest)
