"""Translate as one of the window's modes. Its page does the work; as a question, the last message is translated."""

from collections.abc import Iterable

from app.modes.base import Block, TextBlock
from app.modes.translate import prompts
from app.modes.translate.languages import LANGUAGES, Language
from app.settings.schema import Settings
from app.values import Ask, Message, ModelSpec
from app.wording import Wording


class TranslateMode:
    """The text in a picture, or a text, in the person's language."""

    id = "translate"
    title = Wording("Translate")

    def job(self, messages: tuple[Message, ...], model: ModelSpec, settings: Settings) -> Ask:
        last = messages[-1]
        return prompts.translate(model, last.text, last.text, target(settings), {})

    def blocks(self, answer: str) -> tuple[Block, ...]:
        return (TextBlock(answer),) if answer else ()


def target(settings: Settings, own: Iterable[str] = ()) -> Language:
    """The language to translate into: the one last chosen, else the first of the person's own that is offered, else
    English. own: codes of languages (ISO 639-1)."""
    wanted = (settings["translate.to"], *own)
    return LANGUAGES[next((code for code in wanted if code in LANGUAGES), "en")]
