"""Cuts Markdown into parts that can be laid out one by one, so that a long answer costs no more to extend than a short.

Pure text in, pure text out. Only the last part can still change while an answer is written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)$")
_IMAGE = re.compile(r"!(?=\[)")
_GOES_ON = re.compile(r"\s|[-*+] |\d+[.)] |>|\|")
_LONG_ENOUGH = 800


@dataclass(frozen=True)
class Part:
    """Markdown text, or the inside of a code block with what its fence says (the language)."""

    kind: Literal["text", "code"]
    text: str
    info: str = ""


def split(markdown: str) -> list[Part]:
    """The parts of `markdown` in order. A code block that is not closed yet runs to the end."""
    parts: list[Part] = []
    text: list[str] = []
    lines = iter(markdown.split("\n"))
    for line in lines:
        fence = _FENCE.match(line)
        if fence:
            _flush(parts, text)
            parts.append(_code(lines, fence))
            continue
        if text and not text[-1].strip() and not _GOES_ON.match(line) and sum(map(len, text)) > _LONG_ENOUGH:
            _flush(parts, text)
        text.append(line)
    _flush(parts, text)
    return parts


def without_images(markdown: str) -> str:
    """Images become links to them: nothing is loaded from a disk or a network because an answer names it."""
    return _IMAGE.sub("", markdown)


def _flush(parts: list[Part], lines: list[str]) -> None:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        parts.append(Part("text", text))
    lines.clear()


def _code(lines: Iterator[str], fence: re.Match[str]) -> Part:
    mark = fence[1]
    closing = re.compile(rf" {{0,3}}{mark[0]}{{{len(mark)},}}\s*$")
    inside: list[str] = []
    for line in lines:
        if closing.match(line):
            break
        inside.append(line)
    return Part("code", "\n".join(inside), fence[2].strip())
