"""The window while it recognises live: the preview's rate, how long its thread stands still, and our own overhead.

A scripted camera delivers 720p thirty times a second and shows another scene every second and a half, so that the model
is asked again and again. Overhead is everything but the model: from a frame being grabbed to its job being sent, plus
from the first piece that brings a name to that name being painted. On a machine with other work all of this grows;
`idle_*` tell how late a process that does nothing but sleep wakes up at the same time.

    xvfb-run python -m benchmarks.live_window [--model starter] [--seconds 20]

Without a display Qt's offscreen platform is used. Ends with status 1 if fewer than 28 frames a second were painted, the
window's thread stood still for more than 30 ms (the 99th percentile), or the overhead was above 15 ms (median) or
40 ms (95th percentile).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPainter, QTransform
from PySide6.QtWidgets import QApplication

from app.capture.camera import Camera
from app.engine.client import EngineClient
from app.settings.store import SettingsStore
from app.ui import app as composition
from app.ui import theme
from app.ui.camera_view import CameraFeed
from app.ui.overlay import LabelOverlay
from app.ui.window import Window
from app.values import Event, Job, Picture, Piece
from tests.video import Scene, Script, Thing

FPS = 30.0
SCENE_S = 1.5
TICK_MS = 5


class Looping:
    """The script over and over, as a camera."""

    def __init__(self, frames: list[np.ndarray]) -> None:
        self._frames = frames
        self._began = time.monotonic()
        self._number = 0

    def read(self) -> np.ndarray:
        self._number += 1
        time.sleep(max(0.0, self._began + self._number / FPS - time.monotonic()))
        return cv2.imdecode(self._frames[self._number % len(self._frames)], cv2.IMREAD_COLOR)

    def close(self) -> None: ...


class Timed(EngineClient):
    """The engine's client, noting when live jobs are sent and when each of their pieces comes."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sent: list[float] = []
        self.piece_at = 0.0

    def submit(self, job: Job, pictures: Iterable[Picture] = (), on_event: Callable[[Event], None] = print) -> int:
        if job.lane != "live":
            return super().submit(job, pictures, on_event)

        def noting(event: Event) -> None:
            if isinstance(event, Piece):
                self.piece_at = time.monotonic()
            on_event(event)

        number = super().submit(job, pictures, noting)
        self.sent.append(time.monotonic())
        return number


class Painted:
    """Watches the label overlay: when frames are painted, and how long a new name took."""

    def __init__(self, overlay: LabelOverlay, feed: CameraFeed, engine: Timed) -> None:
        self.frames: set[int] = set()
        self.delays: dict[int, float] = {}
        """Seconds from the first piece that brought a name to its painting, by the number of the job."""
        self._known: set[int] = set()
        self._overlay, self._feed, self._engine = overlay, feed, engine

    def paint(self, painter: QPainter, to_view: QTransform) -> None:
        self._overlay.paint(painter, to_view)
        if self._feed.latest is not None:
            self.frames.add(self._feed.latest.number)
        ids = {label.id for label in self._overlay.labels}
        if ids - self._known:
            self.delays.setdefault(len(self._engine.sent) - 1, time.monotonic() - self._engine.piece_at)
        self._known |= ids


SLEEPER = f"""
import json, sys, time
late = []
while not sys.stdin.closed and len(late) < int(sys.argv[1]):
    began = time.monotonic()
    time.sleep({TICK_MS / 1000})
    late.append(time.monotonic() - began - {TICK_MS / 1000})
print(json.dumps(late))
"""
"""A process that only sleeps, and notes how late it wakes up."""


def scripted_answer() -> str:
    """A model for when there is none: it looks a while and names what the first scene shows."""
    boxes = {"circle": [616, 400, 784, 700], "star": [155, 230, 345, 570]}
    kinds = [{"name": name, "count": 1, "boxes": [box]} for name, box in boxes.items()]
    steps = [
        {"do": "look", "seconds": 0.3, "steps": 4},
        {"do": "read"},
        {"do": "say", "text": json.dumps({"objects": kinds}), "probability": 0.95, "delay": 0.005},
    ]
    path = Path(tempfile.mkdtemp()) / "script.json"
    path.write_text(json.dumps({"answer": steps}))
    return f"echo:{path}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="default: a scripted one")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) and sys.platform.startswith("linux"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as home:
        os.environ["SPYGLASS_HOME"] = home
        return measure(arguments)


