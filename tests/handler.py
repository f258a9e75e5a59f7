"""llama-cpp-python's own handler for models with pictures: what the `mtmd` family is compared with."""

import base64
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import llama_cpp
from llama_cpp.llama_chat_format import MTMDChatHandler
from PIL import Image

from app.values import Message, Picture
from tests.models import Pair


@dataclass(frozen=True)
class Reply:
    """text; seconds until its first token; prompt tokens computed for it."""

    text: str
    first_token_s: float
    computed_tokens: int


class Handler:
    """A pair loaded the way a program that uses llama-cpp-python loads it; greedy."""

    def __init__(self, pair: Pair, *, context: int, threads: int, flash: bool) -> None:
        self._llama = llama_cpp.Llama(
            str(pair.model),
            chat_handler=MTMDChatHandler(str(pair.projector), verbose=False),
            n_ctx=context,
            n_threads=threads,
            n_threads_batch=threads,
            flash_attn=flash,
            verbose=False,
        )

    def ask(self, messages: Sequence[Message], pictures: Mapping[str, Picture], max_tokens: int) -> Reply:
        converted = [_message(message, pictures) for message in messages]
        started = time.monotonic()
        first, computed, text = 0.0, 0, ""
        for piece in self._llama.create_chat_completion(
            messages=converted,
            temperature=0.0,
            repeat_penalty=1.0,
            max_tokens=max_tokens,
            stream=True,
        ):
            said = piece["choices"][0]["delta"].get("content")
            if said is not None:
                if not first:
                    first, computed = time.monotonic() - started, self._llama.n_tokens
                text += said
        return Reply(text, first, computed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._llama.close()


def _message(message: Message, pictures: Mapping[str, Picture]) -> dict[str, Any]:
    if message.role != "user":
        return {"role": message.role, "content": message.text}
    shown = [{"type": "image_url", "image_url": {"url": _url(pictures[digest])}} for digest in message.pictures]
    return {"role": "user", "content": [*shown, {"type": "text", "text": message.text}]}


def _url(picture: Picture) -> str:
    file = io.BytesIO()
    Image.frombytes("RGB", (picture.width, picture.height), picture.pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
