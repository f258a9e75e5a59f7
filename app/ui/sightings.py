"""What happens when something that was watched for has come: sound, notification, and a picture in the conversation."""

import time

import cv2
import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from app.capture import files
from app.capture.sources import Pixels
from app.modes.watch import subject
from app.ui import icons, notification
from app.ui.bridge import Background
from app.ui.desk import Sheet, make_sheet
from app.ui.i18n import clock, shown
from app.ui.looking import Sighting
from app.ui.notify import announce
from app.ui.session import Session
from app.ui.thumbnails import Thumbnails
from app.wording import Wording

_KEPT_SIDE = 640
"""Longest side of the pictures kept: a watch may last for days."""


class Sightings(QObject):
    """Tells the person, and keeps the sighting if the settings say so."""

    def __init__(self, window: QWidget, session: Session, background: Background, thumbnails: Thumbnails) -> None:
        super().__init__(window)
        self._window, self._session, self._background = window, session, background
        self._thumbnails = thumbnails
        self._tray: QSystemTrayIcon | None = None

    def tell(self, sighting: Sighting) -> None:
        words = shown(Wording("{thing} at {time}", thing=subject(sighting.wish), time=clock(sighting.when)))
        QApplication.beep()
        QApplication.alert(self._window)
        announce(self._window, words)
        self._notify(words)
        if self._session.settings["watch.keep"]:
            self._keep(sighting)

    def _notify(self, words: str) -> None:
        if not QSystemTrayIcon.isSystemTrayAvailable():
            notification.show(words)
            return
        if self._tray is None:
            self._tray = QSystemTrayIcon(icons.application(), self)
        self._tray.show()
        self._tray.showMessage("Spyglass", words)

    def _keep(self, sighting: Sighting) -> None:
        name = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(sighting.when))
        rgb = sighting.frame.rgb

        def done(sheet: Sheet) -> None:
            self._thumbnails.remember([sheet])
            words = Wording("Yes, at {time} ({share:.0%} sure).", time=clock(sighting.when), share=sighting.probability)
            self._session.note(sighting.wish, sheet.picture, shown(words))

        self._background.run(lambda: make_sheet(files.from_array(_small(rgb), name)), done, self._session.failed.emit)


def _small(rgb: Pixels) -> Pixels:
    height, width = rgb.shape[:2]
    scale = min(1.0, _KEPT_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
