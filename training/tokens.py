"""The starter's tokenizer (byte-level BPE with Llama 3's splitting rule) and how conversations become token rows."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from . import prompts, questions, words
from .kinds import COLOURS, NAMES
from .questions import Turn

LEARNED, VOCABULARY = 1528, 1905
"""Tokens that byte-pair encoding learns, and rows of the output head: these, the whole names, and eight special tokens.
``<|image|>`` is the next id."""

SPECIAL = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|finetune_right_pad_id|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|python_tag|>",
)
_LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _corpus() -> Iterator[str]:
    """Everything the starter is asked and says, words as often as they matter."""
    for _ in range(60):
        yield "user\n\n"
        yield "assistant\n\n"
        yield "system\n\n"
        yield '{"objects":[{"name":"a","count":1,"boxes":[[1,2],[3,4]]},{"name":"a","count":2,"boxes":[[1,2]]}]}'
        yield '{"objects":[]}'
    for tens in range(0, 1000, 10):
        for _ in range(40):
            yield str(tens)
    for options in prompts.ASK.values():
        for text in options:
            for language in words.LANGUAGES.values():
                yield text.replace("{language}", language)
    for text in (
        prompts.SYSTEM + tuple(a for _, a in prompts.SMALL_TALK) + tuple(q for qs, _ in prompts.SMALL_TALK for q in qs)
    ):
        yield text
    for _ in range(12):
        for name in NAMES:
            yield f'The picture shows {prompts.one(name)} and two {prompts.plural(name)}. "{name}"'
            yield f"How many {prompts.plural(name)}? What colour is the {name}? {prompts.one(name).capitalize()}"
        for name in COLOURS:
            yield f"{name.capitalize()} {name}."
        for row in range(3):
            for column in ("left", "right", ""):
                yield f"At the {('top', 'bottom', 'center')[row]} {column}. On the {column}. In the center."
                yield f"{prompts.UNSURE} Yes No"
    for row in words.MEANINGS:
        for word in row:
            for _ in range(5):
                yield word
                yield f' {word} "{word}"'
            yield word.upper()


def forms(tokenizer: Tokenizer, name: str) -> list[list[str]]:
    """A kind's name as it stands in a list, in JSON, in the plural and, where it has no article, at the start of an
    answer: the words of each, as the tokenizer's splitting rule cuts them."""
    capital = prompts.one(name)[0].upper() + prompts.one(name)[1:]
    texts = (f" {name}", name, f" {prompts.plural(name)}", *([capital] if capital.lower() == name else []))
    return [[word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)] for text in texts]


def _with_whole_names(tokenizer: Tokenizer) -> Tokenizer:
    """The same, where every form of a kind's name is one token a word, after those that were learned: what is seen is
    then said in one step, in JSON too. As they stand for whole words only, they need no merges (Llama 3's rule)."""
    learned = json.loads(tokenizer.to_str())["model"]
    vocabulary = learned["vocab"]
    for name in NAMES:
        for words_of_form in forms(tokenizer, name):
            for word in words_of_form:
                vocabulary.setdefault(word, len(vocabulary))
    whole = Tokenizer(models.BPE(vocabulary, [tuple(pair) for pair in learned["merges"]], ignore_merges=True))
    whole.pre_tokenizer, whole.decoder = tokenizer.pre_tokenizer, tokenizer.decoder
    return whole


