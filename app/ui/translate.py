"""Translate in the window: a page beside the picture, the translation over it, and one piece of work at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.errors import SpyglassError
from app.library import disk
from app.modes.translate import glossary, prompts
from app.modes.translate.answers import of_translator
from app.modes.translate.mode import TranslateMode, target
from app.modes.translate.pipeline import Translation, Wish, once_more, untranslated
from app.settings.derived import engine_options
from app.settings.store import SettingsStore
from app.ui.bridge import Background, Engine
from app.ui.camera_view import CameraFeed
from app.ui.canvas import Canvas
from app.ui.desk import Desk, Sheet
from app.ui.i18n import tongues
from app.ui.passage_row import PassageRow
from app.ui.session import Session
from app.ui.translate_glossary import GlossarySheet
from app.ui.translate_keeping import Keeping
from app.ui.translate_live import LiveNews, LiveTranslate, live_words
from app.ui.translate_overlay import TranslationOverlay
from app.ui.translate_panel import AUTO, TranslatePanel
from app.ui.translate_states import activity, broken_off, read_so_far, seen, waiting
from app.ui.translate_work import Drawn, TranslateWork
from app.ui.uncover import Uncover
from app.values import Picture


@dataclass(frozen=True)
class Tools:
    """What it works with; all of it belongs to the window."""

    engine: Engine
    background: Background
    session: Session
    desk: Desk
    canvas: Canvas
    store: SettingsStore
    feed: CameraFeed


class Translate(QObject):
    """activity: an Activity or None. busy: whether something is being translated. failed: a SpyglassError."""

    activity = Signal(object)
    busy = Signal(bool)
    failed = Signal(object)

    def __init__(self, tools: Tools) -> None:
        super().__init__()
        self._tools = tools
        self.on = False
        self.panel = TranslatePanel()
        settings = tools.store.settings
        self.panel.choose(AUTO, target(settings, tongues(settings["window.language"])).code)
        self.panel.check.setChecked(settings["translate.check"])
        uncover = Uncover(tools.canvas)
        self.overlay = TranslationOverlay(tools.canvas, uncover)
        self.live = LiveTranslate(tools.engine, tools.feed, tools.canvas, uncover, self._live_wanted)
        self.work = TranslateWork(tools.engine, tools.background, self)
        self.keeping = Keeping(self.panel, tools.background, self._kept)
        self.state: Translation | None = None
        self._what: Picture | str | None = None
        self._glance: Drawn | None = None
        self._explained: PassageRow | None = None
        self._looking = self._held = False
        """Whether a model is being looked for, and whether something waits for it."""
        self._anew = 0
        self._live_key: object | None = None
        self.work.changed.connect(self._on_changed)
        self.work.drawn.connect(self._on_drawn)
        self.work.busy.connect(self._on_busy)
        self.work.failed.connect(self.failed)
        self.keeping.failed.connect(self.failed)
        self.panel.languages_chosen.connect(self._on_languages)
        self.panel.swapped.connect(self._on_swap)
        self.panel.again.connect(self.again)
        self.panel.original.connect(uncover.always)
        self.panel.checked.connect(self._on_check)
        self.panel.terms.connect(self._open_glossary)
        self.panel.explain.connect(self._explain)
        self.work.told.connect(self._on_told)
        tools.desk.stage_changed.connect(self._on_stage)
        tools.session.model.connect(self._on_model)
        self.live.news.connect(self._on_live)
        self.live.changed.connect(self._on_live_changed)

    def choose(self, mode: str) -> None:
        """A mode was chosen: begin with the picture on the stage if it is this one, else leave it as it is."""
        self.on = mode == TranslateMode.id
        if not self.on:
            self.stop()
        live = self._tools.feed.on
        self.overlay.show(self._glance if self.on and not live else None)
        picture = self._sheet_picture()
        if self.on and not live and picture is not None and (self._what is not picture or self.state is None):
            self._begin(picture)
        self._show()

    def translate_text(self, text: str) -> None:
        """Translate a text that was written or pasted."""
        self._begin(text)

    def again(self) -> None:
        """Translate the same once more."""
        if self.live.on and self._what is None:
            self._anew += 1
        else:
            self._begin(self._what or self._sheet_picture())

    def _otherwise(self) -> None:
        """Translate the same into another language or with other words; a picture that was read is not read again."""
        what, state, (source, into) = self._what, self.state, self.panel.languages
        read = state is not None and bool(state.passages) and state.stage in ("translating", "checking", "done")
        if not isinstance(what, Picture) or state is None or not read or self._tools.session.spec is None:
            self.again()
            return
        self._glance, self.state = None, once_more(state, into)
        self.overlay.show(None)
        self.work.translate_read(what, self.state, partial(self.wish, source, into))
        self._show()

    def stop(self) -> None:
        """End what is being done; what is finished stays."""
        self._held = False
        self.work.stop()

    def _begin(self, what: Picture | str | None) -> None:
        source, into = self.panel.languages
        self._what, self._glance = what, None
        self.overlay.show(None)
        self.state = untranslated(what, into) if isinstance(what, str) else None  # seen even if nothing comes of it
        self._held = bool(what) and self._looking and self._tools.session.spec is None
        if what and not self._held:
            self.work.translate(what, partial(self.wish, source, into))
        else:
            self.work.stop()
        self._show()

    def _on_model(self, name: str) -> None:
        """A model is looked for (no name), or no longer: what waited for it begins, or says why it cannot."""
        self._looking = not name
        if self._held and name:
            self._begin(self._what)

    def wish(self, source: str, into: str) -> Wish:
        """What is wanted. Reads files: not for the window's thread."""
        spec = self._tools.session.spec
        if spec is None:
            raise SpyglassError("There is no model yet.", "Wait until it is found, or choose one above.")
        settings = self._tools.store.settings
        name = settings["translate.model"]
        try:
            translator = disk.resolve(name, None, engine_options(settings), sees=False) if name else None
        except SpyglassError as error:
            raise of_translator(error) from error
        return Wish(spec, into, source, glossary.load(), translator, settings["translate.check"])

    def _sheet(self) -> Sheet | None:
        return self._tools.desk.stage

    def _sheet_picture(self) -> Picture | None:
        sheet = self._sheet()
        return sheet.picture if sheet else None

    # --- the live camera ---

    def _live_wanted(self) -> tuple[object, Callable[[], Wish]] | None:
        """What live pictures are to be translated with, while they are to."""
        spec, languages = self._tools.session.spec, self.panel.languages
        if spec is None or not self.on or not self._tools.feed.on:
            return None
        model = self._tools.store.settings["translate.model"]
        return (spec, model, languages, self._anew), lambda: replace(self.wish(*languages), check=False)

    def _on_live_changed(self, on: bool) -> None:
        """The camera takes the place of the picture, or gives it back."""
        if on:
            self.work.stop()
            self.overlay.show(None)
            self._what = self._glance = self.state = self._live_key = None
            self._show(live_words(None))
        elif self.on and not self._tools.feed.on and not self._tools.desk.busy:
            self._begin(self._sheet_picture())

    def _on_live(self, news: LiveNews) -> None:
        key = (news.state and seen(news.state), live_words(news))
        if key == self._live_key:
            return
        self._live_key = key
        if isinstance(self._what, str) and (news.state is None or not news.state.text):
            return  # a text that was written meanwhile stays until another one is in view
        self._what, self.state = None, news.state
        self._show(live_words(news))

    # --- what happens ---

    def _on_stage(self, sheet: Sheet | None) -> None:
        self.overlay.show(None)
        self._glance = None
        if self.on:
            self._begin(sheet.picture if sheet else None)
        elif not isinstance(self._what, str):
            self.stop()
            self._what, self.state = None, None

    def _on_changed(self, state: Translation) -> None:
        self.state = state
        self._show()
        self.overlay.show_waiting(waiting(state))
        self.activity.emit(activity(state))

    def _on_drawn(self, drawn: Drawn) -> None:
        self._glance = drawn
        if self.on and self._what is self._sheet_picture():
            self.overlay.show(drawn)

    def _on_busy(self, busy: bool) -> None:
        if not busy:
            self.overlay.show_waiting(())
            self.activity.emit(None)
            self._show()
        self.busy.emit(busy)

    def _on_languages(self, source: str, into: str) -> None:
        del source
        try:
            self._tools.store.set("translate.to", into)
        except SpyglassError as error:
            self.failed.emit(error)
        if self._what:
            self._otherwise()

    def _on_swap(self) -> None:
        """Translate the other way round; a text that was written goes on as what it was translated into."""
        state, text = self.state, isinstance(self._what, str) and not self.work.running
        if text and state is not None and state.outcome == "translated" and state.text:
            self._what = state.text
        self.panel.choose(self.panel.languages[1], self.panel.spoken)
        self._on_languages(*self.panel.languages)

    def use_translator(self, model: str) -> None:
        """Translate with this model from now on; an empty one: with that which reads the pictures."""
        try:
            self._tools.store.set("translate.model", model)
        except SpyglassError as error:
            self.failed.emit(error)
        if self._what:
            self._otherwise()

    def show_settings(self) -> None:
        """Show what the settings say."""
        self.panel.check.setChecked(self._tools.store.settings["translate.check"])

    def _on_check(self, on: bool) -> None:
        """Translate back from now on, and what is finished at once."""
        try:
            self._tools.store.set("translate.check", on)
        except SpyglassError as error:
            self.failed.emit(error)
        if on and self._what and self.state and self.state.stage in ("done", "checking") and not self.work.running:
            self.work.check(self._what, self.state, partial(self.wish, *self.panel.languages))

    def _show(self, words: str = "") -> None:
        spec = self._tools.session.spec
        self.panel.explains = spec is not None and not prompts.plain(spec)
        self.panel.show_translation(self.state, self._sheet() is not None, words, self.work.running or self.live.on)

    def _explain(self, row: PassageRow, phrase: str) -> None:
        if self.state is not None and not self.work.running:
            self._explained = row
            self.work.explain(phrase, self.state.original, partial(self.wish, *self.panel.languages))

    def _on_told(self, text: str) -> None:
        row = self._explained
        if row is not None and row in self.panel.rows:
            row.show_explanation(text)

    def _open_glossary(self) -> None:
        sheet = GlossarySheet(self.panel)
        sheet.saved.connect(self._otherwise)
        sheet.open()

    def _kept(self) -> tuple[Picture | None, Translation | None]:
        """The translation, and what it is drawn over."""
        if self.live.on and self._what is None:
            return self.live.picture(), self.state
        if self.state is None:
            return None, None
        state = read_so_far(self.state) if self.work.running else broken_off(self.state)
        return self._what if isinstance(self._what, Picture) else None, state
