"""What a camera sees, as it comes: the part of `spyglass recognise` that waits for nothing to end."""

import math
import queue
import time
from datetime import datetime, timedelta

from app.capture.camera import Camera, Frame, State, Status
from app.capture.sources import Pixels
from app.cli.found import Printer, Seen, seen_in
from app.engine.client import EngineClient
from app.errors import CameraError, SpyglassError, of_kind
from app.modes.conditions import Sensors
from app.modes.live import Live
from app.modes.lookout import Lookout
from app.modes.recognise import Reading
from app.modes.watch import Watch
from app.values import Event, Failed, Finished, ModelSpec, Piece, is_last

_OPEN_S = 30.0
_POLL_S = 0.2
_AGAIN_S = 600.0
"""After so long the same trouble with a camera is said again."""


class CameraLook:
    """Prints what a looker makes of one camera."""

    def __init__(
        self, name: str, looker: Live | Watch, client: EngineClient, spec: ModelSpec, printer: Printer
    ) -> None:
        """name: what the source is called in the answers."""
        self._name, self._printer = name, printer
        self._begun = time.monotonic()
        self._answers: queue.SimpleQueue[tuple[Seen, Pixels] | SpyglassError] = queue.SimpleQueue()
        self._readings: dict[int, Reading] = {}
        self._camera: Camera | None = None
        self._status = 0
        self._troubled = False
        """Whether it has worked, and does not now."""
        self._told: dict[str, float] = {}
        """What was wrong with the camera, and when that was said last."""
        self._lookout = Lookout(looker, client, spec, self._on_event, sense=Sensors().read)

    def run(self, source: str, camera_format: tuple[int, int, float], seconds: float | None) -> int:
        """Until the camera ends, the time is up, or Ctrl-C. Raises CameraError if it has never worked.

        Returns the exit status: that of the engine's last failure if nothing was answered after it, or else that of
        what was wrong with the camera when the time was up, or 0.
        """
        try:
            self._camera = Camera(source, *camera_format, on_frame=self._lookout.frame, on_status=self._on_status)
            with self._camera as camera:
                camera.wait(timeout=_OPEN_S)
                while not self._over(camera, seconds):
                    self._print(_POLL_S)
                error = camera.status.error
            while self._expects_more():
                self._print(_POLL_S)
        finally:
            self._lookout.stop()
        return self._status or (error.exit_code if error is not None else 0)

    def _over(self, camera: Camera, seconds: float | None) -> bool:
        ended = camera.status.state is State.GONE and camera.status.error is None
        return ended or (seconds is not None and time.monotonic() - self._begun >= seconds)

    def _expects_more(self) -> bool:
        """Whether a frame is still being looked at. In this order, no answer slips between the threads."""
        busy = self._lookout.read(lambda looker: looker.schedule.busy)
        return busy or bool(self._readings) or not self._answers.empty()

    def _print(self, timeout: float) -> None:
        """The next answer. An engine that fails is told and tried again: a watch must survive the night."""
        try:
            one = self._answers.get(timeout=timeout)
        except queue.Empty:
            return
        if isinstance(one, SpyglassError):
            self._status = one.exit_code
            self._printer.note(f"spyglass: {one.what} {one.todo}")
        else:
            self._status = 0
            self._printer.tell(*one)

    # --- other threads ---

    def _on_status(self, status: Status) -> None:
        """Say what is wrong with a camera that has worked, not at every try; of one that never did, `run` says it."""
        if status.state is State.GONE and status.error is None:
            self._printer.note(f"spyglass: {status.words}.")
        elif status.error is None:
            self._troubled = False
        elif self._has_worked():
            self._say_trouble(status.error)

    def _say_trouble(self, error: CameraError) -> None:
        """Once while it lasts, whatever each try to open the camera again comes upon."""
        now = time.monotonic()
        told = self._told.values() if self._troubled else [self._told[error.what]] if error.what in self._told else []
        self._troubled = True
        if now - max(told, default=-math.inf) > _AGAIN_S:
            self._told[error.what] = now
            self._printer.note(f"spyglass: {error.what} {error.todo}")

    def _has_worked(self) -> bool:
        return self._camera is not None and self._camera.latest() is not None

    def _on_event(self, event: Event, frame: Frame, result: object) -> None:
        reading = self._readings.setdefault(frame.number, Reading())
        if isinstance(event, Piece):
            reading.add(event)
        elif isinstance(event, Failed):
            self._answers.put(of_kind(event.kind, event.what, event.todo, event.detail))
        elif isinstance(event, Finished) and event.reason in ("stop", "length"):
            took, at = time.monotonic() - frame.time, frame.time - self._begun
            seen = seen_in(self._name, at, event.stats, took, reading, result)
            seen.clock = datetime.now().astimezone() - timedelta(seconds=took)
            self._answers.put((seen, frame.rgb))
        if is_last(event):
            del self._readings[frame.number]
