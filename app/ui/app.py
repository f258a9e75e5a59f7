"""Builds the window and everything it works with; the only place of `ui` that does."""

import argparse
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication, QWidget

from app import __version__, log, paths
from app.capture.camera import cameras
from app.engine.client import EngineClient
from app.engine.supervisor import Supervisor
from app.errors import ModelError
from app.gguf import read_header
from app.library import disk
from app.library.disk import Installed
from app.modes import MODES
from app.settings.derived import camera_format, memory_limit
from app.settings.store import SettingsStore
from app.ui import display, fonts, icons, placing, theme
from app.ui.alone import Alone, Call
from app.ui.bridge import Background, EngineBridge
from app.ui.camera_view import CameraFeed
from app.ui.desk import Desk
from app.ui.i18n import Language
from app.ui.samples import find_samples
from app.ui.services import Services
from app.ui.session import Session
from app.ui.window import Window
from app.values import EngineOptions, ModelSpec
from app.wording import Wording

_log = logging.getLogger(__name__)

_NO_DISPLAY = (
    'spyglass: There is no display to open the window on. Ask in the terminal: spyglass ask PICTURE "QUESTION".'
)
_OPEN_ALREADY = "spyglass: The window is open already and has come to the front."


class DiskLibrary:
    """The models on this machine, as the window asks for them."""

    def resolve(self, name_or_path: str, projector: str | None, options: EngineOptions) -> ModelSpec:
        return disk.resolve(name_or_path, projector, options)

    def installed(self) -> list[Installed]:
        return disk.installed()

    def needs_projector(self, path: str) -> bool:
        """Whether `path` is a model that reads text only, so that naming a projector would help."""
        try:
            return disk.role_of(read_header(path)) == "text"
        except (ModelError, OSError):
            return False


class FileOpener(QObject):
    """Pictures the desktop hands to the running program (macOS)."""

    opened = Signal(str)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent) and event.file():
            self.opened.emit(event.file())
            return True
        return super().eventFilter(watched, event)


def build(store: SettingsStore) -> Services:
    """Everything the window works with. `dismantle` ends it."""
    bridge = EngineBridge(EngineClient(Supervisor(memory_limit(store.settings))))
    background = Background()
    library = DiskLibrary()
    session = Session(bridge, background, library, store, MODES)
    feed = CameraFeed(background, cameras)
    feed.format = lambda: camera_format(store.settings)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    return Services(bridge, background, session, Desk(background), feed, library, store, Language(app))


def dismantle(services: Services) -> None:
    """End every thread and process of the services."""
    services.camera.close()
    services.bridge.close()
    services.background.close()


def main(argv: Sequence[str]) -> int:
    """Run the window until it is closed. argv: pictures to open, and options. Returns the exit status."""
    started = time.monotonic()
    arguments = _parse(argv)
    if not display.there_is_one():
        print(_NO_DISPLAY, file=sys.stderr)
        return 1
    log.start(arguments.verbose)
    alone = Alone(paths.data_dir())
    if alone.hand_over(_call(arguments)):
        print(_OPEN_ALREADY, file=sys.stderr)
        return 0
    try:
        return _run(arguments, alone, started)
    finally:
        alone.close()


def _run(arguments: argparse.Namespace, alone: Alone, started: float) -> int:
    app = QApplication.instance() or QApplication([sys.argv[0]])
    assert isinstance(app, QApplication)
    app.setApplicationName("Spyglass")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("spyglass")
    store = SettingsStore()
    theme.choose_font(app)
    fonts.complete()
    theme.apply(app, theme.wanted(store.settings["window.theme"]))
    app.setWindowIcon(icons.application())
    services = build(store)
    missing = services.language.use(store.settings["window.language"])
    window = Window(services)
    place = paths.config_dir() / "window.ini"
    placing.restore(window.widget, window.widget.split, place)
    window.widget.closing.connect(lambda: placing.keep(window.widget, window.widget.split, place))
    window.widget.closing.connect(alone.close)
    opener = FileOpener()
    opener.opened.connect(lambda path: window.doors.open([Path(path)]))
    app.installEventFilter(opener)
    services.background.run(find_samples, window.stage.offer, services.desk.failed.emit)
    if arguments.model:
        services.session.use_model(arguments.model, arguments.mmproj or "")
    else:
        services.session.find_model()
    window.start()
    for warning in store.warnings:
        window.pane.notice.show_hint(warning)
    if missing:
        window.pane.notice.show_hint(missing, Wording("Install Spyglass again."))
    window.history.recall_draft()
    if arguments.pictures:
        window.doors.open([Path(one) for one in arguments.pictures])
    else:
        window.history.resume()
    alone.called.connect(lambda call: _answer(call, services, window))
    alone.listen()
    _log.info("window shown after %.2f s", time.monotonic() - started)
    try:
        with signals_close(window.widget):
            return app.exec()
    finally:
        dismantle(services)


def _call(arguments: argparse.Namespace) -> Call:
    return Call(
        tuple(str(Path(one).absolute()) for one in arguments.pictures),
        arguments.model or "",
        arguments.mmproj or "",
        os.environ.get("XDG_ACTIVATION_TOKEN", ""),
    )


def _answer(call: Call, services: Services, window: Window) -> None:
    """Do what a second start was to do."""
    if call.model:
        services.session.use_model(call.model, call.projector)
    if call.pictures:
        window.doors.open([Path(one) for one in call.pictures])
    if call.token:
        os.environ["XDG_ACTIVATION_TOKEN"] = call.token  # Qt hands it to Wayland, and forgets it
    window.widget.come_forward()


@contextlib.contextmanager
def signals_close(widget: QWidget) -> Iterator[None]:
    """Meanwhile Ctrl-C in the terminal, or a polite kill, closes the window."""
    before = {number: signal.signal(number, lambda *_: widget.close()) for number in (signal.SIGINT, signal.SIGTERM)}
    # Python runs its handlers between two of its own instructions, so it must be called now and then.
    timer = QTimer(interval=500)
    timer.timeout.connect(lambda: None)
    timer.start()
    try:
        yield
    finally:
        timer.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="spyglass", description="Ask about pictures, on your own machine.")
    parser.add_argument("pictures", nargs="*", help="pictures to open, or one video")
    parser.add_argument("--model", help="a model's name or GGUF file, for this time")
    parser.add_argument("--mmproj", help="its projector's file")
    parser.add_argument("--verbose", action="store_true", help="log to standard error")
    return parser.parse_args(list(argv))
