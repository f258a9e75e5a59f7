"""JSON read while it is written."""

import json

import pytest

from app.modes.partial_json import Text, parse

WHOLE = '{"objects":[{"name":"d\\u006fg \\"x\\" \\n","count":2,"boxes":[[1,-2,3.5,4e2]]},{"a":true,"b":null,"c":[{}]}]}'


def test_a_whole_text_is_what_json_says() -> None:
    assert parse(WHOLE) == json.loads(WHOLE)


def test_every_beginning_can_be_read_and_only_grows() -> None:
    before = 0
    for end in range(len(WHOLE) + 1):
        value = parse(WHOLE[:end])
        size = len(json.dumps(value)) if value is not None else 0
        assert size >= before
        before = size
    assert value == json.loads(WHOLE)


def test_a_number_at_the_end_may_still_grow() -> None:
    assert parse("[1, 12") == [1]
    assert parse("[1, 12,") == [1, 12]
    assert parse("[1, tru") == [1]


def test_a_string_knows_its_place_and_whether_it_is_whole() -> None:
    source = 'Here you are: {"name": "a cat"'
    name = parse(source)["name"]
    assert isinstance(name, Text)
    assert (source[name.start : name.end], name.whole) == ("a cat", True)
    cut = parse(source[:-2])["name"]
    assert (cut, cut.whole) == ("a ca", False)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("", None),
        ("I see nothing", None),
        ("```json\n[1]\n```", [1]),
        ("[1 2]", [1]),
        ("[1,]", [1]),
        ('{"a":1,2}', {"a": 1}),
        ('["\\ud83d\\q\\u12', ["\ufffdq"]),
        ('["\\ud83d\\ude00 \\ude00"]', ["\U0001f600 \ufffd"]),
        ('["\\uzzzz"]', ["\ufffd"]),
        ('{"a":[{"b":', {"a": [{}]}),
        ("[{" * 3, [{}]),
        ("[[1]] and [2]", [[1]]),
    ],
)
def test_odd_texts(source: str, value: object) -> None:
    assert parse(source) == value


def test_depth_is_limited() -> None:
    assert parse("[" * 100_000) is not None
