"""The small print of an answer, in words: how fast, what was reused, how sure."""

from app.chat.conversation import State, Turn
from app.ui.i18n import shown
from app.values import Loading, Looking, Progress, Reading, Stats
from app.wording import Wording

DOTS = 5

_LEVELS = (0.3, 0.5, 0.7, 0.88)
"""Mean probability of the tokens from which an answer gets one dot more."""

_ENOUGH = 5
"""Tokens below which a speed means nothing."""


def sure_dots(probability: float) -> int:
    """1..5 dots."""
    return 1 + sum(probability >= level for level in _LEVELS)


def sure_words(probability: float) -> Wording:
    """The same in words, so that nothing is told by dots alone."""
    words = (
        Wording("guessing"),
        Wording("unsure"),
        Wording("fairly sure"),
        Wording("sure"),
        Wording("very sure"),
    )
    return words[sure_dots(probability) - 1]


def figures(stats: Stats) -> str:
    """Time to the first word, speed, and what did not have to be computed again."""
    parts = []
    if stats.first_token_s:
        parts.append(shown(Wording("{time} to first word", time=seconds(stats.first_token_s))))
    if stats.write_s > 0 and stats.written_tokens >= _ENOUGH:
        parts.append(shown(Wording("{speed} tokens/s", speed=rounded(stats.written_tokens / stats.write_s))))
    if stats.pictures and not stats.pictures_encoded:
        parts.append(shown(Wording("picture reused")))
    elif stats.reused_tokens:
        parts.append(shown(Wording("{n} tokens reused", n=stats.reused_tokens)))
    return " · ".join(parts)


def all_figures(stats: Stats) -> str:
    """Every figure, a line each."""
    lines = (
        Wording("Tokens read: {read}, of them reused: {reused}", read=stats.prompt_tokens, reused=stats.reused_tokens),
        Wording("Pictures: {pictures}, looked at now: {now}", pictures=stats.pictures, now=stats.pictures_encoded),
        Wording("Tokens written: {written} in {time}", written=stats.written_tokens, time=seconds(stats.write_s)),
        Wording(
            "Loading {loading}, looking {looking}, reading {reading}",
            loading=seconds(stats.load_s),
            looking=seconds(stats.look_s),
            reading=seconds(stats.read_s),
        ),
        Wording("Mean probability of a token: {share:.0%}", share=stats.probability),
    )
    return "\n".join(map(shown, lines))


def seconds(value: float) -> Wording:
    """A time span, short."""
    if value < 0.1:
        return Wording("{time:.0f} ms", time=value * 1000)
    return Wording("{time:.1f} s", time=value) if value < 60 else Wording("{time:.0f} min", time=value / 60)


def rounded(value: float) -> Wording:
    """A number with as many digits as are worth reading."""
    return Wording("{number:.0f}", number=value) if value >= 10 else Wording("{number:.1f}", number=value)


def stage(turn: Turn) -> tuple[Wording, float | None]:
    """What is being done for an answer, and how much of it is done where that is known."""
    if turn.progress is not None:
        return doing(turn.progress)
    return (Wording("Writing"), None) if turn.state is State.WRITING else (Wording("Starting"), None)


def doing(progress: Progress) -> tuple[Wording, float]:
    """What the engine does before it writes, and how much of it is done."""
    match progress:
        case Loading(fraction=f):
            return Wording("Loading the model"), f
        case Looking(picture=i, of=n, fraction=f):
            words = (
                Wording("Looking at the picture")
                if n < 2
                else Wording("Looking at picture {number} of {all}", number=i + 1, all=n)
            )
            return words, (i + f) / max(n, 1)
        case Reading(fraction=f):
            return Wording("Reading"), f
