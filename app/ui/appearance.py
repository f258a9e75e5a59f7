"""Theme and language of the window, as the settings say, or the desktop where they leave it to that."""

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from app.settings.store import SettingsStore
from app.ui import theme
from app.ui.i18n import Language
from app.ui.notify import Notice
from app.wording import Wording


class Tinted(Protocol):
    """Something that draws in colours of its own making: icons, laid-out text."""

    def retint(self) -> None: ...


class Appearance(QObject):
    """Changes either while the window is open."""

    def __init__(self, store: SettingsStore, language: Language, notice: Notice, tinted: Sequence[Tinted]) -> None:
        super().__init__(notice)
        self._store, self._language, self._notice, self._tinted = store, language, notice, tinted

    def follow_theme(self) -> None:
        """Take on the colours that are wanted now."""
        app = QApplication.instance()
        wanted = theme.wanted(self._store.settings["window.theme"])
        if isinstance(app, QApplication) and wanted != theme.current():
            theme.apply(app, wanted)
            for one in self._tinted:
                one.retint()

    def follow_language(self) -> None:
        """Speak the language that is wanted now, or say why not."""
        missing = self._language.use(self._store.settings["window.language"])
        if missing:
            self._notice.show_hint(missing, Wording("Install Spyglass again."))
