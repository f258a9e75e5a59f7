"""When a frame of a live picture goes to the engine: one at a time, the newest, and only if it is worth it.

Pure: the caller brings the frames, the engine's events and the time.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from statistics import median

from app.capture.gate import Gate, Reason, View
from app.capture.track import is_cut
from app.modes.conditions import Conditions
from app.values import Box, Progress, Reading
from app.wording import Wording

_MOST_CREDIT_S = 5.0
"""Seconds of work that may be saved up in quiet times: a new scene is answered at once even when work is scarce."""
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_MOST_CANCELS = 2
_STALE_S = 0.7
_QUICK_S = 1.0
"""A model whose answers take longer is not asked about parts: the machine is to stay cool, and such a model is a large
one, which seldom needs to look twice."""
_WONDER_S = 1.5
"""After so long without a word one wonders what is being done."""
_MINUTE = 60.0
_MOST_JOBS = 600


class Wait(Enum):
    """Why a frame that is good enough is not sent now. The value is what a person is told."""

    BUSY = Wording("Looking.")
    RESTING = Wording("Resting, to keep the machine cool.")
    SAVING = Wording("Resting, to save the battery.")
    FAILED = Wording("Trying again soon.")
    PAUSED = Wording("Paused.")


@dataclass(frozen=True)
class Turn:
    """What to do with a frame. `cut`: it begins another scene; `cancel`: the job under way is not worth finishing;
    `part`: send no more of it than this.
    """

    verdict: Reason | Wait
    send: bool = False
    cut: bool = False
    cancel: bool = False
    part: Box | None = None


@dataclass(frozen=True)
class Figures:
    """How it goes. answers: in the last minute. job_s: median time of a job, None before the first. work: the share of
    the last minute that the engine was at work. frames: all there were. fates: the share of them by what was decided;
    Reason.GOOD are those that were sent. to_label_s: median time from a frame to its first label, None where there are
    no labels.
    """

    answers: int
    job_s: float | None
    work: float
    conditions: Conditions
    frames: int
    fates: Mapping[Reason | Wait, float]
    to_label_s: float | None = None


@dataclass(frozen=True)
class _Job:
    began: float
    ended: float
    answered: bool


class Schedule:
    """Show it every frame; send those it says; tell it how the jobs went."""

    def __init__(self, gate: Gate | None = None, conditions: Conditions | None = None) -> None:
        self.gate = gate or Gate()
        self.conditions = conditions or Conditions()
        self.paused = False
        self.frames: Counter[Reason | Wait] = Counter()
        """How many frames met which fate; Reason.GOOD are those that were sent."""
        self._before: View | None = None
        self._credit = _MOST_CREDIT_S
        self._settled = 0.0
        """Up to when the credit is reckoned."""
        self._sent_at: float | None = None
        self._stale_since: float | None = None
        self._may_cancel = False
        self._progress: Progress | None = None
        self._cancels = 0
        self._failures = 0
        self._not_before = 0.0
        self._jobs: deque[_Job] = deque(maxlen=_MOST_JOBS)

    @property
    def busy(self) -> bool:
        return self._sent_at is not None

    def look(self, seen: View, part: Box | None = None) -> Turn:
        """The next frame. If the turn says send, its job counts as under way from now.

        part: what of it is worth a closer look when the whole has nothing new.
        """
        self._settle(seen.time)
        cut = self._before is not None and is_cut(self._before, seen)
        self._before = seen
        if cut:
            self.gate.answered(None)
        reason = self.gate.check(seen)
        verdict: Reason | Wait = reason
        if self.paused:
            verdict = Wait.PAUSED
        elif self.busy:
            verdict = Wait.BUSY if reason is Reason.GOOD else reason
        elif reason is Reason.GOOD:
            verdict = self._held_back(seen.time) or reason
        elif reason is Reason.SAME and part is not None and self._at_leisure(seen.time):
            verdict = Reason.GOOD
        send = verdict is Reason.GOOD
        self.frames[verdict] += 1
        if send and reason is Reason.GOOD:
            self.gate.answered(seen)
            part = None
        if send:
            self._sent_at, self._stale_since, self._may_cancel, self._progress = seen.time, None, False, None
        return Turn(verdict, send, cut, self._cancel_now(reason, cut, seen.time), part if send else None)

    def began(self, progress: Progress) -> None:
        """The engine does this for the job under way. What it has looked at can be cancelled cheaply from here on."""
        self._progress = progress
        self._may_cancel = self._may_cancel or isinstance(progress, Reading)

    def writing(self) -> None:
        """The first words have come."""
        self._progress, self._may_cancel = None, True

    def progress(self, now: float) -> Progress | None:
        """What is done for the job under way, where that takes so long that one wonders: a large model is loaded for a
        minute."""
        waits = self._sent_at is not None and now - self._sent_at > _WONDER_S
        return self._progress if waits else None

    def ended(self, now: float, cancelled: bool = False, failed: bool = False) -> None:
        """The job is over. After a failure the same scene is tried again, after a growing pause."""
        self._settle(now)
        if self._sent_at is not None:
            self._jobs.append(_Job(self._sent_at, now, not cancelled and not failed))
        self._sent_at = self._stale_since = None
        self._cancels = self._cancels + 1 if cancelled else 0
        self._failures = self._failures + 1 if failed else 0
        if failed:
            self._not_before = now + min(_FIRST_PAUSE_S * 2 ** (self._failures - 1), _LONGEST_PAUSE_S)
        if failed or cancelled:
            self.gate.answered(None)

    def figures(self, now: float, to_label_s: float | None = None) -> Figures:
        while self._jobs and self._jobs[0].ended < now - _MINUTE:
            self._jobs.popleft()
        answers = self._answers()
        busy = sum(job.ended - max(job.began, now - _MINUTE) for job in self._jobs)
        busy += now - max(self._sent_at, now - _MINUTE) if self._sent_at is not None else 0.0
        total = max(self.frames.total(), 1)
        fates = {fate: number / total for fate, number in self.frames.most_common()}
        pace = median(answers) if answers else None
        return Figures(len(answers), pace, busy / _MINUTE, self.conditions, self.frames.total(), fates, to_label_s)

    def _answers(self) -> list[float]:
        """How long those took that came to their end."""
        return [job.ended - job.began for job in self._jobs if job.answered]

    def _at_leisure(self, now: float) -> bool:
        """Whether there is work to spare for what is not urgent: the next scene must not have to wait for it."""
        answers = self._answers()
        quick = bool(answers) and median(answers) <= _QUICK_S
        return quick and self._held_back(now) is None and self._credit > _MOST_CREDIT_S / 2

    def _settle(self, now: float) -> None:
        """Earn for the time since the last call, and spend it as well if a job was under way.

        Spent while it lasts: what is earned during a job longer than the most that may be saved up must not be lost.
        """
        passed = max(now - self._settled, 0.0)
        rate = self.conditions.duty() - (1.0 if self.busy else 0.0)
        self._credit = min(self._credit + rate * passed, _MOST_CREDIT_S)
        self._settled = max(now, self._settled)

    def _held_back(self, now: float) -> Wait | None:
        if now < self._not_before:
            return Wait.FAILED
        if self._credit > 0:
            return None
        return Wait.SAVING if self.conditions.on_battery and not self.conditions.warm else Wait.RESTING

    def _cancel_now(self, reason: Reason, cut: bool, now: float) -> bool:
        """Whether the scene of the job under way is gone: cut, or another one has stood there for a while.

        Not too often in a row, or a restless scene would never get an answer.
        """
        if not self.busy or self._sent_at == now or self._cancels >= _MOST_CANCELS:
            return False
        if cut:
            self._stale_since = now - _STALE_S
        elif self._stale_since is None and reason is Reason.GOOD:
            self._stale_since = now
        elif reason is Reason.SAME:
            self._stale_since = None
        stale = self._stale_since is not None and now - self._stale_since >= _STALE_S
        if stale and self._may_cancel:
            self._stale_since, self._may_cancel = None, False
            return True
        return False
