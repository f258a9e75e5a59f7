"""The small print of an answer, in words: how fast, what was reused, how sure."""

from PySide6.QtCore import QCoreApplication

from app.chat.conversation import State, Turn
from app.values import Loading, Looking, Reading, Stats

translate = QCoreApplication.translate

DOTS = 5

_LEVELS = (0.3, 0.5, 0.7, 0.88)
"""Mean probability of the tokens from which an answer gets one dot more."""


def sure_dots(probability: float) -> int:
    """1..5 dots."""
    return 1 + sum(probability >= level for level in _LEVELS)


def sure_words(probability: float) -> str:
    """The same in words, so that nothing is told by dots alone."""
    words = (
        translate("Figures", "guessing"),
        translate("Figures", "unsure"),
        translate("Figures", "fairly sure"),
        translate("Figures", "sure"),
        translate("Figures", "very sure"),
    )
    return words[sure_dots(probability) - 1]


def figures(stats: Stats) -> str:
    """Time to the first word, speed, and what did not have to be computed again."""
    parts = []
    if stats.first_token_s:
        parts.append(translate("Figures", "{} to first word").format(seconds(stats.first_token_s)))
    if stats.write_s > 0 and stats.written_tokens > 1:
        parts.append(translate("Figures", "{} tokens/s").format(number(stats.written_tokens / stats.write_s)))
    if stats.pictures and not stats.pictures_encoded:
        parts.append(translate("Figures", "picture reused"))
    elif stats.reused_tokens:
        parts.append(translate("Figures", "{} tokens reused").format(stats.reused_tokens))
    return " · ".join(parts)


def all_figures(stats: Stats) -> str:
    """Every figure, a line each."""
    lines = (
        translate("Figures", "Read: {} tokens, {} of them reused").format(stats.prompt_tokens, stats.reused_tokens),
        translate("Figures", "Pictures: {}, looked at now: {}").format(stats.pictures, stats.pictures_encoded),
        translate("Figures", "Written: {} tokens in {}").format(stats.written_tokens, seconds(stats.write_s)),
        translate("Figures", "Loading {}, looking {}, reading {}").format(
            seconds(stats.load_s), seconds(stats.look_s), seconds(stats.read_s)
        ),
        translate("Figures", "Mean probability of a token: {:.0%}").format(stats.probability),
    )
    return "\n".join(lines)


def seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 0.1 else f"{value:.1f} s" if value < 60 else f"{value / 60:.0f} min"


def number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def stage(turn: Turn) -> tuple[str, float | None]:
    """What is being done for an answer, and how much of it is done where that is known."""
    if turn.progress is not None:
        return doing(turn.progress)
    return (
        (translate("Figures", "Writing"), None)
        if turn.state is State.WRITING
        else (translate("Figures", "Starting"), None)
    )


def doing(progress: Loading | Looking | Reading) -> tuple[str, float]:
    """What the engine does before it writes, and how much of it is done."""
    match progress:
        case Loading(fraction=f):
            return translate("Figures", "Loading the model"), f
        case Looking(picture=i, of=n, fraction=f):
            words = (
                translate("Figures", "Looking at the picture")
                if n < 2
                else translate("Figures", "Looking at picture {} of {}").format(i + 1, n)
            )
            return words, (i + f) / max(n, 1)
        case Reading(fraction=f):
            return translate("Figures", "Reading"), f
