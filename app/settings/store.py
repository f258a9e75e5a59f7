"""The settings file: JSON, written in one step, forgiving when read.

    {"version": 1, "settings": {"engine.threads": 4, ...}}

Only what differs from the defaults is in it. Entries this version of the program does not know, or whose value it
cannot use, stay in the file untouched. A file that cannot be read at all is set aside, never overwritten.
"""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from app import paths
from app.errors import SpyglassError, UsageError
from app.settings.schema import BY_KEY, Settings, setting_of
from app.wording import Wording

Migration = Callable[[dict[str, Any]], dict[str, Any]]

MIGRATIONS: tuple[Migration, ...] = ()
"""Append only: entry number i turns the settings of a file of version i + 1 into those of version i + 2."""


class SettingsStore:
    """The settings of one file.

    `settings` is what holds now. `warnings` says, a sentence each, what the file held that could not be used.
    """

    def __init__(self, path: Path | None = None, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        """Read the file at `path` (by default the person's own); a missing one means the defaults."""
        self.path = path or paths.config_dir() / "settings.json"
        self.warnings: list[str] = []
        self._version = len(migrations) + 1
        self._entries = self._read(migrations)
        self.settings = Settings(self._usable())

    def set(self, key: str, value: object) -> None:
        """Change one setting and save. Raises UsageError (nothing changed) or SpyglassError (changed, not saved)."""
        self.settings = self.settings.changed(key, value)
        if value == setting_of(key).default:
            self._entries.pop(key, None)
        else:
            self._entries[key] = self.settings[key]
        self._write()

    def _read(self, migrations: Sequence[Migration]) -> dict[str, Any]:
        try:
            content = json.loads(self.path.read_text("utf-8"))
            version, entries = content["version"], content["settings"]
            if not isinstance(version, int) or version < 1 or not isinstance(entries, dict):
                raise ValueError(f"version {version!r}")
            for migrate in migrations[version - 1 :]:
                entries = migrate(entries)
            # A newer program's file keeps its number, so that the newer program does not migrate it twice.
            self._version = max(version, self._version)
            return dict(entries)
        except FileNotFoundError:
            return {}
        except OSError as error:
            reason = error.strerror or "?"
            self.warnings.append(
                Wording("The settings could not be read ({reason}); the defaults hold.", reason=reason)
            )
            return {}
        except Exception as error:  # no JSON, no settings, or a migration that did not expect what it found
            self._set_aside(error)
            return {}

    def _set_aside(self, error: Exception) -> None:
        aside = self.path.with_suffix(".damaged.json")
        try:
            os.replace(self.path, aside)
            kept = Wording("It was kept as {name}, and the defaults hold.", name=aside.name)
        except OSError:
            kept = Wording("It could not be kept, and the defaults hold.")
        self.warnings.append(Wording("The settings file was damaged ({reason}). {kept}", reason=str(error), kept=kept))

    def _usable(self) -> dict[str, Any]:
        usable = {}
        for key in BY_KEY.keys() & self._entries.keys():
            try:
                usable[key] = BY_KEY[key].check(self._entries[key])
            except UsageError as error:
                self.warnings.append(Wording("{what} Until then its default holds.", what=error.what))
        return usable

    def _write(self) -> None:
        content = json.dumps({"version": self._version, "settings": self._entries}, indent=2, ensure_ascii=False)
        part = self.path.with_suffix(".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(part, "w", encoding="utf-8") as file:
                file.write(content + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.path)
        except OSError as error:
            raise SpyglassError(
                "The settings could not be saved; the change holds until the program ends.",
                "Check the disk and the permissions of the settings folder.",
                str(error),
            ) from error
