"""The table of signatures against the headers that were installed with the libraries."""

import ctypes
import importlib
import re

import pytest

from app.engine import ggml
from app.errors import EngineError
from app.gguf import TYPES

HEADERS = ggml.folder().parents[1] / "include"
CODES = {
    "char *": "s",
    "size_t *": "Z",
    "ggml_type_traits *": "T",
    "ggml_init_params": "I",
    "int64_t": "l",
    "size_t": "z",
    "uint8_t": "u",
    "bool": "b",
    "float": "f",
    "int": "i",
}
ENUMS = ("ggml_type", "ggml_status", "ggml_prec", "ggml_backend_dev_type", "ggml_backend_buffer_usage")


def declarations() -> dict[str, str]:
    """Every function declared in ggml's headers -> its signature in the table's letters."""
    text = "\n".join(path.read_text() for path in sorted(HEADERS.glob("ggml*.h")))
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    found = {}
    for result, name, arguments in re.findall(r"\bGGML_API\s+([\w \*]+?)\b(ggml_\w+)\s*\(([^;{]*?)\)\s*;", text):
        listed = [] if arguments.strip() in ("", "void") else arguments.split(",")
        found[name] = code(result) + "".join(code(argument) for argument in listed)
    return found


def code(declared: str) -> str:
    kind = " ".join(re.sub(r"\b(const|struct|enum)\b", "", declared).replace("*", " * ").split())
    if kind in ("", "void"):
        return "-"
    if any(kind == enum or kind.startswith(f"{enum} ") for enum in ENUMS) and "*" not in kind:
        return "i"
    for pattern, letter in CODES.items():
        if kind.startswith(pattern) and ("*" not in kind or "*" in pattern):
            return letter
    return "p"


@pytest.mark.parametrize("name", ggml.SIGNATURES)
def test_every_signature_is_the_installed_one(name):
    assert ggml.SIGNATURES[name] == declarations()[name]


def test_every_function_is_in_the_libraries():
    g = ggml.library()
    for name in ggml.SIGNATURES:
        assert callable(getattr(g, name.removeprefix("ggml_")))


def test_a_function_outside_the_table_is_named():
    with pytest.raises(AttributeError, match="ggml_conv_2d"):
        ggml.library().conv_2d  # noqa: B018


def test_the_installed_version_is_the_one_of_the_table():
    assert ggml.library().version().decode() == ggml.VERSION


def test_another_version_is_refused_in_plain_words(monkeypatch):
    monkeypatch.setattr(ggml, "VERSION", "9.9.9")
    ggml.library.cache_clear()
    try:
        with pytest.raises(EngineError, match=r"is ggml 0\.25\.3, but 9\.9\.9 is needed") as caught:
            ggml.library()
        assert "Install" in caught.value.todo
    finally:
        monkeypatch.undo()
        ggml.library.cache_clear()
        ggml.library()


def test_missing_libraries_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(ggml, "folder", lambda: tmp_path)
    ggml.library.cache_clear()
    try:
        with pytest.raises(EngineError, match="cannot be loaded"):
            ggml.library()
    finally:
        monkeypatch.undo()
        ggml.library.cache_clear()


def test_an_installation_without_the_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EngineError, match="not installed"):
        ggml.folder()


@pytest.mark.parametrize("number", range(43))
def test_the_header_readers_types_are_the_librarys(number):
    g = ggml.library()
    block, size = g.blck_size(number), g.type_size(number)
    if number not in TYPES:
        assert block == 0 or g.type_name(number) in (b"q8_1", b"q8_K")  # never in a file
        return
    assert (TYPES[number].block, TYPES[number].size) == (block, size)
    assert TYPES[number].name.lower() == g.type_name(number).decode().lower()


def test_structures_have_the_sizes_the_library_writes():
    traits = ggml.library().get_type_traits(8).contents
    assert (traits.type_name, traits.blck_size, traits.type_size, traits.is_quantized) == (b"q8_0", 32, 34, True)
    assert ctypes.sizeof(ggml.InitParams) == 24
