"""The command, with the real engine process playing a script."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.cli import main
from app.errors import EngineError
from app.modes.translate import pipeline
from app.modes.translate.pipeline import Translation, Wish
from tests import signs

TEXT = "Ticket office 12"


@pytest.fixture(autouse=True)
def _no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program opens its log once; here it starts many times."""
    monkeypatch.setattr("app.cli.log.start", lambda *_: None)


@pytest.fixture
def sign(tmp_path: Path) -> Path:
    path = tmp_path / "sign.png"
    Image.fromarray(signs.sign([TEXT], 50).pixels).save(path)
    return path


def model(tmp_path: Path, text: str, name: str = "script") -> str:
    """A model that always says the same."""
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps({"answer": [{"do": "say", "text": text, "probability": 0.8}]}), "utf-8")
    return f"echo:{path}"


def test_a_sign_in_words_and_drawn(sign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn, texts = tmp_path / "out.png", tmp_path / "out.txt"
    reader, writer = model(tmp_path, TEXT, "reader"), model(tmp_path, "Guichet 12", "writer")
    arguments = ["translate", str(sign), "--to", "fr", "--model", reader, "--translator", writer]
    assert main([*arguments, "--overlay", str(drawn), "--overlay", str(texts)]) == 0
    assert capsys.readouterr().out == "Guichet 12\n"
    with Image.open(drawn) as after, Image.open(sign) as before:
        assert after.size == before.size
        assert after.tobytes() != before.tobytes()
    assert texts.read_text("utf-8") == f"{TEXT}\n→ Guichet 12\n"


def test_json_has_places_figures_and_concerns(sign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader, writer = model(tmp_path, TEXT, "reader"), model(tmp_path, "Guichet", "writer")
    assert main(["translate", str(sign), "--to", "fr", "--model", reader, "--translator", writer, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["outcome"], told["target"]) == ("translated", "fr")
    (passage,) = told["passages"]
    assert (passage["source"], passage["translation"]) == (TEXT, "Guichet")
    assert passage["sure_written"] == pytest.approx(0.8, abs=1e-3)
    assert len(passage["quads"][0]) == 4
    assert [c["kind"] for c in passage["concerns"]] == ["number"]


def test_a_concern_is_told_beside_the_translation(
    sign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer = model(tmp_path, TEXT, "reader"), model(tmp_path, "Guichet 13", "writer")
    assert main(["translate", str(sign), "--to", "fr", "--model", reader, "--translator", writer]) == 0
    assert "Look twice: the number 12 differs or is missing." in capsys.readouterr().err


def test_text_and_glossary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("# mine\n\nTicket office = Guichet\n", "utf-8")
    arguments = ["translate", "--text", "Ticket office\n4,50 €", "--to", "fr", "--model", "echo"]
    assert main([*arguments, "--glossary", str(tmp_path / "mine.txt")]) == 0
    assert capsys.readouterr().out == "Guichet\n4,50 €\n"


def test_no_text_and_already_there(sign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", str(sign), "--to", "fr", "--model", model(tmp_path, "NONE")]) == 0
    assert "no text in this picture" in capsys.readouterr().err
    french = model(tmp_path, "Nous sommes ouverts tous les jours de la semaine")
    assert main(["translate", str(sign), "--to", "fr", "--model", french]) == 0
    told = capsys.readouterr()
    assert "in French already" in told.err
    assert told.out == "Nous sommes ouverts tous les jours de la semaine\n"


def test_a_picture_from_standard_input(sign: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(sign.read_bytes())))
    assert main(["translate", "-", "--to", "de", "--from", "en", "--model", model(tmp_path, "Exit")]) == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--to", "fr"], 2, "One picture or one text is needed."),
        (["sign.png", "--text", "x", "--to", "fr"], 2, "One picture or one text is needed."),
        (["--text", "x", "--to", "klingon"], 2, "The language klingon is not offered."),
        (["--text", "x", "--to", "fr", "--overlay", "out.gif"], 2, "out.gif has no ending that is known."),
        (["--text", "x", "--to", "fr", "--overlay", "out.png"], 2, "There is no picture to draw on."),
        (["missing.png", "--to", "fr"], 3, "There is no file missing.png."),
        (["--text", "x", "--to", "fr", "--glossary", "none.txt"], 2, "There is no glossary none.txt."),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str],
    status: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["translate", *arguments, "--model", "echo"]) == status
    assert words in capsys.readouterr().err


def test_the_picture_itself_is_never_replaced(
    sign: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sign.read_bytes()
    monkeypatch.chdir(tmp_path)
    arguments = ["translate", str(sign), "--to", "fr", "--model", "echo", "--overlay"]
    assert main([*arguments, sign.name]) == 2
    assert "is the picture itself" in capsys.readouterr().err
    assert sign.read_bytes() == before
    assert main([*arguments, "none/out.png"]) == 2
    assert "There is no folder none." in capsys.readouterr().err


@pytest.mark.parametrize("end", [KeyboardInterrupt, EngineError("The engine died.", "Try again.")])
def test_what_ends_early_is_said_to_be_a_part(
    end: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(text: str, wish: Wish, _: object) -> Iterator[Translation]:
        state = pipeline.untranslated(text, wish.target)
        yield state
        yield replace(state, passages=(replace(state.passages[0], translation="Sortie"), *state.passages[1:]))
        raise end

    monkeypatch.setattr("app.cli.translate.translate_text", broken_off)
    arguments = ["translate", "--text", "Exit\nWay out", "--to", "fr", "--model", "echo", "--overlay"]
    assert main([*arguments, str(tmp_path / "out.txt")]) in (6, 130)
    told = capsys.readouterr()
    assert told.out == "Sortie\n"
    assert "Stopped early: 1 of 2 passages are translated. out.txt is not written." in told.err
    assert main([*arguments, str(tmp_path / "out.txt"), "--json"]) in (6, 130)
    part = json.loads(capsys.readouterr().out)
    assert (part["complete"], [p["translation"] for p in part["passages"]]) == (False, ["Sortie", None])
    assert not (tmp_path / "out.txt").exists()


def test_check_tells_where_the_meaning_may_have_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    always = model(tmp_path, "Sortie")
    arguments = ["translate", "--text", "Way out", "--from", "en", "--to", "fr", "--check", "--model", always]
    assert main(arguments) == 0
    told = capsys.readouterr()
    assert told.out == "Sortie\n"
    assert "Look twice: the meaning may have changed. “Sortie” translated back: “Sortie”." in told.err
    assert main([*arguments, "--json"]) == 0
    (passage,) = json.loads(capsys.readouterr().out)["passages"]
    assert passage["back"]["text"] == "Sortie"
    assert [c["kind"] for c in passage["concerns"]] == ["meaning"]
