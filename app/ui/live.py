"""Recognise and Watch on the live camera: names over the picture as it comes, and word of what was watched for.

Frames are judged and followed on the camera's thread, answers come on the engine client's; the window's thread only
paints what the two have left for it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPointF, QSize, QStandardPaths, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent

from app.capture.camera import Frame
from app.capture.clip import Clip, as_jpeg
from app.capture.gate import Reason
from app.errors import CameraError, SpyglassError
from app.modes.labels import Label
from app.modes.live import Figures, Live
from app.modes.lookout import Engine, Lookout
from app.modes.schedule import Wait
from app.modes.watch import Answered, Watch
from app.ui.bridge import Background
from app.ui.camera_view import CameraFeed
from app.ui.live_panel import LivePanel
from app.ui.overlay import LabelOverlay, in_pixels
from app.ui.stage import Stage
from app.values import Event, ModelSpec
from app.wording import Wording

_FIGURES_S = 0.5


@dataclass(frozen=True)
class Sighting:
    """What was watched for has come. when: seconds since the epoch."""

    wish: str
    when: float
    probability: float
    frame: Frame


@dataclass(frozen=True)
class _Seen:
    """What the other threads leave for the window's, which so never waits for them."""

    labels: tuple[Label, ...]
    verdict: Reason | Wait
    error: SpyglassError | None
    figures: Figures | None
    time: float


