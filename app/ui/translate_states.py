"""What of a translation the window shows: where lines wait for theirs, what is being done, what can be seen at all."""

from collections.abc import Sequence
from dataclasses import replace

from app.capture.region import Quad
from app.modes.translate.pipeline import Passage, Translation
from app.ui import figures
from app.ui.session import Activity
from app.wording import Wording


def seen(state: Translation) -> object:
    """What of a translation can be seen in the panel."""
    passages = tuple((p.source, p.translation, p.sure, p.sure_written, p.concerns, p.back) for p in state.passages)
    return state.stage, state.outcome, state.draft, state.source, passages


def broken_off(state: Translation) -> Translation:
    """What is finished of a translation that ends early: the lines that were read, the passages that were translated.

    A line or sentence that breaks off is none.
    """
    whole, _, _ = state.draft.rpartition("\n")
    return replace(read_so_far(replace(state, draft=whole)), draft="")


def read_so_far(state: Translation) -> Translation:
    """With the lines that are being read as its passages, so that they can be seen where they will stand."""
    if state.stage != "reading" or not state.draft:
        return state
    lines = [line.strip() for line in state.draft.split("\n") if line.strip()]
    return replace(state, passages=tuple(Passage(line, (line,), (), 1.0) for line in lines))


def waiting(state: Translation) -> Sequence[Quad]:
    """Where the lines stand that were found and are not translated yet."""
    if state.stage == "reading":
        return state.found
    passages = state.passages if state.stage == "translating" else ()
    return [quad for passage in passages if passage.translation is None for quad in passage.quads]


def activity(state: Translation) -> Activity | None:
    """What is being done, in words."""
    if state.stage == "done":
        return None
    if state.progress is not None:
        words, fraction = figures.doing(state.progress)
        return Activity(words, fraction)
    words = {
        "finding": Wording("Looking for text"),
        "reading": Wording("Reading the text"),
        "translating": Wording("Translating"),
        "checking": Wording("Translating back"),
    }[state.stage]
    return Activity(words, state.fraction if state.stage in ("translating", "checking") else None)
