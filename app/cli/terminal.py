"""What a command says and where: results to one stream, everything else to the other."""

import json
import os
import re
from typing import Any, TextIO

from app.errors import SpyglassError

_CLEAR_LINE = "\r\033[K"
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of what follows them."""


def printable(text: str) -> str:
    """`text` without control characters but for line ends and tabs: a model's words must not steer the terminal.

    Spaces of every width and the joiners that Persian, Hindi and emoji are written with stay.
    """
    return _STEERING.sub("", text)


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
        """Put text out at once, so that a reader sees every word when it comes.

        Raises BrokenPipeError if nobody reads any more, SpyglassError if it cannot be written for another reason.
        """
        self._clear()
        self._line_open = not text.endswith("\n") if text else self._line_open
        try:
            self._out.write(printable(text))
            self._out.flush()
        except OSError as error:
            # What is left in the buffer is written again when the program ends; that must not fail once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._out.fileno())
            if isinstance(error, BrokenPipeError):
                raise
            raise SpyglassError("The output cannot be written.", "Check where it is sent.", str(error)) from error

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
        self.end_line()
        self.note(f"spyglass: {error.what} {error.todo}")
        if self.verbose and error.detail:
            self.note(error.detail)

    def interrupted(self) -> None:
        """Leave the terminal tidy."""
        self.end_line()
        self._clear()

    def _clear(self) -> None:
        if self._progress:
            self._progress = False
            self._err.write(_CLEAR_LINE)
            self._err.flush()
