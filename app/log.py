"""Logging: a small rotating file, and standard error where there is one (a windowed program may have none)."""

import logging
import logging.handlers
import sys

from app import paths

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def start(verbose: bool = False, name: str = "spyglass") -> None:
    """Send log records and warnings to `NAME.log` in the log folder (1 MB, two old ones kept).

    If verbose, more of them, and to standard error as well. A folder that cannot be written costs the log, not the
    program.
    """
    handlers: list[logging.Handler] = []
    try:
        paths.log_dir().mkdir(parents=True, exist_ok=True)
        target = paths.log_dir() / f"{name}.log"
        handlers.append(logging.handlers.RotatingFileHandler(target, maxBytes=1 << 20, backupCount=2, encoding="utf-8"))
    except OSError:
        pass
    if verbose and sys.stderr is not None:
        handlers.append(logging.StreamHandler(sys.stderr))
    logging.basicConfig(level=logging.INFO, format=_FORMAT, handlers=handlers or [logging.NullHandler()])
    logging.getLogger("app").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.captureWarnings(True)
