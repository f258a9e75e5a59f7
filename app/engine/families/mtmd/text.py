"""The text model: one llama.cpp model with one context, its vocabulary, its KV cache and its row of logits."""

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from app.engine import native
from app.engine.families import LoadCancelled, Progress
from app.errors import EngineError, ModelError
from app.values import EngineOptions
from app.wording import Wording

FLASH = {
    "auto": llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO,
    "on": llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED,
    "off": llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED,
}
_KV_TYPE = {"f16": llama_cpp.GGML_TYPE_F16, "q8_0": llama_cpp.GGML_TYPE_Q8_0}


class Aborted(Exception):
    """The computation was stopped by `TextModel.abort`."""


class ContextFullError(Exception):
    """No room in the KV cache."""


class Weights:
    """`llama_model *` and its vocabulary. Raises ModelError, or LoadCancelled when `progress` says no."""

    def __init__(self, path: Path, progress: Progress, *, gpu_layers: int = 0, repack: bool = False) -> None:
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers, params.use_extra_bufts = gpu_layers, repack
        loading = native.LoadProgress(llama_cpp.llama_progress_callback, progress)
        params.progress_callback = loading.callback
        with native.complaints() as complaints:
            self.pointer = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if loading.cancelled:
            self.close()
            raise LoadCancelled
        if not self.pointer:
            raise ModelError(
                Wording("The model {name} cannot be loaded.", name=path.name),
                "Download it again or use another one.",
                "\n".join(complaints),
            )
        self.vocab = llama_cpp.llama_model_get_vocab(self.pointer)
        self.n_vocab = llama_cpp.llama_vocab_n_tokens(self.vocab)
        self.width = llama_cpp.llama_model_n_embd_inp(self.pointer)
        if llama_cpp.llama_model_has_encoder(self.pointer) or self.n_vocab < 1:
            self.close()
            raise ModelError(
                Wording("The model {name} cannot hold a conversation.", name=path.name),
                "Use a chat model.",
                "not a decoder",
            )

    def close(self) -> None:
        if self.pointer:
            llama_cpp.llama_model_free(self.pointer)
            self.pointer = None

    def chat_template(self) -> str | None:
        found = llama_cpp.llama_model_chat_template(self.pointer, None)
        return None if found is None else found.decode("utf-8", errors="replace")

    def token_text(self, token: int) -> str:
        """How the vocabulary writes `token`; empty for none (-1)."""
        if not 0 <= token < self.n_vocab:
            return ""
        return str(llama_cpp.llama_vocab_get_text(self.vocab, token), "utf-8", errors="replace")

    @property
    def bos(self) -> int:
        return int(llama_cpp.llama_vocab_bos(self.vocab))

    @property
    def eos(self) -> int:
        return int(llama_cpp.llama_vocab_eos(self.vocab))

    @property
    def adds_bos(self) -> bool:
        return bool(llama_cpp.llama_vocab_get_add_bos(self.vocab)) and 0 <= self.bos < self.n_vocab

    def tokenize(self, text: str, special: bool = True) -> list[int]:
        """Token ids of `text`, nothing added; unless `special`, what reads like a control token is words."""
        raw = text.encode()
        tokens = np.empty(len(raw) + 8, np.int32)
        pointer = tokens.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token))
        count = llama_cpp.llama_tokenize(self.vocab, raw, len(raw), pointer, tokens.size, False, special)
        if count < 0:
            raise ModelError(
                "The model's vocabulary cannot read this text.",
                "Use another model.",
                f"{-count} tokens for {len(raw)} bytes",
            )
        return [int(token) for token in tokens[:count]]

    def controls(self, text: str) -> set[str]:
        """Texts of the control tokens that `tokenize` reads out of `text`."""
        kinds = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
        tokens = set(self.tokenize(text))
        found = {self.token_text(t) for t in tokens if llama_cpp.llama_vocab_get_attr(self.vocab, t) & kinds}
        return {each for each in found if each and each in text}

    def is_control(self, text: str) -> bool:
        """Whether `text` is exactly one control token."""
        tokens = self.tokenize(text)
        return len(tokens) == 1 and bool(llama_cpp.llama_vocab_is_control(self.vocab, tokens[0]))


