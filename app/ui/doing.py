"""What is being done at the moment, whoever does it: one line says it, one button or key ends it."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from PySide6.QtCore import QObject, SignalInstance

from app.ui.composer import Composer
from app.ui.notify import ActivityLine
from app.ui.session import Activity


class Doer(Protocol):
    """activity: an Activity or None. busy: whether something is being done that the person waits for."""

    @property
    def activity(self) -> SignalInstance: ...
    @property
    def busy(self) -> SignalInstance: ...
    def stop(self) -> None: ...


class Doing(QObject):
    """Tells the line and the composer of everybody's work, and everybody to stop."""

    def __init__(self, doers: Sequence[Doer], line: ActivityLine, composer: Composer) -> None:
        """doers: the work of the first is shown first."""
        super().__init__(line)
        self._doers, self._line, self._composer = doers, line, composer
        self._activities: list[Activity | None] = [None] * len(doers)
        self._busy = [False] * len(doers)
        for i, doer in enumerate(doers):
            doer.activity.connect(partial(self._on_activity, i))
            doer.busy.connect(partial(self._on_busy, i))
        composer.stopped.connect(self.stop)
        line.cancelled.connect(self.stop)

    def stop(self) -> None:
        """End everything that is being done."""
        for doer in self._doers:
            doer.stop()

    def _on_activity(self, doer: int, activity: Activity | None) -> None:
        """Loading the model for later must not hide what the person waits for."""
        self._activities[doer] = activity
        self._line.show_activity(next(filter(None, self._activities), None))

    def _on_busy(self, doer: int, busy: bool) -> None:
        self._busy[doer] = busy
        self._composer.set_busy(any(self._busy))
