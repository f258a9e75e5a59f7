"""A model that sees and one of text only, both loaded by the one engine process."""

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as replace_spec

from app.engine import machine
from app.engine.client import EngineClient
from app.engine.families import Cancel
from app.engine.models import Models
from app.errors import MemoryShortError
from app.library import disk
from app.modes.translate.pipeline import Translation, Wish, translate_picture
from app.values import EngineOptions, Loading, ModelSpec, Picture
from tests import models, signs

OPTIONS = EngineOptions(context=384, threads=1)
"""Little, because these models write until there is no more room."""


@pytest.fixture
def pair(tmp_path: Path) -> tuple[ModelSpec, ModelSpec]:
    """Which sees, and which translates."""
    (tmp_path / "sees").mkdir()
    seeing = models.write_pair(tmp_path / "sees")
    text = tmp_path / "translator.gguf"
    models.write_text_model(text, replace(models.TINY, seed=2))
    reader = disk.resolve(str(seeing.model), str(seeing.projector), OPTIONS)
    return reader, disk.resolve(str(text), None, EngineOptions(context=2048, threads=1), sees=False)


def test_both_are_used_and_stay_loaded(client: EngineClient, pair: tuple[ModelSpec, ModelSpec]) -> None:
    sheet = signs.sign(["Exit"], 40)
    picture = Picture(sheet.pixels.shape[1], sheet.pixels.shape[0], sheet.pixels.tobytes())
    wish = Wish(pair[0], "fr", "en", translator=pair[1])
    first = list(translate_picture(picture, wish, client))
    assert first[-1].passages
    assert all(p.translation is not None for p in first[-1].passages)
    assert any(isinstance(s.progress, Loading) and s.stage == "reading" for s in first)
    assert any(isinstance(s.progress, Loading) and s.stage == "translating" for s in first)
    again = list(translate_picture(picture, wish, client))
    assert again[-1].original == first[-1].original
    assert not any(isinstance(s.progress, Loading) for s in again), "neither had to make room for the other"


def test_a_translator_without_room_is_refused_in_words_and_the_reader_stays(
    client: EngineClient, tmp_path: Path
) -> None:
    sheet = signs.sign(["Exit"], 40)
    picture = Picture(sheet.pixels.shape[1], sheet.pixels.shape[0], sheet.pixels.tobytes())
    large = tmp_path / "large.json"
    large.write_text('{"load": [{"do": "raise", "name": "MemoryShortError"}]}', "utf-8")
    wish = Wish(ModelSpec(path="echo"), "fr", "en", translator=ModelSpec(path=f"echo:{large}"))
    states: list[Translation] = []
    with pytest.raises(MemoryShortError, match="not enough memory left for the model that translates") as raised:
        states.extend(translate_picture(picture, wish, client))
    assert "let the model that reads pictures translate too" in raised.value.todo
    assert states[-1].original, "what was read stands"
    without = list(translate_picture(picture, replace(wish, translator=None), client))
    assert without[-1].stage == "done"
    assert not any(isinstance(state.progress, Loading) for state in without), "the reader was there all the time"


def test_the_memory_that_is_free_decides(pair: tuple[ModelSpec, ModelSpec], monkeypatch: pytest.MonkeyPatch) -> None:
    models = Models()
    reader = models.get(pair[0], lambda _: None, Cancel())
    monkeypatch.setattr(machine, "free_memory", lambda: 20 << 20)
    with pytest.raises(MemoryShortError, match="only 20 MiB are free"):
        models.get(pair[1], lambda _: None, Cancel(), aside=True)
    assert models.get(pair[0], lambda _: None, Cancel()) is reader
    models.clear()


def test_the_reader_chosen_as_translator_is_not_loaded_twice(pair: tuple[ModelSpec, ModelSpec]) -> None:
    wish = Wish(pair[0], "fr", translator=replace_spec(pair[0], projector=None))
    assert wish.writer is pair[0]
    assert not wish.aside


def test_a_model_of_text_is_found_and_marked(pair: tuple[ModelSpec, ModelSpec]) -> None:
    (found,) = [m for m in disk.installed([Path(pair[1].path).parent]) if m.name == "translator"]
    assert found.text_only
    assert found.problem
    assert pair[1].projector is None
