"""What people write never steers a model: a text that reads like a control token stays a text.

A chat template writes control tokens as text, and the tokenizer reads them out of the whole prompt, also where somebody
typed `<|im_end|>`. Such texts are hidden from the template and tokenized as words. They stand alone in the tokens
either way, so the tokens of everything around them stay what they are.
"""

import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from app.values import Message


@dataclass(frozen=True, slots=True)
class Words:
    """A part of a prompt; `plain`: no control token is to be read out of it."""

    text: str
    plain: bool = False


class Quotes:
    """Hides such texts of one conversation while its template runs, and finds them again in the prompt.

    controls: the texts of the control tokens that a tokenizer would read out of a text.
    """

    def __init__(self, controls: Callable[[str], Iterable[str]]) -> None:
        self._controls = controls
        self._mark = f"<quote {secrets.token_hex(8)} "
        self._texts: list[str] = []

    def hide(self, message: Message) -> Message:
        """`message` with a mark in place of each text that reads like a control token."""
        found = sorted(self._controls(message.text), key=len, reverse=True)
        if not found:
            return message
        text = re.sub("|".join(re.escape(each) for each in found), self._hide, message.text)
        return msgspec.structs.replace(message, text=text)

    def _hide(self, found: re.Match[str]) -> str:
        self._texts.append(found[0])
        return f"{self._mark}{len(self._texts) - 1}>"

    def split(self, prompt: str) -> list[Words]:
        """The parts of a prompt in order, what was hidden as plain words again; none is empty."""
        parts = re.split(re.escape(self._mark) + r"(\d+)>", prompt)
        words = [Words(self._texts[int(part)], plain=True) if at % 2 else Words(part) for at, part in enumerate(parts)]
        return [each for each in words if each.text]
