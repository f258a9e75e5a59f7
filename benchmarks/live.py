"""Recognition on a live camera, beside the usual loop that polls every half second and shows each answer when it ends.

Both watch the same scripted video at its own speed (things come, stay and go; scenes are cut) through the same camera
class, and ask the same model. Without `--model`, an engine in this process takes as long as a small model does and
answers with what is true of the frame it was sent, so that only the two loops are compared.

    python -m benchmarks.live [--model starter] [--look 0.35] [--json]      the two loops
    python -m benchmarks.live --hour                                        an hour of a bad camera, as fast as it goes

Ends with status 1 if we asked more than a fifth as often as the other loop, were not sooner, named a steady thing later
than 1.5 s, or showed a name over a scene cut; or if the hour cost 20 MB or a thread. With a model of your own what it
can name is its own affair, and the figures are only printed.
"""

import argparse
import heapq
import itertools
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import psutil

from app.capture.camera import Camera, Frame, Patience, State
from app.capture.gate import Reason
from app.capture.sources import Absent, Source
from app.engine.client import EngineClient
from app.errors import CameraError
from app.library import disk
from app.modes.live import Live
from app.modes.lookout import Lookout
from app.modes.recognise import Reading, recognition
from app.values import (
    Ask,
    EngineOptions,
    Event,
    Failed,
    Finished,
    Job,
    ModelSpec,
    Picture,
    Piece,
    is_last,
)
from app.values import Reading as ReadingPrompt
from tests.video import TRAVEL_S, Scene, Script, Thing, desk

POLL_S = 0.5
PIECE_S = 0.012
PIECE = 4
"""Characters of an answer that come at once."""
LATE_S = 1.5
QUIET_S = 14.0
"""After all the coming and going nothing happens for a while, as before most cameras."""


class Pretender:
    """An engine that takes `look_s` to look and then writes what is true of the frame it was sent."""

    def __init__(self, look_s: float) -> None:
        self._look_s = look_s
        self.truth: Callable[[], str] = lambda: ""
        self._heap: list[tuple[float, int, int, Event, Callable[[Event], None]]] = []
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="pretender")
        self._thread.start()

    def submit(self, job: Job, pictures: Iterable[Picture], on_event: Callable[[Event], None]) -> int:  # noqa: ARG002
        text, at = self.truth(), time.monotonic() + self._look_s
        number = next(self._numbers)
        events: list[tuple[float, Event]] = [(at - 0.05, ReadingPrompt(fraction=1.0))]
        starts = range(0, len(text), PIECE)
        events += [(at + i / PIECE * PIECE_S, Piece(text=text[i : i + PIECE], probability=0.98)) for i in starts]
        events.append((at + len(text) / PIECE * PIECE_S, Finished(reason="stop")))
        with self._changed:
            for due, event in events:
                heapq.heappush(self._heap, (due, next(self._numbers), number, event, on_event))
            self._changed.notify()
        return number

    def cancel(self, job_id: int) -> None:
        with self._changed:
            gone = [entry for entry in self._heap if entry[2] == job_id]
            self._heap = [entry for entry in self._heap if entry[2] != job_id]
            heapq.heapify(self._heap)
            if gone:
                heapq.heappush(self._heap, (0.0, 0, job_id, Finished(reason="cancelled"), gone[0][4]))
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._closing and (not self._heap or self._heap[0][0] > time.monotonic()):
                    self._changed.wait(max(0.0, self._heap[0][0] - time.monotonic()) if self._heap else None)
                if self._closing:
                    return
                entry = heapq.heappop(self._heap)
            entry[4](entry[3])


@dataclass
class Watched:
    """What one loop did. shown: for every frame its moment in the video, and for every name shown over it the moment of
    the frame that the name was given to."""

    name: str
    asked: int = 0
    to_label_s: list[float] = field(default_factory=list)
    shown: list[tuple[float, dict[str, float]]] = field(default_factory=list)


