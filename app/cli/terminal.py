"""What a command says and where: results to one stream, everything else to the other."""

import json
from typing import Any, TextIO

from app.errors import SpyglassError

_CLEAR_LINE = "\r\033[K"


def printable(text: str) -> str:
    """`text` without control characters but for line ends and tabs: a model's words must not steer the terminal."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


class Terminal:
    """Standard output for results, standard error for people; progress only where it is a terminal."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self.verbose = False
        self._out, self._err = out, err
        self._progress = False
        self._line_open = False
        for stream in (out, err):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")

    def write(self, text: str) -> None:
        """Put text out at once, so that a reader sees every word when it comes."""
        self._clear()
        self._out.write(printable(text))
        self._out.flush()
        self._line_open = not text.endswith("\n") if text else self._line_open

    def end_line(self) -> None:
        """Begin a new line if the last one is not empty."""
        if self._line_open:
            self.write("\n")

    def write_json(self, value: Any) -> None:
        self.write(json.dumps(value, ensure_ascii=False) + "\n")

    def progress(self, text: str) -> None:
        """Replace the progress line."""
        if self._err.isatty():
            self._err.write(_CLEAR_LINE + text)
            self._err.flush()
            self._progress = True

    def note(self, text: str) -> None:
        """A line for the person."""
        self._clear()
        self._err.write(printable(text) + "\n")
        self._err.flush()

    def error(self, error: SpyglassError) -> None:
        """What happened, what to do, and the detail if it was asked for."""
        self._finish_line()
        self.note(f"spyglass: {error.what} {error.todo}")
        if self.verbose and error.detail:
            self.note(error.detail)

    def interrupted(self) -> None:
        self._finish_line()
        self._clear()

    def _finish_line(self) -> None:
        try:
            self.end_line()
        except BrokenPipeError:
            self._line_open = False

    def _clear(self) -> None:
        if self._progress:
            self._progress = False
            self._err.write(_CLEAR_LINE)
            self._err.flush()
