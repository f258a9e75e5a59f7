"""The model files on this machine: which there are, which belong together, and which one a name means.

Only headers are read, and only by the bounded reader in `app.gguf`. Whether a model really runs, the engine finds out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app import paths
from app.errors import ModelError
from app.gguf import Gguf, read_header
from app.values import EngineOptions, ModelSpec
from app.wording import Wording

STARTER = "starter"
ECHO = "echo"
DEFAULT_OPTIONS = EngineOptions()

Role = Literal["whole", "text", "projector", "other"]
"""whole: reads pictures by itself; text: needs a projector for that; other: an adapter or the like."""

_PART = re.compile(r"-(\d{5})-of-(\d{5})$")
_QUANT = re.compile(r"(?<![a-z0-9])(ud[-_])?(i?q\d(_[a-z0-9]+)*|tq\d_\d|mxfp4|nvfp4|b?f16|fp16|f32|fp32)(?![a-z0-9])")
_NO_NAME = re.compile(r"(?<![a-z0-9])(mmproj|projector|model|ggml|gguf|vision)(?![a-z0-9])")
_PROJECTOR_TYPES = ("f16", "bf16", "q8_0", "f32")
"""Which projector to take where several match: exact enough first, then small."""


@dataclass(frozen=True)
class Installed:
    """A model on this machine. size is in bytes, all its files together; `problem` says why it cannot be used for
    pictures, and text_only whether it can all the same be used for text."""

    name: str
    path: Path
    projector: Path | None = None
    title: str = ""
    architecture: str = ""
    size: int = 0
    problem: str = ""
    text_only: bool = False


def model_folders(extra: Sequence[Path] = ()) -> list[Path]:
    """Where models are looked for: what ships with the program, what was downloaded, and `extra`."""
    return [paths.assets_dir() / STARTER, paths.models_dir(), *extra]


def installed(extra: Sequence[Path] = ()) -> list[Installed]:
    """Every model in the model folders and `extra`, sub-folders included, those with a problem last."""
    models = [model for root in model_folders(extra) for folder in _folders(root) for model in _in_folder(folder)]
    return sorted(models, key=lambda model: (bool(model.problem), model.name != STARTER, model.name.lower()))


def resolve(
    name_or_path: str,
    projector: str | None = None,
    options: EngineOptions = DEFAULT_OPTIONS,
    extra: Sequence[Path] = (),
    sees: bool = True,
) -> ModelSpec:
    """What to hand to the engine for "starter", "echo", the path of a file or folder, or an installed model's name.

    projector: the path of the projector's file; by default the one that lies beside the model. sees: whether the model
    must read pictures; without, a model of text is taken as it is. Raises ModelError for what is missing, damaged,
    ambiguous, or no model of that kind.
    """
    if name_or_path == ECHO or name_or_path.startswith(ECHO + ":"):
        return ModelSpec(path=name_or_path, options=options)
    path, found = _find(name_or_path, extra)
    header = read_header(path)
    role = role_of(header)
    if role in ("projector", "other"):
        if role == "projector":
            what = Wording("{name} is a model's projector, not the model itself.", name=path.name)
        else:
            what = Wording("{name} is a file that goes with a model, not the model itself.", name=path.name)
        raise ModelError(what, "Choose the model's own file.")
    if projector is not None:
        found = _regular_file(Path(projector).expanduser())
    elif role == "text" and found is None and sees:
        found = _projector_for(path, _headers(path.parent))
        if found is None:
            raise ModelError(
                Wording("{name} reads text only, and its projector is not beside it.", name=path.name),
                "Put its projector (the name usually begins with mmproj) into the same folder, or name it.",
            )
    return ModelSpec(path=_sendable(path), projector=_sendable(found) if found else None, options=options)


def role_of(header: Gguf) -> Role:
    """What a file is for, by what it holds."""
    kind = header.text("general.type", "model")
    sees = any(name.startswith(("v.", "mm.")) for name in header.tensors)
    reads = "token_embd.weight" in header.tensors or "split.count" in header.metadata
    if header.architecture == "clip" or kind == "mmproj" or (sees and not reads):
        return "projector"
    if kind != "model" or not reads:
        return "other"
    return "whole" if sees else "text"


def _find(name: str, extra: Sequence[Path]) -> tuple[Path, Path | None]:
    """The model's file, and its projector where that is known already."""
    if "://" in name:
        raise ModelError("Spyglass does not load models from addresses.", "Download the model and name the file.", name)
    if name == STARTER:
        return _only(
            _in_folder(paths.assets_dir() / STARTER), Wording("The starter model is not part of this copy of Spyglass.")
        )
    path = Path(name).expanduser()
    if path.is_dir():
        if (path / "config.json").is_file():
            what = Wording("{name} is a checkpoint, not a GGUF file.", name=path.name)
            raise ModelError(what, "Convert it: spyglass models convert.")
        usable = [m for m in _in_folder(path) if not m.problem]
        return _only(usable, Wording("{name} is a folder without a usable model.", name=path.name))
    if path.exists() or path.suffix.lower() == ".gguf" or len(path.parts) > 1:
        return _regular_file(path), None
    return _named(name, installed(extra))


