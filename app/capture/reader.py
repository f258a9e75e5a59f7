"""The thread that reads a source, and may hang inside a driver; app.capture.camera watches it."""

import logging
import threading
from collections.abc import Callable

from app.capture.sources import Ended, Opener, Pixels, Source
from app.errors import CameraError

_log = logging.getLogger(__name__)


class Reader(threading.Thread):
    """Opens a source and reads it until it breaks, ends or is abandoned. `outcome` says how it came to an end."""

    def __init__(
        self, open_source: Opener, publish: Callable[["Reader", Pixels], None], wake: Callable[[], None]
    ) -> None:
        super().__init__(name="camera-reader", daemon=True)
        self._open = open_source
        self._publish = publish
        self._wake = wake
        self.abandoned = threading.Event()
        self.outcome: Ended | CameraError | None = None

    def run(self) -> None:
        source: Source | None = None
        try:
            source = self._open()
            while not self.abandoned.is_set():
                self._publish(self, source.read())
        except (Ended, CameraError) as end:
            self.outcome = end
        except Exception as error:
            _log.exception("reading a camera failed")
            self.outcome = CameraError("The camera cannot be read.", "Unplug it and plug it in again.", repr(error))
        finally:
            _close(source)
            self._wake()


def _close(source: Source | None) -> None:
    """What a driver still complains of at the end helps nobody, and whoever waits for the reader must be woken."""
    try:
        if source is not None:
            source.close()
    except Exception:
        _log.exception("closing a camera failed")
