import os
from pathlib import Path

import gguf
import numpy as np
import pytest

from app import paths
from app.errors import ModelError
from app.library.disk import Installed, installed, resolve
from app.values import EngineOptions, ModelSpec

TEXT = ("token_embd.weight", "blk.0.attn_q.weight")
VISION = ("v.patch_embd.weight", "mm.0.weight")


def write(path: Path, tensors: tuple[str, ...] = TEXT, architecture: str = "llama", **metadata: str | int) -> Path:
    """A GGUF file with a true header and tensors of one row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    for key, value in metadata.items():
        add = writer.add_string if isinstance(value, str) else writer.add_uint32
        add(key.replace("__", "."), value)
    for name in tensors:
        writer.add_tensor(name, np.zeros((1, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def projector(path: Path) -> Path:
    return write(path, VISION, "clip")


def whole(path: Path) -> Path:
    return write(path, TEXT + VISION, "mllama")


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of assets without a starter, whatever the program's own holds."""
    monkeypatch.setattr(paths, "assets_dir", lambda: tmp_path / "assets")
    return tmp_path / "assets"


def test_the_echo_family_needs_no_file() -> None:
    assert resolve("echo") == ModelSpec(path="echo")
    assert resolve("echo:script.json", options=EngineOptions(threads=3)).options.threads == 3


def test_a_path_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = whole(tmp_path / "llama vision ü.gguf")
    assert resolve(str(file)) == ModelSpec(path=str(file))
    monkeypatch.chdir(tmp_path)
    assert resolve("llama vision ü.gguf").path == str(file)


@pytest.mark.parametrize(
    ("model", "beside"),
    [
        ("Qwen2-VL-7B-Instruct-Q4_K_M.gguf", "mmproj-Qwen2-VL-7B-Instruct-f16.gguf"),
        ("llava-v1.5-7b-Q4_K.gguf", "llava-v1.5-7b-mmproj-f16.gguf"),
        ("gemma-3-4b-it-UD-Q4_K_XL.gguf", "mmproj-F16.gguf"),
        ("ggml-model-Q4_K_M.gguf", "mmproj-model-f16.gguf"),
        ("SmolVLM_256M.Q8_0.gguf", "SmolVLM-256M-mmproj-Q8_0.gguf"),
        ("Pixtral-12B-IQ4_XS-00001-of-00002.gguf", "mmproj-pixtral-12b-bf16.gguf"),
    ],
)
def test_the_projector_beside_a_model_is_found_by_its_name(tmp_path: Path, model: str, beside: str) -> None:
    write(tmp_path / model)
    mmproj = projector(tmp_path / beside)
    assert resolve(str(tmp_path / model)).projector == str(mmproj)


def test_among_several_models_each_gets_its_own_projector(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        write(tmp_path / f"{name}-Q4_0.gguf")
        write(tmp_path / f"{name}-Q8_0.gguf")
        projector(tmp_path / f"mmproj-{name}-f32.gguf")
        projector(tmp_path / f"mmproj-{name}-f16.gguf")
    for name in ("cat-Q4_0", "cat-Q8_0", "dog-Q4_0"):
        found = resolve(str(tmp_path / f"{name}.gguf")).projector
        assert found == str(tmp_path / f"mmproj-{name[:3]}-f16.gguf")


def test_a_strangers_projector_is_not_taken(tmp_path: Path) -> None:
    write(tmp_path / "cat-Q4_0.gguf")
    write(tmp_path / "plain-text-Q4_0.gguf")
    projector(tmp_path / "mmproj-cat-f16.gguf")
    with pytest.raises(ModelError, match=r"plain-text-Q4_0\.gguf reads text only"):
        resolve(str(tmp_path / "plain-text-Q4_0.gguf"))


def test_a_named_projector_wins_and_must_exist(tmp_path: Path) -> None:
    model, other = write(tmp_path / "cat.gguf"), projector(tmp_path / "other" / "eyes.gguf")
    assert resolve(str(model), str(other)).projector == str(other)
    with pytest.raises(ModelError, match=r"no model file gone\.gguf"):
        resolve(str(model), str(tmp_path / "gone.gguf"))


def test_a_projector_or_an_adapter_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="a model's projector, not the model itself"):
        resolve(str(projector(tmp_path / "mmproj.gguf")))
    adapter = write(tmp_path / "lora.gguf", ("blk.0.attn_q.weight.lora_a",), general__type="adapter")
    with pytest.raises(ModelError, match="goes with a model"):
        resolve(str(adapter))


