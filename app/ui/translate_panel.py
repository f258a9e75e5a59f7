"""Beside the picture: every passage with its translation, how sure both are, and what to look at twice."""

import html
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QEvent, QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.modes.translate.checks import Concern, has_words
from app.modes.translate.languages import LANGUAGES
from app.modes.translate.pipeline import Passage, Translation
from app.ui import figures, theme
from app.ui.buttons import IconButton, below, push
from app.ui.i18n import say, shown
from app.wording import Wording

_SIDE_BY_SIDE = 440
"""Pixels of width from which the two texts stand beside each other."""
AUTO = "auto"
_GAP = "   "
"""Between words and the number that goes with them."""


class PassageRow(QFrame):
    """One passage: the original, its translation, how sure, and concerns. explain: a phrase, or all of it."""

    explain = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("passage")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(4)
        self._texts = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._texts.setSpacing(12)
        self.source, self.translation = _text("soft"), _text("")
        self._texts.addWidget(self.source, 1)
        self._texts.addWidget(self.translation, 1)
        column.addLayout(self._texts)
        self._sure = QLabel()
        self._sure.setObjectName("soft")
        self._sure.setFont(theme.scaled(self.font(), 0.8))
        below = QHBoxLayout()
        below.addWidget(self._sure, 1)
        self.explain_button = push(Wording("Explain"), self._explain, "link")
        say(self.explain_button.setToolTip, Wording("Explain this text, or the words marked in it"))
        below.addWidget(self.explain_button)
        column.addLayout(below)
        self.explanation = _text("")
        self.explanation.hide()
        column.addWidget(self.explanation)
        self.back = _text("soft")
        self.back.setTextFormat(Qt.TextFormat.RichText)
        column.addWidget(self.back)
        self.concerns = _text("concern")
        column.addWidget(self.concerns)

    def show_passage(self, passage: Passage, draft: str, right_to_left: bool, back: str = "") -> None:
        """draft, back: what is being written as its translation, or as the translation back, just now."""
        self.source.setText(passage.source)
        self.translation.setText(draft if passage.translation is None else passage.translation)
        direction = Qt.LayoutDirection.RightToLeft if right_to_left else Qt.LayoutDirection.LeftToRight
        self.translation.setLayoutDirection(direction)
        sure = min(passage.sure, passage.sure_written)
        done = passage.translation is not None and passage.translation != passage.source
        dots = figures.sure_dots(sure)
        words = f"{'●' * dots}{'○' * (figures.DOTS - dots)}  {shown(figures.sure_words(sure))}"
        self._sure.setText(words if done else "")
        self._sure.setVisible(done)
        self.explain_button.setVisible(done and self.explain_button.isEnabled())
        returned = passage.back.text if passage.back else back
        self.back.setText(_back(returned, passage.back.new if passage.back else ()))
        self.back.setVisible(bool(returned))
        self.concerns.setText("\n".join(shown(concern_words(concern)) for concern in passage.concerns))
        self.concerns.setVisible(bool(passage.concerns))

    def show_explanation(self, text: str) -> None:
        self.explanation.setText(text)
        self.explanation.setVisible(bool(text))

    def _explain(self) -> None:
        self.explain.emit(self.source.selectedText().strip() or self.source.text())

    def set_wide(self, wide: bool) -> None:
        self._texts.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        self._texts.setSpacing(12 if wide else 2)


