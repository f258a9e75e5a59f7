"""A conversation: questions, the pictures they are about, and what became of each answer.

Knows nothing of windows or engines: it takes in events and says which messages the next job must carry.
"""

import enum
import itertools
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.errors import SpyglassError, of_kind
from app.values import Event, Failed, Finished, Loading, Looking, Message, Picture, Piece, Progress, Reading, Stats
from app.wording import Wording


class State(enum.Enum):
    """How far an answer is. The last three are final; their text stands."""

    WAITING = "waiting"
    WORKING = "working"
    WRITING = "writing"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


MOST_NOTES = 100
"""A watch may last for days; older notes than these are forgotten, with their pictures."""

ENDED = (State.FINISHED, State.STOPPED, State.FAILED)


@dataclass(frozen=True)
class Translated:
    """An answer in another language. language: its code; text: a Wording where all that is to be said is that
    it is in that language already; remarks: what is to be looked at twice."""

    language: str
    text: str = ""
    ended: bool = False
    remarks: tuple[Wording, ...] = ()


@dataclass(eq=False)
class Turn:
    """A question and its answer. pictures: digests of those shown with this question, in order. note: it was not asked,
    but noted while watching."""

    id: int
    question: str
    pictures: tuple[str, ...] = ()
    mode: str = "ask"
    model: str = ""
    answer: str = ""
    state: State = State.WAITING
    progress: Progress | None = None
    stats: Stats | None = None
    cut_off: bool = False
    """The answer ended because no more tokens were allowed, not because the model was done."""
    error: SpyglassError | None = None
    translated: Translated | None = None
    note: bool = False

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def restart(self) -> None:
        """Forget the answer; it is asked for again."""
        self.answer, self.state, self.progress = "", State.WAITING, None
        self.stats, self.cut_off, self.error, self.translated = None, False, None, None

    def take(self, event: Event) -> None:
        """Let the answer become what `event` says. Events after the last one change nothing."""
        if self.ended:
            return
        match event:
            case Piece():
                self.answer += event.text
                self.state, self.progress = State.WRITING, None
            case Loading() | Looking() | Reading():
                self.state, self.progress = State.WORKING, event
            case Finished():
                self.state = State.FINISHED if event.reason in ("stop", "length") else State.STOPPED
                self.cut_off, self.stats, self.progress = event.reason == "length", event.stats, None
            case Failed():
                self.error = of_kind(event.kind, event.what, event.todo, event.detail)
                self.state, self.progress = State.FAILED, None


@dataclass
class Conversation:
    """The turns in order, and every picture they name. key: its name among all conversations."""

    turns: list[Turn] = field(default_factory=list)
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    _pictures: dict[str, Picture] = field(default_factory=dict)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def restored(cls, key: str, turns: Sequence[Turn], pictures: Mapping[str, Picture]) -> "Conversation":
        """A conversation of an earlier time. pictures: those its turns name, by digest."""
        return cls(list(turns), key, dict(pictures), itertools.count(1 + max((turn.id for turn in turns), default=0)))

    def ask(self, question: str, pictures: Sequence[Picture] = (), mode: str = "ask", model: str = "") -> Turn:
        """Add a question. Pictures that an earlier answered question already showed can be left out."""
        for picture in pictures:
            self._pictures[picture.digest] = picture
        turn = Turn(next(self._ids), question, tuple(p.digest for p in pictures), mode, model)
        self.turns.append(turn)
        return turn

    def note(self, question: str, picture: Picture, answer: str, model: str = "") -> Turn:
        """Add something that was watched for and came."""
        turn = self.ask(question, (picture,), model=model)
        turn.note, turn.answer, turn.state = True, answer, State.FINISHED
        notes = [turn for turn in self.turns if turn.note]
        if len(notes) > MOST_NOTES:
            self.turns.remove(notes[0])
            self._forget_pictures()
        return turn

    def find(self, turn_id: int) -> Turn | None:
        """The turn with this id, or None if it was taken back."""
        return next((turn for turn in self.turns if turn.id == turn_id), None)

    def after(self, turn: Turn) -> list[Turn]:
        """The turns that follow `turn`."""
        return self.turns[self.turns.index(turn) + 1 :]

    def picture(self, digest: str) -> Picture | None:
        return self._pictures.get(digest)

    def shows(self, digest: str) -> bool:
        """Whether a question of this conversation was about this picture."""
        return any(digest in turn.pictures for turn in self.turns)

    def messages(self, turn: Turn) -> tuple[Message, ...]:
        """What the model is told so that it answers `turn`, roles alternating as chat templates demand.

        A question that was never answered is left out, but its pictures move on to the next one: they were shown,
        and the person will not show them again. Words that were written before a stop or a failure stay. Of notes only
        one that stands right before the question is told: that one may be what it is about.
        """
        messages: list[Message] = []
        carried: list[str] = []
        before = list(itertools.takewhile(lambda t: t is not turn, self.turns))
        for earlier in before:
            if earlier.note and earlier is not before[-1]:
                continue
            if not earlier.answer:
                carried += earlier.pictures
                continue
            messages.append(_question(earlier, carried))
            messages.append(Message(role="assistant", text=earlier.answer))
            carried = []
        messages.append(_question(turn, carried))
        return tuple(messages)

    def pictures(self, messages: Iterable[Message]) -> tuple[Picture, ...]:
        """The pictures that `messages` name."""
        named = dict.fromkeys(digest for message in messages for digest in message.pictures)
        return tuple(self._pictures[digest] for digest in named)

    def again(self, turn: Turn) -> None:
        """Take back the answer of `turn` and all that came after it, so that it can be asked anew."""
        self._cut(self.turns.index(turn) + 1)
        turn.restart()

    def take_back(self, turn: Turn) -> tuple[str, tuple[Picture, ...]]:
        """Remove `turn` and all that came after it; its question and pictures, to be changed and asked again."""
        shown = tuple(self._pictures[digest] for digest in turn.pictures)
        self._cut(self.turns.index(turn))
        return turn.question, shown

    def _cut(self, start: int) -> None:
        del self.turns[start:]
        self._forget_pictures()

    def _forget_pictures(self) -> None:
        named = {digest for turn in self.turns for digest in turn.pictures}
        self._pictures = {digest: p for digest, p in self._pictures.items() if digest in named}


def _question(turn: Turn, carried: Iterable[str]) -> Message:
    pictures = tuple(dict.fromkeys((*carried, *turn.pictures)))
    return Message(role="user", text=turn.question, pictures=pictures)
