"""What Recognise asks, and what it makes of an answer that is still being written."""

import json

import pytest

from app.modes.base import TextBlock
from app.modes.objects import Found, ObjectsBlock, counts
from app.modes.recognise import PROMPT, SCHEMA, Reading, RecogniseMode, as_box, names
from app.settings.schema import Settings
from app.values import Message, ModelSpec, Piece

ANSWER = '{"objects":[{"name":"dog","count":2,"boxes":[[100,200,300,400],[500,0,990,1000]]},{"name":"cup","count":3}]}'
DOGS = (Found("dog", box=(0.1, 0.2, 0.3, 0.4)), Found("dog", box=(0.5, 0, 0.99, 1)))


def read(text: str) -> tuple[Found, ...]:
    reading = Reading()
    reading.add(Piece(text=text))
    return reading.found()


def test_the_whole_answer() -> None:
    assert read(ANSWER) == (*DOGS, Found("cup", count=3))
    assert counts(read(ANSWER)) == [("dog", 2, 1.0), ("cup", 3, 1.0)]


def test_a_label_appears_as_soon_as_its_name_is_there() -> None:
    at = ANSWER.index("dog") + len('dog"')
    assert read(ANSWER[: at - 1]) == ()
    assert read(ANSWER[:at]) == (Found("dog"),)
    first_box = ANSWER.index("400]") + 4
    assert read(ANSWER[:first_box]) == (DOGS[0], Found("dog"))
    assert read(ANSWER[: first_box - 1]) == (Found("dog", count=2),)


def test_how_sure_a_name_is_comes_from_its_own_pieces() -> None:
    reading = Reading()
    for text, probability in (('{"objects":[{"name":"', 0.1), ("po", 0.9), ('lar bear"', 0.5), (',"count":1}]}', 0.2)):
        reading.add(Piece(text=text, probability=probability))
    assert reading.found()[0].name == "polar bear"
    assert reading.found()[0].probability == pytest.approx(0.45)
    assert reading.finished()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("", ()),
        ("A dog and a cat.", ()),
        ("[]", ()),
        ('{"objects":{}}', ()),
        ('{"objects":[1,"dog",{"name":5,"count":1},{"name":"  ","count":1}]}', ()),
        ('[{"name":"dog","count":1}]', (Found("dog"),)),
        ('{"objects":[{"name":"dog","count":-4}]}', ()),
        ('{"objects":[{"name":" polar\\n\\tbear ","count":1}]}', (Found("polar bear"),)),
        ('{"objects":[{"name":"dog","count":"two","boxes":7}]}', (Found("dog"),)),
        ('{"objects":[{"name":"dog","count":1,"boxes":[[1,2],[1,1,1,1],["a",1,2,3]]}]}', (Found("dog"),)),
        ('{"objects":[{"name":"dog","count":100000000000000000000}]}', (Found("dog", count=99),)),
    ],
)
def test_answers_that_do_not_keep_to_the_form(answer: str, expected: tuple[Found, ...]) -> None:
    assert read(answer) == expected


def test_boxes_are_put_in_order_and_cut_to_the_picture() -> None:
    assert as_box([900, 1200, 100, -50]) == (0.1, 0.0, 0.9, 1.0)
    assert as_box([1, 2, float("nan"), 4]) is None
    assert as_box([True, False, True, False]) is None
    assert as_box("1234") is None


def test_the_job_asks_about_the_newest_picture_alone() -> None:
    messages = (
        Message(role="user", text="Hello", pictures=("old",)),
        Message(role="assistant", text="Hello"),
        Message(role="user", text="", pictures=("a", "b")),
    )
    job = RecogniseMode().job(messages, ModelSpec(path="echo"), Settings())
    assert [(m.text, m.pictures) for m in job.messages] == [(PROMPT, ("a",))]
    assert job.schema is SCHEMA
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_blocks_are_labels_and_a_list_with_counts() -> None:
    mode = RecogniseMode()
    objects, words = mode.blocks(ANSWER)
    assert objects == ObjectsBlock((*DOGS, Found("cup", count=3)))
    assert words == TextBlock("- 2 × dog\n- 3 × cup")
    assert mode.blocks('{"objects":[') == ()
    assert mode.blocks('{"objects":[]}') == (TextBlock("Nothing that I know."),)


def test_names_alone_for_a_search() -> None:
    assert names(r'{"objects": [{"name": "red \"dog\"", "count": 1}, {"name" :"caf\u00e9"}, {"na') == 'red "dog", café'
    assert names('{"name": "\\x"}') == '{"name": "\\x"}'  # what is no JSON is searched as it is
