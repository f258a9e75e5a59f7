"""What must survive a translation: numbers, prices, addresses, names, the person's own terms."""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from app.wording import Wording

_NUMBER = re.compile(r"\d+(?:[.,'’\u00a0\u202f ]\d{3}(?!\d))*(?:[.,:]\d+)*")
_CODE = re.compile(r"\S+@\S+|https?://\S+|www\.\S+|\b(?=\w*\d)(?=\w*[^\W\d_])\w{2,}\b")
_UNITS = re.compile(r"(\d)(?:st|nd|rd|th|er|re|e|ème|º|ª|h|m|cm|km|g|kg|l|ml|am|pm|uhr)\b", re.IGNORECASE)
"""A number with an ending glued on: an ordinal, a unit or an hour may well change its ending."""
_MONEY = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW"}
_MONEY_WORDS = {"euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD", "pound": "GBP", "pounds": "GBP"}

_NO_NAMES = re.compile(
    "Mrs|Miss|Sir|Madam|(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|April|May|June|July|August|"
    "(Septem|Octo|Novem|Decem)ber|Mon|Tues?|Wed|Thu(rs?)?|Fri|Sat|Sun|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
)
"""English writes these with a capital too, also shortened, and they are translated."""


@dataclass(frozen=True)
class Concern:
    """A reason to look twice at a translation. what: the part of the source it is about, or the translation back."""

    kind: Literal["number", "price", "code", "name", "term", "empty", "meaning"]
    what: str

    @property
    def sentence(self) -> Wording:
        """What is said of it, wherever it is said."""
        return Wording(_SENTENCES[self.kind].template, what=self.what)


_SENTENCES = {
    "number": Wording("Look twice: the number {what} differs or is missing."),
    "price": Wording("Look twice: the currency {what} is missing."),
    "code": Wording("Look twice: {what} is missing."),
    "name": Wording("Look twice: the name {what} is missing."),
    "term": Wording("Your own word for “{what}” was not used."),
    "empty": Wording("“{what}” was not translated."),
    "meaning": Wording("Look twice: the meaning may have changed."),
}


def concerns(source: str, translation: str, source_code: str, glossary: Mapping[str, str]) -> tuple[Concern, ...]:
    """What of `source` the translation seems to have lost or changed. source_code: its language, "" if unknown."""
    if not translation.strip():
        return (Concern("empty", source),)
    written = {_plain(n): n for n in (*_written_numbers(translation), *_written_numbers(source))}
    found = [Concern("number", written[n]) for n in _lost(numbers(source), numbers(translation))]
    found += [Concern("number", written[n]) for n in _lost(numbers(translation), numbers(source))]
    found += [Concern("price", p) for p in _money(source) - _money(translation)]
    kept = translation.casefold()
    found += [Concern("code", c) for c in _codes(source) if c.casefold() not in kept]
    if source_code != "de" and _latin(source) and _latin(translation):
        found += [Concern("name", n) for n in _names(source) if n.casefold() not in kept]
    found += [
        Concern("term", term)
        for term, wanted in glossary.items()
        if mentions(source, term) and wanted.casefold() not in kept
    ]
    return tuple(dict.fromkeys(found))


def mentions(text: str, term: str) -> bool:
    """Whether a text holds a term as words of its own."""
    return re.search(rf"(?<!\w){re.escape(term)}(?!\w)", text, re.IGNORECASE) is not None


def numbers(text: str) -> list[str]:
    """The numbers of a text in one spelling: 1.000,50 and 1 000.50 and ١٠٠٠٫٥٠ are all "1000.5"."""
    return [_plain(found) for found in _written_numbers(text)]


def _written_numbers(text: str) -> list[str]:
    return _NUMBER.findall(_western(text))


def has_words(text: str) -> bool:
    """Whether there is anything to translate: two letters together."""
    return re.search(r"[^\W\d_]{2}", text) is not None or any(unicodedata.name(c, "").startswith("CJK") for c in text)


def _western(text: str) -> str:
    digits = (str(unicodedata.digit(c)) if unicodedata.digit(c, None) is not None else c for c in text)
    return "".join(digits).replace("٫", ".").replace("٬", ",")


def _plain(number: str) -> str:
    number = re.sub(r"['’\u00a0\u202f ]", "", number)
    if ":" in number:
        return number
    whole, mark, last = number.rpartition("," if number.rfind(",") > number.rfind(".") else ".")
    if not mark or (len(last) == 3 and whole.lstrip("0")):  # 1.000 is a thousand, 0.125 an eighth
        return re.sub(r"[.,]", "", number)
    return f"{re.sub(r'[.,]', '', whole)}.{last.rstrip('0')}".rstrip(".")


def _lost(source: list[str], translation: list[str]) -> list[str]:
    return list((Counter(source) - Counter(translation)).elements())


def _money(text: str) -> set[str]:
    named = {_MONEY_WORDS[w] for w in re.findall(r"[a-z]+", text.lower()) if w in _MONEY_WORDS}
    spelt = {code for code in _MONEY.values() if re.search(rf"\b{code}\b", text)}
    return named | spelt | {_MONEY[c] for c in text if c in _MONEY}


def _codes(text: str) -> list[str]:
    return [found.strip(".,;:()") for found in _CODE.findall(_UNITS.sub(r"\1", text))]


def _names(text: str) -> list[str]:
    """Capitalised words inside sentences. Headings, where every word is, tell nothing."""
    words = re.findall(r"[^\W\d_][\w’'-]*|[.!?:\n]", text)
    plain = [w for w in words if w[0].isalpha()]
    capital = [w for w in plain if w[0].isupper()]
    if len(plain) < 4 or len(capital) > 0.6 * len(plain):
        return []
    return [
        word
        for before, word in itertools.pairwise(words)
        if before[0].isalpha()
        and len(word) > 2
        and word[0].isupper()
        and word[1:].islower()
        and not _NO_NAMES.fullmatch(word)
    ]


def _latin(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    return bool(letters) and sum("LATIN" in unicodedata.name(c, "") for c in letters) > 0.8 * len(letters)
