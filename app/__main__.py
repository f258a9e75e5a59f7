"""The one door: the window without arguments, a command with them, the engine process with its private flag."""

import sys
from multiprocessing import freeze_support


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit status."""
    freeze_support()
    arguments = sys.argv[1:] if argv is None else argv
    from app.engine.protocol import CHILD_FLAG

    if arguments[:1] == [CHILD_FLAG]:
        from app.engine.child import main as engine

        engine(arguments[1:])
    if arguments:
        from app.cli import main as command

        return command(arguments)
    from app.ui.app import main as window

    return window([])


if __name__ == "__main__":
    sys.exit(main())