class Playing:
    """The script as a camera, each frame prepared beforehand; knows which moment of the video is seen now."""

    def __init__(self, frames: list[np.ndarray], fps: float) -> None:
        self._frames, self._fps = frames, fps
        self.began = 0.0
        self.now = 0.0
        """The moment of the video that the frame read last shows."""

    def open(self) -> Source:
        self.began = time.monotonic()
        return self

    def read(self) -> np.ndarray:
        number = int((time.monotonic() - self.began) * self._fps) + 1
        if number >= len(self._frames):
            raise CameraError("The script is over.", "")
        time.sleep(max(0.0, self.began + number / self._fps - time.monotonic()))
        self.now = number / self._fps
        return cv2.imdecode(self._frames[number], cv2.IMREAD_COLOR)

    def close(self) -> None: ...


def truth_of(script: Script, at: float) -> str:
    kinds = [
        {"name": name, "count": 1, "boxes": [[round(min(max(v, 0), 1) * 1000) for v in box]]}
        for name, box in script.steady(at).items()
    ]
    return json.dumps({"objects": kinds}, separators=(",", ":"))


def mixed_up(script: Script, at: float) -> str:
    """The same with one name for everything, which makes a closer look worth it."""
    boxes = [[round(min(max(v, 0), 1) * 1000) for v in box] for box in script.steady(at).values()]
    return json.dumps({"objects": [{"name": "thing", "count": len(boxes), "boxes": boxes}]}, separators=(",", ":"))


def ours(engine: Any, spec: ModelSpec, script: Script, playing: Playing) -> Watched:
    watched = Watched("gate and tracker")
    lookout = Lookout(Live(closer=True), engine, spec)
    moments: dict[float, float] = {}

    def on_frame(frame: Frame) -> None:
        at = moments[frame.time] = playing.now
        if isinstance(engine, Pretender):
            engine.truth = lambda: truth_of(script, at)
        lookout.frame(frame)
        labels = lookout.read(Live.labels)
        given = sorted(((label.name, moments[label.seen]) for label in labels if not label.faded), reverse=True)
        watched.shown.append((at, dict(given)))  # of several with one name the oldest counts

    _play(on_frame, playing, script.seconds)
    figures = lookout.read(lambda live: (live.schedule.frames[Reason.GOOD], list(live.delays)))
    watched.asked, watched.to_label_s = figures
    lookout.stop()
    return watched


def naive(engine: Any, spec: ModelSpec, script: Script, playing: Playing) -> Watched:
    """Every half second the newest frame is asked about, if the engine is free; the answer is shown when it ends."""
    watched = Watched("poll every 500 ms")
    names: dict[str, float] = {}
    busy = threading.Event()
    due = 0.0

    def on_frame(frame: Frame) -> None:
        nonlocal due
        at = playing.now
        if frame.time >= due and not busy.is_set():
            due = frame.time + POLL_S
            busy.set()
            watched.asked += 1
            _ask(engine, spec, script, frame, at, on_end)
        watched.shown.append((at, dict(names)))

    def on_end(found: dict[str, float], frame: Frame) -> None:
        nonlocal names
        names = found
        if found:
            watched.to_label_s.append(time.monotonic() - frame.time)
        busy.clear()

    _play(on_frame, playing, script.seconds)
    return watched


def _ask(
    engine: Any,
    spec: ModelSpec,
    script: Script,
    frame: Frame,
    at: float,
    on_end: Callable[[dict[str, float], Frame], None],
) -> None:
    if isinstance(engine, Pretender):
        engine.truth = lambda: truth_of(script, at)
    height, width, _ = frame.rgb.shape
    picture = Picture(width, height, frame.rgb.tobytes())
    reading = Reading()

    def on_event(event: Event) -> None:
        if isinstance(event, Piece):
            reading.add(event)
        elif isinstance(event, Failed):
            print(event.what, file=sys.stderr)
        if is_last(event):
            on_end({one.name: at for one in reading.found()}, frame)

    engine.submit(recognition(spec, (picture.digest,)), (picture,), on_event)


