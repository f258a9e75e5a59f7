"""The prompt of Llama 3.2 Vision as tokens.

The form is the model's own (Meta's `prompt_format.md`) and the same in every file, so the Jinja program a file may
carry is not run: published ones leave out or refuse a system message beside a picture, which would cost the reuse of
its keys and values. What people write never becomes a control token.
"""

from collections.abc import Sequence

from app.engine.families.mllama.vocabulary import PICTURE, Vocabulary
from app.errors import ModelError
from app.values import Message


class Prompts:
    """Turns conversations, and raw prompts, into tokens. Raises ModelError if the vocabulary is not of this kind.

    rows: of the embedding table, head: of the output matrix; the picture's token is the first without an output if
    the vocabulary does not name it.
    """

    def __init__(self, vocabulary: Vocabulary, rows: int, head: int) -> None:
        self._vocabulary = vocabulary
        named = vocabulary.control(PICTURE)
        self.picture = head if named is None else named
        if self.picture >= rows or vocabulary.size > rows:
            raise ModelError(
                "The model's vocabulary does not fit its weights.",
                "Download or convert it again.",
                f"{vocabulary.size} tokens, {rows} rows",
            )

    def raw(self, text: str) -> list[int]:
        """A prompt as written, control tokens and picture marks included."""
        parts = [self._vocabulary.tokens(part, special=True) for part in text.split(PICTURE)]
        tokens = parts[0]
        for part in parts[1:]:
            tokens += [self.picture, *part]
        return tokens

    def conversation(self, messages: Sequence[Message]) -> list[int]:
        """The conversation, and the head of the answer that is wanted."""
        tokens = [self._control("<|begin_of_text|>")]
        for message in messages:
            tokens += [*self._header(message.role), *[self.picture] * len(message.pictures)]
            tokens += [*self._vocabulary.tokens(message.text.strip()), self._control("<|eot_id|>")]
        return tokens + self._header("assistant")

    def _header(self, role: str) -> list[int]:
        words = self._vocabulary.tokens(role), self._vocabulary.tokens("\n\n")
        return [self._control("<|start_header_id|>"), *words[0], self._control("<|end_header_id|>"), *words[1]]

    def _control(self, text: str) -> int:
        token = self._vocabulary.control(text)
        if token is None:
            raise ModelError(
                "The model's vocabulary is not Llama 3's.", "Use another model file.", f"{text} is missing"
            )
        return token
