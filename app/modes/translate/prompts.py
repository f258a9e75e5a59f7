"""What models are asked for reading and translating.

Llama 3.2 understands pictures in English only and writes eight languages, so the picture is read first and the text is
translated in a job of its own. The starter model knows single words and the exact questions it was taught; `plain`
asks those. Everything else is asked in full: with the whole text as context and with what to leave alone.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.modes.translate.checks import mentions
from app.modes.translate.languages import Language
from app.values import Ask, Message, ModelSpec, Picture, Sampling

_READ_PLAIN = "Read the text in this picture."
_READ = (
    "Read all the text in this picture. Write it line by line, exactly as it stands, in its own language and spelling, "
    "and nothing else. If there is no text, write NONE."
)
_WHERE = (
    "Where does each of these lines of text stand in the picture? Answer as JSON, boxes in thousandths of its size: "
    '{"lines":[{"line":1,"box":[x0,y0,x1,y1]}]}. Leave out a line that you cannot find.'
)
_TRANSLATE = 'Translate "{text}" into {language}.'
_RULES = (
    "You are a translator. Answer with the translation into {language} only: no quotation marks, no remarks. "
    "Keep names, numbers, prices, codes and line breaks as they are."
)
_NOTHING = frozenset({"", "none", "none.", "i am not sure.", "no text", "no text."})
_SCHOOLED = "starter"


def plain(model: ModelSpec) -> bool:
    """Whether a model is one that was taught single words and fixed questions."""
    return _SCHOOLED in Path(model.path).stem.lower()


def read(model: ModelSpec, picture: Picture) -> Ask:
    """The job that reads a picture."""
    text = _READ_PLAIN if plain(model) else _READ
    message = Message(role="user", text=text, pictures=(picture.digest,))
    return Ask(model=model, messages=(message,), sampling=Sampling(max_tokens=4096))


def where(model: ModelSpec, picture: Picture, lines: Sequence[str], schema: dict[str, Any]) -> Ask:
    """The job that asks where lines of text stand in a picture, by their numbers from 1 on."""
    numbered = "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))
    message = Message(role="user", text=f"{_WHERE}\n\n{numbered}", pictures=(picture.digest,))
    sampling = Sampling(max_tokens=40 + 40 * len(lines))
    return Ask(model=model, messages=(message,), sampling=sampling, schema=schema)


def translate(
    model: ModelSpec, text: str, whole: str, to: Language, glossary: Mapping[str, str], *, aside: bool = False
) -> Ask:
    """The job that translates one passage. whole: the text it is part of, the same for all passages of a picture, so
    that the engine reads it once; aside: whether the model is there beside the one that reads pictures."""
    question = Message(role="user", text=_TRANSLATE.format(text=text, language=to.name))
    messages: tuple[Message, ...] = (question,)
    if not plain(model):
        rules = _RULES.format(language=to.name)
        terms = [f"{term} = {wanted}" for term, wanted in glossary.items() if mentions(whole, term)]
        if terms:
            rules += "\nUse these words: " + "; ".join(terms) + "."
        if whole.strip() != text.strip():
            rules += f"\nThe text is part of this:\n\n{whole}"
        messages = (Message(role="system", text=rules), question)
    return Ask(model=model, messages=messages, sampling=Sampling(max_tokens=64 + 4 * len(text)), aside=aside)


def explain(model: ModelSpec, phrase: str, whole: str, to: Language, *, aside: bool = False) -> Ask:
    """The job that explains a phrase of a text to a reader of another language."""
    text = (
        f'Explain "{phrase}" in {to.name}, in a few sentences: what it means word by word, what it means here, '
        f"and when it is said.\n\nIt is part of this text:\n\n{whole}"
    )
    message = Message(role="user", text=text)
    return Ask(model=model, messages=(message,), sampling=Sampling(max_tokens=512), aside=aside)


def says_nothing(answer: str) -> bool:
    """Whether a reading says that there is no text."""
    return answer.strip().strip('"').casefold() in _NOTHING


def may_say_nothing(begun: str) -> bool:
    """Whether a reading that has begun so may yet come to say that there is no text."""
    words = begun.strip().strip('"').casefold()
    return any(nothing.startswith(words) for nothing in _NOTHING)


def bare(answer: str, source: str) -> str:
    """A translation without the quotation marks a model may put around it."""
    text = answer.strip()
    for left, right in ('""', "“”", "«»", "„“", "‘’", "「」"):
        if len(text) > 1 and text.startswith(left) and text.endswith(right) and left not in source:
            return text[1:-1].strip()
    return text


def in_case_of(source: str, text: str) -> str:
    """A translation in capitals if what it stands for is, or with a first one. A model that was taught single words
    answers as the dictionary has them, and a sign that shouts AUSGANG should not whisper "exit" afterwards."""
    if len(source) > 1 and source.isupper():
        return text.upper()
    return text[:1].upper() + text[1:] if source[:1].isupper() else text
