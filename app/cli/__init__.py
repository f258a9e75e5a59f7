"""The headless twin of the window: `spyglass ask`, `doctor`, `models`, `recognise`, `translate`. Runs without Qt.

The answer goes to standard output, word by word; progress, figures and errors go to standard error. Exit status: 0,
that of the error (app.errors), 130 after Ctrl-C, 141 if whoever read the output went away.
"""

import argparse
import io
import logging
import re
import sys
from typing import NoReturn

from app import __version__, log
from app.cli import ask, doctor, models, recognise, translate
from app.cli.terminal import Terminal
from app.errors import SpyglassError, UsageError

_log = logging.getLogger(__name__)

INTERRUPTED = 130
NOBODY_READS = 141

_COMMANDS = (ask, doctor, models, recognise, translate)


_EXAMPLES = """\
examples:
  spyglass ask cat.jpg "What is this?"
  spyglass ask before.png after.png "What has changed?"
  spyglass recognise camera --watch "a bus"
  spyglass translate menu.jpg --to en
  spyglass doctor
  spyglass window cat.jpg --model MODEL     (or spyglass ./cat.jpg)

exit status: 0, or what went wrong: 1 something unforeseen, 2 the command, 3 a picture,
4 a model, 5 too little memory, 6 the engine, 7 the camera, 130 Ctrl-C
"""
_NO_CHOICE = re.compile(r"argument (\w+): invalid choice: (.*) \(choose from (.*)\)")


class _Parser(argparse.ArgumentParser):
    """Reports mistakes like every other failure."""

    def error(self, message: str) -> NoReturn:
        if unknown := _NO_CHOICE.fullmatch(message):
            name, given, choices = unknown.groups()
            message = f"there is no {name.lower()} {given}; choose from {choices}"
        message = message.replace("the following arguments are required", "missing")
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"See `{self.prog} --help`.")


def main(argv: list[str]) -> int:
    """Run one command and return its exit status."""
    # A closed stream is None; what would go there is of interest to nobody.
    terminal = Terminal(sys.stdout or io.StringIO(), sys.stderr or io.StringIO())
    try:
        arguments = _parse(argv)
        terminal.verbose = arguments.verbose
        log.start(arguments.verbose, "spyglass-command")
        return int(arguments.run(arguments, terminal))
    except SpyglassError as error:
        terminal.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        terminal.interrupted()
        return INTERRUPTED
    except BrokenPipeError:
        return NOBODY_READS
    except Exception as error:
        _log.exception("the command failed")
        terminal.error(
            SpyglassError(
                "Spyglass failed in a way that was not foreseen.",
                "Run it again with --verbose and report what it says.",
                repr(error),
            )
        )
        return SpyglassError.exit_code


def _parse(argv: list[str]) -> argparse.Namespace:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-v", "--verbose", action="store_true", help="tell the details of what happens")
    parser = _Parser(
        prog="spyglass",
        description="Ask about pictures, offline. Without a command the window opens.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"Spyglass {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    for command in _COMMANDS:
        command.add_to(commands, common)
    arguments, rest = parser.parse_known_args(argv)
    if rest:
        # argparse ends the list of words at the first option; what follows the options belongs to it as well.
        if not hasattr(arguments, "words") or any(word.startswith("-") for word in rest):
            parser.error(f"unknown: {' '.join(rest)}")
        arguments.words += rest
    return arguments
