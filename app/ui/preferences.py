"""The sheet of settings, and what a changed setting changes at once."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.settings.store import SettingsStore
from app.ui.settings_dialog import SettingsDialog


class Preferences(QObject):
    """failed: a SpyglassError."""

    failed = Signal(object)

    def __init__(self, window: QWidget, store: SettingsStore, effects: Mapping[str, Callable[[], object]]) -> None:
        """effects: what to call when a setting has changed, by its key or by the section of its key."""
        super().__init__(window)
        self._window, self._store, self._effects = window, store, effects

    def show(self) -> None:
        """Open the sheet."""
        dialog = SettingsDialog(self._store, self._window)
        dialog.changed.connect(self.follow)
        dialog.failed.connect(self.failed)
        dialog.open()

    def follow(self, key: str) -> None:
        """This setting has another value now."""
        effect = self._effects.get(key) or self._effects.get(key.partition(".")[0])
        if effect is not None:
            effect()
