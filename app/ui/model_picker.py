"""Which model answers: the menu of those on this machine, opening a file, and finding a projector for it."""

from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QWidget

from app.engine import machine
from app.errors import SpyglassError
from app.library.disk import STARTER, Installed
from app.library.known import Known
from app.ui import menus
from app.ui.bridge import Background
from app.ui.fetching import Fetching
from app.ui.i18n import shown
from app.ui.model_choice import Library
from app.ui.models_sheet import ModelsSheet
from app.ui.notify import Notice
from app.ui.session import Session
from app.wording import Wording


class ModelPicker(QObject):
    """Lets the person choose; the session takes what was chosen.

    translator: the path of the model that is to translate texts, empty for the one that reads the pictures.
    """

    translator = Signal(str)

    def __init__(
        self, window: QWidget, session: Session, library: Library, background: Background, notice: Notice
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._notice = window, session, notice
        self._library, self._background = library, background
        self._installed: list[Installed] = []
        self.fetching = Fetching(self)
        self.fetching.done.connect(self._on_fetched)
        self.fetching.failed.connect(session.failed)
        session.choice.projector_wanted.connect(self._offer_projector)
        session.choice.lost.connect(self._offer_starter)

    def look(self) -> None:
        """Find out which models there are now."""
        self._background.run(self._library.installed, self._on_installed, self._session.failed.emit)

    def show_menu(self, place: QPoint, open_file: QAction) -> None:
        """Open the menu with its end at `place`."""
        choose = self._session.choice.choose
        menu = menus.models(self._window, self._installed, self._session.choice.chosen, choose, open_file)
        menu.addAction(shown(Wording("Larger models…")), self.show_larger)
        menus.open_at(menu, place, end=True)
        self.look()

    def show_translators(self, place: QPoint) -> None:
        """Open the menu of models that can translate a text with its end at `place`."""

        def open_file() -> None:
            path = self._ask_for_gguf(shown(Wording("Open a model that translates")))
            if path:
                self.translator.emit(path)

        chosen = self._session.settings["translate.model"]
        menu = menus.translators(self._window, self._installed, chosen, self.translator.emit, open_file)
        menus.open_at(menu, place, end=True)
        self.look()

    def show_larger(self) -> None:
        """Say which larger models there are, and how to get them."""
        sheet = ModelsSheet(machine.free_memory(), machine.threads(), self.fetching, self._window)
        sheet.wanted.connect(self.open_file)
        sheet.chosen.connect(self._session.choice.choose)
        sheet.failed.connect(self._session.failed)
        sheet.open()

    def open_file(self) -> None:
        """Let the person name a model's file."""
        path = self._ask_for_gguf(shown(Wording("Open model file")))
        if path:
            self._session.choice.choose(path)

    def _on_fetched(self, known: Known, path: str) -> None:
        self.look()

        def use() -> None:
            self._notice.hide()
            self._session.choice.choose(path)

        self._notice.show_hint(Wording("{name} is here.", name=known.title), button=Wording("Use it"), on_button=use)

    def _on_installed(self, found: list[Installed]) -> None:
        self._installed = found

    def _offer_starter(self, error: SpyglassError) -> None:
        """The model of before is gone; another one answers meanwhile, if the person wants that."""
        self._notice.show_error(error, Wording("Use the starter for now"), self._use_starter)

    def _use_starter(self) -> None:
        self._notice.hide()
        self._session.choice.use(STARTER)

    def _offer_projector(self, path: str) -> None:
        self._notice.show_hint(
            Wording("{name} reads text only, and its projector is not beside it.", name=Path(path).name),
            Wording("The projector's name usually begins with mmproj."),
            Wording("Choose its projector…"),
            lambda: self._open_projector(path),
        )

    def _open_projector(self, path: str) -> None:
        projector = self._ask_for_gguf(shown(Wording("Open the projector (mmproj)")))
        if projector:
            self._notice.hide()
            self._session.choice.choose(path, projector)

    def _ask_for_gguf(self, title: str) -> str:
        kinds = shown(Wording("GGUF models")) + " (*.gguf *.GGUF);;" + shown(Wording("All files")) + " (*)"
        return QFileDialog.getOpenFileName(self._window, title, "", kinds)[0]
