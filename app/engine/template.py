"""Chat templates: messages to a prompt, by the Jinja program inside a model file. The program is a stranger's.

It runs in Jinja's immutable sandbox with limits on time, on what it writes and on the values it makes, and without
the string methods that only serve to make strings huge. What it can still do is waste the child's memory within the
child's limit.
"""

import datetime
import json
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Literal

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.errors import ModelError
from app.values import Message

_MAX_SOURCE = 256 << 10
_MAX_OUTPUT = 16 << 20
"""Characters of a prompt; a context of a million tokens has fewer."""
_MAX_VALUE = 1 << 20
_MAX_SECONDS = 1.0

Form = Literal["text", "parts"]


class ChatTemplate:
    """The chat template of one model.

    source: the Jinja program, `tokenizer.chat_template` of the file; None takes the layout of ChatML if the
    vocabulary has its tokens, a plain one otherwise. has_token: whether a text is one control token of the vocabulary.
    bos, eos: texts of these tokens. mark: what stands for a picture in the prompt.

    Raises ModelError if the program cannot be parsed or breaks a limit when tried on a short conversation.
    """

    def __init__(
        self,
        source: str | None,
        *,
        mark: str,
        bos: str = "",
        eos: str = "",
        has_token: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._mark = mark
        self._picture_part = {"type": "text", "text": mark}
        self._names = {"bos_token": bos, "eos_token": eos, "raise_exception": _raise, "strftime_now": _strftime_now}
        self._template = _compile(source if source is not None else _fallback(has_token))
        self._plain, self._with_pictures = self._forms()

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt that asks for the next assistant message; the mark stands once for every picture, in order.

        A system message the template refuses is put before the first user message instead. Raises ModelError if the
        template fails, takes too long or writes too much, or loses a picture.
        """
        try:
            prompt = self._run([self._message(message) for message in messages])
        except _Refused as refusal:
            merged = _without_system(messages)
            if merged is None:
                raise refusal.error() from refusal
            return self.render(merged)
        wanted = sum(len(message.pictures) for message in messages)
        if prompt.count(self._mark) != wanted:
            raise _failed(f"{wanted} pictures became {prompt.count(self._mark)} marks")
        return prompt

    def _message(self, message: Message) -> dict[str, Any]:
        # A mark somebody typed is not a picture.
        text = message.text.replace(self._mark, "")
        if message.pictures and self._with_pictures == "text":
            marks = "".join(f"{self._mark}\n" for _ in message.pictures)
            return {"role": message.role, "content": marks + text}
        if message.pictures or self._plain == "parts":
            pictures = [self._picture_part for _ in message.pictures]
            return {"role": message.role, "content": [*pictures, {"type": "text", "text": text}]}
        return {"role": message.role, "content": text}

    def _forms(self) -> tuple[Form, Form]:
        """How this template wants content without and with pictures: tried on a conversation of two turns."""
        turns = (("user", "First 8q4"), ("assistant", "Second 7w2"), ("user", "Third 6e1"))
        texts = [text for _, text in turns]

        def survives(form: Callable[[str, str], Any]) -> bool:
            try:
                prompt = self._run([{"role": role, "content": form(role, text)} for role, text in turns])
            except _Refused:
                return False
            except ModelError as error:
                if isinstance(error.__cause__, TimeoutError):
                    raise
                return False
            return all(prompt.count(text) == 1 for text in texts) and "'type'" not in prompt

        def parts(text: str) -> list[dict[str, str]]:
            return [{"type": "text", "text": text}]

        if survives(lambda _, text: text):
            mixed = survives(lambda role, text: parts(text) if role == "user" else text)
            return "text", "parts" if mixed else "text"
        if survives(lambda _, text: parts(text)):
            return "parts", "parts"
        return "text", "text"

    def _run(self, messages: list[dict[str, Any]]) -> str:
        try:
            with _Deadline(_MAX_SECONDS):
                return _collect(self._template.generate(messages=messages, add_generation_prompt=True, **self._names))
        except _Refused:
            raise
        except Exception as error:  # anything can come out of a stranger's program
            raise _failed(f"{type(error).__name__}: {error}") from error


class _Refused(Exception):
    """The template itself said that it does not want these messages."""

    def error(self) -> ModelError:
        return ModelError(
            "The model's chat template refuses this conversation.",
            "Start a new conversation or use another model.",
            str(self),
        )


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox without the ways to make one huge value out of a small one."""

    intercepted_binops = frozenset(["*", "**", "%"])
    _blocked = frozenset(["center", "expandtabs", "format", "format_map", "ljust", "rjust", "zfill"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and not isinstance(left, int | float):
            raise SecurityError("formatting by % is not available")
        if operator == "**" and not (isinstance(left, int | float) and abs(left) <= 1024 and right in range(33)):
            raise SecurityError("a power that is too large")
        if operator == "*" and not all(isinstance(side, int | float) and abs(side) < 1 << 64 for side in (left, right)):
            self._check_repeat(left, right)
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> None:
        """No stand-in for `str.format`, so that it is refused like the others; the sandbox's would pad to any width."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str) and attr in self._blocked:
            return False
        return super().is_safe_attribute(obj, attr, value)

    @staticmethod
    def _check_repeat(left: Any, right: Any) -> None:
        sequence, times = (right, left) if isinstance(left, int) else (left, right)
        if not isinstance(times, int) or not hasattr(sequence, "__len__") or len(sequence) * times > _MAX_VALUE:
            raise SecurityError("a repetition that is too long")


class _Generation(Extension):
    """`{% generation %}` marks the assistant's words for training; here it is only passed through."""

    tags = {"generation"}  # noqa: RUF012 - the attribute is Jinja's

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


class _Deadline:
    """Ends Python code that runs longer than `seconds`, by a trace function: it sees every line of a loop."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._before: Any = None

    def __enter__(self) -> None:
        self._before = sys.gettrace()
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, _frame: FrameType, _event: str, _arg: Any) -> Any:
        if time.monotonic() > self._end:
            raise TimeoutError(f"the template ran longer than {_MAX_SECONDS} s")
        return self._trace


def _collect(blocks: Any) -> str:
    parts: list[str] = []
    size = 0
    for block in blocks:
        size += len(block)
        if size > _MAX_OUTPUT:
            raise ValueError("the template writes too much")
        parts.append(block)
    return "".join(parts)


def _compile(source: str) -> jinja2.Template:
    if len(source) > _MAX_SOURCE:
        raise _failed(f"{len(source)} characters")
    environment = _Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols])
    environment.filters["tojson"] = _tojson
    for name in ("center", "format", "indent", "urlize", "wordwrap", "xmlattr"):
        del environment.filters[name]
    try:
        return environment.from_string(source)
    except Exception as error:  # TemplateSyntaxError, and RecursionError or MemoryError for what is nested absurdly
        raise _failed(f"{type(error).__name__}: {error}") from error


def _without_system(messages: Sequence[Message]) -> tuple[Message, ...] | None:
    """The conversation with its system message put before the first user's words; None if it has none."""
    if len(messages) < 2 or messages[0].role != "system" or messages[1].role != "user":
        return None
    system, first, *rest = messages
    return (Message(role="user", text=f"{system.text}\n\n{first.text}", pictures=first.pictures), *rest)


def _fallback(has_token: Callable[[str], bool]) -> str:
    return _CHATML if has_token("<|im_start|>") and has_token("<|im_end|>") else _PLAIN


def _failed(detail: str) -> ModelError:
    return ModelError(
        "The chat template inside the model file does not work.", "Download the model again or use another one.", detail
    )


def _raise(message: Any) -> None:
    raise _Refused(str(message))


def _tojson(value: Any, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent if indent in range(17) else None)


def _strftime_now(layout: str) -> str:
    return datetime.datetime.now().strftime(str(layout)[:64])


_CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_PLAIN = (
    "{% for message in messages %}{% if message.role == 'system' %}{{ message.content }}\n\n"
    "{% elif message.role == 'user' %}USER: {{ message.content }}\n"
    "{% else %}ASSISTANT: {{ message.content }}{{ eos_token }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
"""The layout of LLaVA 1.5, which later models without a template of their own also follow."""
