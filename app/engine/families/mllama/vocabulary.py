"""Text to tokens, by libllama: it reads the tokenizer of such a file if told that the architecture is llama's."""

import ctypes
import os
from pathlib import Path

import llama_cpp
import numpy as np

from app.engine import native
from app.errors import ModelError
from app.wording import Wording

PICTURE = "<|image|>"


class Vocabulary:
    """The vocabulary of one model file; owns native memory. Raises ModelError if it has none."""

    def __init__(self, path: Path) -> None:
        native.start()
        override = (llama_cpp.llama_model_kv_override * 2)()
        override[0].key, override[0].tag = b"general.architecture", llama_cpp.LLAMA_KV_OVERRIDE_TYPE_STR
        override[0].value.val_str = b"llama"
        params = llama_cpp.llama_model_default_params()
        params.vocab_only, params.kv_overrides = True, override
        with native.complaints() as complaints:
            self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise ModelError(
                Wording("The vocabulary in {name} cannot be read.", name=path.name),
                "Download or convert it again.",
                "\n".join(complaints),
            )
        self.pointer: int = llama_cpp.llama_model_get_vocab(self._model)
        self.size = int(llama_cpp.llama_vocab_n_tokens(self.pointer))

    def tokens(self, text: str, special: bool = False) -> list[int]:
        """Tokens of `text`; with `special`, what looks like a control token becomes one."""
        raw = text.encode()
        found = np.empty(len(raw) + 8, np.int32)
        pointer = found.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token))
        count = llama_cpp.llama_tokenize(self.pointer, raw, len(raw), pointer, found.size, False, special)
        if count < 0:
            raise ModelError("The model's vocabulary cannot read this text.", "Use another model.", f"{-count} tokens")
        return [int(token) for token in found[:count]]

    def control(self, text: str) -> int | None:
        """The number of the control token `text`, or None."""
        found = self.tokens(text, special=True)
        return found[0] if len(found) == 1 else None

    def ends(self, token: int) -> bool:
        """Whether an answer ends with `token`."""
        return bool(llama_cpp.llama_vocab_is_eog(self.pointer, token))

    def close(self) -> None:
        if self._model:
            llama_cpp.llama_model_free(self._model)
            self._model = None
