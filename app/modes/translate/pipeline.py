"""Translating a picture or a text, stage by stage: find, read, translate, check, and if wanted translate back.

A translation is one value that grows: every stage yields the whole of what is known so far, so that stopping at any
point leaves what is finished. Closing the iterator cancels the engine's job.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import numpy as np

from app.capture import regions
from app.capture.region import Quad
from app.modes.translate import checks, markup, prompts, reading
from app.modes.translate.answers import Answer, Engine, Progress, Step, answer
from app.modes.translate.back import Back, compare
from app.modes.translate.checks import Concern
from app.modes.translate.languages import Guess, guess, language
from app.modes.translate.reading import Reading
from app.values import Ask, ModelSpec, Picture

Stage = Literal["finding", "reading", "translating", "checking", "done"]
Outcome = Literal["translated", "no text", "already"]

_T = TypeVar("_T")

_CERTAIN = 0.85
"""How sure the source's language must be to leave a text untranslated because it is in the target's."""


_GUESSED = 0.3
"""How sure the source's language must be to translate back into it."""


@dataclass(frozen=True)
class Wish:
    """What is wanted. target, source: codes of `languages`, source may be "auto"; glossary: term -> the person's word
    for it; reader sees the picture; translator, if given, is another model for the text; check: translate back
    too; point: ask the reader where lines stand that it read and that were not found."""

    reader: ModelSpec
    target: str
    source: str = "auto"
    glossary: Mapping[str, str] = field(default_factory=dict)
    translator: ModelSpec | None = None
    check: bool = False
    point: bool = True

    @property
    def writer(self) -> ModelSpec:
        """The model that translates."""
        return self.translator if self.translator is not None and self.aside else self.reader

    @property
    def aside(self) -> bool:
        """Whether the model that translates is another than the one that reads."""
        return self.translator is not None and self.translator.path != self.reader.path


@dataclass(frozen=True)
class Passage:
    """Lines that are translated together.

    source, lines: its text, joined and as it stands; quads: where its lines stand, empty if that is unknown; sure: of
    the reading; translation: None until it is finished; sure_written: of the translation; back: what it means when it
    is translated back; stacked: whether its lines run down and their letters stand upright.
    """

    source: str
    lines: tuple[str, ...]
    quads: tuple[Quad, ...]
    sure: float
    translation: str | None = None
    sure_written: float = 0.0
    concerns: tuple[Concern, ...] = ()
    back: Back | None = None
    stacked: bool = False


@dataclass(frozen=True)
class Translation:
    """The translation as far as it has come.

    draft: what is being written just now; fraction: 0..1 of the stage; progress: what the engine does before it writes;
    around: of a text, what stands before, between and after its passages.
    """

    target: str
    stage: Stage
    fraction: float = 0.0
    draft: str = ""
    progress: Progress | None = None
    found: tuple[Quad, ...] = ()
    passages: tuple[Passage, ...] = ()
    source: Guess | None = None
    outcome: Outcome = "translated"
    around: tuple[str, ...] = ()

    @property
    def original(self) -> str:
        """The reading, line by line."""
        return "\n".join("\n".join(passage.lines) for passage in self.passages)

    @property
    def text(self) -> str:
        """The translation, a passage a line or as the text's own lines were; what is not yet translated is left out."""
        if self.around:
            return markup.put_together(tuple(p.translation for p in self.passages), self.around)
        return "\n".join(p.translation for p in self.passages if p.translation is not None)


def translate_picture(picture: Picture, wish: Wish, engine: Engine) -> Iterator[Translation]:
    """Find, read and translate the text of a picture. Raises SpyglassError; what was yielded before stands."""
    target = language(wish.target).code
    state = Translation(target, "finding")
    yield state
    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
    found = regions.find(pixels)
    state = replace(state, stage="reading", found=tuple(region.quad for region in found))
    yield state
    steps = reading.read(engine, wish.reader, picture, found, point=wish.point)
    result = yield from _shown(steps, state)
    yield from _translate(replace(state, passages=_passages(result)), wish, engine)


def translate_text(text: str, wish: Wish, engine: Engine) -> Iterator[Translation]:
    """Translate a text, a passage for each of its lines, keeping lists, tables and code in shape.

    Raises SpyglassError; what was yielded before stands.
    """
    yield from _translate(untranslated(text, language(wish.target).code), wish, engine)


def untranslated(text: str, target: str) -> Translation:
    """A text as it stands before anything of it is translated. target: a language's code."""
    parts, around = markup.take_apart(text)
    passages = tuple(Passage(part, (part,), (), 1.0) for part in parts)
    return Translation(target, "translating", passages=passages, around=around)


def once_more(state: Translation, target: str) -> Translation:
    """What was read to its end, before anything of it is translated into another language or with other words."""
    passages = tuple(Passage(p.source, p.lines, p.quads, p.sure, stacked=p.stacked) for p in state.passages)
    return Translation(target, "translating", found=state.found, passages=passages, around=state.around)


def translate_read(state: Translation, wish: Wish, engine: Engine) -> Iterator[Translation]:
    """Translate what `once_more` gives. Raises SpyglassError; what was yielded before stands."""
    yield from _translate(state, wish, engine)


