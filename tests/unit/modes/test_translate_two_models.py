"""A model that sees and one of text only, both loaded by the one engine process."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.client import EngineClient
from app.library import disk
from app.modes.translate.pipeline import Wish, translate_picture
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


def test_a_model_of_text_is_found_and_marked(pair: tuple[ModelSpec, ModelSpec]) -> None:
    (found,) = [m for m in disk.installed([Path(pair[1].path).parent]) if m.name == "translator"]
    assert found.text_only
    assert found.problem
    assert pair[1].projector is None
