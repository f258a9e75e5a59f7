"""Recognise and Watch on the live camera: names over the picture as it comes, and word of what was watched for.

Frames are judged and followed on the camera's thread, answers come on the engine client's; the window's thread only
paints what the two have left for it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage

from app.capture.camera import Frame
from app.errors import SpyglassError
from app.modes.labels import Label
from app.modes.lookout import Engine
from app.modes.recognise import RecogniseMode
from app.modes.watch import question, subject
from app.settings.store import SettingsStore
from app.ui.bridge import Background
from app.ui.camera_view import CameraFeed
from app.ui.clips import Clips
from app.ui.i18n import shown
from app.ui.live_panel import LivePanel, lines
from app.ui.looking import Looking, Sighting
from app.ui.narration import Narration
from app.ui.overlay import FiguresCard, Hint, LabelClicks, LabelOverlay, around
from app.ui.speech import Speaker
from app.ui.stage import Stage
from app.values import ModelSpec
from app.wording import Wording


@dataclass(frozen=True)
class Surroundings:
    """What live recognition works with."""

    engine: Engine
    feed: CameraFeed
    stage: Stage
    background: Background
    store: SettingsStore
    speaker: Speaker


class LiveStage(QObject):
    """Names what the camera shows while it is to.

    sighted: a Sighting. asked: a QImage of the thing whose name was clicked, and the name. told: a Wording.
    failed: a SpyglassError. changed: whether it does so now.
    """

    sighted = Signal(object)
    asked = Signal(QImage, str)
    told = Signal(object)
    failed = Signal(object)
    changed = Signal(bool)

    def __init__(self, around: Surroundings, wanted: Callable[[], ModelSpec | None]) -> None:
        """wanted: the model that live pictures are to be shown to now, None while they are not to be."""
        super().__init__(around.stage)
        self._feed, self._stage = around.feed, around.stage
        self._store, self._wanted = around.store, wanted
        self.wish = ""
        self.overlay, self.hint, self.card = LabelOverlay(), Hint(), FiguresCard(lambda: around.stage.covered)
        self.panel = LivePanel(around.speaker.available)
        self.clips = Clips(around.background, self)
        self.narration = Narration(around.speaker, lambda: bool(self._store.settings["camera.speak"]), self)
        self.looking = Looking(around.engine, self)
        self._running: tuple[ModelSpec, str] | None = None
        self._connect()

    def _connect(self) -> None:
        feed, canvas, panel = self._feed, self._stage.canvas, self.panel
        feed.taps.append(self.looking.see)
        feed.keepers.append(self._keep)
        feed.frame.connect(self._on_frame)
        feed.words.connect(self._on_silent)
        feed.stopped.connect(self._stop)
        canvas.zoomed.connect(self._on_zoomed)
        canvas.overlays += [self.overlay, self.card, self.hint]
        clicks = LabelClicks(canvas, self.overlay)
        clicks.clicked.connect(lambda label: self._ask(label.name, label))
        panel.unwatched.connect(lambda: self.watch(""))
        panel.snapshot.connect(lambda: self.clips.save_snapshot(self._feed.latest))
        panel.clip.connect(self.clips.save_clip)
        panel.asked.connect(self._ask)
        panel.figures.connect(lambda on: self._set("camera.figures", on))
        panel.speech.connect(lambda on: self._set("camera.speak", on))
        self.clips.told.connect(self.told)
        self.clips.failed.connect(self.failed)
        self.looking.sighted.connect(self._on_sighted, Qt.ConnectionType.QueuedConnection)
        self.looking.named.connect(self._on_named, Qt.ConnectionType.QueuedConnection)
        self.follow_settings()

    @property
    def on(self) -> bool:
        """Whether live pictures are being looked at."""
        return self.looking.on

    def watch(self, wish: str) -> bool:
        """Tell when this comes; an empty wish: name everything again. False if it cannot be watched for."""
        wish = wish.strip()
        try:
            if wish:
                question(wish)
        except SpyglassError as error:
            self.failed.emit(error)
            return False
        self.wish = wish
        self.panel.show_wish(wish)
        return True

    def follow_mode(self) -> None:
        """End at once what the mode no longer wants: the camera's next frame may never come."""
        if self._running is not None and self._wanted() is None:
            if self.wish:
                again = Wording(
                    "{mode} goes on waiting for it when you are back: {things}",
                    mode=RecogniseMode.title,
                    things=subject(self.wish),
                )
                self.told.emit(again)
            self._stop()

    def close(self) -> None:
        """Look at nothing more."""
        for listeners, mine in ((self._feed.taps, self.looking.see), (self._feed.keepers, self._keep)):
            if mine in listeners:
                listeners.remove(mine)
        self._stop()

    # --- the camera's thread ---

    def _keep(self, frame: Frame) -> None:
        clip = self.clips.clip  # before it is asked who looks: `_stop` ends that first, then gives the clip up
        if self.looking.on:
            clip.add(frame)

    # --- the window's thread ---

    def _on_zoomed(self, scale: float) -> None:
        self._feed.scale = scale * self._stage.devicePixelRatioF()

    def _on_frame(self, _: QImage, size: QSize) -> None:
        self._follow_wish()
        seen = self.looking.newest()
        if seen is None:
            return
        self._pause_unseen()
        self.overlay.show(seen.labels, size)
        hint = self.narration.see(seen.verdict, seen.labels, seen.time)
        trouble = shown(seen.error.whole) if seen.error else ""
        self.hint.show(hint, size)
        self.panel.show_state(seen.verdict, hint, trouble, seen.nothing, seen.progress)
        if self.wish:
            self.panel.show_answered(seen.answered, seen.time)
        else:
            self.panel.show_labels(seen.labels, seen.time)
        if seen.figures is not None and self._shows_figures:
            self.card.show(lines(seen.figures, self._feed.fps, (size.width(), size.height())), size)

    def _on_silent(self, words: str) -> None:
        """The camera shows nothing new: what was said of its last frame is nothing to be sure of."""
        self.looking.forget()
        self._quiet()
        self.panel.show_labels((), 0.0)
        self.panel.show_silence(words)

    def _on_named(self) -> None:
        """A new name is painted at once, without waiting for the camera's next frame."""
        seen, frame = self.looking.newest(), self._feed.latest
        if seen is not None and frame is not None:
            self.overlay.show(seen.labels, QSize(frame.rgb.shape[1], frame.rgb.shape[0]))
            self._stage.canvas.update_picture()

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
            self.looking.begin(spec, wish)
        except SpyglassError as error:
            self.watch("")
            self.failed.emit(error)
            return
        self.panel.show_wish(wish)
        self.panel.show()
        self.changed.emit(True)

    def _stop(self) -> None:
        self._running = None
        if self.looking.end():
            self.changed.emit(False)
        self.clips.clear()
        self._quiet()
        self.panel.hide()

    def _quiet(self) -> None:
        """Nothing is named, advised or said."""
        self.narration.stop()
        self.overlay.clear()
        self.hint.show("", QSize(1, 1))
        self.card.show((), QSize(1, 1))
        self._stage.canvas.update()

    def _pause_unseen(self) -> None:
        """Names nobody sees are not worth the heat; what is watched for is."""
        self.looking.pause(not self.wish and not self._stage.canvas.seen)

    def _on_sighted(self, sighting: Sighting) -> None:
        """Another thread saw it; meanwhile the person may have wished for something else."""
        if sighting.wish == self.wish:
            self.sighted.emit(sighting)
            self.narration.say(subject(sighting.wish))

    # --- what the person does ---

    def follow_settings(self) -> None:
        """Show and say what the settings want now."""
        settings = self._store.settings
        self._shows_figures = bool(settings["camera.figures"])
        if not self._shows_figures:
            self.card.show((), QSize(1, 1))
        if not settings["camera.speak"]:
            self.narration.stop()
        self.panel.show_toggles(self._shows_figures, bool(settings["camera.speak"]))

    def _set(self, key: str, on: bool) -> None:
        if on == self._store.settings[key]:
            return
        try:
            self._store.set(key, on)
        except SpyglassError as error:
            self.failed.emit(error)
        self.follow_settings()

    def _ask(self, name: str, label: Label | None = None) -> None:
        """Hand out the thing of that name, with a little around it, or the whole frame where nobody knows its place."""
        frame, seen = self._feed.latest, self.looking.newest()
        if frame is None or seen is None:
            return
        placed = [one for one in seen.labels if one.name == name and one.box is not None and not one.faded]
        label = label or (placed[0] if len(placed) == 1 else None)
        height, width, _ = frame.rgb.shape
        whole = QImage(frame.rgb.data, width, height, width * 3, QImage.Format.Format_RGB888)
        part = around(label.box, whole.size()) if label is not None and label.box is not None else whole.rect()
        self.asked.emit(whole.copy(part), name)
