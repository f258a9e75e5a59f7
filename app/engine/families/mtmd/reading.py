"""Bringing the KV cache to hold a prompt: reuse what it holds, look at new pictures once, compute the rest."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.engine import prefix
from app.engine.families import Cancel, Emit
from app.engine.families.mtmd.chunks import Chunk
from app.engine.families.mtmd.tally import Tally
from app.engine.families.mtmd.text import Aborted, TextModel
from app.engine.families.mtmd.vision import Vision
from app.engine.pictures import PictureCache, key
from app.engine.prefix import Item, PictureSpan
from app.errors import ModelError, PictureError, UsageError
from app.values import Looking, Picture, Reading
from app.wording import Wording


@dataclass
class _Job:
    """One prompt being read."""

    pictures: Mapping[str, Picture]
    slices: Mapping[int, Chunk]
    """Index of an item -> the chunk it is, for items that are slices of pictures."""
    tally: Tally
    emit: Emit
    cancel: Cancel
    cells: int
    """Entries of the KV cache to compute."""
    looking: list[str] = field(default_factory=list)
    """Digests of the pictures after the kept prefix, in order."""
    prepared: dict[str, list[Chunk]] = field(default_factory=dict)
    """Slices with pixels, of pictures that had to be encoded."""
    stack: ExitStack = field(default_factory=ExitStack)
    done: int = 0

    def progress(self, cells: int) -> None:
        self.emit(Reading(fraction=min(1.0, (self.done + cells) / self.cells)))


class Reader:
    """Keeps account of what the KV cache of `text` holds.

    identity: what embeddings depend on besides the pixels: projector, library, limits.
    """

    def __init__(self, text: TextModel, vision: Vision | None, cache: PictureCache, identity: str) -> None:
        self._text, self._vision, self._cache, self._identity = text, vision, cache, identity
        self._held: list[Item] = []

    @property
    def position(self) -> int:
        """Of the next token."""
        return prefix.positions(self._held)

    @property
    def cells(self) -> int:
        """Entries of the KV cache in use."""
        return prefix.cells(self._held)

    def append(self, token: int) -> None:
        """Compute one more token, of the answer."""
        self._text.read([token], self.position)
        self._held.append(token)

    def forget(self) -> None:
        """Empty the KV cache of what cannot be trusted."""
        self._held = []
        self._text.clear(data=True)

    def read(
        self, chunks: Sequence[Chunk], pictures: Sequence[Picture], tally: Tally, emit: Emit, cancel: Cancel
    ) -> None:
        """Read a whole prompt. pictures: those it shows, in order, as often as it shows them.

        Raises Aborted; UsageError if the prompt is longer than the context; and what the pictures raise.
        """
        items, slices = self._items(chunks, Counter(picture.digest for picture in pictures))
        total = prefix.cells(items)
        if not items or isinstance(items[-1], PictureSpan):
            raise ModelError(
                "The model's chat template ends with a picture, not with a question.", "Use another model."
            )
        if total >= self._text.context:
            shorter = Wording(
                "Start a new conversation, show fewer or smaller pictures, or choose a larger context in the settings."
                if pictures
                else "Start a new conversation, ask for less at once, or choose a larger context in the settings."
            )
            what = Wording(
                "The conversation has {tokens} tokens, but the model was loaded for {context}.",
                tokens=total,
                context=self._text.context,
            )
            raise UsageError(what, shorter)
        kept = self._keep(items)
        tally.reading(prefix.positions(items), prefix.positions(items[:kept]), len({p.digest for p in pictures}))
        job = _Job({p.digest: p for p in pictures}, slices, tally, emit, cancel, total - prefix.cells(items[:kept]))
        job.looking = list(dict.fromkeys(slices[index].picture for index in sorted(slices) if index >= kept))
        with job.stack:
            while kept < len(items):
                if cancel.is_set():
                    raise Aborted
                kept += self._next(job, items, kept)

    def _keep(self, items: Sequence[Item]) -> int:
        """Cut the KV cache down to the longest prefix of `items` it holds; how many items that are."""
        kept = prefix.common(self._held, items)
        if not self._text.cut(prefix.positions(items[:kept])):
            kept = 0
        self._held = list(items[:kept])
        return kept

    def _items(self, chunks: Sequence[Chunk], shown: Counter[str]) -> tuple[list[Item], dict[int, Chunk]]:
        of_picture: dict[str, list[int]] = {}
        for chunk in chunks:
            if chunk.picture:
                of_picture.setdefault(chunk.picture, []).append(chunk.pointer)
        items: list[Item] = []
        slices: dict[int, Chunk] = {}
        for chunk in chunks:
            if chunk.picture:
                each = of_picture[chunk.picture]
                number = each.index(chunk.pointer) % max(1, len(each) // shown[chunk.picture])
                slices[len(items)] = chunk
                items.append(PictureSpan(key(self._identity, chunk.picture, number), chunk.cells, chunk.positions))
            else:
                items += chunk.tokens
        return items, slices

    def _next(self, job: _Job, items: Sequence[Item], start: int) -> int:
        """Compute the slice, or the tokens up to a batch, that begin at `start`; how many items that were."""
        first = items[start]
        if isinstance(first, PictureSpan):
            self._place(job, first, job.slices[start])
            self._held.append(first)
            job.done += first.cells
            return 1
        tokens: list[int] = []
        for item in items[start : start + self._text.batch]:
            if isinstance(item, PictureSpan):
                break
            tokens.append(item)
        with job.tally.time("read_s"):
            self._text.read(tokens, self.position)
        self._held += tokens
        job.done += len(tokens)
        job.progress(0)
        return len(tokens)

    def _place(self, job: _Job, span: PictureSpan, chunk: Chunk) -> None:
        assert self._vision is not None  # without a projector there are no slices
        found = self._cache.get(span.identity)
        embeddings = None if found is None else found.arrays.get("embeddings")
        if found is None or embeddings is None or not self._vision.fits(chunk, embeddings):
            embeddings = self._encode(job, self._vision, span, chunk)
        else:
            job.tally.found(chunk.picture, found.where)
        with job.tally.time("read_s"):
            self._vision.place(self._text, chunk, embeddings, self.position, job.progress)

    def _encode(self, job: _Job, vision: Vision, span: PictureSpan, chunk: Chunk) -> NDArray[np.float32]:
        with job.tally.time("look_s"):
            if chunk.picture not in job.prepared:
                slices = job.stack.enter_context(vision.slices(job.pictures[chunk.picture]))
                job.prepared[chunk.picture] = slices
            slices = job.prepared[chunk.picture]
            number = next(
                (n for n in range(len(slices)) if key(self._identity, chunk.picture, n) == span.identity), None
            )
            if number is None or slices[number].cells != span.cells:
                raise PictureError("The model cannot prepare this picture.", "Try another picture.", f"slice {number}")

            def progress(fraction: float) -> None:
                at, of = job.looking.index(chunk.picture), len(job.looking)
                job.emit(Looking(picture=at, of=of, fraction=(number + fraction) / len(slices)))

            progress(0.0)
            embeddings = vision.encode(slices[number], progress, job.cancel.is_set)
            progress(1.0)
        job.tally.encoded.add(chunk.picture)
        if not job.pictures[chunk.picture].passing:
            self._cache.put(span.identity, {"embeddings": embeddings})
        return embeddings
