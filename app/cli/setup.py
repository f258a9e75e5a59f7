"""What the commands that use a model begin with: the settings and the model they name."""

import argparse
import sys

from app.capture import files
from app.cli.terminal import Terminal
from app.errors import PictureError, UsageError
from app.library import disk
from app.settings.derived import engine_options
from app.settings.schema import Settings
from app.settings.store import SettingsStore
from app.values import ModelSpec, Picture


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the options that `model` reads."""
    parser.add_argument("--model", help="a model's name (spyglass models list), a GGUF file, or echo")
    parser.add_argument("--mmproj", metavar="PATH", help="the projector, if it does not lie beside the model")


def settings(terminal: Terminal) -> Settings:
    """The person's settings; what is wrong with their file is told."""
    store = SettingsStore()
    for warning in store.warnings:
        terminal.note(f"spyglass: {warning}")
    return store.settings


def model(arguments: argparse.Namespace, settings: Settings) -> ModelSpec:
    """The model that was asked for, else that of the settings. Raises ModelError."""
    name, projector = arguments.model, arguments.mmproj
    if name is None:
        name, projector = settings["model.path"], projector or settings["model.projector"] or None
    return disk.resolve(name, projector, engine_options(settings))


def standard_input() -> Picture:
    """The picture that is piped in. Raises UsageError, PictureError."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("Standard input holds no picture.", "Pipe one in: spyglass COMMAND - < picture.")
    try:
        return files.from_stream(sys.stdin.buffer, "standard input")
    except OSError as error:
        raise PictureError("Standard input cannot be read.", "Pipe a picture in.", str(error)) from error
