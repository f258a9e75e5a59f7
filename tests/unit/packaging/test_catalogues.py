"""The check of the catalogues finds what it is there for."""

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def catalogues() -> ModuleType:
    spec = importlib.util.spec_from_file_location("catalogues", ROOT / "packaging" / "catalogues.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_templates_and_sentences_of_errors_are_found(catalogues: ModuleType) -> None:
    code = """
Wording("{name} is empty.", name=path.name)
raise PictureError("It broke.", "Mend it." if ill else "Wait.", "detail")
raise errors.ModelError(Wording("a" "b"), todo)
raise PictureError(f"{name} broke.", "Mend it.")
raise ProtocolError(f"frame of {body}")
"""
    found = sorted(text or "" for _, text in catalogues.sentences(ast.parse(code)))
    assert found == sorted(["{name} is empty.", "It broke.", "Mend it.", "Wait.", "ab", "", "Mend it."])


@pytest.mark.parametrize(
    ("source", "forms", "fault"),
    [
        ("{name} is empty.", ("{name} ist leer.",), ""),
        ("{name} is empty.", ("{nam} ist leer.",), "places"),
        ("{name} is empty.", ("Es ist leer.",), "places"),
        ("{size:.1f} GiB", ("{size} Gio",), "places"),
        ("Open…", ("Öffnen",), "ends"),
        ("one\ntwo", ("eins zwei",), "lines"),
        ("{n} tokens", ("ein Token", "{n} Token"), ""),
        ("{n} tokens", ("", "{n} Token"), "not translated"),
    ],
)
def test_a_translation_must_fit(catalogues: ModuleType, source: str, forms: tuple[str, ...], fault: str) -> None:
    entry = catalogues.Entry("Wording", source, "", len(forms) > 1, forms, True)
    found = "; ".join(catalogues.faults(entry))
    assert fault in found
    assert bool(found) == bool(fault)


def test_a_missing_and_a_stale_text_are_told(
    catalogues: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in catalogues.I18N.glob("*.ts"):
        text = file.read_text("utf-8").replace("<source>Settings</source>", "<source>Sittings</source>")
        (tmp_path / file.name).write_text(text, "utf-8")
    monkeypatch.setattr(catalogues, "I18N", tmp_path)
    complaints = catalogues.check()
    assert "spyglass_de.ts: 'Sittings' is no longer used" in complaints
    assert "spyglass_de.ts: 'Settings' is not translated" in complaints
    assert len(complaints) == 2 * (len(catalogues.LANGUAGES) - 1)
