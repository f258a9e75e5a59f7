"""Translate on the live camera: translations over the text as it moves, and beside the picture.

Frames are judged and followed on the camera's thread, read and drawn on one of their own; the window's thread only
paints what the two have left for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, QPointF, QRectF, Signal
from PySide6.QtGui import QImage, QPainter, QTransform

from app.capture.camera import Frame
from app.capture.gate import Reason
from app.errors import SpyglassError
from app.modes.conditions import Sensors
from app.modes.lookout import Engine
from app.modes.schedule import Wait
from app.modes.translate.cutouts import CutOut
from app.modes.translate.live import LiveTranslation, Shown
from app.modes.translate.lookout import TranslationLookout
from app.modes.translate.pipeline import Translation, Wish
from app.ui.camera_view import CameraFeed
from app.ui.canvas import Canvas
from app.ui.uncover import Uncover
from app.values import Picture
from app.wording import Wording


@dataclass(frozen=True)
class LiveNews:
    """What is known of the text before the camera. verdict: what was decided about the newest frame; reading: whether
    one is being read; error: why the last reading failed."""

    shown: tuple[Shown, ...]
    state: Translation | None
    verdict: Reason | Wait
    reading: bool
    error: SpyglassError | None


class LiveCutOuts:
    """Paints translations over the frames of a camera; what is under the pointer is left out."""

    def __init__(self, canvas: Canvas, uncover: Uncover) -> None:
        self.shown: tuple[Shown, ...] = ()
        self._uncover = uncover
        self._images: WeakKeyDictionary[CutOut, QImage] = WeakKeyDictionary()
        canvas.overlays.append(self)

    def paint(self, painter: QPainter, to_view: QTransform) -> None:
        if self._uncover.everything:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for one in self.shown:
            image, place = self._image(one.cutout), transform(one) * to_view
            pointer = self._uncover.pointer
            if pointer is not None and _holds(place, image, pointer):
                continue
            painter.setTransform(place)
            painter.setOpacity(one.opacity)
            painter.drawImage(0, 0, image)

    def _image(self, cutout: CutOut) -> QImage:
        image = self._images.get(cutout)
        if image is None:
            height, width = cutout.pixels.shape[:2]
            straight = QImage(cutout.pixels.data, width, height, width * 4, QImage.Format.Format_RGBA8888)
            image = straight.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
            self._images[cutout] = image
        return image


class LiveTranslate(QObject):
    """Translates what the camera shows while it is to.

    news: LiveNews, with every frame. changed: whether it does so now.
    """

    news = Signal(object)
    changed = Signal(bool)

    def __init__(
        self,
        engine: Engine,
        feed: CameraFeed,
        canvas: Canvas,
        uncover: Uncover,
        wanted: Callable[[], tuple[object, Callable[[], Wish]] | None],
    ) -> None:
        """wanted: while live pictures are to be translated, what tells one wish from another (model, languages), and
        how to make it: on another thread; it may read files and raise SpyglassError."""
        super().__init__(canvas)
        self.cutouts = LiveCutOuts(canvas, uncover)
        self._engine, self._feed, self._canvas = engine, feed, canvas
        self._wanted = wanted
        self._lookout: TranslationLookout | None = None
        self._running: object | None = None
        self._news: tuple[TranslationLookout, LiveNews] | None = None
        """The newest, and whose it is: another thread may leave it when that one was already stopped."""
        self._paused = False
        feed.taps.append(self._see)
        feed.frame.connect(self._on_frame)
        feed.stopped.connect(self._stop)

    @property
    def on(self) -> bool:
        """Whether live pictures are being translated."""
        return self._lookout is not None

    def picture(self) -> Picture | None:
        """The frame that the translation is about."""
        return self._lookout.read(LiveTranslation.picture) if self._lookout is not None else None

    def close(self) -> None:
        """Look at nothing more."""
        if self._see in self._feed.taps:
            self._feed.taps.remove(self._see)
        self._stop()

    # --- the camera's thread ---

    def _see(self, frame: Frame) -> None:
        lookout = self._lookout
        if lookout is not None:
            verdict = lookout.frame(frame)
            self._news = lookout, lookout.read(lambda looker: _news(looker, verdict))

    # --- the window's thread ---

    def _on_frame(self, _: QImage) -> None:
        self._follow()
        if self._news is None or self._news[0] is not self._lookout:
            return
        lookout, news = self._news
        hidden = not self._canvas.seen
        if hidden != self._paused:
            self._paused = hidden
            (lookout.pause if hidden else lookout.resume)()
        self.cutouts.shown = news.shown
        self.news.emit(news)

    def _follow(self) -> None:
        """Begin, change or end as the mode, the model and the languages say now."""
        wanted = self._wanted()
        key = wanted[0] if wanted is not None else None
        if key == self._running:
            return
        self._stop()
        self._running = key
        if wanted is not None:
            self._lookout = TranslationLookout(LiveTranslation(), self._engine, wanted[1], sense=Sensors().read)
            self.changed.emit(True)

    def _stop(self) -> None:
        lookout, self._lookout = self._lookout, None
        self._running, self._news, self._paused = None, None, False
        self.cutouts.shown = ()
        if lookout is not None:
            lookout.stop()
            self.changed.emit(False)
        self._canvas.update()


def _news(looker: LiveTranslation, verdict: Reason | Wait) -> LiveNews:
    return LiveNews(looker.shown(), looker.state(), verdict, looker.reading, looker.error)


def live_words(news: LiveNews | None) -> Wording:
    """What is said while the camera runs; nothing while translations can be seen."""
    point = Wording("Point the camera at a sign, a menu or a letter.")
    if news is None:
        return point
    if news.error is not None and not news.reading:
        return news.error.whole
    state = news.state
    if news.shown or (state is not None and state.passages):
        return Wording("")
    if news.reading:
        return Wording("Reading the text…")
    if isinstance(news.verdict, Wait) or news.verdict in (Reason.GOOD, Reason.SAME):
        return Wording("There is no text in view.") if state is not None else point
    return Wording.of(news.verdict.value)


def transform(shown: Shown) -> QTransform:
    """From the cut-out's pixels to the frame's. Qt multiplies rows, so the matrix is turned."""
    m = shown.matrix.T
    return QTransform(*(float(v) for v in m.reshape(-1)))


def _holds(place: QTransform, image: QImage, point: QPointF) -> bool:
    inverse, possible = place.inverted()
    return possible and QRectF(image.rect()).contains(inverse.map(point))
