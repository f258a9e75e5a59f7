"""Choosing the next token from a row of logits, and turning tokens into text.

Sampling itself is done by llama.cpp's samplers on a plain row of logits, so that every family can use it. Greedy
choice without a grammar is numpy's argmax, which breaks ties as llama.cpp's greedy sampler does: the first wins.
"""

import codecs
import ctypes
import json
import re
from typing import Any, Self

import llama_cpp
import numpy as np
from llama_cpp import llama_grammar
from numpy.typing import NDArray

from app.errors import ModelError, SpyglassError, UsageError
from app.values import Sampling
from app.wording import Wording

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""struct llama_token_data"""

_MAX_SCHEMA = 64 << 10
_MAX_DEPTH = 32
_MAX_REPEATS = 1000
"""The grammar unrolls `maxItems` and the like; llama.cpp refuses more than 2000 repetitions."""
_SURROGATES = re.compile(r"\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}")
"""A character beyond the first plane as JSON escapes it; GBNF wants one escape a character."""


class NotNumbersError(ModelError):
    """The logits are NaN or infinite, as damaged weights make them."""

    def __init__(self) -> None:
        super().__init__(
            Wording("The model computed something that is not a number."),
            Wording("Its file is damaged: download or convert it again."),
        )


def probability(logits: NDArray[np.float32], token: int) -> float:
    """Softmax of the raw logits at `token`: before temperature, limits and grammar.

    It says how sure the model was, not how likely the sampler was to choose the token.
    """
    shifted = logits - logits.max()
    return float(np.exp(shifted[token]) / np.exp(shifted).sum(dtype=np.float64))


class Sampler:
    """Chooses the tokens of one answer. Use as a context manager, or close it: it owns native memory.

    vocab: `llama_vocab *`, used by the grammar only. schema: a JSON schema the answer must follow; what it allows is
    enforced, token by token. Raises UsageError if the schema cannot be turned into a grammar.
    """

    def __init__(self, vocab: int, sampling: Sampling, schema: dict[str, Any] | None = None) -> None:
        self._vocab = vocab
        self._chain = _chain(sampling)
        self._grammar = None
        if schema is not None:
            try:
                self._grammar = _grammar(vocab, schema)
            except SpyglassError:
                self.close()
                raise

    def choose(self, logits: NDArray[np.float32]) -> tuple[int, float]:
        """The next token and its probability (see `probability`). logits: `(n_vocab,) float32`, left unchanged.

        Raises NotNumbersError if the logits are none, ModelError if the grammar allows no token at all.
        """
        if not np.isfinite(logits.max()):
            raise NotNumbersError
        token = self._pick(logits)
        if self._grammar is not None:
            if not self._allowed(token):
                token = self._pick_allowed(logits)
            if not llama_cpp.llama_vocab_is_eog(self._vocab, token):  # the grammar ends there; llama.cpp would abort
                llama_cpp.llama_sampler_accept(self._grammar, token)
        return token, probability(logits, token)

    def close(self) -> None:
        for sampler in (self._chain, self._grammar):
            if sampler is not None:
                llama_cpp.llama_sampler_free(sampler)
        self._chain = self._grammar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pick(self, logits: NDArray[np.float32]) -> int:
        if self._chain is None:
            return int(logits.argmax())
        candidates = np.empty(logits.size, _CANDIDATE)
        candidates["id"] = np.arange(logits.size, dtype=np.int32)
        candidates["logit"] = logits
        candidates["p"] = 0.0
        return _apply(self._chain, candidates)

    def _allowed(self, token: int) -> bool:
        """Whether the grammar takes `token`. Asking about one is far cheaper than about the whole vocabulary."""
        candidate = np.array([(token, 0.0, 0.0)], _CANDIDATE)
        _apply(self._grammar, candidate)
        return bool(np.isfinite(candidate["logit"][0]))

    def _pick_allowed(self, logits: NDArray[np.float32]) -> int:
        """Choose again among what the grammar allows.

        Together with the first try this is exact: P(t) + P(refused) * P(t) / P(allowed) = P(t) / P(allowed).
        """
        candidates = np.empty(logits.size, _CANDIDATE)
        candidates["id"] = np.arange(logits.size, dtype=np.int32)
        candidates["logit"] = logits
        _apply(self._grammar, candidates)
        masked = candidates["logit"].copy()
        if not np.isfinite(masked.max()):
            raise ModelError(
                "The model's vocabulary cannot write the form of answer that was asked for.", "Use another model."
            )
        return self._pick(masked)


def _apply(sampler: Any, candidates: NDArray[Any]) -> int:
    """Run `sampler` over `candidates` in place; the token it selected, or -1."""
    data = candidates.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token_data))
    array = llama_cpp.llama_token_data_array(data=data, size=candidates.size, selected=-1, sorted=False)
    llama_cpp.llama_sampler_apply(sampler, ctypes.byref(array))
    return int(array.data[array.selected].id) if array.selected >= 0 else -1


def _chain(sampling: Sampling) -> Any:
    """llama.cpp's sampler chain, in the order of its command line; None if greedy."""
    if sampling.temperature <= 0.0:
        return None
    chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
    if sampling.top_k > 0:
        llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_top_k(sampling.top_k))
    if sampling.top_p < 1.0:
        llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_top_p(sampling.top_p, 1))
    if sampling.min_p > 0.0:
        llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_min_p(sampling.min_p, 1))
    llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_temp(sampling.temperature))
    llama_cpp.llama_sampler_chain_add(chain, llama_cpp.llama_sampler_init_dist(sampling.seed & 0xFFFFFFFF))
    return chain


