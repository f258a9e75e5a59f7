"""A text taken apart into what is to be translated and what stands around it: list marks, headings, tables, code."""

import re

_LINE = re.compile(r"^(\s*(?:>\s*)*(?:#{1,6}\s+|[-*+•–]\s+(?:\[[ xX]\]\s+)?|\d{1,3}[.)]\s+)?)(.*?)(\s*)$")
_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})")
_CELLS = re.compile(r"(\s*(?<!\\)\|\s*)")
_RULE = re.compile(r"^[\s\-=_*:|]*$")


def take_apart(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The passages of a text, and what stands before, between and after them (one more); joined they are the text.

    A line is a passage, and so is a cell of a table. Code between fences, rules and blank lines stay as they are.
    """
    passages: list[str] = []
    around = [""]
    fence = ""
    for number, line in enumerate(text.splitlines()):
        around[-1] += "\n" if number else ""
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        if fence or mark or _RULE.match(line):
            around[-1] += line
            continue
        for part, kept in _parts(line):
            if kept or not part:
                around[-1] += part
            else:
                passages.append(part)
                around.append("")
    return tuple(passages), tuple(around)


def _parts(line: str) -> list[tuple[str, bool]]:
    """The pieces of a line in order, each with whether it stays as it is."""
    if line.count("|") >= 2 and line.strip().startswith("|"):
        return [(piece, bool(i % 2) or not piece.strip()) for i, piece in enumerate(_CELLS.split(line))]
    found = _LINE.match(line)
    assert found is not None, "the expression takes any line"
    return [(found[1], True), (found[2], False), (found[3], True)]


def put_together(passages: tuple[str | None, ...], around: tuple[str, ...]) -> str:
    """The text again, up to the last passage before one that is not there yet."""
    text, before = "", around[0]
    for passage, after in zip(passages, around[1:], strict=True):
        if passage is None:
            return text
        text, before = text + before + passage, after
    return text + before
