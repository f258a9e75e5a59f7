"""A checkpoint's tokenizer.json as GGUF metadata: the byte-level BPE of Llama 3, which libllama calls `llama-bpe`."""

from pathlib import Path
from typing import Any

from app.errors import ModelError
from app.library.config_json import Checkpoint
from app.library.safetensors import read_json

_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5
_MOST_ADDED = 8
"""Tokens that have embeddings but no output: the picture's, and seven that nothing is said with."""
_LLAMA3_SPLIT = r"\p{N}{1,3}"
"""The part of Llama 3's splitting rule that sets it apart: numbers in groups of three digits."""


def tokenizer_metadata(folder: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    """The `tokenizer.*` entries for the checkpoint in `folder`. Raises ModelError for another kind of tokenizer."""
    tokenizer = read_json(folder / "tokenizer.json")
    model = tokenizer.get("model")
    if (
        not isinstance(model, dict)
        or model.get("type") != "BPE"
        or _LLAMA3_SPLIT not in str(tokenizer.get("pre_tokenizer"))
    ):
        raise ModelError("The checkpoint's tokenizer is not Llama 3's.", "Choose a Llama 3.2 Vision checkpoint.")
    try:
        tokens, kinds = _vocabulary(tokenizer, checkpoint.vocabulary + _MOST_ADDED)
        merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            "The checkpoint's tokenizer.json is damaged, or is another model's.", "Download it again.", repr(error)
        ) from error
    entries: dict[str, Any] = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "llama-bpe",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.merges": merges,
    }
    return entries | _special(folder, checkpoint.special, tokens) | _template(folder)


def _vocabulary(tokenizer: dict[str, Any], most: int) -> tuple[list[str], list[int]]:
    """Every token's text and kind. Raises ValueError if there are none, or more than `most`."""
    vocabulary = dict(tokenizer["model"]["vocab"])
    kinds = dict.fromkeys(vocabulary.values(), _NORMAL)
    for added in tokenizer.get("added_tokens") or []:
        vocabulary[added["content"]] = added["id"]
        kinds[added["id"]] = _CONTROL if added.get("special") else _USER_DEFINED
    size = max(kinds) + 1
    if size > most or any(not isinstance(text, str) for text in vocabulary):
        raise ValueError(f"{size} tokens, {most} at most")
    texts = {number: text for text, number in vocabulary.items()}
    return [texts.get(i, f"[PAD{i}]") for i in range(size)], [kinds.get(i, _UNUSED) for i in range(size)]


def _special(folder: Path, config: dict[str, Any], tokens: list[str]) -> dict[str, Any]:
    """Numbers of the special tokens; a list of end tokens is given by the one the tokenizer's configuration names."""
    path = folder / "tokenizer_config.json"
    names = read_json(path) if path.is_file() else {}
    entries: dict[str, Any] = {"tokenizer.ggml.add_bos_token": True}
    for kind, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding")):
        named = names.get(f"{kind}_token")
        text = named.get("content") if isinstance(named, dict) else named
        number = config.get(f"{kind}_token_id")
        if text in tokens:
            number = tokens.index(text)
        if isinstance(number, list):
            number = number[0] if number else None
        if isinstance(number, int) and 0 <= number < len(tokens):  # some write -1 for none
            entries[f"tokenizer.ggml.{key}_token_id"] = number
    if "<|eot_id|>" in tokens:
        entries["tokenizer.ggml.eot_token_id"] = tokens.index("<|eot_id|>")
    return entries


def _template(folder: Path) -> dict[str, Any]:
    """The chat template, wherever this checkpoint keeps it. Raises ModelError if it cannot be read."""
    jinja = folder / "chat_template.jinja"
    if jinja.is_file():
        try:
            return {"tokenizer.chat_template": jinja.read_text(encoding="utf-8")}
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The checkpoint's {jinja.name} cannot be read.", "Download it again.", str(error)
            ) from error
    for name in ("chat_template.json", "tokenizer_config.json"):
        path = folder / name
        template = read_json(path).get("chat_template") if path.is_file() else None
        if isinstance(template, str):
            return {"tokenizer.chat_template": template}
    return {}