def _grammar(vocab: int, schema: dict[str, Any]) -> Any:
    sampler = llama_cpp.llama_sampler_init_grammar(vocab, grammar_of(schema).encode(), b"root")
    if sampler is None:
        raise _bad_schema("llama.cpp cannot parse the grammar made from it")
    return sampler


def grammar_of(schema: dict[str, Any]) -> str:
    """The GBNF grammar of a JSON schema. Raises UsageError for one that has none.

    Strings may not hold raw control characters (RFC 8259), so that what is written can always be parsed again. An
    enumeration with the format "text" is written as it stands, without JSON's quotation marks: a model that was never
    asked for JSON answers yes or no with one token, whose probability then means something.
    """
    text = json.dumps(schema)
    if len(text) > _MAX_SCHEMA:
        raise _bad_schema(f"{len(text)} characters")
    _check(schema, 0)
    if schema.get("format") == "text" and schema.get("enum"):
        return "root ::= " + " | ".join(json.dumps(str(word), ensure_ascii=False) for word in schema["enum"])
    try:
        gbnf = llama_grammar.json_schema_to_gbnf(text)
    except Exception as error:  # it signals what it does not know by assertions, KeyErrors and others
        raise _bad_schema(repr(error)) from error
    gbnf = gbnf.replace(r'char ::= [^"\\] |', r'char ::= [^"\\\x7F\x00-\x1F] |')
    return _SURROGATES.sub(_one_escape, gbnf)


def _one_escape(pair: re.Match[str]) -> str:
    return f"\\U{ord(json.loads(chr(34) + pair[0] + chr(34))):08X}"


def _check(node: Any, depth: int) -> None:
    """Refuse what would make the grammar enormous, or wrong: it quotes literals without regard to JSON's escapes."""
    if depth > _MAX_DEPTH:
        raise _bad_schema("nested too deeply")
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("minItems", "maxItems", "minLength", "maxLength"):
                if not isinstance(value, int) or not 0 <= value <= _MAX_REPEATS:
                    raise _bad_schema(f"{key} is {value!r}; 0 to {_MAX_REPEATS} are possible")
            elif "\\" in json.dumps([key, value] if key in ("enum", "const") else key, ensure_ascii=False):
                raise _bad_schema(f"{key!r} holds a quotation mark, a backslash or a control character")
            _check(value, depth + 1)
    elif isinstance(node, list):
        for value in node:
            _check(value, depth + 1)


def _bad_schema(detail: str) -> UsageError:
    return UsageError("The form of answer that was asked for cannot be enforced.", "Use a simpler JSON schema.", detail)


class Detokenizer:
    """Turns the tokens of one answer into text, whole characters only.

    vocab: `llama_vocab *`. Control tokens give no text.
    """

    def __init__(self, vocab: int) -> None:
        self._vocab = vocab
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = 1.0
        """Product of the probabilities of the tokens whose bytes wait for the rest of their character."""

    def add(self, token: int, probability: float) -> tuple[str, float] | None:
        """The text that is complete with `token` and its probability, or None while a character is incomplete.

        The probability is the product over the tokens that make up the text's characters.
        """
        text = self._decoder.decode(piece(self._vocab, token))
        joined = self._pending * probability
        waiting = bool(self._decoder.getstate()[0])
        if text:
            self._pending = probability if waiting else 1.0
            return text, joined
        if waiting:
            self._pending = joined
        return None

    def finish(self) -> tuple[str, float] | None:
        """What is left at the end: a cut character becomes U+FFFD."""
        text = self._decoder.decode(b"", final=True)
        return (text, self._pending) if text else None


def piece(vocab: int, token: int) -> bytes:
    """The bytes `token` stands for; none for a control token."""
    buffer = ctypes.create_string_buffer(64)
    length = llama_cpp.llama_token_to_piece(vocab, token, buffer, len(buffer), 0, False)
    if length < 0:
        buffer = ctypes.create_string_buffer(-length)
        length = llama_cpp.llama_token_to_piece(vocab, token, buffer, len(buffer), 0, False)
    return buffer.raw[: max(length, 0)]
