"""A loaded Llama 3.2 Vision model and how it answers: prompt, reuse, pictures, words."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from PIL import Image

from app.engine import prefix
from app.engine.families import Cancel, Emit
from app.engine.families.mllama.core import Core
from app.engine.families.mllama.decoder import BATCH
from app.engine.families.mllama.graph import Cancelled
from app.engine.families.mllama.looks import Looks
from app.engine.families.mllama.spans import Span, spans
from app.engine.families.mtmd.tally import Tally
from app.engine.pictures import PictureCache, key
from app.engine.prefix import PictureSpan
from app.engine.sampling import Detokenizer, NotNumbersError, Sampler
from app.engine.stopping import Switch
from app.errors import PictureError, UsageError
from app.values import Ask, Finished, Looking, Picture, Piece, Reading
from app.wording import Wording

Reason = Literal["stop", "length", "cancelled"]


class MllamaModel:
    """One loaded model. Used by one thread; `Cancel` may come from another."""

    def __init__(self, core: Core, cache: PictureCache, identity: str, exact: bool) -> None:
        """identity: what a picture's keys and values depend on besides its pixels."""
        self._core, self._cache, self._identity, self._exact = core, cache, identity, exact
        self.context = core.decoder.context
        self._held: list[prefix.Item] = []
        """What the KV cache holds, token by token."""
        self._looks: tuple[tuple[str, ...], Looks] | None = None
        self._switch = Switch(core.devices.stop, core.devices.go)

    def close(self) -> None:
        if self._looks:
            self._looks[1].close()
        self._core.close()

    def answer(self, ask: Ask, pictures: Mapping[str, Picture], emit: Emit, cancel: Cancel) -> Finished:
        """See the family contract. A prompt that does not fit into the context raises UsageError."""
        tally = Tally()
        shown = [_picture(pictures, digest) for message in ask.messages for digest in message.pictures]
        tokens = self._core.prompts.conversation(ask.messages)
        if len(tokens) >= self._core.decoder.context:
            raise UsageError(
                Wording(
                    "The conversation is {tokens} tokens long, but the context holds {context}.",
                    tokens=len(tokens),
                    context=self._core.decoder.context,
                ),
                "Start a new conversation, or choose a larger context in the settings.",
            )
        with self._switch.obeying(cancel), Sampler(self._core.vocabulary.pointer, ask.sampling, ask.schema) as sampler:
            try:
                logits = self._read(tokens, shown, tally, emit)
                with tally.time("write_s"):
                    reason = self._write(logits, sampler, ask.sampling.max_tokens, tally, emit, cancel)
            except NotNumbersError:
                self._forget()
                raise
            except Cancelled:
                reason = "cancelled"
        return Finished(reason=reason, stats=tally.stats())

    # --- reading ------------------------------------------------------------------------------------------------

    def _read(self, tokens: list[int], shown: Sequence[Picture], tally: Tally, emit: Emit) -> np.ndarray:
        """Bring the KV cache to the end of the prompt; the logits after it."""
        items = self._items(tokens, shown)
        kept = prefix.common(self._held, items)
        self._held = self._held[:kept]
        tally.reading(len(items), kept, len({picture.digest for picture in shown}))
        logits = np.empty((0, 0), np.float32)
        for span in spans(tokens, self._core.prompts.picture):
            if span.stop <= kept:
                continue
            with tally.time("look_s"):
                self._look_at(span, shown, tally, emit)
            with tally.time("read_s"):
                for start in range(max(span.start, kept), span.stop, BATCH):
                    stop = min(start + BATCH, span.stop)
                    logits = self._core.decoder.read(
                        tokens[start:stop], start, "last" if stop == len(items) else "none"
                    )
                    self._held = list(items[:stop])
                    emit(Reading(fraction=(stop - kept) / (len(items) - kept)))
        last: np.ndarray = logits[-1]
        return last

    def _items(self, tokens: list[int], shown: Sequence[Picture]) -> list[prefix.Item]:
        """The prompt with every picture's token replaced by what the picture is."""
        identities = iter([self._key(picture) for picture in shown])
        mark = self._core.prompts.picture
        return [PictureSpan(next(identities), 1, 1) if token == mark else token for token in tokens]

    def _key(self, picture: Picture) -> str:
        return key(self._identity, picture.digest)

    def _look_at(self, span: Span, shown: Sequence[Picture], tally: Tally, emit: Emit) -> None:
        """Make the rows read from now on see the span's pictures."""
        wanted = tuple(self._key(shown[number]) for number in span.pictures)
        if wanted and self._looks and self._looks[0] != wanted:
            self._core.decoder.look_at(None)
            self._looks[1].close()
            self._looks = None
        if wanted and not self._looks:
            seen = [self._seen(number, shown, tally, emit) for number in span.pictures]
            self._looks = (wanted, self._core.looks(seen))
        self._core.decoder.look_at(self._looks[1] if wanted and self._looks else None)

    def _seen(self, number: int, shown: Sequence[Picture], tally: Tally, emit: Emit) -> np.ndarray:
        """A picture's keys and values, from the cache or computed now."""
        picture, name = shown[number], self._key(shown[number])
        found = self._cache.get(name)
        if found and self._core.could_have_seen(found.arrays.get("kv")):
            tally.found(picture.digest, found.where)
            return found.arrays["kv"]

        def progress(fraction: float) -> None:
            emit(Looking(picture=number, of=len(shown), fraction=fraction))

        progress(0.0)
        image = Image.frombytes("RGB", (picture.width, picture.height), picture.pixels)
        seen = self._core.see(image, self._exact, progress)
        if not np.isfinite(seen).all():
            raise NotNumbersError
        tally.encoded.add(picture.digest)
        if not picture.passing:
            self._cache.put(name, {"kv": seen})
        return seen

    def _forget(self) -> None:
        """Keep nothing that was read: a NaN in a masked row of the KV cache would spoil later answers."""
        self._held = []
        self._core.decoder.clear()

    # --- writing ------------------------------------------------------------------------------------------------

    def _write(
        self, logits: np.ndarray, sampler: Sampler, limit: int, tally: Tally, emit: Emit, cancel: Cancel
    ) -> Reason:
        """Write the answer token by token."""
        decoder, vocabulary = self._core.decoder, self._core.vocabulary
        # A file's output matrix may have more rows than there are tokens: padding that stands for nothing.
        words = Detokenizer(vocabulary.pointer)
        reason: Reason = "length"
        try:
            while tally.written < limit:
                token, probability = sampler.choose(logits[: vocabulary.size])
                if vocabulary.ends(token):
                    reason = "stop"
                    break
                tally.write(probability)
                _say(emit, words.add(token, probability))
                if cancel.is_set():
                    raise Cancelled
                if len(self._held) >= decoder.context or tally.written == limit:
                    break
                logits = decoder.step(token, len(self._held))
                self._held.append(token)
        finally:
            _say(emit, words.finish())
        return reason


def _picture(pictures: Mapping[str, Picture], digest: str) -> Picture:
    picture = pictures.get(digest)
    if picture is None:
        raise PictureError("A picture of this conversation is missing.", "Add it again.", digest)
    return picture


def _say(emit: Emit, said: tuple[str, float] | None) -> None:
    if said:
        emit(Piece(text=said[0], probability=said[1]))
