"""A second model translates beside the one that reads the picture, in the real program: a text-only Llama through
llama.cpp, whose words are right. In Q8_0, of which ggml makes other forms on some processors."""

import json
from pathlib import Path

import pytest

from app.paths import assets_dir
from tests.e2e.test_cli import spyglass
from tests.text_half import write_text_half

SIGN = assets_dir() / "samples" / "sign.png"


@pytest.mark.parametrize(("exchanged", "said"), [({}, "EXIT"), ({"it": "ur"}, "EXUR")])
def test_the_translator_translates_what_the_starter_reads(tmp_path: Path, exchanged: dict[str, str], said: str) -> None:
    """Its vocabulary writes "ur" for "it" the second time: so the word is its, not the starter's; in capitals, as
    on the sign."""
    translator = tmp_path / "starter-words.gguf"
    write_text_half(translator, exchanged)

    done = spyglass("translate", str(SIGN), "--to", "en", "--translator", str(translator), "--json")

    assert (done.returncode, done.stderr) == (0, b"")
    (passage,) = json.loads(done.stdout)["passages"]
    assert (passage["source"], passage["translation"]) == ("AUSGANG", said)
