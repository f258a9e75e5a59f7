"""What stands on the empty stage: how to bring a picture, and some to try."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.ui import icons, theme
from app.ui.actions import Actions
from app.ui.buttons import push
from app.ui.i18n import say
from app.ui.samples import Sample
from app.ui.thumbnails import rounded
from app.wording import Wording

_SAMPLE = QSize(88, 66)


class Invitation(QWidget):
    """What the empty stage says: one line, three buttons, and samples to try."""

    sample = Signal(Path)

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setSpacing(16)
        column.addStretch()
        self._sign = QLabel()
        self._sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self._sign)
        line = QLabel()
        say(line.setText, Wording("Drop a picture, paste one, or start the camera"))
        line.setAlignment(Qt.AlignmentFlag.AlignCenter)
        line.setWordWrap(True)
        line.setFont(theme.scaled(self.font(), 1.15))
        column.addWidget(line)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch()
        for name, kind, words in (
            ("open", "primary", Wording("Open…")),
            ("paste", "", Wording("Paste")),
            ("camera", "", Wording("Camera")),
        ):
            row.addWidget(push(words, actions[name].trigger, kind))
        row.addStretch()
        column.addLayout(row)
        self._samples = QWidget()
        self._sample_row = QHBoxLayout(self._samples)
        self._sample_row.setContentsMargins(0, 16, 0, 0)
        self._sample_row.addStretch()
        column.addWidget(self._samples)
        column.addStretch()
        self._samples.hide()
        self._has_samples = False
        self.retint()

    def offer(self, samples: Sequence[Sample]) -> None:
        """Offer pictures to try."""
        label = QLabel()
        say(label.setText, Wording("Or try"))
        label.setObjectName("soft")
        self._sample_row.addWidget(label)
        for sample in samples:
            button = QToolButton()
            button.setObjectName("sample")
            button.setIconSize(_SAMPLE)
            button.setIcon(QIcon(rounded(sample.image, _SAMPLE)))
            name = Wording("Sample picture: {name}", name=sample.path.stem.replace("-", " "))
            say(button.setAccessibleName, name)
            say(button.setToolTip, name)
            button.clicked.connect(lambda _=False, p=sample.path: self.sample.emit(p))
            self._sample_row.addWidget(button)
        self._sample_row.addStretch()
        self._has_samples = bool(samples)
        self._fit()

    def retint(self) -> None:
        self._sign.setPixmap(icons.pixmap("image-plus", theme.current().accent, 48, self.devicePixelRatioF()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        samples = self._has_samples and self.height() >= 240
        self._samples.setVisible(samples)
        self._sign.setVisible(self.height() >= (340 if samples else 260))
