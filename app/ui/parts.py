"""What the window is built of: its widgets, and what works behind each of them. Who is told what is in `window.py`."""

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from app.modes.recognise import RecogniseMode
from app.ui import actions
from app.ui.answer_translations import AnswerTranslations
from app.ui.appearance import Appearance
from app.ui.asking import Asking
from app.ui.camera_on_stage import CameraOnStage
from app.ui.chat_model import ChatModel
from app.ui.chat_rows import Look
from app.ui.chat_view import ChatView
from app.ui.composer import Composer
from app.ui.conversation_pane import ConversationPane
from app.ui.doing import Doing
from app.ui.header import Header
from app.ui.history import History
from app.ui.live import LiveStage, Surroundings
from app.ui.main_window import MainWindow
from app.ui.model_picker import ModelPicker
from app.ui.picture_doors import PictureDoors
from app.ui.picture_on_stage import PictureOnStage
from app.ui.read_aloud import ReadAloud
from app.ui.saving import Saving
from app.ui.services import Services
from app.ui.sightings import Sightings
from app.ui.speech import Speaker, find
from app.ui.stage import Stage
from app.ui.still_labels import StillLabels
from app.ui.thumbnails import Thumbnails
from app.ui.translate import Tools, Translate
from app.ui.translate_panel import AUTO
from app.ui.turn_tools import TurnTools
from app.ui.turns import Turns
from app.values import ModelSpec


class Parts(QObject):
    """Everything is built of the services, and nothing is connected yet."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.session, self.desk, self.camera = services.session, services.desk, services.camera
        modes = tuple(self.session.modes.values())
        self.all_actions = (*actions.ACTIONS, *actions.mode_actions(modes))
        self.actions = actions.build(self, self.all_actions)
        self.header = Header(modes, self.actions)
        self._build_stage(services)
        self._build_conversation(services)
        self.widget = MainWindow(self.header, self.stage, self.pane)
        self.widget.addActions(list(self.actions.values()))
        self._build_helpers(services)

    def live_model(self) -> ModelSpec | None:
        """What names the things before the camera, while it is to."""
        return self.session.spec if self.camera.on and self.session.mode == RecogniseMode.id else None

    def _build_stage(self, services: Services) -> None:
        engine, background, store = services.bridge.engine, services.background, services.store
        self.stage = Stage(self.actions)
        canvas = self.stage.canvas
        self.speaker = Speaker(find(), self)
        around = Surroundings(engine, self.camera, self.stage, background, store, self.speaker)
        self.live = LiveStage(around, self.live_model)
        self.labels = StillLabels(self.session, self.desk, self.camera, canvas)
        self.translate = Translate(Tools(engine, background, self.session, self.desk, canvas, store, self.camera))

    def _build_conversation(self, services: Services) -> None:
        engine, background = services.bridge.engine, services.background
        wish = partial(self.translate.wish, AUTO)
        self.answers = AnswerTranslations(engine, background, wish, self.session.markdown)
        self.aloud = ReadAloud(self.speaker, self.session, background, self)
        self.thumbnails = Thumbnails()
        self.chat = ChatModel(self.session.conversation, self.answers.markdown)
        self.view = ChatView(self.chat, Look(QApplication.font(), self.thumbnails.get, self.answers.markdown))
        self.composer = Composer()
        self.tools = TurnTools(self.view)
        self.pane = ConversationPane(self.view, self.tools, self.composer)
        self.pane.add_strip(self.live.panel)

    def _build_helpers(self, services: Services) -> None:
        widget, session, desk, camera, notice = self.widget, self.session, self.desk, self.camera, self.pane.notice
        background, store = services.background, services.store
        self.sightings = Sightings(widget, session, background, self.thumbnails)
        self.models = ModelPicker(widget, session, services.library, background, notice)
        self.doors = PictureDoors(widget, desk, camera)
        self.picture_on_stage = PictureOnStage(self.stage, desk, camera, session, notice)
        self.camera_on_stage = CameraOnStage(widget, camera, self.stage, desk, notice)
        self.turns = Turns(session, self.chat, self.view, self.tools, self.thumbnails, self.answers, self.aloud)
        self.history = History(
            widget, session, desk, self.thumbnails, background, self.turns.show, self.composer.edit.toPlainText
        )
        self.saving = Saving(widget, session, background, self.answers)
        self.asking = Asking(session, desk, self.doors, self.composer, self.translate, self.live, background)
        self.doing = Doing((self.translate, self.answers, session), self.pane.activity, self.composer)
        self.appearance = Appearance(store, services.language, notice, (self.view, self.tools, self.stage, notice))
