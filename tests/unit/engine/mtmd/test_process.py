"""The family in the real engine process."""

from collections.abc import Callable
from pathlib import Path

from app.engine.client import EngineClient
from app.values import Ask, Doctor, EngineOptions, Finished, Loading, Looking, ModelSpec, Piece, Report, Sampling, Stats
from tests import models
from tests.unit.engine.mtmd.conftest import FIRST, PICTURES, SECOND, assistant, user


def talk(spec: ModelSpec) -> list[tuple[str, Stats]]:
    """Two questions about two pictures, asked of a new engine process."""
    said: list[tuple[str, Stats]] = []
    messages = [user("what is it", FIRST)]
    with EngineClient() as client:
        for question in (None, user("and here", SECOND)):
            if question is not None:
                messages += [assistant(said[-1][0]), question]
            ask = Ask(model=spec, messages=tuple(messages), sampling=Sampling(max_tokens=16))
            events = list(client.run(ask, PICTURES.values()))
            assert isinstance(events[-1], Finished), events[-1]
            assert any(isinstance(event, Loading) for event in events) == (question is None)
            looked = any(isinstance(event, Looking) for event in events)
            assert looked == (events[-1].stats.pictures_encoded > 0)
            text = "".join(event.text for event in events if isinstance(event, Piece))
            said.append((text, events[-1].stats))
    return said


def test_a_conversation_reopened_in_a_new_process_looks_at_nothing_again(
    pairs: Callable[[models.Shape], models.Pair], tmp_path: Path
) -> None:
    pair = pairs(models.TILES)
    options = EngineOptions(context=1024, threads=1, cache_dir=str(tmp_path))
    spec = ModelSpec(path=str(pair.model), projector=str(pair.projector), options=options)
    before, after = talk(spec), talk(spec)
    assert [text for text, _ in before] == [text for text, _ in after]
    assert [stats.pictures_encoded for _, stats in before] == [1, 1]
    assert [stats.pictures_encoded for _, stats in after] == [0, 0]
    assert [stats.pictures_from_disk for _, stats in after] == [1, 1]
    assert after[1][1].reused_tokens > 0
    assert before[0][1].load_s > 0


def test_facts_about_the_native_side() -> None:
    with EngineClient() as client:
        report, finished = client.run(Doctor())
    assert isinstance(finished, Finished)
    assert isinstance(report, Report)
    assert report.facts["llama-cpp-python"] == "0.3.36"
    assert report.facts["devices"][0]["kind"] == "cpu"
    assert report.facts["devices"][0]["total"] > 1 << 30
    assert report.facts["threads"] >= 1
