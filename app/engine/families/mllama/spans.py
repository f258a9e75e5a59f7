"""Which rows of a prompt see which pictures (docs/decisions/0013). Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Rows start .. stop of a prompt, all of which see the same pictures (their numbers)."""

    start: int
    stop: int
    pictures: tuple[int, ...]


def spans(tokens: list[int], picture_token: int) -> list[Span]:
    """Cut a prompt where the set of visible pictures changes.

    A row sees a picture from that picture's token up to the next picture's token; pictures whose tokens stand side by
    side are seen together (transformers' `get_cross_attention_token_mask`).
    """
    found: list[Span] = []
    visible: tuple[int, ...] = ()
    start = count = 0
    for i, token in enumerate(tokens):
        if token != picture_token:
            continue
        if i > start:
            found.append(Span(start, i, visible))
        beside = i > 0 and tokens[i - 1] == picture_token
        visible = (*visible, count) if beside else (count,)
        start, count = i, count + 1
    if len(tokens) > start:
        found.append(Span(start, len(tokens), visible))
    return found
