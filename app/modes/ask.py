"""Ask: a free question about the pictures, answered in text."""

from app.modes.base import Block, TextBlock
from app.settings.derived import sampling
from app.settings.schema import Settings
from app.values import Ask, Message, ModelSpec
from app.wording import Wording


class AskMode:
    """The conversation goes to the model as it is: no prompt of our own, since models answer plain questions best."""

    id = "ask"
    title = Wording("Ask")

    def job(self, messages: tuple[Message, ...], model: ModelSpec, settings: Settings) -> Ask:
        return Ask(model=model, messages=messages, sampling=sampling(settings))

    def blocks(self, answer: str) -> tuple[Block, ...]:
        return (TextBlock(answer),) if answer else ()
