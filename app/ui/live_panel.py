"""What stands beside a live picture: advice, the things in view with their counts, and figures for who wants them."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.capture.gate import Reason
from app.modes.labels import Label
from app.modes.live import Figures
from app.modes.schedule import Wait
from app.ui import theme
from app.ui.buttons import IconButton
from app.ui.i18n import shown
from app.ui.notify import announce

_MOST_ROWS = 8
_DOTS = 5


class LivePanel(QWidget):
    """A card above the conversation. snapshot, clip: save one. unwatched: stop watching."""

    snapshot = Signal()
    clip = Signal()
    unwatched = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Live"))
        card = QFrame()
        card.setObjectName("bar")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 8, 16, 8)
        outer.addWidget(card)
        column = QVBoxLayout(card)
        column.setContentsMargins(12, 8, 8, 8)
        column.setSpacing(4)
        head = QHBoxLayout()
        head.setSpacing(0)
        self._coach = _words("", soft=True)
        head.addWidget(self._coach, 1)
        self._stop = IconButton("x", self.tr("Stop watching"), self.unwatched.emit, size=16)
        for button in (
            IconButton("image", self.tr("Save a snapshot"), self.snapshot.emit, size=16),
            IconButton("scan", self.tr("Save the last ten seconds"), self.clip.emit, size=16),
            IconButton("info", self.tr("Show or hide figures"), self._toggle_figures, size=16),
            self._stop,
        ):
            head.addWidget(button)
        column.addLayout(head)
        self._list = _words("")
        column.addWidget(self._list)
        self._figures = _words("", soft=True)
        self._figures.setFont(theme.scaled(self.font(), 0.85))
        self._figures.hide()
        column.addWidget(self._figures)
        self._said = ""
        self.show_wish("")
        self.hide()

    @property
    def words(self) -> str:
        """All that is said, for tests and screen readers."""
        parts = (self._coach, self._list, self._figures)
        return "\n".join(part.text() for part in parts if not part.isHidden() and part.text())

    @property
    def shows_figures(self) -> bool:
        return not self._figures.isHidden()

    def show_wish(self, wish: str) -> None:
        """What is watched for; nothing: everything is named."""
        self._stop.setVisible(bool(wish))
        self._figures.setText("")
        self._list.setText(self.tr("Watching: {}").format(wish) if wish else "")

    def show_coach(self, verdict: Reason | Wait, trouble: str = "") -> None:
        """Why nothing is asked about the picture now, or what is wrong."""
        good = verdict in (Reason.GOOD, Reason.SAME)
        words = trouble or (self.tr("Looking around") if good else shown(verdict.value))
        self._coach.setText(words)
        advice = "" if good or isinstance(verdict, Wait) else words
        if (advice or trouble) and words != self._said:
            announce(self, words)
        self._said = words

    def show_labels(self, labels: Sequence[Label], now: float) -> None:
        """The things in view, one line a name; what no longer belongs with its age."""
        self._list.setText("\n".join(rows(labels, now)))

    def show_figures(self, figures: Figures, fps: float) -> None:
        lines = [self.tr("{:.0f} frames/s · {} answers a minute").format(fps, figures.answers)]
        if figures.to_label_s is not None:
            lines.append(self.tr("{:.2f} s from frame to label").format(figures.to_label_s))
        lines += [f"{share:.0%} {words}" for words, share in fates(figures.fates)]
        self._figures.setText("\n".join(lines))

    def _toggle_figures(self) -> None:
        self._figures.setVisible(self._figures.isHidden())


def rows(labels: Sequence[Label], now: float) -> list[str]:
    """Lines for the list: counts first, how sure as dots, the age in seconds of what no longer belongs."""
    table: dict[tuple[str, bool], list[Label]] = {}
    for label in labels:
        table.setdefault((label.name, label.faded), []).append(label)
    fresh = {name for name, faded in table if not faded}
    lines = []
    for (name, faded), same in sorted(table.items(), key=lambda item: item[0][1]):
        if faded and name in fresh:
            continue
        number = sum(label.count for label in same)
        words = name if number == 1 else f"{number} × {name}"
        full = round(max(label.probability for label in same) * _DOTS)
        dots = "●" * full + "○" * (_DOTS - full)
        lines.append(f"({words}, {now - same[0].seen:.0f} s ago)" if faded else f"{words}   {dots}")
    return lines[:_MOST_ROWS]


def fates(shares: Mapping[Reason | Wait, float]) -> list[tuple[str, float]]:
    """What became of the frames, in words, the commonest first; what is under half a percent is left out."""
    names: dict[Reason | Wait, str] = {
        Reason.GOOD: "sent",
        Reason.SAME: "nothing new",
        Reason.BLACK: "black",
        Reason.DARK: "too dark",
        Reason.BRIGHT: "too bright",
        Reason.BLURRED: "blurred",
        Reason.MOVING: "moving",
        Wait.BUSY: "engine busy",
        Wait.RESTING: "resting",
        Wait.FAILED: "after a failure",
        Wait.PAUSED: "paused",
    }
    return [(names[fate], share) for fate, share in shares.items() if share >= 0.005]


def _words(text: str, soft: bool = False) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    if soft:
        label.setObjectName("soft")
    return label
