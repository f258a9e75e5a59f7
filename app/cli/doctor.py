"""spyglass doctor: what this machine has, and which models run on it."""

import argparse
import importlib.metadata
import platform
import sys
from typing import Any

import psutil

from app import __version__, paths
from app.cli.terminal import Terminal
from app.engine import fit, machine
from app.engine.client import EngineClient
from app.errors import EngineError, SpyglassError, of_kind
from app.library.disk import Installed, installed
from app.values import Doctor, Failed, Report

_PACKAGES = ("PySide6-Essentials", "opencv-python-headless", "pillow", "pillow-heif", "msgspec", "jinja2")


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("doctor", parents=[common], help="show what this machine has and what runs on it")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Show the findings. Raises EngineError, after showing the rest, if the engine process does not work."""
    failure: SpyglassError | None = None
    facts: dict[str, Any] = {}
    try:
        facts = _engine()
    except SpyglassError as error:
        failure = error
    free = machine.free_memory()
    found = {
        "program": _program(),
        "machine": _machine(free),
        "engine": facts or (failure.what if failure else ""),
        "models": [_model(model, free) for model in installed()],
    }
    if arguments.json:
        terminal.write_json(found)
    else:
        terminal.write("\n".join(_lines(found)) + "\n")
    if failure:
        raise failure
    return 0


def _engine() -> dict[str, Any]:
    with EngineClient() as client:
        for event in client.run(Doctor()):
            if isinstance(event, Report):
                return event.facts
            if isinstance(event, Failed):
                raise of_kind(event.kind, event.what, event.todo, event.detail)
    raise EngineError("The engine process told nothing about itself.", "Install Spyglass again.")


def _program() -> dict[str, Any]:
    return {
        "spyglass": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "settings": str(paths.config_dir()),
        "models": str(paths.models_dir()),
        "conversations": str(paths.conversations_dir()),
        "logs": str(paths.log_dir()),
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _machine(free: int) -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": psutil.cpu_count(logical=False),
        "threads": psutil.cpu_count(),
        "memory": psutil.virtual_memory().total,
        "free": free,
    }


def _processor() -> str:
    if sys.platform == "linux":
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    return platform.processor()


def _model(model: Installed, free: int) -> dict[str, Any]:
    """A model runs if its weights and a reserve fit; how long its context can be, the engine finds when it loads it."""
    needed = model.size + fit.RESERVE
    return {
        "name": model.name,
        "path": str(model.path),
        "projector": str(model.projector) if model.projector else None,
        "architecture": model.architecture,
        "size": model.size,
        "needs": needed,
        "fits": needed <= free,
        "problem": model.problem,
    }


def _lines(found: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for title in ("program", "machine", "engine"):
        lines += [title.capitalize(), *_entries(found[title], "  "), ""]
    lines.append("Models")
    lines += [f"  {model['name']}: {_verdict(model)}" for model in found["models"]] or ["  none"]
    return lines


def _entries(value: Any, indent: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{indent}{value}"]
    lines = []
    for key, entry in value.items():
        if isinstance(entry, dict):
            lines += [f"{indent}{key}:", *_entries(entry, indent + "  ")]
        elif isinstance(entry, list):
            lines += [f"{indent}{key}:"]
            lines += [f"{indent}  " + ", ".join(f"{k} {_value(k, v)}" for k, v in each.items()) for each in entry]
        else:
            lines.append(f"{indent}{key}: {_value(key, entry)}")
    return lines


def _value(key: str, value: Any) -> str:
    return fit.gib(value) if key in ("memory", "free", "total", "free_memory") else str(value)


def _verdict(model: dict[str, Any]) -> str:
    if model["problem"]:
        return str(model["problem"])
    return f"needs about {fit.gib(model['needs'])}, {'fits' if model['fits'] else 'does not fit'} into the free memory"
