"""The window brought to life: what is connected with what, what each action does, and what a mode changes."""

from collections.abc import Callable

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QGuiApplication, QImage

from app.chat.conversation import Turn
from app.library.disk import STARTER
from app.modes.ask import AskMode
from app.ui import actions, menus
from app.ui.desk import Sheet
from app.ui.parts import Parts
from app.ui.preferences import Preferences
from app.ui.samples import question_about
from app.ui.services import Services
from app.ui.sheets import AboutSheet, KeySheet
from app.wording import Wording


class Window(Parts):
    """Says which part of it does what when another one says something."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.services = services
        self.preferences = Preferences(self.widget, services.store, self._effects())
        actions.connect(self.actions, self._handlers())
        self._connect_session()
        self._connect_stage()
        self._connect_conversation()
        self._connect_window()
        self.preferences.follow("window.send")
        self.header.show_mode(self.session.mode)
        self._refresh()

    def start(self) -> None:
        """Show the window and begin to look for models."""
        self.widget.show()
        self.composer.edit.setFocus()
        self.models.look()

    # --- what actions and settings do ---

    def _handlers(self) -> dict[str, Callable[[], object]]:
        """What each action does."""
        modes = {f"mode.{mode}": lambda m=mode: self._choose_mode(m) for mode in self.session.modes}
        return {
            "new": lambda: self.turns.start_anew(),
            "history": lambda: self.history.choose(),
            "open": lambda: self.doors.open_files(),
            "paste": lambda: self.doors.paste(),
            "screen": lambda: self.doors.pick_screen(),
            "camera": lambda: self.doors.toggle_camera(),
            "network": lambda: self.camera_on_stage.name_network_camera(),
            "save": lambda: self.saving.choose(),
            "find": lambda: self.pane.find_bar.open(),
            "model": lambda: self.models.open_file(),
            "settings": lambda: self.preferences.show(),
            "keys": lambda: KeySheet(self.all_actions, self.composer.edit.enter_sends, self.widget).open(),
            "escape": self._escape,
            "focus": self._focus,
            "quit": lambda: self.widget.close(),
            **modes,
        }

    def _effects(self) -> dict[str, Callable[[], object]]:
        """What each setting changes at once."""
        return {
            "window.send": lambda: self.composer.set_enter_sends(self.session.settings["window.send"] == "enter"),
            "window.theme": self.appearance.follow_theme,
            "window.language": self.appearance.follow_language,
            "camera.speak": self._follow_camera_settings,
            "camera.figures": self._follow_camera_settings,
            "camera.size": self.camera.follow_format,
            "camera.fps": self.camera.follow_format,
            "chat": self.history.follow_limit,
            "translate": self.translate.show_settings,
            **dict.fromkeys(("model", "engine", "cache"), self.session.find_model),
        }

    # --- what is connected with what ---

    def _connect_session(self) -> None:
        session, header = self.session, self.header
        session.turns.connect(self._refresh)
        session.answer.connect(self._on_answer)
        session.model.connect(self._on_model)
        self.services.bridge.state.connect(header.show_state)
        header.mode_chosen.connect(self._choose_mode)
        header.menu_wanted.connect(self._show_menu)
        header.models_wanted.connect(lambda place: self.models.show_menu(place, self.actions["model"]))
        self.translate.panel.models_wanted.connect(self.models.show_translators)
        self.models.translator.connect(self.translate.use_translator)
        fetching = self.models.fetching
        fetching.changed.connect(lambda: header.show_fetching(fetching.fraction))

    def _connect_stage(self) -> None:
        desk = self.desk
        for follow in (self.labels.clear, self._refresh, self.session.warm_up, self._focus):
            desk.stage_changed.connect(follow)
        desk.attached_changed.connect(self._on_attached)
        desk.opening.connect(self.asking.on_opening)
        desk.failed.connect(self.asking.give_back)
        desk.told.connect(self.pane.notice.show_hint)
        self.camera.starting.connect(self.labels.clear)
        self.camera_on_stage.changed.connect(self._refresh)
        self.camera_on_stage.left.connect(self._on_camera_left)
        self.stage.shot.connect(self.doors.shoot)
        self.labels.asked.connect(self._ask_about_part)
        self.labels.wondered.connect(self.asking.ask_offered)
        self.live.sighted.connect(self.sightings.tell)
        self.live.asked.connect(self._ask_about)
        self.live.told.connect(self.pane.notice.show_hint)
        self.live.changed.connect(self._refresh)

    def _connect_conversation(self) -> None:
        composer, pane, view, asking = self.composer, self.pane, self.view, self.asking
        composer.submitted.connect(asking.ask)
        composer.edit.textChanged.connect(self.history.on_typed)
        composer.picture.connect(self.doors.take)
        composer.removed.connect(self.picture_on_stage.remove)
        composer.wanted.connect(self.desk.look_at)
        view.picture_wanted.connect(self.picture_on_stage.look_again)
        self.doors.text.connect(composer.put)
        self.doors.model.connect(self.session.choice.choose)
        pane.opening.question.connect(asking.ask_offered)
        pane.opening.larger_model.connect(self.models.show_larger)
        pane.find_bar.closed.connect(lambda: view.setFocus())
        asking.asking.connect(pane.notice.hide)  # what went wrong before is over
        asking.asking.connect(self.thumbnails.remember)
        asking.asked.connect(self.stage.canvas.drop_part)
        asking.asked.connect(view.follow)
        asking.foreign.connect(self._on_foreign)
        self.turns.taken_back.connect(lambda question, _: composer.replace(question))
        self.turns.taken_back.connect(lambda _, pictures: self.desk.restore(pictures))
        self.turns.cutting.connect(self.history.keep_copy)
        self.turns.begun.connect(pane.notice.hide)
        self.turns.begun.connect(self.desk.attach_stage)
        self.turns.begun.connect(self._focus)
        self.history.opened.connect(self._on_opened)
        self.history.typed.connect(composer.put)
        self.history.told.connect(pane.notice.show_hint)
        self.saving.told.connect(pane.notice.show_hint)
        self.history.cut.connect(pane.notice.offer_back)
        if self.speaker.available:
            self.tools.allow_speech()

    def _connect_window(self) -> None:
        widget, theme = self.widget, self.appearance.follow_theme
        widget.dropped.connect(self.doors.take_dropped)
        widget.system_theme_changed.connect(theme)
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(theme)
        hints.accessibility().contrastPreferenceChanged.connect(theme)
        workers = (self.session, self.translate, self.answers, self.live, self.speaker, self.aloud)
        for source in (*workers, self.desk, self.doors, self.preferences, self.history, self.saving):
            source.failed.connect(self.pane.notice.show_error)
        for end in (self.translate.stop, self.answers.stop, self.live.close, self.translate.live.close):
            widget.closing.connect(end)
        widget.closing.connect(self.models.fetching.close)
        widget.closing.connect(self.speaker.close)
        widget.closing.connect(self.history.close)

    # --- modes ---

    def _choose_mode(self, mode: str) -> None:
        self.session.mode = mode
        self.desk.gathers = mode == AskMode.id  # the others are about the one picture on the stage
        self.header.show_mode(mode)
        self.translate.choose(mode)
        self.live.follow_mode()
        self.pane.show_page(self.translate.panel if self.translate.on else None)
        if self.labels.missing:
            self.desk.attach_stage()
        else:
            self._on_attached(self.desk.attached)

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

    def _escape(self) -> None:
        """Esc: one step back, the nearest first."""
        if self.pane.find_bar.isVisible():
            self.pane.find_bar.close_bar()
        elif self.stage.canvas.part is not None:
            self.stage.canvas.drop_part()
        elif self.session.running or self.pane.activity.words:
            self.doing.stop()
        elif self.speaker.on:
            self.aloud.stop()
            self.speaker.stop()
        elif self.camera.on:
            self.camera.stop()

    def _refresh(self) -> None:
        turns = bool(self.session.conversation.turns)
        self.pane.show_conversation(turns)
        actions.enable(self.actions, self.all_actions, frozenset({"turns"} if turns else ()))
        sheet = self.desk.stage
        self.pane.opening.show_picture(sheet is not None, question_about(sheet.picture.name) if sheet else None)
        self.pane.opening.show_live(self.live.on)
        self.composer.set_placeholder(self.asking.invitation(self.stage.live))

    def _focus(self) -> None:
        self.composer.edit.setFocus()

    # --- what happens ---

    def _on_answer(self, turn: Turn) -> None:
        if not self.stage.live:
            self.labels.show(turn)

    def _on_model(self, name: str) -> None:
        self.header.show_model(name)
        self.pane.opening.show_starter(name == STARTER)
        if name and self.desk.stage:
            self.session.warm_up()

    def _on_foreign(self) -> None:
        """What comes is no answer to what was asked, though it may look like one."""
        if not self.pane.notice.words:
            what = Wording("The starter was taught English only.")
            todo = Wording("Ask in English, or choose a larger model.")
            self.pane.notice.show_hint(what, todo, Wording("Larger models…"), self.models.show_larger)

    def _on_attached(self, sheets: list[Sheet]) -> None:
        self.composer.show_attached([] if self.translate.on else sheets)
        self._refresh()
        self.labels.recognise()

    def _on_opened(self, chosen: bool) -> None:
        """An earlier conversation is shown: it is what the person wants to see."""
        if chosen:
            self.pane.notice.hide()  # it was about the one before
        self.camera.stop()
        if self.translate.on:
            self._choose_mode(AskMode.id)
        self.view.follow()
        self._focus()

    def _on_camera_left(self) -> None:
        """The picture of the desk stands on the stage again, and goes with the next question if none was about it."""
        sheet = self.desk.stage
        if sheet and not self.session.conversation.shows(sheet.picture.digest):
            self.desk.attach_stage()
        else:
            self.labels.recognise()
        self._focus()
        self._refresh()

    def _follow_camera_settings(self) -> None:
        self.live.follow_settings()
        if self.session.settings["camera.speak"] and not self.speaker.available:
            what = Wording("This system has no program that speaks.")
            self.pane.notice.show_hint(what, Wording("Install speech-dispatcher or espeak-ng."))

    def _show_menu(self, place: QPoint) -> None:
        menus.open_at(menus.main(self.widget, self.actions, lambda: AboutSheet(self.widget).open()), place)
