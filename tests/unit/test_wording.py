"""Sentences whose values stay apart from their template, also across the pipe."""

import copy
import pickle

import pytest

from app.engine import protocol
from app.errors import PictureError, of_kind
from app.values import Failed
from app.wording import Wording, fill, places


def test_it_is_the_english_sentence_and_keeps_its_parts() -> None:
    words = Wording("{name} has {millions:.1f} million pixels.", name="a.png", millions=900)
    assert words == "a.png has 900.0 million pixels."
    assert (words.template, words.values) == (
        "{name} has {millions:.1f} million pixels.",
        {"name": "a.png", "millions": 900},
    )
    assert Wording("{share:.0%} sure", share=0.123) == "12% sure"


@pytest.mark.parametrize("template", ["{", "{0}", "{unknown}", "{name.__class__}", "{name:>99999999}", "100 {}%"])
def test_what_is_no_place_with_a_value_stays_as_it_is_written(template: str) -> None:
    assert Wording(template, name="x") == template
    assert Wording(template) == template


def test_a_value_is_never_taken_for_a_template() -> None:
    assert Wording("{name} is {kind}.", name="{kind}", kind="empty") == "{kind} is empty."


def test_it_survives_copying() -> None:
    words = Wording("{name} is empty.", name="a")
    for twin in (copy.deepcopy(words), pickle.loads(pickle.dumps(words)), Wording.of(words)):
        assert (twin, twin.template, twin.values) == (words, words.template, words.values)


def test_values_are_shown_as_the_language_shows_them() -> None:
    assert fill("{n} x {name}", {"n": 3, "name": "a"}, lambda value, _: f"<{value}>") == "<3> x <a>"
    assert places("{b} {a:.1f} {b} {") == ["{a:.1f}", "{b}", "{b}"]


def test_an_error_keeps_template_and_values_across_the_pipe() -> None:
    size = Wording("{size:.1f} GiB", size=1.5)
    error = PictureError(Wording("{name} needs {size}.", name="a\udc00{size}", size=size), "Go.", "detail")
    (head,) = protocol.encode(protocol.Told(id=7, event=protocol.failed(error)))
    reply = protocol.decode_reply(head[protocol.HEADER.size :])
    assert isinstance(reply, protocol.Told)
    assert isinstance(reply.event, Failed)
    again = of_kind(reply.event.kind, reply.event.what, reply.event.todo, reply.event.detail)
    assert isinstance(again, PictureError)
    assert again.what == "a?{size} needs 1.5 GiB."
    assert again.what.template == "{name} needs {size}."
    inner = again.what.values["size"]
    assert isinstance(inner, Wording)
    assert inner.values == {"size": 1.5}
    assert again.todo.template == "Go."


@pytest.mark.parametrize("what", ["[]", '["a"]', '["a", 3]', '["a", {"b": null}]', "3", '["a", {"b": ["c"]}]'])
def test_garbage_in_place_of_a_sentence_is_refused(what: str) -> None:
    body = b'{"type":"told","id":1,"event":{"type":"failed","kind":"x","todo":"y","what":%s}}' % what.encode()
    with pytest.raises(protocol.ProtocolError):
        protocol.decode_reply(body)
