"""Larger models than the starter: which there are, whether they run on this machine, and how to get them."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app import paths
from app.errors import SpyglassError
from app.library.known import KNOWN, Known
from app.ui import theme
from app.ui.buttons import push
from app.ui.figures import rounded
from app.ui.i18n import shown
from app.ui.sheets import SmallWindow
from app.wording import Wording

_HOW = Wording(
    "Spyglass fetches nothing by itself. Get a model and its projector (mmproj) with your browser, put both into one "
    "folder, then choose the model's file here."
)


class ModelsSheet(SmallWindow):
    """wanted: the person has a file and wants to choose it. failed: a SpyglassError."""

    wanted = Signal()
    failed = Signal(object)

    def __init__(self, free: int, cores: int, parent: QWidget) -> None:
        """free: bytes of memory. cores: of the processor."""
        super().__init__(Wording("Larger models"), parent)
        how = QLabel(shown(_HOW))
        how.setWordWrap(True)
        self.column.addWidget(how)
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(0, 0, 8, 0)
        rows.setSpacing(8)
        for known in KNOWN:
            rows.addWidget(_row(known, free, cores))
        rows.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        area.setAccessibleName(self.windowTitle())
        self.column.addWidget(area, 1)
        choose = push(Wording("Choose a file…"), self._choose, "primary")
        self.finish(push(Wording("Models folder"), self._open_folder), choose, focus=choose)
        self.resize(min(560, parent.width()), min(620, max(420, parent.height())))

    def _choose(self) -> None:
        self.accept()
        self.wanted.emit()

    def _open_folder(self) -> None:
        folder = paths.models_dir()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            what = Wording("The folder {name} cannot be made.", name=str(folder))
            self.failed.emit(SpyglassError(what, "Check the disk and its permissions.", str(error)))
            return
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def _row(known: Known, free: int, cores: int) -> QFrame:
    frame = QFrame()
    frame.setObjectName("passage")
    row = QHBoxLayout(frame)
    row.setContentsMargins(14, 10, 8, 10)
    words = QVBoxLayout()
    words.setSpacing(2)
    title = QLabel(known.title)
    title.setObjectName("title")
    words.addWidget(title)
    for line in _facts(known, free, cores):
        label = QLabel(shown(line))
        label.setWordWrap(True)
        label.setObjectName("soft")
        label.setFont(theme.scaled(label.font(), 0.88))
        words.addWidget(label)
    row.addLayout(words, 1)
    page = push(Wording("Its page"), _opener(known.page), "link")
    page.setAccessibleName(shown(Wording("The page of {name} in the browser", name=known.title)))
    page.setToolTip(known.page)
    row.addWidget(page, 0, Qt.AlignmentFlag.AlignTop)
    return frame


def _facts(known: Known, free: int, cores: int) -> list[Wording]:
    size = Wording("{size:.1f} GB", size=known.size / 1e9)
    needs = Wording("{size:.1f} GB", size=known.needs / 1e9)
    fits = known.needs <= free
    room = Wording("Needs about {needs} of memory, which is free.", needs=needs)
    short = Wording(
        "Needs about {needs} of memory; only {free} are free.",
        needs=needs,
        free=Wording("{size:.1f} GB", size=free / 1e9),
    )
    lines = [
        Wording(
            "{size} · {licence} · perhaps {speed} tokens/s here",
            size=size,
            licence=known.licence,
            speed=rounded(known.speed(cores)),
        ),
        room if fits else short,
    ]
    if known.checkpoint:
        command = "spyglass models convert"
        lines.append(Wording("To be converted after it is fetched: {command}", command=command))
    return lines


def _opener(page: str) -> Callable[[], object]:
    return lambda: QDesktopServices.openUrl(QUrl(page))
