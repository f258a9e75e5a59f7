"""The languages texts are translated between, and telling in which of them a text is written."""

import functools
import unicodedata
from dataclasses import dataclass

from py3langid import langid

from app.errors import UsageError
from app.wording import Wording


@dataclass(frozen=True)
class Language:
    """code: ISO 639-1; name: in English, as models are asked; native: as its readers call it."""

    code: str
    name: str
    native: str
    right_to_left: bool = False


LANGUAGES = {
    language.code: language
    for language in (
        Language("ar", "Arabic", "العربية", True),
        Language("cs", "Czech", "Čeština"),
        Language("da", "Danish", "Dansk"),
        Language("de", "German", "Deutsch"),
        Language("el", "Greek", "Ελληνικά"),
        Language("en", "English", "English"),
        Language("es", "Spanish", "Español"),
        Language("fi", "Finnish", "Suomi"),
        Language("fr", "French", "Français"),
        Language("he", "Hebrew", "עברית", True),
        Language("hi", "Hindi", "हिन्दी"),
        Language("hu", "Hungarian", "Magyar"),
        Language("it", "Italian", "Italiano"),
        Language("ja", "Japanese", "日本語"),
        Language("ko", "Korean", "한국어"),
        Language("nl", "Dutch", "Nederlands"),
        Language("no", "Norwegian", "Norsk"),
        Language("pl", "Polish", "Polski"),
        Language("pt", "Portuguese", "Português"),
        Language("ro", "Romanian", "Română"),
        Language("ru", "Russian", "Русский"),
        Language("sv", "Swedish", "Svenska"),
        Language("th", "Thai", "ไทย"),
        Language("tr", "Turkish", "Türkçe"),
        Language("uk", "Ukrainian", "Українська"),
        Language("zh", "Chinese", "中文"),
    )
}

_ONE_LANGUAGE = {"HANGUL": "ko", "HIRAGANA": "ja", "KATAKANA": "ja", "GREEK": "el", "HEBREW": "he", "THAI": "th"}
"""Scripts that one language of ours is written in."""


@dataclass(frozen=True)
class Guess:
    """The language a text seems to be in; sure: 0..1."""

    code: str
    sure: float


def language(code: str) -> Language:
    """The language of a code. Raises UsageError for one that is not offered."""
    found = LANGUAGES.get(code.lower())
    if found is None:
        what = Wording("The language {code} is not offered.", code=code)
        raise UsageError(what, Wording("Choose one of {names}.", names=", ".join(LANGUAGES)))
    return found


def guess(text: str) -> Guess | None:
    """The language of a text, or None if it has too few letters to tell.

    Scripts that name their language decide; the rest is left to character statistics (py3langid). One or two Latin
    words are seldom told apart by those, so `sure` is capped for them.
    """
    letters = [c for c in text if c.isalpha()]
    if len(letters) < 2:
        return None
    scripts = [unicodedata.name(c, "?").split()[0] for c in letters]
    for script, code in _ONE_LANGUAGE.items():
        if scripts.count(script) > 0.2 * len(letters):
            return Guess(code, 1.0)
    if scripts.count("CJK") > 0.3 * len(letters):
        return Guess("zh", 0.95)
    words = text.split()
    code, sure = _identifier().classify(" ".join(words))
    short = len(words) < 3 and "LATIN" in scripts
    return Guess(code, min(float(sure), 0.6 if short else 0.95))


@functools.cache
def _identifier() -> langid.LanguageIdentifier:
    """Loading takes about a second and 40 MB, so it waits for the first text."""
    path = langid.MODEL_DIR / langid.MODEL_FILE
    identifier = langid.LanguageIdentifier.from_modelpath(path, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier
