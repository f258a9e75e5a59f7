"""What stands beside a live picture: what is being done, the things in view, and what can be done with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.capture.gate import Reason
from app.modes.conditions import Conditions
from app.modes.labels import Label
from app.modes.schedule import Figures, Wait
from app.modes.watch import Answered, subject
from app.ui.buttons import IconButton
from app.ui.figures import doing
from app.ui.i18n import from_start, percent, say, shown
from app.ui.notify import announce
from app.values import Progress
from app.wording import Wording

_MOST_ROWS = 8
_DOTS = 5
_ASK = Wording("Ask about this")


@dataclass(frozen=True)
class Row:
    """A line of the list. words: the name and how many; dots: how sure, 0 where that is no longer told."""

    name: str
    words: str
    dots: int
    sure: bool

    @property
    def text(self) -> str:
        """All of it, for screen readers."""
        return f"{self.words}   {'●' * self.dots}{'○' * (_DOTS - self.dots)}" if self.dots else self.words


class _RowButton(QPushButton):
    """One line: the name left, how sure the model is right. A click asks about the thing."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("row", True)
        self.setAutoDefault(False)
        say(self.setAccessibleName, _ASK)
        say(self.setToolTip, _ASK)
        line = QHBoxLayout(self)
        line.setContentsMargins(8, 4, 8, 4)
        self._words, self._dots = QLabel(), QLabel()
        for label in (self._words, self._dots):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        line.addWidget(self._words, 1)
        line.addWidget(self._dots)
        self.setMinimumHeight(self._words.sizeHint().height() + 8)
        self.row: Row | None = None

    def show_row(self, row: Row | None) -> None:
        if row == self.row:
            return
        self.row = row
        self.setVisible(row is not None)
        if row is None:
            return
        self._words.setText(from_start(row.words))
        self._dots.setText("●" * row.dots + "○" * (_DOTS - row.dots) if row.dots else "")
        for label, name in ((self._words, "" if row.sure else "soft"), (self._dots, "sure" if row.sure else "soft")):
            if label.objectName() != name:
                label.setObjectName(name)
                label.style().unpolish(label)
                label.style().polish(label)
        say(self.setAccessibleName, row.text)
        self.setMinimumHeight(self._words.sizeHint().height() + 8)


class LivePanel(QWidget):
    """A card above the conversation. snapshot, clip: save one. unwatched: stop watching. asked: the name of a thing.
    figures, speech: whether they are wanted."""

    snapshot = Signal()
    clip = Signal()
    unwatched = Signal()
    asked = Signal(str)
    figures = Signal(bool)
    speech = Signal(bool)

    def __init__(self, can_speak: bool = False) -> None:
        super().__init__()
        say(self.setAccessibleName, Wording("Live"))
        card = QFrame()
        card.setObjectName("bar")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 8, 16, 8)
        outer.addWidget(card)
        column = QVBoxLayout(card)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(2)
        column.addLayout(self._make_head(can_speak))
        self._wish = _words()
        self._wish.setContentsMargins(8, 0, 8, 4)
        column.addWidget(self._wish)
        self._answered = _words()
        self._answered.setObjectName("soft")
        self._answered.setContentsMargins(8, 0, 8, 4)
        column.addWidget(self._answered)
        self._rows = [_RowButton() for _ in range(_MOST_ROWS)]
        for row in self._rows:
            row.clicked.connect(lambda _=False, r=row: self.asked.emit(r.row.name if r.row else ""))
            row.hide()
            column.addWidget(row)
        self._hint = ""
        self.show_wish("")
        self.hide()

    def _make_head(self, can_speak: bool) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(0)
        self._state = _words()
        self._state.setObjectName("soft")
        self._state.setContentsMargins(8, 0, 8, 0)
        head.addWidget(self._state, 1)
        self._speak = _toggle("volume-2", Wording("Say aloud what is found"), self.speech)
        self._speak.setVisible(can_speak)
        self._gauge = _toggle("gauge", Wording("Show figures on the picture"), self.figures)
        self._stop = IconButton("x", Wording("Stop watching"), self.unwatched.emit, size=18)
        for button in (
            IconButton("camera", Wording("Save a snapshot"), self.snapshot.emit, size=18),
            IconButton("film", Wording("Save the last ten seconds"), self.clip.emit, size=18),
            self._speak,
            self._gauge,
            self._stop,
        ):
            head.addWidget(button)
        return head

    @property
    def words(self) -> str:
        """All that is said, for tests and screen readers."""
        lines = [
            label.text() for label in (self._state, self._wish, self._answered) if not label.isHidden() and label.text()
        ]
        return "\n".join([*lines, *(row.row.text for row in self._rows if row.row is not None)])

    def show_toggles(self, figures: bool, speech: bool) -> None:
        """What the settings say."""
        self._gauge.setChecked(figures)
        self._speak.setChecked(speech)

    def show_wish(self, wish: str) -> None:
        """What is watched for; nothing: everything is named."""
        self._stop.setVisible(bool(wish))
        self._wish.setVisible(bool(wish))
        say(self._wish.setText, Wording("Waiting for: {things}", things=subject(wish)) if wish else "")
        self._answered.setVisible(bool(wish))
        self.show_answered(None, 0.0)
        self.show_labels((), 0.0)

    def show_state(
        self,
        verdict: Reason | Wait,
        hint: str = "",
        trouble: str = "",
        nothing: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """What is being done now. hint: the advice that stands on the picture; trouble: what is wrong; nothing: the
        model knows nothing of what is seen; progress: what is done for an answer that takes long.
        """
        if hint != self._hint:
            self._hint = hint
            announce(self, hint)
        resting = isinstance(verdict, Wait) and verdict is not Wait.BUSY
        calm = Wording("Nothing that I know.") if nothing and verdict is Reason.SAME else Wording("Looking around")
        calm = Wording("Waiting for a clear picture") if hint else calm
        words = trouble or (_doing(progress) if progress is not None else shown(verdict.value if resting else calm))
        if words != self._state.text():
            self._state.setText(words)
            announce(self, trouble)

    def show_answered(self, answered: Answered | None, now: float) -> None:
        """What the last look for it found, so that one sees the watch at work."""
        words = Wording("Not looked yet")
        if answered is not None:
            state, sure = _state(answered)
            age = round(now - answered.time)
            words = Wording("{seconds} s ago: {state} ({share:.0%} sure)", seconds=age, state=state, share=sure)
        if shown(words) != self._answered.text():
            self._answered.setText(shown(words))

    def show_silence(self, words: str) -> None:
        """The camera shows nothing new; what it does instead stands on the stage."""
        self._state.setText(shown(Wording("Waiting for the camera")))
        announce(self, shown(words))

    def show_labels(self, labels: Sequence[Label], now: float) -> None:
        """The things in view, one line a name; what no longer belongs with its age."""
        lines = rows(labels, now)
        for i, button in enumerate(self._rows):
            button.show_row(lines[i] if i < len(lines) else None)


def _doing(progress: Progress) -> str:
    what, share = doing(progress)
    return f"{shown(what)} {percent(share)}"


def _state(answered: Answered) -> tuple[Wording, float]:
    """What an answer comes to, and the probability of that. A yes that is too unsure to be told is called that."""
    if answered.yes:
        return Wording("it is there"), answered.probability
    if answered.probability >= 0.5:
        return Wording("perhaps there"), answered.probability
    return Wording("not there"), 1 - answered.probability


def rows(labels: Sequence[Label], now: float) -> list[Row]:
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
        if faded:
            age = shown(Wording("{things}, {seconds} s ago", things=words, seconds=round(now - same[0].seen)))
            lines.append(Row(name, age, 0, False))
        else:
            best = max(same, key=lambda label: label.probability)
            lines.append(
                Row(name, words if best.sure else f"{words}?", max(1, round(best.probability * _DOTS)), best.sure)
            )
    return lines[:_MOST_ROWS]


def lines(figures: Figures, fps: float, size: tuple[int, int]) -> list[str]:
    """All the figures, a line each."""
    parts = [
        Wording("{width} × {height}, {rate:.0f} frames/s", width=size[0], height=size[1], rate=fps),
        Wording("{n} answers in the last minute", n=figures.answers),
    ]
    if figures.to_label_s is not None:
        parts.append(Wording("{seconds:.2f} s from frame to label", seconds=figures.to_label_s))
    if figures.job_s is not None:
        parts.append(Wording("{seconds:.2f} s an answer", seconds=figures.job_s))
    allowed = figures.conditions.duty()
    parts.append(Wording("at work {share:.0%} of the time, {most:.0%} allowed", share=figures.work, most=allowed))
    return [shown(part) for part in [*parts, *_machine(figures.conditions), *fates(figures.fates)]]


def _machine(state: Conditions) -> list[Wording]:
    """What keeps the engine from working more, if something does."""
    parts = []
    if state.on_battery:
        parts.append(Wording("on battery, {share:.0%}", share=state.battery))
    if state.throttled:
        parts.append(Wording("the processor is too hot and slows down"))
    elif state.spare_c is not None:
        parts.append(Wording("{degrees:.0f} °C below the processor's limit", degrees=max(state.spare_c, 0.0)))
    return parts


_FATES: Mapping[Reason | Wait, Wording] = {
    Reason.GOOD: Wording("sent"),
    Reason.SAME: Wording("nothing new"),
    Reason.BLACK: Wording("black"),
    Reason.DARK: Wording("too dark"),
    Reason.BRIGHT: Wording("too bright"),
    Reason.BLURRED: Wording("blurred"),
    Reason.MOVING: Wording("moving"),
    Wait.BUSY: Wording("engine busy"),
    Wait.RESTING: Wording("resting"),
    Wait.SAVING: Wording("saving the battery"),
    Wait.FAILED: Wording("after a failure"),
    Wait.PAUSED: Wording("paused"),
}


def fates(shares: Mapping[Reason | Wait, float]) -> list[Wording]:
    """What became of the frames, the commonest first; what is under half a percent is left out."""
    told = [(fate, share) for fate, share in shares.items() if share >= 0.005]
    return [Wording("{share:.0%} {fate}", share=share, fate=_FATES[fate]) for fate, share in told]


def _words() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _toggle(icon: str, name: str, signal: SignalInstance) -> IconButton:
    button = IconButton(icon, name, size=18)
    button.setCheckable(True)
    button.toggled.connect(signal)
    return button
