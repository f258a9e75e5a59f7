"""spyglass recognise PICTURE|VIDEO|CAMERA...: what is in it, by name and number; with --watch, when something comes."""

import argparse
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from app.capture import files
from app.capture.gate import view
from app.capture.sources import Ended, Pixels, VideoSource
from app.cli import setup
from app.cli.camera import CameraLook
from app.cli.found import Printer, Seen, seen_in
from app.cli.terminal import Terminal
from app.engine.client import EngineClient
from app.engine.supervisor import Supervisor
from app.errors import CameraError, PictureError, UsageError, of_kind
from app.modes import recognise, watch
from app.modes.live import Live
from app.modes.watch import Answered, Watch, YesNo
from app.settings.derived import camera_format, memory_limit
from app.values import Event, Failed, Finished, ModelSpec, Picture, Piece, Stats, passing_picture

_CAMERA = "camera"


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser) -> None:
    parser = commands.add_parser(
        "recognise",
        parents=[common],
        help="name what is in pictures, videos, or before the camera",
        description="A source is a picture, a folder of pictures, a video, the address of a network camera (rtsp:// or "
        'http://), "camera" for the first camera, or "camera:NAME". A frame is looked at only when it is sharp and '
        "shows something new.",
    )
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="a picture, a video, a camera, an address")
    parser.add_argument(
        "--watch", metavar="WISH", help='tell when this comes true: "a bus", "tell me when a dog comes"'
    )
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="save each frame that was told about there")
    parser.add_argument("--seconds", type=_seconds, metavar="N", help="turn a camera off after so long")
    setup.add_model(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line for every answer, with times")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Look at every source in turn. Raises SpyglassError."""
    settings = setup.settings(terminal)
    if arguments.watch is not None:
        watch.question(arguments.watch)
    if arguments.keep is not None:
        _need_folder(arguments.keep)
    spec = setup.model(arguments, settings)
    with EngineClient(Supervisor(memory_limit(settings))) as client:
        task = _Task(client, spec, arguments, camera_format(settings), Printer(terminal, arguments))
        return task.look_at(arguments.sources)


def _need_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be made.", "Name another one.", str(error)) from error


class _Task:
    """Looks at one source after another with one engine."""

    def __init__(
        self,
        client: EngineClient,
        spec: ModelSpec,
        arguments: argparse.Namespace,
        camera_format: tuple[int, int, float],
        printer: Printer,
    ) -> None:
        self._client, self._spec, self._printer = client, spec, printer
        self._format = camera_format
        self._wish: str | None = arguments.watch
        self._seconds: float | None = arguments.seconds

    def look_at(self, sources: Iterable[str]) -> int:
        """Look at one after another; what cannot be is told, and is no reason to leave out the rest.

        Returns the exit status: that of the first failure, or 0.
        """
        status = 0
        for source in sources:
            try:
                status = self._look(source) or status
            except (PictureError, CameraError) as error:
                self._printer.error(error)
                status = status or error.exit_code
        return status

    def _look(self, source: str) -> int:
        camera = source == _CAMERA or source.startswith(_CAMERA + ":")
        if camera or "://" in source:
            look = CameraLook(source, self._looker(), self._client, self._spec, self._printer)
            return look.run(source.partition(":")[2] if camera else source, self._format, self._seconds)
        if Path(source).is_dir():
            return self.look_at(_pictures(Path(source)))
        if Path(source).suffix.lower() in files.SUFFIXES or not Path(source).is_file():
            self._picture(source)
        else:
            self._video(Path(source))
        return 0

    def _picture(self, source: str) -> None:
        picture = files.open_picture(source)
        begun = time.monotonic()
        reading, answer, stats = recognise.Reading(), YesNo(), Stats()
        for event in self._answer(picture):
            if isinstance(event, Piece):
                reading.add(event)
                answer.add(event)
            elif isinstance(event, Finished):
                stats = event.stats
        seen = Seen(source, None, stats, time.monotonic() - begun)
        if self._wish is None:
            seen.objects = reading.found()
        else:
            sure = answer.probability() or 0.0
            seen.watched = Answered(0.0, sure, sure >= 0.5, sure >= 0.5)
        pixels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
        self._printer.tell(seen, pixels)

    def _answer(self, picture: Picture) -> Iterator[Event]:
        """The events of the question about the picture. Raises the error that ended the job."""
        if self._wish is None:
            job = recognise.recognition(self._spec, (picture.digest,))
        else:
            job = watch.asked(self._spec, (picture.digest,), self._wish)
        for event in self._client.run(job, (picture,)):
            if isinstance(event, Failed):
                raise of_kind(event.kind, event.what, event.todo, event.detail)
            yield event

    def _video(self, path: Path) -> None:
        """Every frame in its own time, waiting for each answer: the same video gives the same lines on any machine."""
        looker = self._looker()
        source = VideoSource(path, paced=False)
        try:
            while True:
                rgb = cv2.cvtColor(source.read(), cv2.COLOR_BGR2RGB)
                at = source.position
                if looker.see(view(rgb, at)).send:
                    self._printer.progress(f"{path.name}: {at:.1f} s")
                    self._frame(looker, rgb, at, str(path))
        except Ended:
            return
        finally:
            source.close()

    def _frame(self, looker: Live | Watch, rgb: Pixels, at: float, name: str) -> None:
        picture = passing_picture(rgb.shape[1], rgb.shape[0], rgb.tobytes(), f"{at:.2f} s")
        reading, begun = recognise.Reading(), time.monotonic()
        result: object = None
        for event in self._answer(picture):
            result = looker.event(event, at)
            if isinstance(event, Piece):
                reading.add(event)
            elif isinstance(event, Finished):
                took = time.monotonic() - begun
                self._printer.tell(seen_in(name, at, event.stats, took, reading, result), rgb)

    def _looker(self) -> Live | Watch:
        return Live() if self._wish is None else Watch(self._wish)


def _pictures(folder: Path) -> list[str]:
    """Every picture of the folder, by name. Raises PictureError."""
    try:
        paths = sorted(str(path) for path in folder.iterdir() if path.suffix.lower() in files.SUFFIXES)
    except OSError as error:
        raise PictureError(f"The folder {folder} cannot be read.", "Check its permissions.", str(error)) from error
    if not paths:
        raise PictureError(f"There is no picture in {folder}.", "Name a folder of pictures.")
    return paths


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no time in seconds")
    return seconds
