"""What the window does with a conversation and an engine: ask, stop, ask again, change the model. Knows no widget."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from PySide6.QtCore import QObject, Signal

from app.chat.conversation import Conversation, State, Turn
from app.errors import SpyglassError
from app.modes.base import Mode, TextBlock
from app.settings.schema import Settings
from app.settings.store import SettingsStore
from app.ui import figures
from app.ui.bridge import Background, EngineBridge
from app.ui.i18n import shown
from app.ui.model_choice import Library, ModelChoice
from app.values import Ask, Event, Failed, Load, Loading, ModelSpec, Picture
from app.wording import Wording

_VARIED = 0.7
"""Temperature of another answer to the same question, if the person asked for the likeliest words only."""


@dataclass(frozen=True)
class Activity:
    """What is being done now, and how much of it is done (None: not known)."""

    words: Wording
    fraction: float | None


class Session(QObject):
    """One conversation at a time and the model that answers in it.

    turns: turns came or went. answer: a Turn's answer changed. activity: Activity or None. busy: a question is being
    answered. model: the model's name, or an empty one while it is looked for. failed: a SpyglassError that belongs to
    no answer.
    """

    turns = Signal()
    answer = Signal(object)
    activity = Signal(object)
    busy = Signal(bool)
    model = Signal(str)
    failed = Signal(object)

    def __init__(
        self,
        bridge: EngineBridge,
        background: Background,
        library: Library,
        store: SettingsStore,
        modes: Sequence[Mode],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.conversation = Conversation()
        self.modes = {mode.id: mode for mode in modes}
        self.mode = modes[0].id
        self._bridge = bridge
        self._store = store
        self.choice = ModelChoice(background, library, store, self)
        self._asked: tuple[Turn, bool] | None = None
        self._job = 0
        self._load = 0
        self._loading: Activity | None = None
        self._warm = False
        bridge.events.connect(self._on_events)
        self.choice.looking.connect(self._on_looking)
        self.choice.found.connect(self._on_model)
        self.choice.missing.connect(self._on_no_model)
        self.choice.failed.connect(self.failed)

    @property
    def settings(self) -> Settings:
        return self._store.settings

    @property
    def running(self) -> Turn | None:
        """The turn whose answer is awaited."""
        return self._asked[0] if self._asked else None

    # --- asking ---

    def ask(self, question: str, pictures: Sequence[Picture]) -> Turn:
        """Ask; the answer comes through the signals."""
        turn = self.conversation.ask(question, pictures, self.mode, self.choice.name)
        self.turns.emit()
        self._begin(turn, varied=False)
        return turn

    def note(self, question: str, picture: Picture, answer: str) -> None:
        """Add something that was watched for and came."""
        self.conversation.note(question, picture, answer, self.choice.name)
        self.turns.emit()

    def again(self, turn: Turn) -> None:
        """Answer a question anew: differently if it was answered, the same way if it failed."""
        varied = turn.state is State.FINISHED
        self.stop()
        self.conversation.again(turn)
        self.turns.emit()
        self.answer.emit(turn)
        self._begin(turn, varied)

    def take_back(self, turn: Turn) -> tuple[str, tuple[Picture, ...]]:
        """Remove a question and what followed; returns it and its pictures, to be changed."""
        if self.running:
            self.stop()
        question = self.conversation.take_back(turn)
        self.turns.emit()
        return question

    def stop(self) -> None:
        """End the answer that is being written, or else the loading of the model."""
        if self._asked and not self._job:
            self._end_waiting(None)
        elif self._job:
            self._bridge.cancel(self._job)
        elif self._load:
            self._bridge.cancel(self._load)

    def show(self, conversation: Conversation) -> None:
        """Go on with another conversation."""
        self.stop()
        self._job, self._asked = 0, None
        self.conversation = conversation
        self.turns.emit()
        self._tell()

    def markdown(self, turn: Turn) -> str:
        """The answer as its mode shows it, in words."""
        blocks = self.modes[turn.mode].blocks(turn.answer)
        return "\n\n".join(shown(block.markdown) for block in blocks if isinstance(block, TextBlock))

    def _begin(self, turn: Turn, varied: bool) -> None:
        self._asked, self._job = (turn, varied), 0
        if self.spec:
            self._submit()
        elif self.choice.error:
            self._end_waiting(self.choice.error)
        self._tell()

    def _submit(self) -> None:
        assert self._asked is not None
        assert self.spec is not None
        turn, varied = self._asked
        try:
            job = self.modes[turn.mode].job(self.conversation.messages(turn), self.spec, self.settings)
            job = _varied(job) if varied else job
            self._job = self._bridge.start(job, self.conversation.pictures(job.messages))
            self._warm = True
        except SpyglassError as error:
            self._end_waiting(error)

    def _end_waiting(self, error: SpyglassError | None) -> None:
        """End a question that never reached the engine."""
        assert self._asked
        turn, self._asked = self._asked[0], None
        if error:
            turn.take(failure(error))
        else:
            turn.state = State.STOPPED
        self.answer.emit(turn)
        self._tell()

    # --- what the engine says ---

    def _on_events(self, number: int, events: list[Event]) -> None:
        if number == self._job and self._asked:
            turn = self._asked[0]
            for event in events:
                turn.take(event)
            if turn.ended:
                self._asked, self._job = None, 0
            self.answer.emit(turn)
        elif number == self._load:
            self._on_load(events[-1])
        self._tell()

    def _on_load(self, event: Event) -> None:
        if isinstance(event, Loading):
            self._loading = Activity(Wording("Loading the model"), event.fraction)
            return
        self._load, self._loading = 0, None
        if isinstance(event, Failed) and not self._asked:
            self._warm = False
            self.failed.emit(SpyglassError(event.what, event.todo, event.detail))

    def _tell(self) -> None:
        turn = self.running
        activity = Activity(*figures.stage(turn)) if turn else None
        if self._loading and (turn is None or turn.state is State.WAITING):
            activity = self._loading
        self.activity.emit(activity)
        self.busy.emit(turn is not None)

    # --- the model ---

    @property
    def spec(self) -> ModelSpec | None:
        """The model that answers, once it is found."""
        return self.choice.spec

    def use_model(self, name_or_path: str, projector: str = "") -> None:
        """Answer with another model until the program ends; the settings stay as they are."""
        self.choice.use(name_or_path, projector)

    def find_model(self) -> None:
        """Look for the model that the settings name."""
        self.choice.find()

    def warm_up(self) -> None:
        """Load the model before the question is typed. Called when a picture says that one will come."""
        if self.spec and not self._warm:
            self._warm = True
            try:
                self._load = self._bridge.start(Load(model=self.spec))
            except SpyglassError as error:
                self.failed.emit(error)

    def _on_looking(self) -> None:
        self._warm = False
        if self._load:
            self._bridge.cancel(self._load)
        self.model.emit("")

    def _on_model(self) -> None:
        self.model.emit(self.choice.name)
        if self._asked and not self._job:
            self._submit()
            self._tell()

    def _on_no_model(self, error: SpyglassError) -> None:
        self.model.emit(self.choice.name)
        if self._asked and not self._job:
            self._end_waiting(error)


def failure(error: SpyglassError) -> Failed:
    """An error as the last event of an answer."""
    return Failed(kind=type(error).__name__, what=error.what, todo=error.todo, detail=error.detail)


def _varied(job: Ask) -> Ask:
    sampling = msgspec.structs.replace(
        job.sampling, temperature=max(job.sampling.temperature, _VARIED), seed=1 + secrets.randbelow(2**31 - 1)
    )
    return msgspec.structs.replace(job, sampling=sampling)
