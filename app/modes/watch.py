"""Watch: "tell me when a bus comes". A yes or no about every frame that is worth one, and word when it turns to yes.

Pure, like app.modes.live. The answer is one word under a grammar, so a frame costs hardly more than looking at it.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from app.capture.gate import View
from app.errors import SpyglassError, UsageError, of_kind
from app.modes.schedule import Figures, Schedule, Turn
from app.values import Ask, Event, Failed, Finished, Message, ModelSpec, Piece, Progress, Sampling
from app.wording import Wording

SCHEMA: dict[str, Any] = {"enum": ["Yes", "No"], "format": "text"}
_MAX_TOKENS = 8
_MAX_WISH = 300
_REQUEST = re.compile(
    r"^\s*(please\s+)?((tell|let|notify|warn|alert|wake|show)\s+(me\s+)?(know\s+)?|watch(\s+out)?\s+|wait\s+|look(\s+out)?\s+)"
    r"(when(ever)?|if|for|until|once|as soon as)\s+(there('s| is| are)\s+)?",
    re.IGNORECASE,
)
_ARRIVAL = re.compile(
    r"\s+(comes?|appears?|arrives?|shows? up|turns? up|(is|are) (there|here|seen|visible)|can be seen"
    r"|enters?|passes( by)?|comes? (in|by|along|up|into (view|sight)|home)|walks? in)\s*$",
    re.IGNORECASE,
)
_THING = re.compile(
    r"^((a|an|the|some|any|my|your|his|her|our|their|two|three|four|five|many|several)\s)?(\S+\s?){1,4}$", re.I
)
_VERB = re.compile(r"\b(is|are|has|have|was|does|do|can)\b|\b\w+(?<!s)s\s", re.IGNORECASE)


def question(wish: str) -> str:
    """The question that a wish in plain words comes down to. Raises UsageError for an empty or endless one.

    "Tell me when a bus comes" and "a bus" ask whether there is a bus; anything else is put to the model as it is.
    """
    core, thing = _cores(wish)
    if len(wish) > _MAX_WISH:
        todo = Wording("Say it in at most {most} characters.", most=_MAX_WISH)
        raise UsageError("This is too long to be watched for.", todo)
    if not core:
        raise UsageError(
            "It is not said what to watch for.", 'Write it like "a bus" or "tell me when the door is open".'
        )
    if thing and _THING.match(thing) and (thing != core or not _VERB.search(thing)):
        return f"Is there {thing} in the picture?"
    return f"Is this true of the picture: {core}? Answer yes or no."


def subject(wish: str) -> str:
    """What is waited for, in few words: "a bus" for "tell me when a bus comes"."""
    core, thing = _cores(wish)
    return thing or core or wish


def _cores(wish: str) -> tuple[str, str]:
    """The wish without what asks for being told, and that without what says that it comes."""
    core = _REQUEST.sub("", wish.strip().rstrip(".!?"))
    return core, _ARRIVAL.sub("", core)


def asked(model: ModelSpec, pictures: tuple[str, ...], wish: str, lane: str | None = None) -> Ask:
    """The yes-or-no question about the picture with this digest."""
    message = Message(role="user", text=question(wish), pictures=pictures)
    return Ask(model=model, messages=(message,), sampling=Sampling(max_tokens=_MAX_TOKENS), schema=SCHEMA, lane=lane)


@dataclass
class YesNo:
    """The answer as it comes in."""

    text: str = ""
    _log: float = 0.0

    def add(self, piece: Piece) -> None:
        start = len(self.text)
        self.text += piece.text
        word = re.search(r"\w+", self.text)
        if word is not None and start < word.end() and len(self.text) > word.start():
            self._log += math.log(max(piece.probability, 1e-12))

    def probability(self) -> float | None:
        """How likely the answer is yes; None while nothing that can be understood was said."""
        word = re.search(r"\w+", self.text.casefold())
        if word is None or word[0] not in ("yes", "no"):
            return None
        sure = math.exp(self._log)
        return sure if word[0] == "yes" else 1 - sure


@dataclass(frozen=True)
class Answered:
    """What one frame was found to be. time: the frame's. news: it is a yes and the answer before it was none."""

    time: float
    probability: float
    yes: bool
    news: bool


class Watch:
    """Show it every frame with `see`, and every event of the job it asked for with `event`.

    A yes counts from `threshold` on; another one is news only after an answer clearly below it, so that a thing that
    stands there is told once.
    """

    lane = "watch"

    def __init__(self, wish: str, schedule: Schedule | None = None, threshold: float = 0.6) -> None:
        question(wish)
        self.wish = wish
        self.schedule = schedule or Schedule()
        self.error: SpyglassError | None = None
        self.last: Answered | None = None
        self._threshold = threshold
        self._there = False
        self._answer = YesNo()
        self._frame_time = 0.0

    def see(self, seen: View) -> Turn:
        """The next frame."""
        return self.judge(seen)

    def judge(self, seen: View) -> Turn:
        turn = self.schedule.look(seen)
        if turn.send:
            self._answer, self._frame_time = YesNo(), seen.time
        return turn

    def follow(self, seen: View) -> None:
        """Nothing is shown that would have to follow."""

    def figures(self, now: float) -> Figures:
        return self.schedule.figures(now)

    def ask(self, model: ModelSpec, picture: str) -> Ask:
        return asked(model, (picture,), self.wish, self.lane)

    def event(self, event: Event, now: float) -> Answered | None:
        """The next event of the job under way; what was found, when it ends."""
        if isinstance(event, Piece):
            self._answer.add(event)
            self.schedule.writing()
        elif isinstance(event, Progress):
            self.schedule.began(event)
        elif isinstance(event, Failed):
            self.error = of_kind(event.kind, event.what, event.todo, event.detail)
            self.schedule.ended(now, failed=True)
        elif isinstance(event, Finished):
            complete = event.reason in ("stop", "length")
            self.schedule.ended(now, cancelled=not complete)
            if complete:
                self.error = None
                return self._judge()
        return None

    def _judge(self) -> Answered | None:
        sure = self._answer.probability()
        if sure is None:
            return None
        yes = sure >= self._threshold
        news = yes and not self._there
        if yes or sure < self._threshold - 0.2:
            self._there = yes
        self.last = Answered(self._frame_time, sure, yes, news)
        return self.last
