"""Where things are on this machine. Every folder can be moved with SPYGLASS_HOME (tests and portable use)."""

import os
from pathlib import Path

import platformdirs

_NAME = "spyglass"


def _home() -> Path | None:
    home = os.environ.get("SPYGLASS_HOME")
    return Path(home) if home else None


def config_dir() -> Path:
    """Settings."""
    home = _home()
    return home / "config" if home else platformdirs.user_config_path(_NAME, appauthor=False)


def data_dir() -> Path:
    """Conversations and downloaded models."""
    home = _home()
    return home / "data" if home else platformdirs.user_data_path(_NAME, appauthor=False)


def cache_dir() -> Path:
    """What can be made again: picture embeddings."""
    home = _home()
    return home / "cache" if home else platformdirs.user_cache_path(_NAME, appauthor=False)


def log_dir() -> Path:
    home = _home()
    return home / "log" if home else platformdirs.user_log_path(_NAME, appauthor=False)


def models_dir() -> Path:
    return data_dir() / "models"


def conversations_dir() -> Path:
    return data_dir() / "conversations"


def assets_dir() -> Path:
    """Files that ship with the program: icons, the starter model, sample pictures."""
    inside = Path(__file__).parent / "assets"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "assets"
