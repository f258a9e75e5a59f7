"""spyglass translate PICTURE|- --to fr: what the text in a picture says in another language."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.capture import files
from app.cli import ask, setup
from app.cli.terminal import Terminal
from app.engine.client import EngineClient
from app.engine.supervisor import Supervisor
from app.errors import SpyglassError, UsageError
from app.library import disk
from app.modes.translate import glossary, saving
from app.modes.translate.languages import LANGUAGES, language
from app.modes.translate.pipeline import Passage, Translation, Wish, translate_picture, translate_text
from app.settings.derived import engine_options, memory_limit
from app.settings.schema import Settings
from app.values import Picture

_EXAMPLE = "For example: spyglass translate sign.jpg --to fr."
_STAGES = {
    "finding": "Looking for text",
    "reading": "Reading the text",
    "translating": "Translating",
    "checking": "Translating back",
    "done": "",
}


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser) -> None:
    offered = ", ".join(LANGUAGES)
    parser = commands.add_parser(
        "translate",
        parents=[common],
        help="translate the text in a picture",
        description=f"Read the text in a picture and give it in another language. The languages: {offered}.",
    )
    parser.add_argument("picture", nargs="?", metavar="PICTURE", help='a picture; "-" reads it from standard input')
    parser.add_argument("--text", metavar="TEXT", help="translate this text instead of a picture")
    parser.add_argument("--to", required=True, metavar="LANGUAGE", help="the language wanted, such as fr")
    parser.add_argument("--from", dest="source", default="auto", metavar="LANGUAGE", help="the language it is in")
    parser.add_argument(
        "--overlay",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="save the picture with the translation drawn over it (.png, .jpg, .webp, .pdf), or both texts (.txt)",
    )
    parser.add_argument("--glossary", type=Path, metavar="FILE", help="your own terms, a line `term = word` for each")
    parser.add_argument("--translator", metavar="MODEL", help="another model for the text, which need not see")
    parser.add_argument("--check", action="store_true", help="translate back, and say where the meaning may differ")
    setup.add_model(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object with places, figures and concerns")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Translate one picture or text. Raises SpyglassError."""
    if (arguments.picture is None) == (arguments.text is None):
        raise UsageError("One picture or one text is needed.", _EXAMPLE)
    for path in arguments.overlay:
        _check_place(path, arguments.picture)
    settings = setup.settings(terminal)
    wish = _wish(arguments, settings)
    picture = None if arguments.picture is None else _picture(arguments.picture)
    state = Translation(wish.target, "finding")
    with EngineClient(Supervisor(memory_limit(settings))) as client:
        steps = (
            translate_text(arguments.text, wish, client)
            if picture is None
            else translate_picture(picture, wish, client)
        )
        state = _follow(steps, terminal, arguments)
    if arguments.json:
        terminal.write_json(_as_json(state))
    for path in arguments.overlay:
        saving.save(path, picture, state)
    return 0


def _check_place(path: Path, picture: str | None) -> None:
    """Say before the work, not after it, that a translation cannot be saved there. Raises SpyglassError."""
    if path.suffix.lower() not in saving.SUFFIXES:
        raise UsageError(f"{path.name} has no ending that is known.", f"Use {', '.join(saving.SUFFIXES)}.")
    if path.is_dir():
        raise UsageError(f"{path.name} is a folder.", "Name a file inside it.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", "Make it first, or name another place.")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"Nothing can be written in {path.parent}.", "Name another place.")
    if picture is not None and path.exists() and Path(picture).exists() and path.samefile(picture):
        raise UsageError(f"{path.name} is the picture itself, which would be lost.", "Name another file.")


def _wish(arguments: argparse.Namespace, settings: Settings) -> Wish:
    source = arguments.source if arguments.source == "auto" else language(arguments.source).code
    return Wish(
        reader=setup.model(arguments, settings),
        target=language(arguments.to).code,
        source=source,
        glossary=glossary.load(arguments.glossary),
        translator=arguments.translator
        and disk.resolve(arguments.translator, None, engine_options(settings), sees=False),
        check=arguments.check or settings["translate.check"],
    )


def _picture(name: str) -> Picture:
    if name != "-":
        return files.open_picture(name)
    return setup.standard_input()


def _follow(steps: Iterator[Translation], terminal: Terminal, arguments: argparse.Namespace) -> Translation:
    """Tell each passage when it is finished; returns the end. What was told stands if it is interrupted."""
    silent: bool = arguments.json
    state, told = next(steps), 0
    try:
        for state in steps:
            part = f" {state.fraction:.0%}" if state.fraction else ""
            terminal.progress(ask.stage(state.progress) if state.progress else f"{_STAGES[state.stage]}{part}")
            done = [p for p in state.passages if p.translation is not None]
            for passage in [] if silent else done[told:]:
                _tell(passage, terminal)
            told = len(done)
    except (KeyboardInterrupt, SpyglassError):
        _tell_part(state, terminal, arguments)
        raise
    for passage in [] if silent else state.passages:
        for concern in passage.concerns:
            if concern.kind == "meaning":
                back = f"“{passage.translation}” translated back: “{concern.what}”."
                terminal.note(f"spyglass: {concern.sentence} {back}")
    if not silent and state.outcome == "no text":
        terminal.note("spyglass: There is no text in this picture that could be read.")
    elif not silent and state.outcome == "already":
        terminal.note(f"spyglass: This is in {language(state.target).name} already.")
        terminal.write("" if told else state.original + "\n")
    return state


def _tell_part(state: Translation, terminal: Terminal, arguments: argparse.Namespace) -> None:
    """It ends too early: say how much of it is there, and that it is not saved."""
    if arguments.json:
        terminal.write_json(_as_json(state))
    done, all_of_it = sum(p.translation is not None for p in state.passages), len(state.passages)
    if not all_of_it:
        said = "Stopped before the text was read to its end: nothing is translated."
    elif done < all_of_it:
        said = f"Stopped early: {done} of {all_of_it} passages are translated."
    else:
        said = "Stopped early: all is translated, not all of it is translated back."
    unsaved = "".join(f" {path.name} is not written." for path in arguments.overlay)
    terminal.note(f"spyglass: {said}{unsaved}")


def _tell(passage: Passage, terminal: Terminal) -> None:
    terminal.write(f"{passage.translation}\n")
    for concern in passage.concerns:
        if concern.kind != "meaning":  # told at the end, when all are translated
            terminal.note(f"spyglass: {concern.sentence}")


def _as_json(state: Translation) -> dict[str, Any]:
    return {
        "complete": state.stage == "done",
        "outcome": state.outcome,
        "source": None
        if state.source is None
        else {"language": state.source.code, "sure": round(state.source.sure, 4)},
        "target": state.target,
        "passages": [
            {
                "source": passage.source,
                "translation": passage.translation,
                "sure_read": round(passage.sure, 4),
                "sure_written": round(passage.sure_written, 4),
                "back": passage.back and {"text": passage.back.text, "alike": round(passage.back.alike, 4)},
                "lines": list(passage.lines),
                "quads": [[[round(float(v), 1) for v in corner] for corner in quad] for quad in passage.quads],
                "concerns": [{"kind": c.kind, "what": c.what, "sentence": c.sentence} for c in passage.concerns],
            }
            for passage in state.passages
        ],
    }
