"""Checking a translation by translating it back: where the meaning may have changed.

How alike two texts are is told by chrF (Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation"),
which forgives endings and word order more than counting words would. A paraphrase scores low too, so it is a reason
to look, never a verdict.
"""

import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher

from app.modes.translate.negation import denies

_LONGEST = 6
_BETA2 = 4.0
"""Recall counts twice as much as precision (beta = 2, squared)."""
_LOW = 0.45
"""chrF below which the meaning may have changed."""
_LIKE, _STEM = 0.75, 4
"""How alike two words are that may be forms of one (0..1), or how many letters they begin with in common."""
_WORD = re.compile(r"[^\W\d_]+|\d+")


@dataclass(frozen=True)
class Back:
    """A translation translated back.

    alike: chrF with the source, 0..1; lost: words of the source that it lacks; new: words that the source lacks;
    doubtful: whether the meaning may have changed.
    """

    text: str
    alike: float
    lost: tuple[str, ...]
    new: tuple[str, ...]
    doubtful: bool


def compare(source: str, back: str, code: str) -> Back:
    """What a text and its translation back have in common. code: the language of both."""
    here, there = _WORD.findall(source), _WORD.findall(back)
    turned = denies(source, code) != denies(back, code)  # a "not" came or went
    alike, lost = chrf(source, back), _missing(here, there)
    differs = alike < _LOW and (bool(lost) or not any(map(_tells, here)))
    return Back(back, alike, lost, _missing(there, here), turned or differs)


def chrf(one: str, other: str) -> float:
    """Character n-gram F-score, 0..1, of a text against a reference, spaces and capitals aside."""
    a, b = ("".join(_WORD.findall(text.casefold())) for text in (one, other))
    scores = []
    for length in range(1, _LONGEST + 1):
        wanted, given = _grams(a, length), _grams(b, length)
        if not wanted or not given:
            continue
        common = (wanted & given).total()
        precision, recall = common / given.total(), common / wanted.total()
        weight = _BETA2 * precision + recall
        scores.append((1 + _BETA2) * precision * recall / weight if weight else 0.0)
    return sum(scores) / len(scores) if scores else float(a == b)


def _grams(text: str, length: int) -> Counter[str]:
    return Counter(text[i : i + length] for i in range(len(text) - length + 1))


def _missing(words: list[str], others: list[str]) -> tuple[str, ...]:
    """The words that are not among the others in any form; short ones carry little and are passed over."""
    folded = [other.casefold() for other in others]
    return tuple(word for word in filter(_tells, words) if not any(_forms(word.casefold(), other) for other in folded))


def _tells(word: str) -> bool:
    return len(word) >= _STEM or word.isdigit() or not word.isascii()


def _forms(one: str, other: str) -> bool:
    """Whether two words may be forms of one."""
    if one.isdigit() or other.isdigit():
        return one == other
    same_stem = len(one) >= _STEM and one[:_STEM] == other[:_STEM]
    return same_stem or (one[:1] == other[:1] and SequenceMatcher(None, one, other).ratio() >= _LIKE)