def test_an_old_llama_vision_projector_is_recognised_by_its_tensors(tmp_path: Path) -> None:
    model = write(tmp_path / "llama-vision.gguf", TEXT, "mllama")
    mmproj = write(tmp_path / "llama-vision-mmproj.gguf", VISION, "mllama")
    assert resolve(str(model)).projector == str(mmproj)


def test_what_is_no_model_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "empty.gguf").touch()
    (tmp_path / "empty folder").mkdir()
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "config.json").write_text("{}")
    os.mkfifo(tmp_path / "pipe.gguf")
    for name, words in (
        ("empty.gguf", "is damaged or is not a GGUF file"),
        ("pipe.gguf", "is not a file"),
        ("gone.gguf", r"no model file gone\.gguf"),
        ("empty folder", "folder without a usable model"),
        ("checkpoint", "spyglass models convert"),
    ):
        with pytest.raises(ModelError, match=words):
            resolve(str(tmp_path / name))
    with pytest.raises(ModelError, match="does not load models from addresses"):
        resolve("https://example.org/model.gguf")


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = whole(tmp_path / "model.gguf")
    file = file.rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.gguf"))
    with pytest.raises(ModelError, match="not UTF-8"):
        resolve(str(file))


def test_a_folder_with_one_model_stands_for_it(tmp_path: Path) -> None:
    model, mmproj = write(tmp_path / "cat.gguf"), projector(tmp_path / "mmproj.gguf")
    assert resolve(str(tmp_path)) == ModelSpec(path=str(model), projector=str(mmproj))
    write(tmp_path / "cat-Q8_0.gguf")
    with pytest.raises(ModelError, match="several models"):
        resolve(str(tmp_path))


@pytest.mark.usefixtures("assets")
def test_installed_models_have_names_and_problems(tmp_path: Path) -> None:
    folder = paths.models_dir()
    write(folder / "cat-00001-of-00002.gguf", general__name="A cat")
    write(folder / "cat-00002-of-00002.gguf")
    mmproj = projector(folder / "mmproj-cat.gguf")
    write(folder / "deep" / "blind.gguf")
    write(folder / "deep" / "half-00001-of-00002.gguf", TEXT + VISION)
    (folder / "damaged.gguf").write_bytes(b"GGUF but not for long")
    extra = whole(tmp_path / "extra" / "Owl.gguf")
    found = {model.name: model for model in installed([tmp_path / "extra"])}
    assert list(found) == ["cat", "Owl", "blind", "damaged", "half"]
    cat = folder / "cat-00001-of-00002.gguf"
    size = sum(p.stat().st_size for p in (cat, folder / "cat-00002-of-00002.gguf", mmproj))
    assert found["cat"] == Installed("cat", cat, mmproj, "A cat", "llama", size)
    assert found["Owl"] == Installed("Owl", extra, None, "", "mllama", extra.stat().st_size)
    problems = {name: model.problem for name, model in found.items() if model.problem}
    assert problems["blind"] == "Its projector (mmproj) is not beside it."
    assert problems["half"] == "The part half-00002-of-00002.gguf is missing."
    assert "damaged" in problems["damaged"]


@pytest.mark.usefixtures("assets")
def test_models_are_found_by_the_beginning_of_their_name() -> None:
    for name in ("cat-small", "cat-large", "Owl"):
        whole(paths.models_dir() / f"{name}.gguf")
    assert resolve("owl").path == str(paths.models_dir() / "Owl.gguf")
    assert resolve("cat-s").path == str(paths.models_dir() / "cat-small.gguf")
    with pytest.raises(ModelError, match=r"Several models' names begin with cat.*cat-large, cat-small"):
        resolve("cat")
    with pytest.raises(ModelError, match=r"No model's name begins with dog.*Owl"):
        resolve("dog")


def test_the_starter_is_what_ships(assets: Path) -> None:
    with pytest.raises(ModelError, match="starter model is not part of this copy"):
        resolve("starter")
    starter = whole(assets / "starter" / "spyglass-starter-Q8_0.gguf")
    assert resolve("starter").path == str(starter)
    assert [model.name for model in installed()] == ["starter"]


def test_folders_that_are_missing_hold_nothing(tmp_path: Path, assets: Path) -> None:
    assert installed([tmp_path / "gone"]) == []
    assert not assets.exists()