class TranslatePanel(QFrame):
    """languages_chosen: codes of source ("auto" too) and target. checked: translate back from now on, or not.
    models_wanted: a menu of models is to open at the place on the screen. again, saved, copied, terms: a button was
    pressed.
    original: whether the picture shall stand as it was. explain: a row and the phrase in it to be explained."""

    languages_chosen = Signal(str, str)
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
        for language in sorted(LANGUAGES.values(), key=lambda one: one.native.casefold()):
            for box in (self.source, self.target):
                box.addItem(language.native, language.code)
        say(self.source.setAccessibleName, Wording("Translate from"))
        say(self.target.setAccessibleName, Wording("Translate into"))
        languages = QHBoxLayout()
        languages.setSpacing(8)
        languages.addWidget(self.source, 1)
        languages.addWidget(_Arrow())
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
        self._original = push(
            Wording("Show the original"), lambda: self.original.emit(self._original.isChecked()), "chip"
        )
        self._original.setCheckable(True)
        say(self._original.setToolTip, Wording("Or hold O on the picture, or point at a line"))
        row.addWidget(self._original)
        row.addStretch()
        self._copy = IconButton("copy", Wording("Copy the translation"), self.copied.emit, size=16)
        self._save = IconButton("download", Wording("Save as picture, PDF or text"), self.saved.emit, size=16)
        self._again = IconButton("refresh-cw", Wording("Translate again"), self.again.emit, size=16)
        terms = IconButton("pencil", Wording("Your own words"), self.terms.emit, size=16)
        self.check = IconButton("arrow-left-right", Wording("Check by translating back"), self._on_check, size=16)
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

    def choose(self, source: str, target: str) -> None:
        """Show these languages as chosen."""
        for box, code in ((self.source, source), (self.target, target)):
            with QSignalBlocker(box):
                box.setCurrentIndex(max(0, box.findData(code)))

    def show_translation(self, state: Translation | None, picture: bool = False, said: str = "") -> None:
        """Show what is known so far; None: nothing yet. picture: whether one is on the stage. said: what to say in
        place of what the panel would."""
        self._last = (state, picture, said)
        passages = _grouped(state.passages) if state else ()
        self._fit_rows(len(passages))
        right_to_left = state is not None and LANGUAGES[state.target].right_to_left
        next_one = next((i for i, p in enumerate(passages) if p.translation is None), -1)
        checked = next((i for i, p in enumerate(passages) if p.translation != p.source and p.back is None), -1)
        checked = checked if state is not None and state.stage == "checking" else -1
        for i, (row, passage) in enumerate(zip(self._rows, passages, strict=True)):
            if row.source.text() != passage.source:
                row.show_explanation("")
            row.explain_button.setEnabled(self.explains)
            draft = state.draft if state and i == next_one else ""
            row.show_passage(passage, draft, right_to_left, state.draft if state and i == checked else "")
        words = said or self._message(state, picture)
        say(self.message.setText, words)
        self.message.setVisible(bool(words))
        self._scroll.setVisible(bool(passages) or not words)
        something = state is not None and bool(state.text)
        for button in (self._copy, self._save):
            button.setEnabled(something)
        self._original.setVisible(something and any(p.quads for p in passages))
        self._again.setEnabled(state is not None)

    def _message(self, state: Translation | None, picture: bool) -> str:
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
        if state.stage == "reading":
            return state.draft
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

    def _on_models(self) -> None:
        self.models_wanted.emit(below(self._models, end=True))

    def _on_check(self) -> None:
        self.checked.emit(self.check.isChecked())

    def _on_chosen(self) -> None:
        self.languages_chosen.emit(*self.languages)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for row in self._rows:
            row.set_wide(self.width() >= _SIDE_BY_SIDE)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.show_translation(*self._last)


class _Arrow(QLabel):
    """From the one language to the other, whichever way is forward."""

    def __init__(self) -> None:
        super().__init__()
        self._point()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self._point()

    def _point(self) -> None:
        self.setText("←" if self.isRightToLeft() else "→")


def _grouped(passages: Sequence[Passage]) -> list[Passage]:
    """Passages as rows: a price or a number goes with the words before it, as it does in a menu or a table."""
    rows: list[Passage] = []
    for passage in passages:
        if rows and has_words(rows[-1].source) and not has_words(passage.source):
            rows[-1] = _with_number(rows[-1], passage)
        else:
            rows.append(passage)
    return rows


def _with_number(words: Passage, number: Passage) -> Passage:
    translation = words.translation
    if translation is not None:
        translation = f"{translation}{_GAP}{number.translation or number.source}"
    lines, quads = (*words.lines, *number.lines), (*words.quads, *number.quads)
    source, concerns = f"{words.source}{_GAP}{number.source}", (*words.concerns, *number.concerns)
    return replace(words, source=source, lines=lines, quads=quads, translation=translation, concerns=concerns)


def concern_words(concern: Concern) -> Wording:
    """What is to be looked at twice."""
    what = concern.what
    return {
        "number": Wording("Look twice: the number {what} differs or is missing.", what=what),
        "price": Wording("Look twice: the currency {what} is missing.", what=what),
        "code": Wording("Look twice: {what} is missing.", what=what),
        "name": Wording("Look twice: the name {what} is missing.", what=what),
        "term": Wording("Your own word for “{what}” was not used.", what=what),
        "empty": Wording("“{what}” was not translated.", what=what),
        "meaning": Wording("Look twice: the meaning may have changed."),
    }[concern.kind]


def _back(text: str, new: Sequence[str]) -> str:
    """The translation back as HTML; words that the source does not have are underlined."""
    marked = {word.casefold() for word in new}
    pieces = (
        f"<u>{html.escape(piece)}</u>" if piece.casefold() in marked else html.escape(piece)
        for piece in re.split(r"(\W+)", text)
    )
    return shown(Wording("Translated back: {text}", text="".join(pieces)))


def _text(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignTop)
    return label