def _shown(steps: Generator[Step, None, _T], state: Translation) -> Generator[Translation, None, _T]:
    """The steps of a stage (fraction, if it is known, and draft) as states; returns what the stage returns."""
    try:
        while True:
            fraction, draft, progress = next(steps)
            fraction = state.fraction if fraction is None else fraction
            yield replace(state, fraction=fraction, draft=draft, progress=progress)
    except StopIteration as end:
        value: _T = end.value
        return value
    finally:
        steps.close()


def _passages(result: Reading) -> tuple[Passage, ...]:
    found = []
    for indices in result.passages:
        lines = [result.lines[i] for i in indices]
        quads = tuple(line.quad for line in lines if line.quad is not None)
        texts = tuple(line.text for line in lines)
        stacked = all(line.region is not None and line.region.stacked for line in lines)
        sure = min(line.sure for line in lines)
        found.append(Passage(_joined(texts), texts, quads, sure, stacked=stacked))
    return tuple(found)


def _joined(lines: tuple[str, ...]) -> str:
    """Lines as running text: a hyphen at a line's end goes, and no space comes between Chinese or Japanese ones."""
    text = ""
    for line in lines:
        if len(text) > 1 and text[-1] in "-\u00ad" and text[-2].isalpha() and line[:1].islower():
            text = text[:-1] + line
        else:
            dense = text and ord(text[-1]) > 0x2E7F and ord(line[0]) > 0x2E7F and not 0xAC00 <= ord(line[0]) <= 0xD7AF
            text += line if dense or not text else " " + line
    return text


def _translate(state: Translation, wish: Wish, engine: Engine) -> Iterator[Translation]:
    whole = state.original
    if not whole.strip():
        yield replace(state, stage="done", fraction=1.0, outcome="no text")
        return
    source = guess(whole) if wish.source == "auto" else Guess(language(wish.source).code, 1.0)
    state = replace(state, stage="translating", fraction=0.0, source=source)
    if source is not None and source.code == wish.target and source.sure >= _CERTAIN:
        yield replace(state, stage="done", fraction=1.0, outcome="already")
        return
    yield state
    for at, passage in enumerate(state.passages):
        steps = _one(passage, whole, wish, engine)
        translated, sure = yield from _shown(steps, replace(state, fraction=at / len(state.passages)))
        spoken = source.code if source else ""
        concerns = checks.concerns(passage.source, translated, spoken, wish.glossary)
        done = replace(passage, translation=translated, sure_written=sure, concerns=concerns)
        state = replace(
            state, passages=(*state.passages[:at], done, *state.passages[at + 1 :]), draft="", progress=None
        )
        yield replace(state, fraction=(at + 1) / len(state.passages))
    same = source is not None and source.code == wish.target
    same &= all((p.translation or "").casefold() == p.source.casefold() for p in state.passages)
    state = replace(state, stage="done", fraction=1.0, outcome="already" if same else "translated")
    if wish.check and not same:
        yield from check(state, wish, engine)
    else:
        yield state


def check(state: Translation, wish: Wish, engine: Engine) -> Iterator[Translation]:
    """Translate a finished translation back, a passage at a time, and say where the meaning may have changed.

    Nothing is done where the source's language is unknown. Raises SpyglassError; what was yielded before stands.
    """
    known = state.source is not None and state.source.sure >= _GUESSED
    open_ones = [at for at, p in enumerate(state.passages) if known and _can_be_checked(p)]
    whole = state.text
    for number, at in enumerate(open_ones):
        assert state.source is not None
        passage = state.passages[at]
        back = language(state.source.code)
        job = prompts.translate(wish.writer, passage.translation or "", whole, back, {}, aside=wish.aside)
        steps = _written(job, passage.translation or "", engine)
        at_work = replace(state, stage="checking", fraction=number / len(open_ones))
        text, _ = yield from _shown(steps, at_work)
        found = compare(passage.source, text, state.source.code)
        concerns = (*passage.concerns, *([Concern("meaning", text)] if found.doubtful else []))
        checked = replace(passage, back=found, concerns=concerns)
        state = replace(state, passages=(*state.passages[:at], checked, *state.passages[at + 1 :]))
        yield replace(state, stage="checking", fraction=(number + 1) / len(open_ones))
    yield replace(state, stage="done", fraction=1.0)


def _can_be_checked(passage: Passage) -> bool:
    translated = passage.translation
    return (
        bool(translated) and translated != passage.source and passage.back is None and checks.has_words(passage.source)
    )


def _one(passage: Passage, whole: str, wish: Wish, engine: Engine) -> Generator[Step, None, tuple[str, float]]:
    """Translate one passage; prices and numbers stay as they are, and so does what the glossary holds whole."""
    known = {term.casefold(): wanted for term, wanted in wish.glossary.items()}
    if passage.source.casefold() in known:
        return known[passage.source.casefold()], 1.0
    if not checks.has_words(passage.source):
        return passage.source, passage.sure
    target = language(wish.target)
    job = prompts.translate(wish.writer, passage.source, whole, target, wish.glossary, aside=wish.aside)
    text, sure = yield from _written(job, passage.source, engine)
    return (prompts.in_case_of(passage.source, text) if prompts.plain(wish.writer) else text), sure


def _written(job: Ask, source: str, engine: Engine) -> Generator[Step, None, tuple[str, float]]:
    """Run a job that translates; returns the words and how sure they are."""
    with closing(answer(engine, job)) as growing:
        written = Answer()
        for written in growing:
            yield Step(None, written.text, written.progress)
    return prompts.bare(written.text, source), written.sure
