"""Larger models than the starter: which there are, whether they run on this machine, and how to get them."""

from collections.abc import Callable

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app import paths
from app.errors import SpyglassError
from app.library.fetch import here
from app.library.known import KNOWN, Known
from app.ui import theme
from app.ui.buttons import push
from app.ui.fetching import Fetching
from app.ui.figures import rounded
from app.ui.i18n import shown
from app.ui.sheets import SmallWindow
from app.wording import Wording

_HOW = Wording(
    "“Get” fetches a model from its page on Hugging Face; its licence holds for you. Nothing else is fetched or sent. "
    "Or put a model of your own and its projector (mmproj) into one folder, and choose the model's file here."
)


class ModelsSheet(SmallWindow):
    """wanted: the person has a file and wants to choose it. chosen: the path of a model that is to be used. failed: a
    SpyglassError."""

    wanted = Signal()
    chosen = Signal(str)
    failed = Signal(object)

    def __init__(self, free: int, cores: int, fetching: Fetching, parent: QWidget) -> None:
        """free: bytes of memory. cores: of the processor. fetching: goes on when this is closed."""
        super().__init__(Wording("Larger models"), parent)
        how = QLabel(shown(_HOW))
        how.setWordWrap(True)
        self.column.addWidget(how)
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(0, 0, 8, 0)
        rows.setSpacing(8)
        for known in KNOWN:
            row = _Row(known, free, cores, fetching)
            row.chosen.connect(self._use)
            rows.addWidget(row)
        rows.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        area.setAccessibleName(self.windowTitle())
        self.column.addWidget(area, 1)
        choose = push(Wording("Choose a file…"), self._choose)
        self.finish(push(Wording("Models folder"), self._open_folder), choose, focus=choose)
        self.resize(min(560, parent.width()), min(620, max(420, parent.height())))

    def _choose(self) -> None:
        self.accept()
        self.wanted.emit()

    def _use(self, path: str) -> None:
        self.accept()
        self.chosen.emit(path)

    def _open_folder(self) -> None:
        folder = paths.models_dir()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            what = Wording("The folder {name} cannot be made.", name=str(folder))
            self.failed.emit(SpyglassError(what, "Check the disk and its permissions.", str(error)))
            return
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


class _Row(QFrame):
    """A model, and what can be done about it now: get it, stop that, or use it.

    chosen: the path of its file.
    """

    chosen = Signal(str)

    def __init__(self, known: Known, free: int, cores: int, fetching: Fetching) -> None:
        super().__init__()
        self.setObjectName("passage")
        self._known, self._fetching = known, fetching
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 10, 8, 10)
        words = QVBoxLayout()
        words.setSpacing(2)
        title = QLabel(known.title)
        title.setObjectName("title")
        words.addWidget(title)
        for line in _facts(known, free, cores):
            words.addWidget(_soft(shown(line)))
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self._bar.setAccessibleName(shown(Wording("Progress")))
        words.addSpacing(4)
        words.addWidget(self._bar)
        self._told = _soft("")
        words.addWidget(self._told)
        row.addLayout(words, 1)
        self._buttons = QVBoxLayout()
        row.addLayout(self._buttons)
        self._get = self._button(Wording("Get"), Wording("Get {name}", name=known.title), self._start)
        self._stop = self._button(Wording("Stop"), Wording("Stop fetching {name}", name=known.title), fetching.stop)
        self._use = self._button(Wording("Use it"), Wording("Use {name}", name=known.title), self._choose)
        name = Wording("The page of {name} in the browser", name=known.title)
        self._button(Wording("Its page"), name, _opener(known.page), "link").setToolTip(known.page)
        self._buttons.addStretch()
        fetching.changed.connect(self._refresh)
        self._refresh()

    def _button(self, words: Wording, name: Wording, act: Callable[[], object], kind: str = "") -> QPushButton:
        button = push(words, act, kind)
        button.setAccessibleName(shown(name))
        self._buttons.addWidget(button)
        return button

    def _start(self) -> None:
        self._fetching.start(self._known)

    def _choose(self) -> None:
        model = here(self._known)
        if model:
            self.chosen.emit(str(model))

    def _refresh(self) -> None:
        fetching = self._fetching
        mine, there = fetching.known == self._known, here(self._known) is not None
        focused = self.window().focusWidget() in (self._get, self._stop, self._use)
        self._get.setEnabled(fetching.known is None)
        self._get.setVisible(not (mine or there or self._known.checkpoint))
        self._stop.setVisible(mine)
        self._use.setVisible(there and not mine)
        if focused:  # or it would go to the next row's
            (self._stop if mine else self._use if there else self._get).setFocus()
        self._bar.setVisible(mine)
        self._bar.setValue(round(1000 * (fetching.fraction or 0)))
        failed = fetching.error and fetching.error[0] == self._known
        self._told.setVisible(bool(mine or failed))
        if mine:
            self._told.setText(shown(_progress(fetching)))
        elif fetching.error and failed:
            self._told.setText(shown(fetching.error[1].whole))


def _soft(words: str) -> QLabel:
    label = QLabel(words)
    label.setWordWrap(True)
    label.setObjectName("soft")
    label.setFont(theme.scaled(label.font(), 0.88))
    return label


def _progress(fetching: Fetching) -> Wording:
    """How much has come, and how long the rest may take."""
    if not fetching.here:
        return Wording("Asking for it…")
    came, whole = (Wording("{size:.1f} GB", size=size / 1e9) for size in (fetching.here, fetching.total))
    left = fetching.seconds_left
    if left is None:
        return Wording("{came} of {whole}", came=came, whole=whole)
    if left < 60:
        return Wording("{came} of {whole}, less than a minute left", came=came, whole=whole)
    return Wording("{came} of {whole}, about {minutes} min left", came=came, whole=whole, minutes=round(left / 60))


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
