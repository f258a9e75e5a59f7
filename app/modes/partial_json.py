"""JSON that is still being written: what can already be told from its beginning.

The answer of a model arrives in pieces. A label should appear when its name is there, not when the last bracket is.
"""

import contextlib
import re
from typing import Any, Self

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?(?=[ \t\r\n,\]}])")
"""With what follows it: a number that may still grow does not match."""
_WORDS = {"true": True, "false": False, "null": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_MAX_DEPTH = 32


class Text(str):
    """A string and where it stands: `source[start:end]` is its inside. `whole`: its closing quote has come."""

    start: int
    end: int
    whole: bool

    def __new__(cls, value: str, start: int, end: int, whole: bool) -> Self:
        text = super().__new__(cls, value)
        text.start, text.end, text.whole = start, end, whole
        return text


class _End(Exception):
    """The text ends, or stops being JSON, here; what was read so far stands."""


def parse(source: str) -> Any:
    """The value that `source` begins, as far as it is certain: dict, list, Text, number, bool, None.

    Text before the first bracket is passed over (some models announce their JSON), and so is all after the value. A
    number at the very end may still grow and is left out; a string there is given with `whole` False. None when there
    is no bracket at all.
    """
    start = re.search(r"[\[{]", source)
    if start is None:
        return None
    reader = _Reader(source, start.start())
    holder: list[Any] = []
    with contextlib.suppress(_End):
        reader.value(holder, 0)
    return holder[0]


class _Reader:
    def __init__(self, source: str, at: int) -> None:
        self.source = source
        self.at = at

    def value(self, into: list[Any], depth: int) -> None:
        """Append the next value to `into`; a list or dict is appended first and filled afterwards."""
        mark = self.peek()
        if depth > _MAX_DEPTH:
            raise _End
        if mark == "{":
            into.append({})
            self.members(into[-1], depth)
        elif mark == "[":
            into.append([])
            self.items(into[-1], depth)
        elif mark == '"':
            text = self.string()
            into.append(text)
            if not text.whole:
                raise _End
        else:
            into.append(self.scalar())

    def items(self, values: list[Any], depth: int) -> None:
        self.at += 1
        if self.closed("]"):
            return
        while True:
            self.value(values, depth + 1)
            if self.closed("]"):
                return
            self.expect(",")

    def members(self, values: dict[str, Any], depth: int) -> None:
        self.at += 1
        if self.closed("}"):
            return
        while True:
            if self.peek() != '"':
                raise _End
            key = self.string()
            self.expect(":")
            holder: list[Any] = []
            try:
                self.value(holder, depth + 1)
            finally:
                if holder:
                    values[str(key)] = holder[0]
            if self.closed("}"):
                return
            self.expect(",")

    def scalar(self) -> Any:
        number = _NUMBER.match(self.source, self.at)
        if number is not None:
            self.at = number.end()
            return float(number[0]) if number[1] or number[2] else int(number[0])
        for word, value in _WORDS.items():
            if self.source.startswith(word, self.at):
                self.at += len(word)
                return value
        raise _End

    def string(self) -> Text:
        """The string at this place. An escape cut in two is left out."""
        self.at += 1
        start = self.at
        out: list[str] = []
        while self.at < len(self.source):
            mark = self.source[self.at]
            if mark == '"':
                self.at += 1
                return Text(_paired("".join(out)), start, self.at - 1, True)
            if mark == "\\":
                escape = self.source[self.at + 1 : self.at + 6]
                length = 5 if escape[:1] == "u" else 1
                if len(escape) < length:
                    break
                out.append(_unescape(escape[:length]))
                self.at += length
            else:
                out.append(mark)
            self.at += 1
        return Text(_paired("".join(out)), start, len(self.source), False)

    def peek(self) -> str:
        self.at = _SPACE.match(self.source, self.at).end()  # type: ignore[union-attr]  # matches nothing at least
        if self.at >= len(self.source):
            raise _End
        return self.source[self.at]

    def closed(self, bracket: str) -> bool:
        if self.peek() != bracket:
            return False
        self.at += 1
        return True

    def expect(self, mark: str) -> None:
        if not self.closed(mark):
            raise _End


def _unescape(escape: str) -> str:
    if escape[0] != "u":
        return _ESCAPES.get(escape, escape)
    try:
        return chr(int(escape[1:], 16))
    except ValueError:
        return "\ufffd"


def _paired(text: str) -> str:
    """The halves of characters that were escaped in two (RFC 8259, 7) put together; nobody can print a half alone."""
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
