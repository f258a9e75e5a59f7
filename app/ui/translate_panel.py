"""Beside the picture: every passage with its translation, how sure both are, and what to look at twice."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.modes.translate.languages import LANGUAGES
from app.modes.translate.pipeline import Translation
from app.ui.buttons import IconButton, below, push
from app.ui.i18n import alphabetical, say
from app.ui.passage_row import PassageRow, grouped
from app.ui.translate_states import broken_off, read_so_far
from app.wording import Wording

_SIDE_BY_SIDE = 440
"""Pixels of width from which the two texts stand beside each other."""
AUTO = "auto"


class TranslatePanel(QFrame):
    """languages_chosen: codes of source ("auto" too) and target. swapped: each is to be the other.
    checked: translate back from now on, or not.
    models_wanted: a menu of models is to open at the place on the screen. again, saved, copied, terms: a button was
    pressed.
    original: whether the picture shall stand as it was. explain: a row and the phrase in it to be explained."""

    languages_chosen = Signal(str, str)
    swapped = Signal()
    again = Signal()
    saved = Signal()
    copied = Signal()
    terms = Signal()
    checked = Signal(bool)
    models_wanted = Signal(QPoint)
    explain = Signal(object, str)
    original = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("translate")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 8)
        column.setSpacing(8)
        self.source, self.target = QComboBox(), QComboBox()
        self.source.addItem("", AUTO)
        say(partial(self.source.setItemText, 0), Wording("Detect language"))
        for language in sorted(LANGUAGES.values(), key=lambda one: alphabetical(one.native)):
            for box in (self.source, self.target):
                box.addItem(language.native, language.code)
        say(self.source.setAccessibleName, Wording("Translate from"))
        say(self.target.setAccessibleName, Wording("Translate into"))
        languages = QHBoxLayout()
        languages.setSpacing(8)
        languages.addWidget(self.source, 1)
        self.swap = IconButton("arrow-left-right", Wording("Swap the languages"), self.swapped.emit, size=16)
        languages.addWidget(self.swap)
        languages.addWidget(self.target, 1)
        column.addLayout(languages)
        for box in (self.source, self.target):
            box.activated.connect(self._on_chosen)
        column.addLayout(self._make_tools())
        self.message = QLabel()
        self.message.setObjectName("soft")
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self.message)
        self.explains = True
        """Whether the model can explain; one that was taught words only cannot."""
        self._rows: list[PassageRow] = []
        self._list = QWidget()
        self._list_column = QVBoxLayout(self._list)
        self._list_column.setContentsMargins(0, 0, 4, 0)
        self._list_column.setSpacing(8)
        self._list_column.addStretch()
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._list)
        column.addWidget(self._scroll, 1)
        self.show_translation(None)

    def _make_tools(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self._original = push(Wording("Original"), lambda: self.original.emit(self._original.isChecked()), "chip")
        self._original.setCheckable(True)
        say(self._original.setAccessibleName, Wording("Show the original"))
        say(self._original.setToolTip, Wording("Or hold O on the picture, or point at a line"))
        row.addWidget(self._original)
        row.addStretch()
        self._copy = IconButton("copy", Wording("Copy the translation"), self.copied.emit, size=16)
        self._save = IconButton("download", Wording("Save as picture, PDF or text"), self.saved.emit, size=16)
        self._again = IconButton("refresh-cw", Wording("Translate again"), self.again.emit, size=16)
        terms = IconButton("pencil", Wording("Your own words"), self.terms.emit, size=16)
        self.check = IconButton("check", Wording("Check by translating back"), self._on_check, size=16)
        self.check.setCheckable(True)
        self._models = IconButton("cpu", Wording("Which model translates the text"), self._on_models, size=16)
        for button in (self._copy, self._save, self.check, terms, self._models, self._again):
            row.addWidget(button)
        return row

    @property
    def rows(self) -> Sequence[PassageRow]:
        return self._rows

    @property
    def languages(self) -> tuple[str, str]:
        """Codes of the source's language, or "auto", and of the target's."""
        return str(self.source.currentData()), str(self.target.currentData())

    @property
    def spoken(self) -> str:
        """Code of the source's language: as chosen, else as it was told from the text, else empty."""
        source = self.languages[0]
        state = self._last[0]
        return source if source != AUTO else state.source.code if state is not None and state.source else ""

    def choose(self, source: str, target: str) -> None:
        """Show these languages as chosen."""
        for box, code in ((self.source, source), (self.target, target)):
            with QSignalBlocker(box):
                box.setCurrentIndex(max(0, box.findData(code)))

    def show_translation(
        self, state: Translation | None, picture: bool = False, said: str = "", running: bool = True
    ) -> None:
        """Show what is known so far; None: nothing yet. picture: whether one is on the stage. said: what to say in
        place of what the panel would. running: whether more is to come."""
        if state is not None:
            state = read_so_far(state) if running else broken_off(state)
        self._last = (state, picture, said, running)
        passages = grouped(state.passages) if state else ()
        self._fit_rows(len(passages))
        right_to_left = state is not None and LANGUAGES[state.target].right_to_left
        next_one = next((i for i, p in enumerate(passages) if p.translation is None), -1)
        checked = next((i for i, p in enumerate(passages) if p.translation != p.source and p.back is None), -1)
        checked = checked if state is not None and state.stage == "checking" else -1
        for i, (row, passage) in enumerate(zip(self._rows, passages, strict=True)):
            if row.source.text() != passage.source:
                row.show_explanation("")
            row.explain_button.setEnabled(self.explains)
            draft = state.draft if state and state.stage == "translating" and i == next_one else ""
            row.show_passage(passage, draft, right_to_left, state.draft if state and i == checked else "")
        words = said or self._message(state, picture, running)
        say(self.message.setText, words)
        self.message.setVisible(bool(words))
        self._scroll.setVisible(bool(passages) or not words)
        something = state is not None and bool(state.text)
        for button in (self._copy, self._save):
            button.setEnabled(something or bool(passages))
        read = Wording("Copy the text that was read")
        self._copy.set_name(read if passages and not something else Wording("Copy the translation"))
        drawable = something and any(p.quads for p in passages)
        if drawable == self._original.isHidden():
            self._original.setVisible(drawable)
            self.update()  # where a point is one and a half pixels, the button's lower edge would stay
        self._make_room()
        self._again.setEnabled(state is not None or picture)
        self.swap.setEnabled(self.spoken not in ("", self.languages[1]))

    def _message(self, state: Translation | None, picture: bool, running: bool) -> str:
        if state is None:
            return (
                Wording("The text in the picture appears here, with its translation.")
                if picture
                else Wording("Bring a picture with text in it, or write a text below.")
            )
        if state.outcome == "no text":
            return Wording("There is no text in this picture that could be read.")
        if state.outcome == "already":
            return Wording("This is in {language} already.", language=LANGUAGES[state.target].native)
        if state.stage in ("finding", "reading") and not running:
            return Wording("The text was not read to its end.")
        if state.stage == "translating" and not running and (state.text or not state.around):
            return Wording("The text was not translated to its end.")
        return ""

    def _fit_rows(self, count: int) -> None:
        while len(self._rows) > count:
            row = self._rows.pop()
            self._list_column.removeWidget(row)
            row.hide()
            row.deleteLater()
        while len(self._rows) < count:
            row = PassageRow()
            row.set_wide(self.width() >= _SIDE_BY_SIDE)
            row.explain.connect(partial(self.explain.emit, row))
            self._list_column.insertWidget(len(self._rows), row)
            self._rows.append(row)

    def _make_room(self) -> None:
        """Let the list grow with its rows at once: by itself it grows a turn of the event loop later, and until then
        the rows are pressed into its old height and their texts cut off."""
        if self.isVisible():
            self._list_column.activate()
            QCoreApplication.sendEvent(self._scroll, QEvent(QEvent.Type.LayoutRequest))

    def _on_models(self) -> None:
        self.models_wanted.emit(below(self._models, end=True))

    def _on_check(self) -> None:
        self.checked.emit(self.check.isChecked())

    def _on_chosen(self) -> None:
        self.swap.setEnabled(self.spoken not in ("", self.languages[1]))
        self.languages_chosen.emit(*self.languages)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for row in self._rows:
            row.set_wide(self.width() >= _SIDE_BY_SIDE)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.show_translation(*self._last)
