"""Whether a model fits into memory, in numbers, before it is loaded. Pure arithmetic on bytes."""

from dataclasses import dataclass

from app.errors import MemoryShortError
from app.wording import Wording

LEAST_CONTEXT = 512
"""Tokens below which a conversation about a picture makes no sense."""
STEP = 256
"""llama.cpp rounds a context up to a multiple of this."""
RESERVE = 256 << 20
"""Bytes left to the rest of the machine and to what the estimate does not see (allocator, Python, thread stacks)."""


@dataclass(frozen=True)
class Demand:
    """What a model needs, in bytes.

    weights: of the text model. projector: of the vision tower. picture: working memory while a picture is encoded.
    text: working memory of the text model. token: KV cache per token of context.
    """

    weights: int
    token: int
    projector: int = 0
    picture: int = 0
    text: int = 0

    @property
    def fixed(self) -> int:
        """Everything that does not grow with the context. A picture is encoded while the text model rests."""
        return self.weights + self.projector + max(self.picture, self.text) + RESERVE

    def total(self, context: int) -> int:
        return self.fixed + self.token * context


def context_that_fits(demand: Demand, free: int, *, asked: int, default: int, trained: int) -> int:
    """The context to load with, in tokens.

    free: bytes of memory that can be used. asked: what the person wants, 0 for no wish. default: the family's wish
    then. trained: what the model was trained for, at most. Without a wish the context shrinks until it fits.
    Raises MemoryShortError, in numbers: naming the largest context if a smaller one would do.
    """
    wish = min(asked or default, trained)
    room = (free - demand.fixed) // demand.token if demand.token else wish
    possible = min(trained, room // STEP * STEP)
    if wish <= possible or (wish <= room and wish < STEP):
        return wish
    least = min(LEAST_CONTEXT, trained)
    if possible < least:
        raise MemoryShortError(
            Wording(
                "The model needs {needed} of memory, but only {free} are free.",
                needed=gib(demand.total(least)),
                free=gib(free),
            ),
            "Close other programs or use a smaller model.",
            breakdown(demand, least),
        )
    if asked:
        raise MemoryShortError(
            Wording(
                "A context of {tokens} tokens needs {needed} of memory, but only {free} are free.",
                tokens=wish,
                needed=gib(demand.total(wish)),
                free=gib(free),
            ),
            Wording("Choose a context of {tokens} tokens or fewer, or close other programs.", tokens=possible),
            breakdown(demand, wish),
        )
    return possible


def cache_that_fits(demand: Demand, free: int, *, context: int, asked: int) -> int:
    """Bytes of memory for what can be computed or read again: as many as asked, or what the model leaves of `free`."""
    return max(0, min(asked, free - demand.total(context)))


def breakdown(demand: Demand, context: int) -> str:
    """The sum in words, for the detail of an error and for `spyglass doctor`."""
    return (
        f"weights {gib(demand.weights)}, vision {gib(demand.projector)}, KV cache {gib(demand.token * context)} for "
        f"{context} tokens, working memory {gib(max(demand.picture, demand.text))}, reserve {gib(RESERVE)}"
    )


def gib(size: int) -> Wording:
    """Bytes as people read them: GiB with one decimal, MiB below half a GiB."""
    if abs(size) >= 1 << 29:
        return Wording("{size:.1f} GiB", size=size / (1 << 30))
    return Wording("{size:.0f} MiB", size=size / (1 << 20))
