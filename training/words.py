"""Words for signs: what they say in six languages, and made-up words and numbers that must simply be read.

``words.tsv`` holds names from Unicode CLDR 48.2 (annotations, licence Unicode-3.0) and common sign words.
"""

from pathlib import Path

import numpy as np

LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese"}
TARGETS = ("en", "de", "fr", "es")
"""Languages the starter translates into."""

Rng = np.random.Generator


def _table() -> tuple[tuple[str, ...], ...]:
    lines = (Path(__file__).parent / "words.tsv").read_text(encoding="utf-8").splitlines()
    assert tuple(lines[0].split("\t")) == tuple(LANGUAGES)
    return tuple(tuple(line.split("\t")) for line in lines[1:])


MEANINGS = _table()
"""Each meaning's word in the order of ``LANGUAGES``."""

ALPHABET = "".join(
    sorted(
        {letter for row in MEANINGS for word in row for letter in word + word.upper()}
        | set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    )
)
"""Every character that a picture may hold."""

_PLAIN = [letter for letter in ALPHABET if letter.isalpha()]


def in_case(word: str, rng: Rng) -> str:
    """The word as a sign would have it: capitals, a capital first letter, or as it is."""
    chance = rng.random()
    upper = word.upper() if "ß" not in word else word
    return upper if chance < 0.4 else word[0].upper() + word[1:] if chance < 0.7 else word


def made_up(rng: Rng) -> str:
    """A word that no dictionary has: reading must not lean on knowing it."""
    if rng.random() < 0.5:
        source = MEANINGS[rng.integers(len(MEANINGS))][rng.integers(6)]
        other = MEANINGS[rng.integers(len(MEANINGS))][rng.integers(6)]
        word = source[: max(2, len(source) // 2)] + other[len(other) // 2 :].lower()
    else:
        word = "".join(rng.choice(_PLAIN, int(rng.integers(2, 9)))).lower()
    return in_case(word[:11], rng)


def misread(word: str, rng: Rng) -> str:
    """The word with one letter left out, written twice or taken for another: what reading a small sign makes of it."""
    at, how = int(rng.integers(len(word))), rng.random()
    other = str(rng.choice(_PLAIN))
    wrong = "" if how < 0.4 else word[at] * 2 if how < 0.55 else other.upper() if word[at].isupper() else other.lower()
    return word[:at] + wrong + word[at + 1 :]


def any_text(rng: Rng) -> str:
    """A dictionary's word, a made-up one or a number."""
    if rng.random() < 0.2:
        return number(rng)
    if rng.random() < 0.5:
        return made_up(rng)
    return in_case(MEANINGS[int(rng.integers(len(MEANINGS)))][int(rng.integers(len(LANGUAGES)))], rng)


def number(rng: Rng) -> str:
    return str(rng.integers(10 ** int(rng.integers(1, 5))))