def train(path: Path) -> Tokenizer:
    """Learn the merges, add the names and write tokenizer.json."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_LLAMA_3), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=LEARNED, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_corpus(), trainer)
    tokenizer = _with_whole_names(tokenizer)
    if tokenizer.get_vocab_size() != VOCABULARY - len(SPECIAL):
        raise ValueError(f"the corpus gives {tokenizer.get_vocab_size()} tokens")
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in (*SPECIAL, "<|image|>")])
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return tokenizer


def load_or_train(path: Path) -> Tokenizer:
    return Tokenizer.from_file(str(path)) if path.exists() else train(path)


TASKS = (
    "what",
    "describe",
    "recognise",
    "count",
    "colour",
    "where",
    "is_there",
    "read",
    "translate",
    "highest",
    "translate_text",
    "small_talk",
)


@dataclass(frozen=True)
class Packed:
    """One row of conversations, each array of one length: token ids, the weight of predicting each (0 in what was
    given; long answers weigh less a token), the conversation, the turn (0 where given), the turn's task (-1 where
    given), as bits the marks of what each token is about (see ``prompts.Spoken``), and, where a question's name ends,
    the kind it means (-1 elsewhere)."""

    ids: NDArray[np.int64]
    weights: NDArray[np.float32]
    talks: NDArray[np.int16]
    turns: NDArray[np.int16]
    tasks: NDArray[np.int16]
    looks: NDArray[np.int32]
    names: NDArray[np.int16]


class Writer:
    """Turns conversations into token ids with a mask of what the model has to say itself."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.pad = tokenizer.token_to_id("<|finetune_right_pad_id|>")
        self.end = tokenizer.token_to_id("<|eot_id|>")
        self._letters: dict[str, list[int]] = {}

    def ids(self, text: str) -> list[int]:
        found: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return found

    def spell(self, word: str) -> list[int]:
        """The word letter by letter, as nothing but reading it can know it."""
        out = []
        for letter in word:
            if letter not in self._letters:
                self._letters[letter] = self.ids(letter)
            out += self._letters[letter]
        return out

    def prompt(self, question: str, picture: bool, system: str | None = None) -> str:
        opening = f"<|start_header_id|>system<|end_header_id|>\n\n{system}<|eot_id|>" if system else ""
        return "<|begin_of_text|>" + opening + self.question(("<|image|>" if picture else "") + question)

    def question(self, text: str) -> str:
        return (
            f"<|start_header_id|>user<|end_header_id|>\n\n{text}<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n"
        )

    def given(self, turn: Turn, first: bool, picture: bool, system: str | None) -> tuple[list[int], list[int]]:
        """What stands before an answer, the whole prompt or a later turn's question, and for each token the kind whose
        name ends with it, or -1."""
        text = self.prompt(turn.question, picture, system) if first else self.question(turn.question)
        found = self.tokenizer.encode(text, add_special_tokens=False)
        names = [-1] * len(found.ids)
        if turn.sought:
            name, called = turn.sought
            end = text.rindex(turn.question) + turn.question.rindex(called) + len(called)
            names[[b for _, b in found.offsets].index(end)] = NAMES.index(name)
        return list(found.ids), names

    def said(self, turn: Turn) -> tuple[list[int], list[int]]:
        """The answer's tokens, and for each the bits of the marks it is about."""
        if turn.spelled:
            spelled = [self.spell(letter) for letter in turn.answer]
            spans = [(i, i + 1) for i, ids in enumerate(spelled) for _ in ids]
            ids = [token for letter in spelled for token in letter]
        else:
            found = self.tokenizer.encode(turn.answer, add_special_tokens=False)
            ids, spans = list(found.ids), found.offsets
        bits = [
            sum({1 << mark for start, end, marks in turn.looks if start < b and end > a for mark in marks})
            for a, b in spans
        ]
        return [*ids, self.end], [*bits, 0]

    def pack(self, talks: Iterable[tuple[list[Turn], bool, str | None]], length: int) -> Packed:
        """Conversations (turns, about the picture?, system line), as many as fit, side by side in one row."""
        row = Packed(
            np.full(length, self.pad, np.int64),
            np.zeros(length, np.float32),
            np.zeros(length, np.int16),
            np.zeros(length, np.int16),
            np.full(length, -1, np.int16),
            np.zeros(length, np.int32),
            np.full(length, -1, np.int16),
        )
        at = 0
        for number, (turns, picture, system) in enumerate(talks, 1):
            for index, turn in enumerate(turns):
                given, names = self.given(turn, index == 0, picture, system)
                said, looks = self.said(turn)
                end = at + len(given) + len(said)
                if end > length:
                    return row
                row.ids[at:end] = given + said
                row.weights[at + len(given) : end] = len(said) ** -0.4
                row.talks[at:end] = number
                row.looks[at + len(given) : end] = looks
                row.names[at : at + len(given)] = names
                row.turns[at + len(given) : end] = row.turns.max() + 1
                row.tasks[at + len(given) : end] = TASKS.index(turn.task)
                at = end
        return row


def text_conversation(rng: np.random.Generator) -> list[Turn]:
    return [questions.small_talk(rng) if rng.random() < 0.06 else questions.translate_text(rng)]