def _regular_file(path: Path) -> Path:
    if not path.exists():
        what = Wording("There is no model file {name}.", name=path.name)
        raise ModelError(what, "Check its name and folder.", str(path))
    if not path.is_file():
        raise ModelError(Wording("{name} is not a file.", name=path.name), "Choose a GGUF file.", str(path))
    return path.absolute()


def _only(models: Sequence[Installed], none: str) -> tuple[Path, Path | None]:
    if not models:
        raise ModelError(none, "Choose another model.")
    if len(models) > 1:
        raise ModelError("The folder holds several models.", Wording("Choose one of {names}.", names=_names(models)))
    return models[0].path, models[0].projector


def _named(name: str, models: Sequence[Installed]) -> tuple[Path, Path | None]:
    wanted = name.lower()
    matches = [m for m in models if m.name.lower() == wanted] or [
        m for m in models if m.name.lower().startswith(wanted)
    ]
    if len(matches) != 1:
        several = Wording("Several models' names begin with {name}.", name=name)
        none = Wording("No model's name begins with {name}.", name=name)
        todo = Wording("Choose one of {names}, or name a file.", names=_names(matches or models))
        raise ModelError(several if matches else none, todo)
    return matches[0].path, matches[0].projector


def _names(models: Iterable[Installed]) -> str:
    return ", ".join(model.name for model in models) or "starter"


def _sendable(path: Path) -> str:
    try:
        return path.absolute().as_posix().encode().decode()
    except UnicodeEncodeError as error:
        raise ModelError("The model's path holds bytes that are not UTF-8.", "Rename the file.", repr(path)) from error


# --- folders ---------------------------------------------------------------------------------------------------------


def _folders(root: Path) -> list[Path]:
    try:
        return [root, *sorted(path for path in root.rglob("*") if path.is_dir())] if root.is_dir() else []
    except OSError:
        return []


def _gguf_files(folder: Path) -> list[Path]:
    """The GGUF files of a folder; of a model in parts only the first."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".gguf" and path.is_file())
    except OSError:
        return []
    return [path for path in files if (part := _PART.search(path.stem)) is None or int(part[1]) == 1]


def _headers(folder: Path) -> dict[Path, Gguf | ModelError]:
    """What `folder` holds; an error where a file is no good."""
    headers: dict[Path, Gguf | ModelError] = {}
    for path in _gguf_files(folder):
        try:
            headers[path] = read_header(path)
        except ModelError as error:
            headers[path] = error
    return headers


def _in_folder(folder: Path) -> list[Installed]:
    headers = _headers(folder)
    models = []
    for path, header in headers.items():
        if isinstance(header, ModelError):
            models.append(Installed(_name(path), path, problem=header.what))
        elif (role := role_of(header)) in ("whole", "text"):
            projector = _projector_for(path, headers) if role == "text" else None
            models.append(_described(path, header, projector, role))
    return models


def _described(path: Path, header: Gguf, projector: Path | None, role: Role) -> Installed:
    parts = [path, *_further_parts(path)]
    missing = [part for part in parts if not part.is_file()]
    problem = Wording("The part {name} is missing.", name=missing[0].name) if missing else Wording("")
    text_only = role == "text" and projector is None and not missing
    if role == "text" and projector is None:
        problem = Wording("Its projector (mmproj) is not beside it.")
    files = [file for file in (*parts, projector) if file is not None and file.is_file()]
    return Installed(
        name=_name(path),
        path=path,
        projector=projector,
        title=header.text("general.name"),
        architecture=header.architecture,
        size=sum(file.stat().st_size for file in files),
        problem=problem,
        text_only=text_only,
    )


def _further_parts(path: Path) -> list[Path]:
    part = _PART.search(path.stem)
    if part is None:
        return []
    stem = path.stem[: part.start()]
    return [path.with_name(f"{stem}-{i:05}-of-{part[2]}{path.suffix}") for i in range(2, min(int(part[2]), 1000) + 1)]


def _name(path: Path) -> str:
    return STARTER if path.parent == paths.assets_dir() / STARTER else _PART.sub("", path.stem)


# --- which projector belongs to which model --------------------------------------------------------------------------


def _projector_for(model: Path, beside: Mapping[Path, Gguf | ModelError]) -> Path | None:
    """The projector whose name is that of `model` but for quantisation and the word mmproj; or, if no other model lies
    in the folder, the projector that is there."""
    roles = {path: role_of(header) for path, header in beside.items() if isinstance(header, Gguf)}
    projectors = [path for path, role in roles.items() if role == "projector"]
    alike = [path for path in projectors if _stem(path) == _stem(model)]
    alone = {_stem(path) for path, role in roles.items() if role == "text"} <= {_stem(model)}
    return min(alike or (projectors if alone else []), key=_preference, default=None)


def _stem(path: Path) -> str:
    """What is left of a name when quantisation and words that name no model are taken away."""
    bare = _NO_NAME.sub("", _QUANT.sub("", _PART.sub("", path.stem).lower()))
    return re.sub(r"[-_. ]+", "-", bare).strip("-")


def _preference(path: Path) -> tuple[int, str]:
    found = _QUANT.search(path.stem.lower())
    kind = found[0].replace("fp", "f") if found else ""
    return (_PROJECTOR_TYPES.index(kind) if kind in _PROJECTOR_TYPES else len(_PROJECTOR_TYPES), path.name)
