import json
from pathlib import Path
from typing import Any

import pytest

from app.engine.families import Cancel, LoadCancelled, echo, family_of
from app.errors import UsageError
from app.values import Ask, Event, Finished, Looking, ModelSpec, Piece, Reading
from tests.echo import picture, question, say, script


def answer(
    ask: Ask, cancel: Cancel | None = None, model: str = "echo", **pictures: Any
) -> tuple[Finished, list[Event]]:
    events: list[Event] = []
    loaded = family_of("echo").load(ModelSpec(path=model), lambda _: None, Cancel())
    return loaded.answer(ask, pictures, events.append, cancel or Cancel()), events


def text(events: list[Event]) -> str:
    return "".join(e.text for e in events if isinstance(e, Piece))


def test_it_echoes_word_by_word_and_loses_nothing() -> None:
    finished, events = answer(question("  what\n\nis  this? \n"))
    assert text(events) == "You asked:   what\n\nis  this? \n"
    pieces = [e for e in events if isinstance(e, Piece)]
    assert len(pieces) == 6
    assert all(0 < p.probability < 1 for p in pieces)
    assert finished.reason == "stop"
    assert finished.stats.written_tokens == 6
    assert finished.stats.reused_tokens == finished.stats.pictures_encoded == 0
    assert 0 < finished.stats.first_token_s <= finished.stats.write_s


def test_it_looks_at_every_picture_before_it_reads() -> None:
    a, b = picture(1), picture(2, 7, 5)
    finished, events = answer(question("what?", a, b), **{a.digest: a, b.digest: b})
    looks = [e for e in events if isinstance(e, Looking)]
    assert {(e.picture, e.of) for e in looks} == {(0, 2), (1, 2)}
    assert [e.fraction for e in looks if e.picture == 1] == [0, 0.25, 0.5, 0.75, 1]
    kinds = [type(e) for e in events]
    assert kinds.index(Reading) == len(looks)
    assert text(events) == "You showed me a picture of 4 x 3 and a picture of 7 x 5 and asked: what?"
    assert finished.stats.pictures == 2


def test_an_empty_conversation_is_answered() -> None:
    finished, _ = answer(Ask(model=ModelSpec(path="echo"), messages=()))
    assert finished.reason == "stop"


def test_a_schema_is_followed() -> None:
    schema = {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "short": {"type": "string", "maxLength": 2},
            "kind": {"enum": ["sign", "menu"]},
            "version": {"const": 3},
            "box": {"type": "array", "items": {"type": "integer", "minimum": 5}, "minItems": 4},
            "sure": {"type": "number"},
            "ok": {"type": "boolean"},
            "maybe": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            "things": {"type": "array", "items": {"properties": {"name": {"type": "string"}}}},
        },
    }
    _, events = answer(question("so \u00fc", schema=schema))
    assert json.loads(text(events)) == {
        "text": "so \u00fc",
        "short": "so",
        "kind": "sign",
        "version": 3,
        "box": [5, 5, 5, 5],
        "sure": 0.0,
        "ok": True,
        "maybe": None,
        "things": [{"name": "so \u00fc"}],
    }


def test_a_script_comes_in_the_question_or_in_a_file(tmp_path: Path) -> None:
    _, events = answer(script(say("a b"), {"do": "read"}, say("c", probability=0.25)))
    assert text(events) == "a bc"
    assert [e.probability for e in events if isinstance(e, Piece)] == [0.9, 0.9, 0.25]
    (tmp_path / "s.json").write_text(json.dumps({"answer": [say("from the file")]}))
    _, events = answer(question("anything"), model=f"echo:{tmp_path / 's.json'}")
    assert text(events) == "from the file"


@pytest.mark.parametrize(
    "wrong",
    [
        '{"answer": 5}',
        '{"answer": [{"do": "dance"}]}',
        '{"answer": [{"do": "say"}]}',
        '{"answer": [',
        '{"answer": [], "x": 1}',
    ],
)
def test_a_script_that_is_none_says_so(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not an echo script"):
        answer(question(wrong))
    (tmp_path / "s.json").write_text(wrong)
    with pytest.raises(UsageError, match="not an echo script"):
        answer(question("x"), model=f"echo:{tmp_path / 's.json'}")


def test_a_script_that_is_not_there_says_so() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        answer(question("x"), model="echo:/no/such/script.json")


def test_a_cancelled_answer_ends_early_and_says_so() -> None:
    cancel = Cancel()
    cancel.set()
    finished, events = answer(script(say("a"), say("b")), cancel)
    assert finished.reason == "cancelled"
    assert events == []


def test_loading_tells_its_progress_and_can_be_cancelled(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps({"load": [{"do": "loading", "fraction": 0.5}]}))
    spec = ModelSpec(path=f"echo:{tmp_path / 's.json'}")
    told: list[float] = []
    echo.load(spec, told.append, Cancel())
    assert told == [0.0, 0.5, 1.0]
    cancel = Cancel()
    cancel.set()
    with pytest.raises(LoadCancelled):
        echo.load(spec, told.append, cancel)
