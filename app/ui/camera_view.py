"""The camera for the stage: permission, choice of device, always the newest frame, plain words when there is none."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol

import cv2
import numpy as np
from PySide6.QtCore import QCameraPermission, QCoreApplication, QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage

from app.capture.camera import Camera, CameraInfo, Frame, Rotation, State, Status
from app.capture.sources import Pixels
from app.errors import CameraError
from app.ui.bridge import Background
from app.wording import Wording


class OpenCamera(Protocol):
    """How a camera is made: app.capture.camera.Camera, or another source of frames in a test."""

    def __call__(
        self,
        source: str | CameraInfo,
        *,
        width: int,
        height: int,
        fps: float,
        on_frame: Callable[[Frame], None],
        on_status: Callable[[Status], None],
    ) -> Camera: ...


class CameraFeed(QObject):
    """frame: a QImage, the newest, and the size in pixels of the frame it was made of. words: a Wording, what the
    camera is doing while it shows nothing. starting: another source is about to be opened. started: it shows something
    after it did not. stopped: it is off. ended: a video was played to its end. failed: a CameraError."""

    frame = Signal(QImage, QSize)
    words = Signal(object)
    starting = Signal()
    started = Signal()
    stopped = Signal()
    ended = Signal()
    failed = Signal(object)
    _came = Signal()
    _status = Signal(int, object)

    def __init__(
        self,
        background: Background,
        devices: Callable[[], list[CameraInfo]],
        open_camera: OpenCamera = Camera,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.devices: list[CameraInfo] = []
        self.source: str | CameraInfo | None = None
        self.usual: str | CameraInfo | None = None
        """The camera, of this machine or of the network, that showed something last: the one to turn on again."""
        self.address = ""
        """The address of a network camera that was named last, whether it worked or not."""
        self.wrong_address = False
        """Whether nothing that can be shown comes from `address`, which is being tried."""
        self.format: Callable[[], tuple[int, int, float]] = lambda: (1280, 720, 30.0)
        """Width, height and frames a second to ask a camera for."""
        self.mirror = False
        self.rotate: Rotation = 0
        self._background = background
        self._list_devices = devices
        self.taps: list[Callable[[Frame], object]] = []
        """Each called with every frame on the camera's thread, before it is shown. Must be quick."""
        self.keepers: list[Callable[[Frame], object]] = []
        """The same, once the frame is on its way to being shown."""
        self.scale = 1.0
        """Screen pixels that a pixel of the frame takes where it is shown; it is sent no larger than that."""
        self._open_camera = open_camera
        self._camera: Camera | None = None
        self._lock = threading.Lock()  # guards the next three
        self._opened = 0  # so many sources were opened; what an earlier one still says is not heard
        self._newest: tuple[Frame, Pixels] | None = None
        self._waking = False
        self._shown: Frame | None = None
        self._drawn: Pixels | None = None
        self._came.connect(self._on_came, Qt.ConnectionType.QueuedConnection)
        self._status.connect(self._on_status, Qt.ConnectionType.QueuedConnection)

    @property
    def on(self) -> bool:
        return self._camera is not None

    @property
    def latest(self) -> Frame | None:
        """The frame that is shown."""
        return self._shown

    @property
    def fps(self) -> float:
        """Frames a second that the camera delivers."""
        return self._camera.fps if self._camera else 0.0

    def start(self, source: str | CameraInfo | None = None) -> None:
        """Open `source`, a device, an address or a file, or what was shown last, or the first device there is, once it
        may be used."""
        if source is None and isinstance(self.usual, str):
            source = self.usual
        self._let_go()
        self.wrong_address = False
        self.starting.emit()
        self.words.emit(Wording("Starting the camera"))
        if isinstance(source, str):  # no camera of this machine: there is nothing to permit
            self.address = source if "://" in source else self.address
            self._open(source)
            return
        permission = QCameraPermission()
        app = QCoreApplication.instance()
        assert app
        if app.checkPermission(permission) == Qt.PermissionStatus.Granted:
            self._look(self._opened, source)
        else:
            app.requestPermission(permission, self, partial(self._on_permission, self._opened, source))

    def set_view(self, mirror: bool, rotate: Rotation) -> None:
        """How frames are turned (clockwise, by degrees) and mirrored, from the next one on."""
        self.mirror, self.rotate = mirror, rotate
        if self._camera:
            self._camera.mirror, self._camera.rotate = mirror, rotate

    def follow_format(self) -> None:
        """Let a camera of this machine deliver what is wanted now."""
        if self.on and isinstance(self.source, CameraInfo):
            self.start(self.source)

    def find_devices(self, done: Callable[[], object]) -> None:
        """Look which devices there are now, for some may have been plugged in since; call `done` when that is known."""

        def found(devices: list[CameraInfo]) -> None:
            self.devices = devices
            done()

        self._background.run(self._list_devices, found, self.failed.emit)

    def stop(self) -> None:
        """Turn the camera off. Its threads end by themselves; a driver may take its time."""
        self._let_go()
        self.stopped.emit()

    def _let_go(self) -> None:
        camera, self._camera = self._camera, None
        if camera:
            camera.stop()
        with self._lock:
            self._opened += 1
            self._newest = self._shown = None

    def close(self) -> None:
        """Turn the camera off and wait for its threads."""
        camera, self._camera = self._camera, None
        if camera:
            camera.close()

    def _on_permission(self, opened: int, source: CameraInfo | None, permission: QCameraPermission) -> None:
        app = QCoreApplication.instance()
        assert app
        if opened != self._opened:  # it was turned off, or another one chosen, before the question was answered
            return
        if app.checkPermission(permission) == Qt.PermissionStatus.Granted:
            self._look(opened, source)
        else:
            self._fail(
                CameraError("Spyglass may not use the camera.", "Allow it in the privacy settings of the system.")
            )

    def _look(self, opened: int, source: CameraInfo | None) -> None:
        self._background.run(self._list_devices, partial(self._on_devices, opened, source), self._fail)

    def _on_devices(self, opened: int, wanted: CameraInfo | None, devices: list[CameraInfo]) -> None:
        self.devices = devices
        if opened != self._opened:  # the same: a camera must not come on that nobody waits for any more
            return
        if wanted or devices:
            self._open(wanted or self._usual_of(devices))
        else:
            self._fail(CameraError("No camera was found.", "Connect one, or use a phone as a network camera."))

    def _usual_of(self, devices: list[CameraInfo]) -> CameraInfo:
        """What was shown last, if it is there, or else the first."""
        usual = self.usual if isinstance(self.usual, CameraInfo) else devices[0]
        same = (device for device in devices if device.name == usual.name)
        return usual if usual in devices else next(same, devices[0])

    def _open(self, source: str | CameraInfo) -> None:
        self._let_go()
        try:
            width, height, fps = self.format()
            camera = self._open_camera(
                source,
                width=width,
                height=height,
                fps=fps,
                on_frame=partial(self._on_frame, self._opened),
                on_status=partial(self._status.emit, self._opened),
            )
        except CameraError as error:
            self._fail(error)
            return
        self.source, self._camera = source, camera
        camera.mirror, camera.rotate = self.mirror, self.rotate
        camera.start()

    def _fail(self, error: object) -> None:
        self.stop()
        self.failed.emit(error)

    # --- the camera's threads ---

    def _on_frame(self, opened: int, frame: Frame) -> None:
        if opened != self._opened:
            return
        for tap in tuple(self.taps):
            tap(frame)
        drawn = for_screen(frame.rgb, self.scale)
        with self._lock:
            if opened != self._opened:
                return
            self._newest = frame, drawn
            first, self._waking = not self._waking, True
        if first:
            self._came.emit()
        for keep in tuple(self.keepers):
            keep(frame)

    # --- the window's thread ---

    def _on_came(self) -> None:
        with self._lock:
            newest, self._newest, self._waking = self._newest, None, False
        if newest is not None and self._camera is not None:
            # The image borrows the pixels, which nobody changes and `_drawn` keeps alive until the next.
            self._shown, self._drawn = frame, drawn = newest
            height, width, _ = drawn.shape
            image = QImage(drawn.data, width, height, width * 4, QImage.Format.Format_RGB32)
            self.frame.emit(image, QSize(frame.rgb.shape[1], frame.rgb.shape[0]))

    def _on_status(self, opened: int, status: Status) -> None:
        if opened != self._opened or self._camera is None:
            return
        if status.state is State.GONE and status.error is None:
            self.stop()
            self.ended.emit()
        elif status.state is State.GONE and self._shown is None:
            self._fail(status.error)
        elif status.state is State.LIVE:
            self.wrong_address = False
            if isinstance(self.source, CameraInfo) or self.source == self.address:
                self.usual = self.source
            self.started.emit()
        else:
            self.wrong_address = status.error is not None and self.source == self.address
            self.words.emit(status.error.whole if status.error else status.words)


def for_screen(rgb: Pixels, scale: float) -> Pixels:
    """(h, w, 4) uint8, BGRA: a frame of (H, W, 3) RGB as Qt copies it to a screen without touching each pixel.

    Done on the camera's thread: Qt would take three milliseconds a frame for it on the window's, and Python's lock with
    it. Frames that are shown larger than they are (scale above 1) stay as they are.
    """
    height, width = rgb.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if scale < 1:
        while rgb.shape[1] >= 2 * size[0] and rgb.shape[0] >= 2 * size[1]:
            half = rgb.shape[1] // 2, rgb.shape[0] // 2
            rgb = np.asarray(cv2.resize(rgb, half, interpolation=cv2.INTER_LINEAR))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR))
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGRA))