def _play(on_frame: Callable[[Frame], object], playing: Playing, seconds: float) -> None:
    with Camera(playing.open, on_frame=on_frame, patience=Patience(pauses_s=(60,))) as camera:
        camera.wait()
        time.sleep(seconds)


def late_names(watched: Watched, script: Script) -> list[tuple[Thing, float, float]]:
    """Every thing, since when it was steadily visible, and how long after that it was first named; all in seconds. One
    that never was counts until it went."""
    rows = []
    for scene in script.scenes:
        end = _end(scene, script)
        for thing in scene.things:
            steady, last = max(thing.rests, scene.begins), min(thing.goes, end)
            first = [at for at, names in watched.shown if steady - 0.3 <= at < last and thing.name in names]
            rows.append((thing, steady, (first[0] if first else last) - steady))
    return rows


def judge(watched: Watched, script: Script) -> dict[str, float]:
    """The figures of one loop, times in seconds.

    A name has outlived its thing if it was given to a frame in which that could be seen. One that a model gives to what
    stays, or to the empty table, is its mistake and not the loop's.
    """
    gone, cuts = [], 0.0
    late = [after for _, _, after in late_names(watched, script)]
    for scene in script.scenes:
        end = _end(scene, script)
        for thing in scene.things:
            if thing.goes < end:
                left = thing.goes + TRAVEL_S
                last = [at for at, names in watched.shown if at < end and names.get(thing.name, left) < left]
                gone.append(max(0.0, last[-1] - thing.goes) if last else 0.0)
    for (before, _), (at, names) in itertools.pairwise(watched.shown):
        begins = script.scene(at).begins
        cuts += at - before if any(given < begins for given in names.values()) else 0.0
    return {
        "asked": watched.asked,
        "to_label_s": statistics.median(watched.to_label_s) if watched.to_label_s else float("nan"),
        "named_after_s": statistics.median(late),
        "named_after_most_s": max(late),
        "gone_after_most_s": max(gone),
        "names_over_a_cut_s": cuts,
        "frames": len(watched.shown),
    }


def _end(scene: Scene, script: Script) -> float:
    return next((cut for cut in script.cuts() if cut > scene.begins), script.seconds)


@contextmanager
def engine_for(model: str | None, look_s: float) -> Iterator[tuple[Any, ModelSpec]]:
    if model is None:
        pretender = Pretender(look_s)
        try:
            yield pretender, ModelSpec(path="pretended")
        finally:
            pretender.close()
        return
    with EngineClient() as client:
        spec = disk.resolve(model, None, EngineOptions())
        _warm_up(client, spec)
        yield client, spec


def _warm_up(client: EngineClient, spec: ModelSpec) -> None:
    picture = Picture(64, 64, bytes(64 * 64 * 3))
    job: Ask = recognition(spec, (picture.digest,))
    for event in client.run(job, (picture,)):
        if isinstance(event, Failed):
            raise SystemExit(f"{event.what} {event.todo}")


