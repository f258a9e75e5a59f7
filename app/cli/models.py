"""spyglass models: list those on this machine, fetch one, make one from a checkpoint, change one's types."""

import argparse
import threading
from collections.abc import Callable
from pathlib import Path

from app import paths
from app.cli.terminal import Terminal
from app.engine import fit
from app.errors import UsageError
from app.library.convert import convert, requantise
from app.library.disk import STARTER, Installed, installed
from app.library.fetch import fetch
from app.library.known import KNOWN
from app.wording import Wording


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser("models", help="list, fetch, convert and requantise models")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    action = actions.add_parser("list", parents=[common], help="the models on this machine")
    action.add_argument("--json", action="store_true", help="one JSON array")
    action.set_defaults(run=list_)
    action = actions.add_parser("fetch", parents=[common], help="fetch a larger model from its page on Hugging Face")
    action.add_argument("name", nargs="?", help="one of those that are listed without a name")
    action.set_defaults(run=fetch_)
    action = actions.add_parser("convert", parents=[common], help="make a GGUF file from a Llama 3.2 Vision checkpoint")
    action.add_argument("checkpoint", type=Path, help="folder with config.json, tokenizer and safetensors")
    _add_types(action, "Q4_K_M")
    action.set_defaults(run=convert_)
    action = actions.add_parser("requantise", parents=[common], help="write a GGUF file again with other types")
    action.add_argument("model", type=Path, help="the GGUF file to read")
    _add_types(action, None)
    action.set_defaults(run=requantise_)


def _add_types(parser: argparse.ArgumentParser, default: str | None) -> None:
    kept = f"default {default}" if default else "default: as it is"
    parser.add_argument("out", type=Path, help="the GGUF file to write")
    parser.add_argument("--type", default=default, help=f"type of the text weights, for example Q4_K_M ({kept})")
    kept = "default: at least 6 bits" if default else "default: as it is"
    parser.add_argument("--vision-type", help=f"type of the vision weights, for example Q6_K ({kept})")


def list_(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Show every model, or say where to put one."""
    found = installed()
    if arguments.json:
        terminal.write_json([_as_json(model) for model in found])
        return 0
    for model in found:
        title = "ships with Spyglass" if model.name == STARTER else model.title
        about = model.problem or ", ".join(filter(None, (title, model.architecture, fit.gib(model.size))))
        terminal.write(f"{model.name}\t{about}\n")
    if all(model.name == STARTER for model in found):
        terminal.note(f"To add one, fetch it (spyglass models fetch), or put its GGUF files into {paths.models_dir()}.")
    return 0


def fetch_(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Fetch a model, or list those that can be fetched. Raises ModelError or UsageError."""
    offered = {known.name: known for known in KNOWN if not known.checkpoint}
    if arguments.name is None:
        for name, known in offered.items():
            terminal.write(f"{name}\t{fit.gib(known.size)}, {known.licence}, {known.page}\n")
        return 0
    if arguments.name not in offered:
        names = ", ".join(offered)
        raise UsageError(Wording("There is no model {name} to fetch.", name=arguments.name), f"Choose one of {names}.")
    known = offered[arguments.name]
    terminal.note(f"Fetching {known.title} from {known.page}; its licence holds for you: {known.licence}.")
    model = fetch(known, lambda here, total: terminal.progress(f"Fetching: {here / total:.1%}"), threading.Event())
    assert model, "nobody stops it"
    return _done(model, terminal)


def convert_(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Convert a checkpoint. Raises ModelError or UsageError."""
    progress = _percent(terminal, "Converting")
    convert(
        arguments.checkpoint, arguments.out, type=arguments.type, vision_type=arguments.vision_type, progress=progress
    )
    return _done(arguments.out, terminal)


def requantise_(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Write a model with other types. Raises ModelError or UsageError."""
    progress = _percent(terminal, "Writing")
    requantise(
        arguments.model, arguments.out, type=arguments.type, vision_type=arguments.vision_type, progress=progress
    )
    return _done(arguments.out, terminal)


def _percent(terminal: Terminal, what: str) -> Callable[[float], None]:
    return lambda fraction: terminal.progress(f"{what}: {fraction:.0%}")


def _done(out: Path, terminal: Terminal) -> int:
    terminal.note(f"{out} is written: {fit.gib(out.stat().st_size)}.")
    return 0


def _as_json(model: Installed) -> dict[str, object]:
    return {
        "name": model.name,
        "path": str(model.path),
        "projector": str(model.projector) if model.projector else None,
        "title": model.title,
        "architecture": model.architecture,
        "size": model.size,
        "problem": model.problem,
    }
