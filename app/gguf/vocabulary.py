"""What llama.cpp takes for granted of a vocabulary: it would end the process otherwise, or read past an array's end."""

from app.errors import ModelError
from app.gguf import ArrayValue, Gguf, GgufError
from app.gguf.cursor import Cursor
from app.wording import Wording

_STRING, _UINT32, _INT32, _FLOAT32 = 8, 4, 5, 6
_KINDS = {"tokens": (_STRING,), "merges": (_STRING,), "token_type": (_INT32, _UINT32), "scores": (_FLOAT32,)}


def check_vocabulary(file: Gguf) -> None:
    """Raises ModelError unless the arrays are of the right types and lengths, and no token is there twice."""
    arrays = {}
    for name, kinds in _KINDS.items():
        value = file.metadata.get(f"tokenizer.ggml.{name}")
        if value is not None and not (isinstance(value, ArrayValue) and value.kind in kinds):
            raise GgufError(file.path, f"the vocabulary's {name} are {value}")
        if value is not None:
            arrays[name] = value
    counts = {name: value.count for name, value in arrays.items() if name != "merges"}
    if not counts.get("tokens") or len(set(counts.values())) != 1:
        raise GgufError(file.path, f"the vocabulary contradicts itself: {counts}")
    twice = counts["tokens"] - len(_different(file, arrays["tokens"]))
    if twice:
        raise GgufError(file.path, f"{twice} tokens of the vocabulary are there twice")


def _different(file: Gguf, tokens: ArrayValue) -> set[bytes]:
    """The tokens as llama.cpp knows them: bytes up to the first zero; it names the empty ones itself."""
    try:
        with open(file.path, "rb") as opened:
            opened.seek(tokens.offset)
            cursor = Cursor(opened, file.path, file.file_size)
            words = (cursor.take(cursor.u64()).split(b"\0", 1)[0] for _ in range(tokens.count))
            return {word or b"[EMPTY_%d]" % i for i, word in enumerate(words)}
    except OSError as error:
        raise ModelError(
            Wording("The model file {name} cannot be read.", name=file.path.name),
            "Check that it is still there.",
            str(error),
        ) from error
