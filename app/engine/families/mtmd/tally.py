"""The figures of one answer while it is made."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from app.values import Stats

Phase = Literal["look_s", "read_s", "write_s"]


@dataclass
class Tally:
    """Counts and times; `stats` gives them as they cross the pipe."""

    encoded: set[str] = field(default_factory=set)
    """Digests of pictures that went through the vision tower."""
    written: int = 0
    _started: float = field(default_factory=time.monotonic)
    _seconds: dict[Phase, float] = field(default_factory=lambda: {"look_s": 0.0, "read_s": 0.0, "write_s": 0.0})
    _found: dict[str, str] = field(default_factory=dict)
    _prompt: tuple[int, int, int] = (0, 0, 0)
    _first: float = 0.0
    _log_probability: float = 0.0

    @contextmanager
    def time(self, phase: Phase) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self._seconds[phase] += time.monotonic() - start

    def reading(self, tokens: int, reused: int, pictures: int) -> None:
        self._prompt = (tokens, reused, pictures)

    def found(self, digest: str, where: str) -> None:
        """A slice of the picture was in the cache: in "memory" or on "disk"."""
        self._found.setdefault(digest, where)

    def write(self, probability: float) -> None:
        """A token of the answer."""
        self._first = self._first or time.monotonic() - self._started
        self._log_probability += math.log(max(probability, 1e-30))
        self.written += 1

    def stats(self) -> Stats:
        tokens, reused, pictures = self._prompt
        found = [where for digest, where in self._found.items() if digest not in self.encoded]
        return Stats(
            prompt_tokens=tokens,
            reused_tokens=reused,
            computed_tokens=tokens - reused,
            pictures=pictures,
            pictures_encoded=len(self.encoded),
            pictures_from_memory=found.count("memory"),
            pictures_from_disk=found.count("disk"),
            written_tokens=self.written,
            look_s=self._seconds["look_s"],
            read_s=self._seconds["read_s"],
            write_s=self._seconds["write_s"],
            first_token_s=self._first,
            probability=math.exp(self._log_probability / self.written) if self.written else 1.0,
        )