def compare(arguments: argparse.Namespace) -> int:
    script = desk()
    script.seconds += QUIET_S
    frames = [
        cv2.imencode(".jpg", cv2.cvtColor(script.frame(at), cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
        for at in script.times()
    ]
    rows: dict[str, dict[str, float]] = {}
    late: dict[str, list[tuple[Thing, float, float]]] = {}
    with engine_for(arguments.model, arguments.look) as (engine, spec):
        for loop in (naive, ours):
            watched = loop(engine, spec, script, Playing(frames, script.fps))
            rows[watched.name], late[watched.name] = judge(watched, script), late_names(watched, script)
    if arguments.json:
        print(json.dumps(rows))
    else:
        for key in next(iter(rows.values())):
            print(f"{key:26}" + "".join(f"{name}: {row[key]:8.2f}    " for name, row in rows.items()))
        for things in zip(*late.values(), strict=True):
            thing, steady, _ = things[0]
            after = "".join(f"{name}: {row[2]:8.2f}    " for name, row in zip(late, things, strict=True))
            print(f"{thing.name:10}from {steady:5.1f} s{'':4}{after}")
    theirs, mine = rows["poll every 500 ms"], rows["gate and tracker"]
    if arguments.model is not None:
        return 0
    fails = {
        "asked too often": mine["asked"] > theirs["asked"] / 5,
        "not sooner": mine["to_label_s"] >= theirs["to_label_s"],
        "named late": mine["named_after_most_s"] > LATE_S,
        "stayed too long": mine["gone_after_most_s"] > LATE_S,
        "names over a cut": mine["names_over_a_cut_s"] > 0,
    }
    return _verdict(fails)


def _verdict(fails: dict[str, bool]) -> int:
    for what, failed in fails.items():
        if failed:
            print(f"FAILED: {what}", file=sys.stderr)
    return 1 if any(fails.values()) else 0


# --- an hour of a bad camera -----------------------------------------------------------------------------------------


class BadCamera:
    """Good frames, then by turns: black ones, another size, a lie about its form, a stall, an unplugging."""

    def __init__(self, script: Script, frames: int) -> None:
        self._pictures = [cv2.cvtColor(script.frame(at), cv2.COLOR_RGB2BGR) for at in np.arange(0, script.seconds, 0.5)]
        self.left = frames
        self.opened = 0
        self._read = 0

    def open(self) -> Source:
        self.opened += 1
        if self.opened % 7 == 0:
            raise Absent("The camera was unplugged.", "Plug it in.")
        self._read = 0
        return self

    def read(self) -> np.ndarray:
        self._read += 1
        self.left -= 1
        picture = self._pictures[self.left // 60 % len(self._pictures)]
        if self._read < 400:
            return picture
        match self.opened % 5:
            case 0:
                return np.zeros((4, 4, 5), np.uint8)
            case 1 if self._read < 500:
                return np.zeros_like(picture)
            case 2 if self._read < 600:
                return picture[:90, :160].copy()
            case 3:
                time.sleep(0.3)
        raise CameraError("It broke.", "Mend it.")

    def close(self) -> None: ...


def hour(minutes: float) -> int:
    """Frames of an hour at 30 a second, each looked at, with an engine that answers at once."""
    frames = round(minutes * 60 * 30)
    script = desk((640, 360))
    bad, pretender = BadCamera(script, frames), Pretender(0.02)
    pretender.truth = lambda: mixed_up(script, 5.0)
    live = Live(closer=True)
    lookout = Lookout(live, pretender, ModelSpec(path="pretended"))
    process, before = psutil.Process(), threading.active_count()
    sizes: list[float] = []
    seen = 0

    def on_frame(frame: Frame) -> None:
        nonlocal seen
        seen += 1
        # The clock of the video, not of this run: what waits for seconds must wait for them here too.
        lookout.frame(Frame(frame.rgb, frame.number, time.monotonic()))
        if seen % 500 == 0:
            sizes.append(process.memory_info().rss / 2**20)

    camera = Camera(bad.open, on_frame=on_frame, patience=Patience(0.2, 0.2, (0.005,)))
    began = time.monotonic()
    with camera:
        while bad.left > 0:
            time.sleep(0.2)
    lookout.stop()
    pretender.close()
    warm = sizes[len(sizes) // 4 :]
    grown = max(warm) - min(warm)
    print(
        f"{seen} frames in {time.monotonic() - began:.0f} s, {bad.opened} openings, "
        f"memory {min(warm):.0f} to {max(warm):.0f} MB after warm-up, threads {before} before and "
        f"{threading.active_count() - 1} after, camera {camera.status.state.value}"
    )
    return _verdict(
        {
            "memory grew": grown > 20,
            "threads left": threading.active_count() - 1 >= before or camera.status.state is not State.CLOSED,
        }
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a real model; without one an engine is pretended")
    parser.add_argument("--look", type=float, default=0.35, metavar="S", help="seconds the pretended engine looks")
    parser.add_argument("--hour", action="store_true")
    parser.add_argument("--minutes", type=float, default=60.0, help="how much of the hour")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.hour:
        return hour(arguments.minutes)
    return compare(arguments)


if __name__ == "__main__":
    sys.exit(main())
