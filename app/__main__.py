"""The one door: a command, the engine process with its private flag, or else the window, also for pictures alone."""

import sys
from multiprocessing import freeze_support

_FOR_THE_WINDOW = ("--model", "--mmproj", "--verbose")
"""Options that a command has after its name: before any they are the window's."""


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit status."""
    freeze_support()
    arguments = list(sys.argv[1:] if argv is None else argv)
    from app.engine.protocol import CHILD_FLAG

    if arguments[:1] == [CHILD_FLAG]:
        from app.engine.child import main as engine

        engine(arguments[1:])
    if arguments[:1] == ["window"]:
        del arguments[0]
    elif arguments and not arguments[0].startswith(_FOR_THE_WINDOW) and not _all_files(arguments):
        return _command(arguments)
    from app.ui.app import main as window

    return window(arguments)


def _command(arguments: list[str]) -> int:
    """Ctrl-C ends a command quietly while its modules are still being loaded, too."""
    try:
        from app.cli import main as command

        return command(arguments)
    except KeyboardInterrupt:
        return 130


def _all_files(arguments: list[str]) -> bool:
    """Whether this is how a desktop opens files. Commands have neither a dot nor a slash in them."""
    return all(not a.startswith("-") and any(mark in a for mark in "./\\") for a in arguments)


if __name__ == "__main__":
    sys.exit(main())
