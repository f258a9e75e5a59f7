import json
import os
from pathlib import Path
from typing import Any

import pytest

from app.errors import SpyglassError, UsageError
from app.settings.store import SettingsStore


def written(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.json"


def put(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text, "utf-8")


def test_without_a_file_the_defaults_hold_and_nothing_is_written(path: Path) -> None:
    store = SettingsStore(path)
    assert store.settings["engine.kv"] == "f16"
    assert store.warnings == []
    assert not path.exists()


def test_a_change_survives_a_restart_and_a_default_leaves_no_trace(path: Path) -> None:
    store = SettingsStore(path)
    store.set("model.path", "größe.gguf")
    store.set("engine.threads", 3)
    store.set("engine.threads", 0)
    assert written(path) == {"version": 1, "settings": {"model.path": "größe.gguf"}}
    assert SettingsStore(path).settings["model.path"] == "größe.gguf"
    assert os.listdir(path.parent) == ["settings.json"]


def test_a_refused_change_changes_nothing(path: Path) -> None:
    store = SettingsStore(path)
    with pytest.raises(UsageError):
        store.set("engine.kv", "f64")
    assert store.settings["engine.kv"] == "f16"
    assert not path.exists()


def test_unknown_and_unusable_entries_stay_in_the_file(path: Path) -> None:
    entries = {"window.future": [1], "engine.threads": "many", "engine.kv": "q8_0"}
    put(path, json.dumps({"version": 1, "settings": entries}))
    store = SettingsStore(path)
    assert (store.settings["engine.threads"], store.settings["engine.kv"]) == (0, "q8_0")
    assert store.warnings == ["The setting engine.threads must be a whole number. Until then its default holds."]
    store.set("engine.context", 512)
    assert written(path)["settings"] == {**entries, "engine.context": 512}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"version": 1}', '{"version": "1", "settings": {}}', '{"version": 0, "settings": {}}'],
)
def test_a_damaged_file_is_set_aside_not_lost(path: Path, text: str) -> None:
    put(path, text)
    store = SettingsStore(path)
    assert len(store.warnings) == 1
    assert "settings.damaged.json" in store.warnings[0]
    assert (path.parent / "settings.damaged.json").read_text("utf-8") == text
    store.set("engine.threads", 2)
    assert written(path)["settings"] == {"engine.threads": 2}


def test_bytes_that_are_no_text_are_set_aside(path: Path) -> None:
    put(path, "")
    path.write_bytes(b"\xff\xfe\x00")
    assert len(SettingsStore(path).warnings) == 1
    assert (path.parent / "settings.damaged.json").read_bytes() == b"\xff\xfe\x00"


def test_old_files_are_migrated_step_by_step(path: Path) -> None:
    put(path, json.dumps({"version": 2, "settings": {"threads": 4}}))

    def first(_: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("a file of version 2 has this behind it")

    def second(entries: dict[str, Any]) -> dict[str, Any]:
        return {"engine.threads": entries.pop("threads"), **entries}

    def third(entries: dict[str, Any]) -> dict[str, Any]:
        return {**entries, "engine.threads": entries["engine.threads"] + 1}

    store = SettingsStore(path, (first, second, third))
    assert store.settings["engine.threads"] == 5
    store.set("engine.context", 256)
    assert written(path) == {"version": 4, "settings": {"engine.threads": 5, "engine.context": 256}}


def test_a_migration_that_fails_keeps_the_file(path: Path) -> None:
    text = json.dumps({"version": 1, "settings": {}})
    put(path, text)
    store = SettingsStore(path, (lambda entries: entries["gone"],))
    assert "KeyError" in repr(store.warnings) or "gone" in store.warnings[0]
    assert (path.parent / "settings.damaged.json").read_text() == text


def test_a_newer_programs_file_keeps_its_version(path: Path) -> None:
    put(path, json.dumps({"version": 9, "settings": {"engine.threads": 4}}))
    store = SettingsStore(path)
    store.set("engine.threads", 5)
    assert written(path) == {"version": 9, "settings": {"engine.threads": 5}}


def test_what_cannot_be_saved_holds_until_the_end(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file where the folder should be")
    store = SettingsStore(tmp_path / "config" / "settings.json")
    assert "could not be read" in store.warnings[0]
    with pytest.raises(SpyglassError, match="could not be saved"):
        store.set("engine.threads", 2)
    assert store.settings["engine.threads"] == 2