def measure(arguments: argparse.Namespace) -> int:
    things = tuple(Thing(name, 0.0, 99.0, at, 0.34) for name, at in (("star", (0.25, 0.4)), ("circle", (0.7, 0.55))))
    scenes = tuple(Scene(number * SCENE_S, things, number) for number in range(8))
    script = Script(scenes, len(scenes) * SCENE_S)
    frames = [cv2.imencode(".jpg", cv2.cvtColor(script.frame(at), cv2.COLOR_RGB2BGR))[1] for at in script.times()]
    qt = QApplication([])
    theme.choose_font(qt)
    theme.apply(qt, theme.LIGHT)
    composition.EngineClient = Timed  # type: ignore[misc, attr-defined]
    composition.CameraFeed = lambda background, devices: CameraFeed(  # type: ignore[misc, attr-defined, assignment]
        background, devices, lambda _, **listeners: Camera(lambda: Looping(frames), **listeners)
    )
    services = composition.build(SettingsStore())
    window = Window(services)
    engine = services.bridge.engine
    assert isinstance(engine, Timed)
    services.session.use_model(arguments.model or scripted_answer(), "")
    window.start()
    window._choose_mode("recognise")
    painted = Painted(window.live.overlay, services.camera, engine)
    overlays = window.stage.canvas.overlays
    overlays[overlays.index(window.live.overlay)] = painted
    grabbed: list[float] = []
    see = window.live.looking.see

    def seeing(frame: Any) -> None:
        before = len(engine.sent)
        see(frame)
        if len(engine.sent) > before:
            grabbed.append(engine.sent[-1] - frame.time)

    services.camera.taps[services.camera.taps.index(see)] = seeing
    services.camera.start("scripted")
    stalls: list[float] = []
    ticks = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=TICK_MS)
    last = time.monotonic()

    def tick() -> None:
        nonlocal last
        now = time.monotonic()
        stalls.append(now - last - TICK_MS / 1000)
        last = now

    ticks.timeout.connect(tick)

    def begin() -> None:
        stalls.clear()
        painted.frames.clear()

    QTimer.singleShot(2000, ticks.start)
    QTimer.singleShot(2500, begin)
    QTimer.singleShot(round(2500 + arguments.seconds * 1000), qt.quit)
    naps = str(round(arguments.seconds * 1000 / TICK_MS / 1.5))
    sleeper = subprocess.Popen([sys.executable, "-c", SLEEPER, naps], stdout=subprocess.PIPE, text=True)
    qt.exec()
    ticks.stop()
    window.widget.close()
    composition.dismantle(services)
    idle = json.loads(sleeper.communicate()[0])
    return report(arguments, painted, grabbed, stalls, idle)


def report(
    arguments: argparse.Namespace, painted: Painted, grabbed: list[float], stalls: list[float], idle: list[float]
) -> int:
    delays = list(painted.delays.values())
    sums = [1000 * (grabbed[job] + delay) for job, delay in painted.delays.items() if job < len(grabbed)] or [0.0]
    figures = {
        "painted_fps": len(painted.frames) / arguments.seconds,
        "stall_most_ms": 1000 * max(stalls),
        "stall_99_ms": 1000 * float(np.percentile(stalls, 99)),
        "idle_most_ms": 1000 * max(idle),
        "idle_99_ms": 1000 * float(np.percentile(idle, 99)),
        "grabbed_to_sent_ms": 1000 * float(np.median(grabbed)) if grabbed else 0.0,
        "piece_to_painted_ms": 1000 * float(np.median(delays)) if delays else 0.0,
        "overhead_median_ms": float(np.median(sums)),
        "overhead_95_ms": float(np.percentile(sums, 95)),
        "jobs": len(grabbed),
        "jobs_named": len(delays),
    }
    print(json.dumps(figures) if arguments.json else "\n".join(f"{k:24}{v:10.2f}" for k, v in figures.items()))
    fails = {
        "the preview is too slow": figures["painted_fps"] < 28,
        "the window's thread stood still": figures["stall_99_ms"] > 30,
        "the overhead is too high": figures["overhead_median_ms"] > 15 or figures["overhead_95_ms"] > 40,
        "nothing was named": not delays,
    }
    for what, failed in fails.items():
        if failed:
            print(f"FAILED: {what}", file=sys.stderr)
    return 1 if any(fails.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
