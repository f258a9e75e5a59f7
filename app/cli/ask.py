"""spyglass ask PICTURE... "QUESTION": the answer, word by word."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import msgspec

from app.capture import files
from app.cli import setup
from app.cli.terminal import Terminal
from app.engine.client import EngineClient
from app.engine.supervisor import Supervisor
from app.errors import SpyglassError, UsageError, of_kind
from app.modes.ask import AskMode
from app.settings.derived import memory_limit
from app.settings.schema import Settings
from app.values import Ask, Event, Failed, Finished, Loading, Looking, Message, Picture, Piece, Reading, Stats

_OPTIONS = (
    ("--max-tokens", int, "answer.max_tokens", "end the answer after this many tokens"),
    ("--temperature", float, "answer.temperature", "0: always the likeliest word"),
    ("--top-p", float, "answer.top_p", "keep only the likeliest words of this probability together"),
    ("--min-p", float, "answer.min_p", "keep only words at least this likely relative to the likeliest"),
    ("--seed", int, "answer.seed", "repeat a random answer"),
    ("--context", int, "engine.context", "tokens of conversation and pictures the model keeps in view"),
    ("--threads", int, "engine.threads", "processor threads"),
    ("--gpu-layers", int, "engine.gpu_layers", "layers of the model on the GPU; -1: as many as fit"),
)
"""Options that stand in for a setting for this one question."""


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "ask", parents=[common], help="ask about pictures", usage='spyglass ask [options] PICTURE... "QUESTION"'
    )
    parser.add_argument("words", nargs="*", metavar="PICTURE... QUESTION", help="picture files (- for standard input)")
    setup.add_model(parser)
    parser.add_argument("--system", metavar="TEXT", help="a system prompt")
    parser.add_argument("--json", action="store_true", help="one JSON object: answer, probabilities, figures")
    for name, kind, key, text in _OPTIONS:
        parser.add_argument(name, type=kind, dest=key, metavar="N", help=text)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Answer the question. Raises SpyglassError."""
    if len(arguments.words) < 2:
        raise UsageError("A picture and a question are needed.", 'For example: spyglass ask cat.jpg "What is this?"')
    *names, question = arguments.words
    answer = _Answer(terminal, quiet=arguments.json)
    try:
        _need_question(names, question)
        settings = _settings(arguments, terminal)
        pictures = _open(names)
        job = _job(arguments, settings, question, pictures)
        with EngineClient(Supervisor(memory_limit(settings))) as client:
            answer.follow(client.run(job, pictures))
    except SpyglassError as error:
        if arguments.json:
            failure = {"kind": type(error).__name__, "what": error.what, "todo": error.todo, "detail": error.detail}
            terminal.write_json({**answer.as_json(), "error": failure})
        raise
    if arguments.json:
        terminal.write_json(answer.as_json())
    else:
        terminal.end_line()
        if terminal.verbose:
            terminal.note(figures(answer.stats))
    return 0


def _need_question(names: list[str], question: str) -> None:
    example = 'For example: spyglass ask cat.jpg "What is this?"'
    if not question.strip():
        raise UsageError("The question is empty.", example)
    if Path(question).is_file() and not Path(names[0]).exists():
        raise UsageError("The question comes last, after the pictures.", example)


def _settings(arguments: argparse.Namespace, terminal: Terminal) -> Settings:
    settings = setup.settings(terminal)
    for name, _, key, _ in _OPTIONS:
        value = getattr(arguments, key)
        if value is not None:
            try:
                settings = settings.changed(key, value)
            except UsageError as error:
                raise UsageError(f"{name} must be {error.what.values['rule']}.", error.todo, error.detail) from error
    return settings


def _open(names: list[str]) -> list[Picture]:
    if names.count("-") > 1:
        raise UsageError("Standard input can be read only once.", "Name one picture as -.")
    return [setup.standard_input() if name == "-" else files.open_picture(name) for name in names]


def _job(arguments: argparse.Namespace, settings: Settings, question: str, pictures: list[Picture]) -> Ask:
    spec = setup.model(arguments, settings)
    messages = [Message(role="user", text=question, pictures=tuple(picture.digest for picture in pictures))]
    if arguments.system:
        messages.insert(0, Message(role="system", text=arguments.system))
    return AskMode().job(tuple(messages), spec, settings)


class _Answer:
    """Collects an answer and, unless `quiet`, shows it as it comes."""

    def __init__(self, terminal: Terminal, quiet: bool) -> None:
        self._terminal, self._quiet = terminal, quiet
        self._pieces: list[Piece] = []
        self._reason = ""
        self.stats = Stats()

    def follow(self, events: Iterator[Event]) -> None:
        """Take in all events. Raises the error that ended the job, if one did."""
        for event in events:
            match event:
                case Piece():
                    self._pieces.append(event)
                    if not self._quiet:
                        self._terminal.write(event.text)
                case Finished():
                    self._reason, self.stats = event.reason, event.stats
                case Failed():
                    raise of_kind(event.kind, event.what, event.todo, event.detail)
                case _:
                    self._terminal.progress(stage(event))

    def as_json(self) -> dict[str, object]:
        return {
            "answer": "".join(piece.text for piece in self._pieces),
            "reason": self._reason,
            "pieces": [{"text": piece.text, "probability": round(piece.probability, 6)} for piece in self._pieces],
            "stats": msgspec.to_builtins(self.stats),
        }


def stage(event: Event) -> str:
    """What the engine is doing, in words."""
    match event:
        case Loading():
            return f"Loading the model: {event.fraction:.0%}"
        case Looking():
            which = f" {event.picture + 1} of {event.of}" if event.of > 1 else ""
            return f"Looking at the picture{which}: {event.fraction:.0%}"
        case Reading():
            return f"Reading: {event.fraction:.0%}"
    return ""


def figures(stats: Stats) -> str:
    """The figures of an answer in one line."""
    rate = stats.written_tokens / stats.write_s if stats.write_s else 0.0
    return (
        f"first word {stats.first_token_s:.2f} s, {rate:.1f} tokens/s, sure {stats.probability:.0%}; "
        f"{stats.reused_tokens} of {stats.prompt_tokens} prompt tokens reused, "
        f"{stats.pictures_encoded} of {stats.pictures} pictures looked at"
    )