class TextModel:
    """`llama_context *` of sequence 0. batch: how many tokens are computed at once, at most."""

    def __init__(self, weights: Weights, options: EngineOptions, *, context: int, batch: int, threads: int) -> None:
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = context, batch, batch
        params.n_threads = params.n_threads_batch = threads
        params.n_outputs_max = 1  # only the last row of logits is read; the default reserves a batch of them
        params.flash_attn_type = FLASH[options.flash]
        params.type_k = params.type_v = _KV_TYPE[options.kv]
        self.abort = native.Abort()
        params.abort_callback, params.abort_callback_data = self.abort.callback, self.abort.data
        with native.complaints() as complaints:
            self.pointer = llama_cpp.llama_init_from_model(weights.pointer, params)
        if not self.pointer:
            self.abort.close()
            raise ModelError(
                "The model cannot be started.", "Choose a smaller context or another model.", "\n".join(complaints)
            )
        self.weights, self.batch = weights, batch
        self.context = int(llama_cpp.llama_n_ctx(self.pointer))
        self._memory = llama_cpp.llama_get_memory(self.pointer)
        self._window = llama_cpp.llama_model_n_swa(weights.pointer)
        self._input = llama_cpp.llama_batch_init(batch, 0, 1)
        self._tokens, self._positions, counts, self._wanted = (
            np.ctypeslib.as_array(field, (batch,))
            for field in (self._input.token, self._input.pos, self._input.n_seq_id, self._input.logits)
        )
        counts[:] = 1
        for index in range(batch):
            self._input.seq_id[index][0] = 0

    def close(self) -> None:
        if self.pointer:
            llama_cpp.llama_batch_free(self._input)
            llama_cpp.llama_free(self.pointer)
            self.abort.close()
            self.pointer = None

    def cut(self, position: int) -> bool:
        """Forget everything from `position` on. False if the cache had to be emptied instead.

        Recurrent models cannot be cut at all. A sliding window can be cut only while it still holds what the next
        token will look back at.
        """
        if position > 0 and llama_cpp.llama_memory_seq_rm(self._memory, 0, position, -1):
            first = llama_cpp.llama_memory_seq_pos_min(self._memory, 0)
            if self._window == 0 or 0 <= first <= max(0, position - self._window):
                return True
        self.clear()
        return position == 0

    def clear(self, data: bool = False) -> None:
        """Forget everything; `data`: and overwrite all of the cache's memory with zeros.

        That is needed only after numbers that are none: attention multiplies what it masks by zero, and zero times NaN
        is NaN.
        """
        llama_cpp.llama_memory_clear(self._memory, data)

    def read(self, tokens: Sequence[int], position: int) -> None:
        """Compute up to `batch` tokens from `position` on; afterwards `logits` are those of the last one.

        Raises Aborted, ContextFullError or EngineError; what was computed of them is then to be cut.
        """
        count = len(tokens)
        self._tokens[:count] = tokens
        self._positions[:count] = range(position, position + count)
        self._wanted[:count] = 0
        self._wanted[count - 1] = 1
        self._input.n_tokens = count
        with native.complaints() as complaints:
            status = llama_cpp.llama_decode(self.pointer, self._input)
        check_status(status, complaints)

    def logits(self) -> NDArray[np.float32]:
        """`(n_vocab,) float32` of the last token read; overwritten by the next `read`."""
        pointer = llama_cpp.llama_get_logits_ith(self.pointer, -1)
        if not pointer:
            raise ModelError("The model does not write text.", "Use a chat model.", "no logits")
        return np.ctypeslib.as_array(pointer, (self.weights.n_vocab,))


def check_status(status: int, complaints: Sequence[str]) -> None:
    """Turn a status of `llama_decode` into an exception."""
    if status == 2:
        raise Aborted
    if status == 1:
        raise ContextFullError
    if status != 0:
        raise EngineError(
            "The model could not read the conversation.", "Try again.", f"status {status}\n" + "\n".join(complaints)
        )
