"""What `spyglass recognise` found, as lines: JSON for programs, words for people; and the frames worth keeping."""

import argparse
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import msgspec

from app.capture.sources import Pixels
from app.cli.terminal import Terminal
from app.errors import SpyglassError
from app.modes.objects import Found, counts
from app.modes.recognise import Reading
from app.modes.watch import Answered
from app.values import Stats


@dataclass
class Seen:
    """One answer. at: seconds from the start of the video or the camera, None for a picture. clock: when a camera
    saw it: who watched through the night wants to know the hour."""

    source: str
    at: float | None
    stats: Stats
    took_s: float
    objects: tuple[Found, ...] = ()
    watched: Answered | None = None
    clock: datetime | None = None


def seen_in(source: str, at: float, stats: Stats, took_s: float, reading: Reading, result: object) -> Seen:
    """What came of a frame. result: what the looker made of the answer's last event."""
    if isinstance(result, Answered):
        return Seen(source, at, stats, took_s, watched=result)
    return Seen(source, at, stats, took_s, objects=reading.found())


class Printer:
    """Answers as lines: JSON, or words for people."""

    def __init__(self, terminal: Terminal, arguments: argparse.Namespace) -> None:
        self._terminal, self._json, self._keep = terminal, arguments.json, arguments.keep
        self._wish: str | None = arguments.watch
        self._several = len(arguments.sources) > 1 or Path(arguments.sources[0]).is_dir()
        self._kept = 0

    def tell(self, seen: Seen, rgb: Pixels) -> None:
        """Print an answer. With --watch people are told only what is news; JSON has every answer."""
        news = seen.watched is None or seen.watched.news
        kept = self._save(seen, rgb) if self._keep is not None and news else None
        if self._json:
            self._terminal.write_json(_as_json(seen, self._wish, kept))
        elif news or seen.at is None:
            source = f"{seen.source}: " if self._several else ""
            self._terminal.write(f"{source}{_in_words(seen, self._wish)}\n")

    def progress(self, words: str) -> None:
        self._terminal.progress(words)

    def note(self, words: str) -> None:
        self._terminal.note(words)

    def error(self, error: SpyglassError) -> None:
        self._terminal.error(error)

    def _save(self, seen: Seen, rgb: Pixels) -> str | None:
        """The file the frame was saved in; None, and a word about it, if it could not be: a watch must go on."""
        self._kept += 1
        stem = Path(seen.source).stem or "camera"
        safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in stem)[:40]
        path = Path(self._keep) / f"{safe}-{time.strftime('%Y%m%d-%H%M%S')}-{self._kept:04d}.jpg"
        try:
            path.write_bytes(cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes())
        except OSError as error:
            self.note(f"spyglass: {path} could not be saved. Check the folder and the disk. ({error.strerror})")
            return None
        return str(path)


def _as_json(seen: Seen, wish: str | None, kept: str | None) -> dict[str, Any]:
    line: dict[str, Any] = {"source": seen.source}
    if seen.at is not None:
        line["time"] = round(seen.at, 3)
    if seen.clock is not None:
        line["clock"] = seen.clock.isoformat(timespec="milliseconds")
    if wish is not None:
        sure = seen.watched.probability if seen.watched is not None else None
        yes = seen.watched is not None and seen.watched.yes
        news = seen.watched is not None and seen.watched.news
        line |= {"watch": wish, "yes": yes, "news": news, "probability": None if sure is None else round(sure, 4)}
    else:
        line["objects"] = [_object(one) for one in seen.objects]
    if kept is not None:
        line["picture"] = kept
    return {**line, "took_s": round(seen.took_s, 3), "stats": msgspec.to_builtins(seen.stats)}


def _object(one: Found) -> dict[str, Any]:
    line: dict[str, Any] = {"name": one.name, "count": one.count, "probability": round(one.probability, 4)}
    return line | ({"box": [round(v * 1000) for v in one.box]} if one.box is not None else {})


def _in_words(seen: Seen, wish: str | None) -> str:
    when = "" if seen.at is None else f"{seen.at:7.1f} s  "
    if seen.clock is not None:
        when = f"{seen.clock:%Y-%m-%d %H:%M:%S}  "
    if wish is not None:
        yes = seen.watched is not None and seen.watched.yes
        sure = seen.watched.probability if seen.watched is not None else 0.0
        return f"{when}{'Yes' if yes else 'No'}: {wish} ({sure:.0%})"
    names = [name if number == 1 else f"{number} × {name}" for name, number, _ in counts(seen.objects)]
    return when + (", ".join(names) or "nothing that I know")
