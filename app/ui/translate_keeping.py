"""Taking a translation, or what was read, along: to the clipboard, or as a picture, a PDF or a text into a file."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from app.modes.translate import saving
from app.modes.translate.pipeline import Translation
from app.ui.bridge import Background
from app.ui.i18n import shown
from app.ui.saving import proposed
from app.ui.translate_panel import TranslatePanel
from app.values import Picture
from app.wording import Wording


class Keeping(QObject):
    """failed: a SpyglassError."""

    failed = Signal(object)

    def __init__(
        self,
        panel: TranslatePanel,
        background: Background,
        kept: Callable[[], tuple[Picture | None, Translation | None]],
    ) -> None:
        """kept: the translation there is now, and the picture it is drawn over."""
        super().__init__(panel)
        self._panel, self._background, self._kept = panel, background, kept
        self._folder = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation))
        panel.copied.connect(self._copy)
        panel.saved.connect(self._ask)

    def _copy(self) -> None:
        _, state = self._kept()
        if state is not None:
            QGuiApplication.clipboard().setText(state.text or state.original)

    def _ask(self) -> None:
        """Let the person say where to."""
        picture, state = self._kept()
        if state is None:
            return
        drawn = {f"{shown(Wording('Picture'))} (*.png *.jpg *.webp)": ".png", "PDF (*.pdf)": ".pdf"}
        drawable = picture is not None and bool(state.text)
        kinds = {**(drawn if drawable else {}), f"{shown(Wording('Text'))} (*.txt)": saving.TEXT}
        title = shown(Wording("Save the translation"))
        proposal = f"{proposed(state.text or state.original)}{next(iter(kinds.values()))}"
        name, kind = QFileDialog.getSaveFileName(self._panel, title, str(self._folder / proposal), ";;".join(kinds))
        if name:
            path = Path(name)
            self._folder = path.parent
            known = path.suffix.lower() in saving.SUFFIXES
            self.save(path if known else path.with_name(path.name + kinds.get(kind, saving.TEXT)))

    def save(self, path: Path) -> None:
        """Write the translation as the ending says."""
        picture, state = self._kept()
        if state is not None:
            work = partial(saving.save, path, picture, state, shown)
            self._background.run(work, lambda _: None, self.failed.emit)
