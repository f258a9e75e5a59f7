"""What a mode is: it turns a conversation into a job for the engine, and the answer's text into blocks to show.

A mode keeps nothing between two answers, and its blocks follow from the text alone, so an unfinished answer can be
shown while it is written.
"""

from dataclasses import dataclass
from typing import Protocol

from app.modes.objects import ObjectsBlock
from app.settings.schema import Settings
from app.values import Ask, Message, ModelSpec
from app.wording import Wording


@dataclass(frozen=True)
class TextBlock:
    """Text in Markdown; a Wording where it is the program that speaks and not the model."""

    markdown: str


Block = TextBlock | ObjectsBlock
"""Everything that a mode can have shown."""


class Mode(Protocol):
    """One way to use a model."""

    id: str
    """Names the mode in files and on the command line; never changes."""
    title: Wording

    def job(self, messages: tuple[Message, ...], model: ModelSpec, settings: Settings) -> Ask:
        """The job that answers the last of `messages`."""
        ...

    def blocks(self, answer: str) -> tuple[Block, ...]:
        """What to show for the raw text of an answer, whole or as far as it is written."""
        ...
