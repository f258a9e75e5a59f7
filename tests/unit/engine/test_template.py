import sys
import time

import pytest

from app.engine.template import ChatTemplate
from app.errors import ModelError
from app.values import Message
from tests.models import CHATML

MARK = "<mark>"
TALK = (
    Message(role="user", text="What is this?", pictures=("a", "b")),
    Message(role="assistant", text="A cat."),
    Message(role="user", text="Sure?"),
)


def render(source: str | None, *messages: Message, **options: object) -> str:
    return ChatTemplate(source, mark=MARK, **options).render(messages or TALK)  # type: ignore[arg-type]


def test_parts_go_to_a_template_that_wants_parts() -> None:
    prompt = render(CHATML)
    assert prompt == (
        "<|im_start|>user\n<mark><mark>What is this?<|im_end|>\n<|im_start|>assistant\nA cat.<|im_end|>\n"
        "<|im_start|>user\nSure?<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_template_that_only_knows_strings_gets_the_marks_in_the_text() -> None:
    strings = "{% for m in messages %}[{{ m.role }}] {{ m.content | trim }}\n{% endfor %}"
    assert render(strings) == "[user] <mark>\n<mark>\nWhat is this?\n[assistant] A cat.\n[user] Sure?\n"


def test_a_template_that_only_knows_parts_gets_parts_for_every_message() -> None:
    parts = (
        "{% for m in messages %}[{{ m.role }}]"
        "{% for part in m.content if part.type == 'text' %} {{ part.text }}{% endfor %}{% endfor %}"
    )
    assert render(parts) == "[user] <mark> <mark> What is this?[assistant] A cat.[user] Sure?"


def test_a_typed_mark_is_no_picture() -> None:
    prompt = render(CHATML, Message(role="user", text=f"What is {MARK}here?", pictures=("a",)))
    assert prompt.count(MARK) == 1


def test_names_and_functions_templates_rely_on() -> None:
    source = (
        "{{ bos_token }}{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% break %}"
        "{% endfor %}{{ eos_token }}{{ {'b': ['ß']} | tojson }}{{ strftime_now('%Y') | length }}"
        "{{ 'tools' if tools is defined else '' }}{% set ns = namespace(n=1) %}{% set ns.n = ns.n + 1 %}{{ ns.n }}"
    )
    assert render(source, Message(role="user", text="hi"), bos="<s>", eos="</s>") == '<s>hi</s>{"b": ["ß"]}42'


def test_a_system_message_that_is_refused_moves_to_the_user() -> None:
    source = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ messages[0].content }}"
    )
    talk = (Message(role="system", text="Be short."), Message(role="user", text="Hello"))
    assert render(source, *talk) == "Be short.\n\nHello"


def test_what_a_template_refuses_for_good_is_an_error() -> None:
    with pytest.raises(ModelError) as raised:
        render("{% if messages | length > 3 %}{{ raise_exception('too many') }}{% endif %}", *TALK[2:], *TALK)
    assert raised.value.detail == "too many"


def test_without_a_template_by_the_tokens_of_the_vocabulary() -> None:
    hello = Message(role="user", text="Hello", pictures=("a",))
    chatml = render(None, hello, has_token=lambda token: token.startswith("<|im_"))
    assert chatml == "<|im_start|>user\n<mark>\nHello<|im_end|>\n<|im_start|>assistant\n"
    assert render(None, hello) == "USER: <mark>\nHello\nASSISTANT:"


def test_a_template_that_loses_pictures_is_an_error() -> None:
    lossy = "{% for m in messages %}{{ m.content | replace('<mark>', '') }}{% endfor %}"
    with pytest.raises(ModelError, match="does not work"):
        render(lossy)


HOSTILE = {
    "endless loop": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "endless text": "{% for a in range(99999) %}{{ 'x' * 9999 }}{% endfor %}",
    "doubling": "{% set n = namespace(s='x') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{{ n.s }}{% endfor %}",
    "long repetition": "{{ 'x' * 999999999 }}",
    "repetition the other way": "{{ 999999999 * 'x' }}",
    "long list": "{{ ([1] * 999999999) | length }}",
    "large power": "{{ 9 ** 9 ** 9 }}",
    "large product": "{% set n = namespace(i=9) %}{% for i in range(99) %}{% set n.i = n.i * n.i %}{% endfor %}",
    "percent": "{{ '%999999999d' % 1 }}",
    "format": "{{ '{:999999999}'.format(1) }}",
    "format map": "{{ '{x:999999999}'.format_map({'x': 1}) }}",
    "format by attr": "{{ ('{:999999999}' | attr('format'))(1) }}",
    "padding": "{{ 'x'.ljust(999999999) }}",
    "center": "{{ 'x' | center(999999999) }}",
    "class": "{{ ''.__class__.__mro__[1].__subclasses__()[0] }}",
    "globals": "{{ raise_exception.__globals__['sys'].exit(3) }}",
    "attr filter": "{{ messages | attr('__class__') | attr('__base__') }}{{ 1 / 0 }}",
    "import": "{% import 'os' as os %}",
    "mutation": "{{ messages.clear() }}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "syntax": "{% for %}",
    "deep": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "enormous": "x" * (300 << 10),
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_template_ends_in_a_clear_error(source: str) -> None:
    started = time.monotonic()
    with pytest.raises(ModelError) as raised:
        render(source)
    assert time.monotonic() - started < 4
    assert "chat template" in raised.value.what


def test_the_trace_function_of_a_debugger_is_put_back() -> None:
    def tracer(*_: object) -> None:
        return None

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        render(CHATML)
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)
