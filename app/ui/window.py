"""The window brought to life: what each control does with the session, the desk and the camera."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QPoint, QRect, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPixmap
from PySide6.QtWidgets import QApplication, QMenu

from app.chat.conversation import Turn
from app.errors import CameraError, SpyglassError
from app.library.disk import STARTER
from app.modes.ask import AskMode
from app.modes.recognise import RecogniseMode
from app.modes.translate import prompts
from app.settings.store import SettingsStore
from app.ui import actions, menus, theme
from app.ui.answer_translations import AnswerTranslations, as_markdown
from app.ui.bridge import Background, EngineBridge
from app.ui.camera_view import CameraFeed
from app.ui.chat_model import ChatModel
from app.ui.chat_rows import Look
from app.ui.chat_view import ChatView
from app.ui.composer import Composer
from app.ui.conversation_pane import ConversationPane
from app.ui.desk import THUMBNAIL, Desk, Sheet
from app.ui.header import Header
from app.ui.i18n import Language, shown
from app.ui.live import LiveStage, Surroundings
from app.ui.main_window import MainWindow
from app.ui.model_picker import ModelPicker
from app.ui.notify import announce
from app.ui.picture_doors import PictureDoors
from app.ui.read_aloud import ReadAloud
from app.ui.samples import Sample
from app.ui.session import Activity, Library, Session
from app.ui.settings_dialog import SettingsDialog
from app.ui.sheets import AboutSheet, DetailSheet, KeySheet
from app.ui.sightings import Sightings
from app.ui.speech import Speaker, find
from app.ui.stage import Stage
from app.ui.still_labels import StillLabels
from app.ui.translate import Tools, Translate
from app.ui.translate_panel import AUTO
from app.values import ModelSpec
from app.wording import Wording

_DOERS = ("translate", "answers", "session")
"""Whose work is shown first."""


@dataclass(frozen=True)
class Services:
    """What the window works with; built by `app.ui.app`, closed by it."""

    bridge: EngineBridge
    background: Background
    session: Session
    desk: Desk
    camera: CameraFeed
    library: Library
    store: SettingsStore
    language: Language


class Window(QObject):
    """Owns the widgets and connects them to the services."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self.session, self.desk, self.camera = services.session, services.desk, services.camera
        self._thumbnails: dict[str, QPixmap] = {}
        self._held = ""
        self._busy: dict[str, bool] = {}
        self._doing: dict[str, Activity | None] = {}
        modes = tuple(self.session.modes.values())
        self._list = (*actions.ACTIONS, *actions.mode_actions(modes))
        self.actions = actions.build(self, self._list, self._handlers())
        self.header = Header(modes, self.actions)
        self.stage = Stage(self.actions, self._show_camera_menu)
        self.chat = ChatModel(self.session.conversation)
        look = Look(QApplication.font(), self._thumbnails.get, self._answer_text)
        self.view = ChatView(self.chat, look)
        self.composer = Composer()
        self.pane = ConversationPane(self.view, self.composer)
        self.widget = MainWindow(self.header, self.stage, self.pane)
        self.widget.addActions(list(self.actions.values()))
        self.speaker = Speaker(find(), self)
        engine, background = services.bridge.engine, services.background
        around = Surroundings(engine, self.camera, self.stage, background, services.store, self.speaker)
        self.live = LiveStage(around, self._live_model)
        self.pane.add_strip(self.live.panel)
        self.sightings = Sightings(self.widget, self.session, services.background)
        self.labels = StillLabels(self.session, self.stage.canvas)
        self.models = ModelPicker(self.widget, self.session, services.library, services.background, self.pane.notice)
        self.doors = PictureDoors(self.widget, self.desk, self.camera)
        self.aloud = ReadAloud(self.speaker, self.session, background, self)
        canvas = self.stage.canvas
        tools = Tools(engine, background, self.session, self.desk, canvas, services.store, self.camera)
        self.translate = Translate(tools)
        wish = partial(self.translate.wish, AUTO)
        self.answers = AnswerTranslations(engine, services.background, wish, self.session.markdown)
        self._connect_session()
        self._connect_controls()
        self._connect_live()
        self._on_settings("window.send")
        self.header.show_mode(self.session.mode)
        self._tell_quiet()
        self._refresh()

    def start(self) -> None:
        """Show the window and begin to look for models."""
        self.widget.show()
        self.composer.edit.setFocus()
        self.models.look()

    def offer(self, samples: list[Sample]) -> None:
        """Offer pictures to try while the stage is empty."""
        self.stage.offer([(sample.path, sample.image) for sample in samples])

    # --- wiring ---

    def _handlers(self) -> dict[str, Callable[[], object]]:
        modes = {f"mode.{mode}": lambda m=mode: self._choose_mode(m) for mode in self.session.modes}
        return {
            "new": self._start_anew,
            "open": lambda: self.doors.open_files(),
            "paste": lambda: self.doors.paste(),
            "screen": lambda: self.doors.pick_screen(),
            "camera": lambda: self.doors.toggle_camera(),
            "network": self._name_network_camera,
            "find": lambda: self.pane.find_bar.open(),
            "model": lambda: self.models.open_file(),
            "settings": self._show_settings,
            "keys": self._show_keys,
            "escape": self._escape,
            "focus": lambda: self.composer.edit.setFocus(),
            "quit": lambda: self.widget.close(),
            **modes,
        }

    def _connect_session(self) -> None:
        session, desk, camera = self.session, self.desk, self.camera
        session.turns.connect(self._on_turns)
        session.answer.connect(self._on_answer)
        session.activity.connect(partial(self._on_activity, "session"))
        session.busy.connect(partial(self._on_busy, "session"))
        session.model.connect(self._on_model)
        self.services.bridge.state.connect(self.header.show_state)
        desk.stage_changed.connect(self._on_stage)
        desk.attached_changed.connect(self._on_attached)
        desk.opening.connect(self._on_opening)
        camera.frame.connect(self.stage.show_frame)
        camera.words.connect(self._on_camera_words)
        camera.stopped.connect(self._on_camera_stopped)
        camera.starting.connect(self.stage.clear_live)
        camera.starting.connect(self.labels.clear)
        camera.starting.connect(self._on_camera_started)
        camera.started.connect(self._on_camera_started)
        for who, doer in (("translate", self.translate), ("answers", self.answers)):
            doer.activity.connect(partial(self._on_activity, who))
            doer.busy.connect(partial(self._on_busy, who))
            self.composer.stopped.connect(doer.stop)
            self.pane.activity.cancelled.connect(doer.stop)
            self.widget.closing.connect(doer.stop)
        self.answers.changed.connect(self.chat.answer_changed)
        desk.failed.connect(self._on_no_picture)
        self.doors.text.connect(self.composer.put)
        camera.failed.connect(self._on_no_camera)
        camera.ended.connect(lambda: self.pane.notice.show_hint(Wording("The video has ended.")))
        for source in (session, self.doors, self.translate, self.answers):
            source.failed.connect(self._on_failed)

    def _connect_controls(self) -> None:
        self.composer.submitted.connect(self._ask)
        self.composer.stopped.connect(self.session.stop)
        self.composer.picture.connect(self.doors.take)
        self.composer.removed.connect(self._on_removed)
        self.pane.activity.cancelled.connect(self.session.stop)
        self.pane.opening.question.connect(self._ask_offered)
        self.pane.opening.larger_model.connect(self.models.open_file)
        self.pane.notice.details.connect(self._show_details)
        self.pane.find_bar.closed.connect(lambda: self.view.setFocus())
        self.view.again.connect(self._answer_again)
        self.view.change.connect(self._edit)
        self.view.languages.connect(self._show_languages)
        self.view.details.connect(lambda turn: self._show_details(turn.error))
        self.stage.shot.connect(self.doors.shoot)
        self.stage.live_closed.connect(self.camera.stop)
        self.stage.sample.connect(lambda path: self.desk.open([path]))
        self.stage.canvas.part_chosen.connect(self.desk.cut)
        self.stage.canvas.part_dropped.connect(self.desk.uncut)
        self.header.menu_wanted.connect(self._show_menu)
        self.header.models_wanted.connect(lambda place: self.models.show_menu(place, self.actions["model"]))
        self.translate.panel.models_wanted.connect(
            lambda place: self.models.show_translators(place, self.translate.use_translator)
        )
        self.header.mode_chosen.connect(self._choose_mode)
        self.widget.dropped.connect(self.doors.take)
        self.widget.system_theme_changed.connect(self._restyle)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._restyle)

    def _connect_live(self) -> None:
        self.live.sighted.connect(lambda sighting: self.sightings.tell(sighting, self._remember))
        self.live.asked.connect(self._ask_about)
        self.live.told.connect(self.pane.notice.show_hint)
        self.live.failed.connect(self._on_failed)
        self.live.changed.connect(self._refresh)
        self.labels.asked.connect(self._ask_about_part)
        self.widget.closing.connect(self.live.close)
        self.widget.closing.connect(self.translate.live.close)
        if self.speaker.available:
            self.view.allow_speech()
        self.view.speak.connect(self.aloud.toggle)
        self.aloud.changed.connect(self.view.show_reading)
        self.speaker.failed.connect(self._on_failed)
        self.widget.closing.connect(self.speaker.close)

    # --- asking ---

    def _ask(self, question: str) -> None:
        if self.translate.on:
            self.translate.translate_text(question)
            self.composer.clear()
            return
        if self.live.on and question.strip():
            self.live.watch(question)
            self.composer.clear()
            return
        if self.desk.busy:  # the picture the question is about is still being made ready
            self._held = question
            return
        if self.camera.on and self.camera.latest is not None:  # it is about what the camera sees
            self._held = question
            self.doors.shoot()
            return
        self.pane.notice.hide()  # what went wrong before is over
        sheets = self.desk.attached
        for sheet in sheets:
            self._remember(sheet)
        self.session.ask(question, [sheet.picture for sheet in sheets])
        self.composer.clear()
        self.desk.sent()
        self.stage.canvas.drop_part()
        self.view.follow()

    def _ask_offered(self, question: Wording) -> None:
        """Ask one of the program's own questions; in English where the model was taught nothing else."""
        spec = self.session.spec
        self._ask(str(question) if spec is not None and prompts.plain(spec) else shown(question))

    def _remember(self, sheet: Sheet) -> None:
        pixmap = QPixmap.fromImage(sheet.thumbnail)
        if pixmap.width() > THUMBNAIL.width() // 2 or pixmap.height() > THUMBNAIL.height() // 2:
            pixmap.setDevicePixelRatio(2)
        self._thumbnails[sheet.picture.digest] = pixmap

    def _answer_again(self, turn: Turn) -> None:
        self.answers.stop()
        self.session.again(turn)

    def _edit(self, turn: Turn) -> None:
        question, pictures = self.session.take_back(turn)
        self.composer.replace(question)
        self.desk.restore(pictures)

    def _start_anew(self) -> None:
        self.aloud.stop()
        self.answers.stop()
        self.session.start_anew()
        self._thumbnails.clear()
        self.desk.attach_stage()
        self.composer.edit.setFocus()

    def _escape(self) -> None:
        """Esc: one step back, the nearest first."""
        if self.pane.find_bar.isVisible():
            self.pane.find_bar.close_bar()
        elif self.stage.canvas.part is not None:
            self.stage.canvas.drop_part()
        elif self.session.running or self.pane.activity.words:
            self.session.stop()
            self.translate.stop()
            self.answers.stop()
        elif self.speaker.on:
            self.aloud.stop()
            self.speaker.stop()
        elif self.camera.on:
            self.camera.stop()

    def _choose_mode(self, mode: str) -> None:
        self.session.mode = mode
        self.header.show_mode(mode)
        self.translate.choose(mode)
        self.pane.show_page(self.translate.panel if self.translate.on else None)
        stage = self.desk.stage
        if mode == RecogniseMode.id and stage and not self.labels.last_about(stage) and not self.camera.on:
            self.desk.attach_stage()
        else:
            self._on_attached(self.desk.attached)

    # --- what the session says ---

    def _on_turns(self) -> None:
        shows = self.session.conversation.shows
        for digest in [digest for digest in self._thumbnails if not shows(digest)]:
            del self._thumbnails[digest]
        self.chat.show(self.session.conversation)
        self.view.follow()
        self._refresh()

    def _on_answer(self, turn: Turn) -> None:
        self.chat.answer_changed(turn)
        if not self.stage.live:
            self.labels.show(turn, self.desk.stage)
        if turn.ended:
            index = self.chat.answer_index(turn) if turn in self.session.conversation.turns else None
            announce(self.view, str(index.data(Qt.ItemDataRole.AccessibleTextRole)) if index else "")

    def _on_busy(self, who: str, busy: bool) -> None:
        self._busy[who] = busy
        self.composer.set_busy(any(self._busy.values()))

    def _on_activity(self, who: str, activity: Activity | None) -> None:
        """Show what is being done: loading the model for later must not hide what the person waits for."""
        self._doing[who] = activity
        self.pane.activity.show_activity(next(filter(None, map(self._doing.get, _DOERS)), None))

    def _on_model(self, name: str) -> None:
        self.header.show_model(name)
        self.pane.opening.show_starter(name == STARTER)
        if name and self.desk.stage:
            self.session.warm_up()

    def _on_failed(self, error: SpyglassError) -> None:
        self.pane.notice.show_error(error)

    def _refresh(self) -> None:
        turns = bool(self.session.conversation.turns)
        self.pane.show_conversation(turns)
        facts = frozenset({"turns"} if turns else ())
        actions.enable(self.actions, self._list, facts)
        self.pane.opening.show_picture(self.desk.stage is not None)
        self.pane.opening.show_live(self.live.on)
        self.composer.set_placeholder(self._invitation())

    def _invitation(self) -> Wording:
        """What stands in the composer while nothing is written."""
        if self.translate.on:
            return Wording("Write a text to translate…")
        if self.live.on:
            return Wording("Tell me when… (for example: a bus comes)")
        if self.stage.live:
            return Wording("Ask about what the camera sees…")
        if self.session.conversation.turns and not self.desk.attached:
            return Wording("Ask a follow-up…")
        return Wording("Ask about the picture…") if self.desk.stage is not None else Wording("Ask anything…")

    # --- pictures ---

    def _on_stage(self, sheet: Sheet | None) -> None:
        self.labels.clear()
        self.stage.show_sheet(sheet)
        self._refresh()
        self.session.warm_up()
        if sheet:
            announce(self.stage, shown(Wording("Picture {name} is on the stage", name=sheet.picture.name)))
        self.composer.edit.setFocus()

    def _on_attached(self, sheets: list[Sheet]) -> None:
        self.composer.show_attached([] if self.translate.on else sheets)
        self._refresh()
        self._recognise_still()

    def _recognise_still(self) -> None:
        """In Recognise a picture needs no question; what was said about it before is shown again."""
        self.labels.clear()
        sheet = self.desk.stage
        if sheet is None or self.session.mode != RecogniseMode.id or self.camera.on:
            return
        said = self.labels.last_about(sheet)
        if said:
            self.labels.show(said, sheet)
        elif sheet in self.desk.attached and not self.session.running:
            self._ask_offered(Wording("What is in this picture?"))

    def _on_no_picture(self, error: SpyglassError) -> None:
        """A picture could not be had; a question that waited for it is not asked without."""
        held, self._held = self._held, ""
        if held and held != self.composer.edit.toPlainText().strip():
            self.composer.replace(held)
        self._on_failed(error)

    def _on_opening(self, opening: bool) -> None:
        self.stage.show_opening(opening)
        question, self._held = (self._held, "") if not opening else ("", self._held)
        if question:
            self._ask(question)

    def _on_removed(self, sheet: Sheet) -> None:
        if sheet.part_of:
            self.stage.canvas.drop_part()
        else:
            self.desk.detach(sheet)

    # --- camera ---

    def _live_model(self) -> ModelSpec | None:
        """What names the things before the camera, while it is to."""
        return self.session.spec if self.camera.on and self.session.mode == RecogniseMode.id else None

    def _ask_about(self, thing: QImage, name: str) -> None:
        """A label was clicked: the thing comes to the stage, to be asked about."""
        self._choose_mode(AskMode.id)
        self.camera.stop()
        self.desk.open_image(thing, name)

    def _ask_about_part(self, part: QRect) -> None:
        """The label of a thing on a still picture was clicked: the next question is about it."""
        self._choose_mode(AskMode.id)
        self.stage.canvas.choose_part(part)
        self.composer.edit.setFocus()

    def _on_camera_words(self, words: Wording) -> None:
        self.stage.show_live(words)
        self._refresh()

    def _on_camera_started(self) -> None:
        """What was wrong with the camera before is over."""
        if isinstance(self.pane.notice.error, CameraError):
            self.pane.notice.hide()

    def _on_camera_stopped(self) -> None:
        if self.stage.live:
            self.stage.show_sheet(self.desk.stage)
            if self.desk.stage and not self.session.conversation.shows(self.desk.stage.picture.digest):
                self.desk.attach_stage()
            else:
                self._recognise_still()
            self.composer.edit.setFocus()
            self._refresh()

    def _on_no_camera(self, error: SpyglassError) -> None:
        self.pane.notice.show_error(error, Wording("Network camera…"), self._name_network_camera)

    def _name_network_camera(self) -> None:
        menus.ask_address(self.widget, self.camera)

    def _show_camera_menu(self, place: QPoint) -> None:
        menus.cameras(self.widget, self.camera).popup(place)

    # --- menus, sheets, looks ---

    def _answer_text(self, turn: Turn) -> str:
        """What is shown as the answer: its words, and below them its translation."""
        words = self.session.markdown(turn)
        return f"{words}\n\n{as_markdown(turn.translated)}" if turn.translated else words

    def _show_languages(self, turn: Turn, place: QPoint) -> None:
        newest = self.session.settings["translate.to"]
        menus.languages(self.widget, newest, turn, partial(self.answers.translate, turn)).popup(place)

    def _show_menu(self, place: QPoint) -> None:
        menu: QMenu = menus.main(self.widget, self.actions, lambda: AboutSheet(self.widget).open())
        menus.open_at(menu, place)

    def _show_settings(self) -> None:
        dialog = SettingsDialog(self.services.store, self.widget)
        dialog.changed.connect(self._on_settings)
        dialog.failed.connect(self._on_failed)
        dialog.open()

    def _show_keys(self) -> None:
        KeySheet(self._list, self.composer.edit.enter_sends, self.widget).open()

    def _show_details(self, error: SpyglassError) -> None:
        DetailSheet(error, self.widget).open()

    def _on_settings(self, key: str) -> None:
        match key.partition(".")[0], key:
            case _, "window.send":
                self.composer.set_enter_sends(self.session.settings["window.send"] == "enter")
            case _, "window.theme":
                self._restyle()
            case _, "window.language":
                self._change_language()
            case _, "camera.speak" | "camera.figures":
                self.live.follow_settings()
                if self.session.settings["camera.speak"] and not self.speaker.available:
                    what = Wording("This system has no program that speaks.")
                    self.pane.notice.show_hint(what, Wording("Install speech-dispatcher or espeak-ng."))
            case "translate", _:
                self.translate.show_settings()
            case (("model" | "engine" | "cache"), _):
                self.session.find_model()

    def _change_language(self) -> None:
        missing = self.services.language.use(self.session.settings["window.language"])
        if missing:
            self.pane.notice.show_hint(missing, Wording("Install Spyglass again."))

    def _restyle(self) -> None:
        app = QApplication.instance()
        wanted = theme.wanted(self.session.settings["window.theme"])
        if isinstance(app, QApplication) and wanted != theme.current():
            theme.apply(app, wanted)
            self.view.retint()
            self.stage.retint()
            self.pane.notice.retint()

    def _tell_quiet(self) -> None:
        self.pane.activity.set_quiet(Wording("Runs on this machine. Answers can be wrong."))
