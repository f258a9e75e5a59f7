"""One row of a translation: a passage, its translation, how sure both are, and what to look at twice."""

import html
import re
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QVBoxLayout

from app.modes.translate.checks import has_words
from app.modes.translate.pipeline import Passage
from app.ui import figures, theme
from app.ui.buttons import push
from app.ui.i18n import say, shown
from app.wording import Wording

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
        self.source, self.translation = _text("soft"), _text("")
        self._texts.addWidget(self.source)
        self._texts.addWidget(self.translation)
        self.set_wide(True)
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
        self.concerns.setText("\n".join(shown(concern.sentence) for concern in passage.concerns))
        self.concerns.setVisible(bool(passage.concerns))

    def show_explanation(self, text: str) -> None:
        self.explanation.setText(text)
        self.explanation.setVisible(bool(text))

    def _explain(self) -> None:
        words, _, _ = self.source.text().partition(_GAP)  # a price that stands beside them explains itself
        self.explain.emit(self.source.selectedText().strip() or words)

    def set_wide(self, wide: bool) -> None:
        """Have the texts beside each other, in halves of the width; else below each other, as high as they are."""
        self._texts.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        self._texts.setSpacing(12 if wide else 2)
        for index in range(self._texts.count()):
            self._texts.setStretch(index, int(wide))


def grouped(passages: Sequence[Passage]) -> list[Passage]:
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
        translation = f"{translation}{_GAP}{_unbroken(number.translation or number.source)}"
    lines, quads = (*words.lines, *number.lines), (*words.quads, *number.quads)
    source, concerns = f"{words.source}{_GAP}{_unbroken(number.source)}", (*words.concerns, *number.concerns)
    return replace(words, source=source, lines=lines, quads=quads, translation=translation, concerns=concerns)


def _unbroken(number: str) -> str:
    """A price whose sign does not go to the next line alone."""
    return number.replace(" ", "\u00a0")


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