class LiveStage(QObject):
    """Names what the camera shows while it is to.

    sighted: a Sighting. asked: a QImage of the thing whose label was clicked, and its name. told: words for the person.
    failed: a SpyglassError. changed: whether it does so now.
    """

    sighted = Signal(object)
    asked = Signal(QImage, str)
    told = Signal(str)
    failed = Signal(object)
    changed = Signal(bool)
    _answered = Signal(object)
    _named = Signal()

    def __init__(
        self,
        engine: Engine,
        feed: CameraFeed,
        stage: Stage,
        background: Background,
        wanted: Callable[[], ModelSpec | None],
    ) -> None:
        """wanted: the model that live pictures are to be shown to now, None while they are not to be."""
        super().__init__(stage)
        self.overlay = LabelOverlay()
        self.panel = LivePanel()
        self.wish = ""
        self._engine, self._feed, self._stage, self._background = engine, feed, stage, background
        self._wanted = wanted
        self._lookout: Lookout[Live] | Lookout[Watch] | None = None
        self._running: tuple[ModelSpec, str] | None = None
        self._paused = False
        self._seen: _Seen | None = None
        self._clip = Clip()
        self._figures_at = 0.0
        feed.taps.append(self._see)
        feed.frame.connect(self._on_frame)
        feed.stopped.connect(self._stop)
        self.panel.unwatched.connect(lambda: self.watch(""))
        self.panel.snapshot.connect(self.save_snapshot)
        self.panel.clip.connect(self.save_clip)
        self._answered.connect(self._on_answered, Qt.ConnectionType.QueuedConnection)
        self._named.connect(self._on_named, Qt.ConnectionType.QueuedConnection)
        stage.canvas.overlays.append(self.overlay)
        stage.canvas.installEventFilter(self)

    @property
    def on(self) -> bool:
        """Whether live pictures are being looked at."""
        return self._lookout is not None

    def watch(self, wish: str) -> None:
        """Tell when this comes; an empty wish: name everything again."""
        self.wish = wish.strip()
        self.panel.show_wish(self.wish)

    def close(self) -> None:
        """Look at nothing more."""
        if self._see in self._feed.taps:
            self._feed.taps.remove(self._see)
        self._stop()

    # --- the camera's thread ---

    def _see(self, frame: Frame) -> None:
        lookout = self._lookout
        if lookout is None:
            return
        verdict = lookout.frame(frame)
        figures = self._seen.figures if self._seen is not None else None
        if frame.time - self._figures_at >= _FIGURES_S:
            self._figures_at = frame.time
            figures = lookout.read(_figures)
        labels, error = lookout.read(_shown)
        self._seen = _Seen(labels, verdict, error, figures, frame.time)
        self._clip.add(frame)

    # --- the engine client's thread ---

    def _on_event(self, event: Event, frame: Frame, result: object) -> None:  # noqa: ARG002
        if isinstance(result, Answered) and result.news:
            self._answered.emit(Sighting(self.wish, time.time(), result.probability, frame))
        elif result is True and (lookout := self._lookout) is not None and (seen := self._seen) is not None:
            self._seen = replace(seen, labels=lookout.read(_shown)[0])
            self._named.emit()

    # --- the window's thread ---

    def _on_frame(self, image: QImage) -> None:
        self._follow_wish()
        lookout, seen = self._lookout, self._seen
        if lookout is None or seen is None:
            return
        self._pause_unseen(lookout)
        self.overlay.show(seen.labels, image.size())
        if not self.wish:
            self.panel.show_labels(seen.labels, seen.time)
        self.panel.show_coach(seen.verdict, f"{seen.error.what} {seen.error.todo}" if seen.error else "")
        if self.panel.shows_figures and seen.figures is not None:
            self.panel.show_figures(seen.figures, self._feed.fps)

    def _on_named(self) -> None:
        """A new name is painted at once, without waiting for the camera's next frame."""
        seen, frame = self._seen, self._feed.latest
        if seen is not None and frame is not None:
            self.overlay.show(seen.labels, QSize(frame.rgb.shape[1], frame.rgb.shape[0]))
            self._stage.canvas.update()

    def _follow_wish(self) -> None:
        """Begin, change or end as the mode, the model and the wish say now."""
        spec = self._wanted()
        wanted = (spec, self.wish) if spec is not None else None
        if wanted == self._running:
            return
        self._stop()
        self._running = wanted
        if wanted is None:
            return
        spec, wish = wanted
        try:
            if wish:
                self._lookout = Lookout(Watch(wish), self._engine, spec, self._on_event)
            else:
                self._lookout = Lookout(Live(), self._engine, spec, self._on_event)
        except SpyglassError as error:
            self.watch("")
            self.failed.emit(error)
            return
        self.panel.show_wish(wish)
        self.panel.show()
        self.changed.emit(True)

    def _stop(self) -> None:
        lookout, self._lookout = self._lookout, None
        self._running, self._seen, self._paused = None, None, False
        if lookout is not None:
            lookout.stop()
            self.changed.emit(False)
        self._clip.clear()
        self.overlay.clear()
        self.panel.hide()
        self._stage.canvas.update()

    def _pause_unseen(self, lookout: Lookout[Live] | Lookout[Watch]) -> None:
        """Names nobody sees are not worth the heat; what is watched for is."""
        window = self._stage.window()
        hidden = not self.wish and (not self._stage.isVisible() or window.isMinimized())
        if hidden != self._paused:
            self._paused = hidden
            (lookout.pause if hidden else lookout.resume)()

    def _on_answered(self, sighting: Sighting) -> None:
        if sighting.wish == self.wish:
            self.sighted.emit(sighting)

    # --- clicks and saving ---

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonPress and self.on:
            label = self.overlay.hit(QPointF(event.position()))
            frame = self._feed.latest
            if label is not None and label.box is not None and frame is not None:
                self._ask(label, frame)
                return True
        return super().eventFilter(watched, event)

    def _ask(self, label: Label, frame: Frame) -> None:
        """Hand the thing out of the frame, with a little around it."""
        assert label.box is not None
        height, width, _ = frame.rgb.shape
        whole = QImage(frame.rgb.data, width, height, width * 3, QImage.Format.Format_RGB888)
        box = in_pixels(label.box, QSize(width, height))
        margin = 0.1 * max(box.width(), box.height())
        around = box.adjusted(-margin, -margin, margin, margin).toAlignedRect().intersected(whole.rect())
        self.asked.emit(whole.copy(around), label.name)

    def save_snapshot(self) -> None:
        """Save what the camera shows as a JPEG in the folder for pictures."""
        frame = self._feed.latest
        if frame is not None:
            path = _new_file(QStandardPaths.StandardLocation.PicturesLocation, ".jpg")
            self._save(path, lambda: path.write_bytes(as_jpeg(frame)))

    def save_clip(self) -> None:
        """Save the last ten seconds in the folder for videos."""
        path = _new_file(QStandardPaths.StandardLocation.MoviesLocation, ".avi")
        self._save(path, lambda: self._clip.save(path))

    def _save(self, path: Path, write: Callable[[], object]) -> None:
        def work() -> str:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                write()
            except OSError as error:
                what = Wording("{name} could not be saved.", name=path.name)
                raise CameraError(what, "Check the folder.", str(error)) from error
            return str(path)

        self._background.run(work, lambda saved: self.told.emit(self.tr("Saved as {}").format(saved)), self.failed.emit)


def _shown(looker: Live | Watch) -> tuple[tuple[Label, ...], SpyglassError | None]:
    return looker.labels() if isinstance(looker, Live) else (), looker.error


def _figures(looker: Live | Watch) -> Figures | None:
    return looker.figures(time.monotonic()) if isinstance(looker, Live) else None


def _new_file(where: QStandardPaths.StandardLocation, ending: str) -> Path:
    folder = Path(QStandardPaths.writableLocation(where))
    stem = time.strftime("Spyglass %Y-%m-%d %H.%M.%S")
    names = (stem if n == 0 else f"{stem} ({n})" for n in range(1000))
    return next(path for name in names if not (path := folder / (name + ending)).exists())
