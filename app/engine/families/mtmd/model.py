"""A loaded model of this family and how it answers."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Literal

import llama_cpp

from app.engine.families import Cancel, Emit
from app.engine.families.mtmd.chunks import Chunk
from app.engine.families.mtmd.reading import Reader
from app.engine.families.mtmd.tally import Tally
from app.engine.families.mtmd.text import Aborted, ContextFullError, TextModel
from app.engine.families.mtmd.vision import Vision
from app.engine.pictures import PictureCache
from app.engine.quotes import Quotes
from app.engine.sampling import Detokenizer, NotNumbersError, Sampler
from app.engine.stopping import Switch
from app.engine.template import ChatTemplate
from app.errors import ModelError, PictureError
from app.values import Ask, Finished, Message, Picture, Piece

Reason = Literal["stop", "length", "cancelled"]


class MtmdModel:
    """Answers with a text model and, if there is a projector, a vision tower.

    mark: what stands for a picture in a rendered prompt. identity: see `Reader`. resources: everything native,
    freed by `close`.
    """

    def __init__(
        self,
        text: TextModel,
        vision: Vision | None,
        template: ChatTemplate,
        cache: PictureCache,
        *,
        mark: str,
        identity: str,
        resources: ExitStack,
    ) -> None:
        self._text, self._vision, self._template = text, vision, template
        self._mark, self._resources = mark, resources
        self._reader = Reader(text, vision, cache, identity)
        self._switch = Switch(text.abort.set, text.abort.clear)

    def close(self) -> None:
        self._resources.close()

    def answer(self, ask: Ask, pictures: Mapping[str, Picture], emit: Emit, cancel: Cancel) -> Finished:
        tally = Tally()
        shown = [_picture(pictures, digest) for message in ask.messages for digest in message.pictures]
        with self._switch.obeying(cancel), Sampler(self._text.weights.vocab, ask.sampling, ask.schema) as sampler:
            try:
                with self._prompt(ask.messages, shown) as chunks:
                    self._reader.read(chunks, shown, tally, emit, cancel)
                with tally.time("write_s"):
                    reason = self._write(sampler, ask.sampling.max_tokens, tally, emit, cancel)
            except NotNumbersError:
                self._reader.forget()
                raise
            except Aborted:
                reason = "cancelled"
            except ContextFullError:
                reason = "length"
        return Finished(reason=reason, stats=tally.stats())

    @contextmanager
    def _prompt(self, messages: Sequence[Message], pictures: Sequence[Picture]) -> Iterator[list[Chunk]]:
        """The conversation as chunks. The beginning-of-sequence token stands there once, whoever writes it."""
        if pictures and self._vision is None:
            raise ModelError(
                "This model cannot see pictures without its projector.",
                "Choose its projector too: the file beside it whose name begins with mmproj.",
            )
        weights = self._text.weights
        quotes = Quotes(weights.controls)
        prompt = self._template.render([quotes.hide(message) for message in messages])
        first: list[Chunk] = []
        if weights.adds_bos:
            prompt = prompt.removeprefix(weights.token_text(weights.bos))
            first = [Chunk(tokens=(weights.bos,))]
        parts = [quotes.split(part) for part in prompt.split(self._mark)]
        if self._vision is None:
            tokens = [weights.tokenize(words.text, special=not words.plain) for words in parts[0]]
            yield [*first, Chunk(tokens=tuple(itertools.chain(*tokens)))]
            return
        with self._vision.prompt(parts, pictures) as chunks:
            yield [*first, *chunks]

    def _write(self, sampler: Sampler, limit: int, tally: Tally, emit: Emit, cancel: Cancel) -> Reason:
        """Write the answer, token by token. What was written stays emitted, however it ends."""
        vocab, words = self._text.weights.vocab, Detokenizer(self._text.weights.vocab)
        try:
            while tally.written < limit:
                token, probability = sampler.choose(self._text.logits())
                if llama_cpp.llama_vocab_is_eog(vocab, token):
                    return "stop"
                tally.write(probability)
                _say(emit, words.add(token, probability))
                if cancel.is_set():
                    return "cancelled"
                if tally.written < limit and self._reader.cells >= self._text.context:
                    return "length"
                if tally.written < limit:
                    self._reader.append(token)
            return "length"
        finally:
            _say(emit, words.finish())


def _say(emit: Emit, text: tuple[str, float] | None) -> None:
    if text is not None:
        emit(Piece(text=text[0], probability=text[1]))


def _picture(pictures: Mapping[str, Picture], digest: str) -> Picture:
    try:
        return pictures[digest]
    except KeyError:
        raise PictureError("A picture of the conversation is missing.", "Add the picture again.", digest) from None
