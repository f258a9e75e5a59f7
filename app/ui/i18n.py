"""The language of the window: catalogues, sentences, numbers and times in it, and switching while the window is open.

What stays on the screen is set through `say`, which says it again when the language changes. What is read once (menus,
file dialogs) may use Qt's own `tr`. What is painted is painted anew.
"""

import logging
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCollator, QCollatorSortKey, QCoreApplication, QDateTime, QLibraryInfo, QLocale, QTranslator
from PySide6.QtGui import QGuiApplication, Qt
from PySide6.QtWidgets import QApplication

from app import paths
from app.settings.schema import BY_KEY
from app.wording import Filling, Wording, fill

_log = logging.getLogger(__name__)

SOURCE = "en"
"""The language the program is written in; its catalogue holds plurals only."""
LANGUAGES = tuple(code for code, _ in BY_KEY["window.language"].choices if code != "system")
"""The languages there are catalogues for, named as Qt names locales."""

_GROUPED = 10_000
"""Smaller whole numbers are written without separators."""
_SAID = "said by i18n"
"""Where a widget keeps what it says; no name, so that it cannot be one of its own."""
_FSI, _PDI, _LRM, _RLM = "\u2068", "\u2069", "\u200e", "\u200f"


def folder() -> Path:
    """Where the compiled catalogues are."""
    return paths.assets_dir() / "i18n"


# --- saying ----------------------------------------------------------------------------------------------------------


def shown(words: str) -> str:
    """A Wording in the language that holds now; a plain string, such as a name or a model's words, as it is.

    One that begins with a foreign text is marked with its own direction, which rich text would else take from that.
    """
    if not isinstance(words, Wording) or not words.template:
        return words
    n = words.values.get("n")
    template = QCoreApplication.translate("Wording", words.template, None, n if isinstance(n, int) else -1)
    text = fill(template, words.values, _local)
    own = _RLM if QGuiApplication.isRightToLeft() else _LRM
    return own + text if text.startswith(_FSI) else text


def say(setter: Callable[[str], object], words: str) -> None:
    """Show `words` through a method of a widget or action, now and after every change of language.

    setter: `label.setText` and the like; a `partial` of one with further arguments is another place than the plain one.
    Tips are given `as_tip`, and a unit keeps a space from its number.
    """
    method: Any = setter.func if isinstance(setter, partial) else setter
    place = (method.__name__, setter.args if isinstance(setter, partial) else ())
    method.__self__.__dict__.setdefault(_SAID, {})[place] = words
    setter(_for(method.__name__, words))


def as_tip(words: str) -> str:
    """Words for a `setToolTip`, shown as they are written: Qt would take a file's name such as <img>.png for HTML."""
    text = shown(words)
    return Qt.convertFromPlainText(text) if Qt.mightBeRichText(text) else text


def _for(setter: str, words: str) -> str:
    if setter == "setToolTip":
        return as_tip(words)
    return f" {shown(words)}" if setter == "setSuffix" else shown(words)


def _say_again(owner: object) -> None:
    for (name, arguments), words in owner.__dict__.get(_SAID, {}).items():
        getattr(owner, name)(*arguments, _for(name, words))


def clock(when: float) -> str:
    """The time of day, with seconds and without the zone's name. when: seconds since the epoch."""
    form = re.sub(r"[ (]*\bt+\b\)?", "", QLocale().timeFormat(QLocale.FormatType.LongFormat)).strip()
    return QLocale().toString(QDateTime.fromMSecsSinceEpoch(round(when * 1000)).time(), form)


def isolated(text: str) -> str:
    """A name or another foreign text, marked so that neither it nor the sentence around it changes its direction."""
    foreign = QGuiApplication.isRightToLeft() or any("\u0590" <= letter <= "\u08ff" for letter in text)
    return f"{_FSI}{text}{_PDI}" if foreign else text


def from_start(text: str) -> str:
    """A foreign text that stands alone, marked so that its line begins where lines of this language begin."""
    return f"{_RLM}{isolated(text)}" if QGuiApplication.isRightToLeft() else text


def number(value: float, digits: int = 0) -> str:
    """A number with so many digits after the decimal sign."""
    locale = QLocale()
    if abs(value) < _GROUPED:
        locale.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
    return locale.toString(float(value), "f", digits)


def percent(share: float, digits: int = 0) -> str:
    """A share 0..1 in percent."""
    return shown(Wording("{number}%", number=Wording(number(share * 100, digits))))


def _local(value: Filling, spec: str) -> str:
    if isinstance(value, Wording):
        return shown(value)
    if isinstance(value, str):
        return isolated(value)
    if not spec:
        return number(value) if isinstance(value, int) else number(value, 0 if value == int(value) else 1)
    digits = int(spec[1])
    return percent(value, digits) if spec[2] == "%" else number(value, digits)


# --- the language that holds -----------------------------------------------------------------------------------------


class Language:
    """Which language the window speaks."""

    def __init__(self, app: QApplication) -> None:
        self._app = app
        self._catalogues: list[QTranslator] = []
        self.code = SOURCE

    def use(self, choice: str) -> Wording | None:
        """Speak the language called `choice` from now on, or for "system" the person's.

        Everything that is open is said again at once. Without its catalogue a language is English; what is returned
        says so.
        """
        missing = None
        self.code = choice if choice in LANGUAGES else preferred(QLocale.system().uiLanguages())
        for catalogue in self._catalogues:
            self._app.removeTranslator(catalogue)
        self._catalogues = []
        QLocale.setDefault(_locale(self.code))  # before widgets hear of the new language
        qt = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
        self._install(Path(qt) / f"qtbase_{self.code}.qm")
        if not self._install(folder() / f"spyglass_{self.code}.qm") and self.code != SOURCE:
            missing = Wording("The texts in {language} are missing.", language=QLocale(self.code).nativeLanguageName())
            self.code = SOURCE
            QLocale.setDefault(_locale(SOURCE))
        self._app.setLayoutDirection(QLocale().textDirection())
        for widget in self._app.allWidgets():
            _say_again(widget)
            for action in widget.actions():
                _say_again(action)
        return missing

    def _install(self, file: Path) -> bool:
        catalogue = QTranslator(self._app)
        if not catalogue.load(str(file)):
            _log.warning("there is no catalogue %s", file.name)
            return False
        self._catalogues.append(catalogue)
        return self._app.installTranslator(catalogue)


def preferred(wanted: list[str]) -> str:
    """The first of the person's languages there is a catalogue for, else English. wanted: such as "de-CH", best first.

    Traditional Chinese is not simplified Chinese: who reads it gets the next language.
    """
    for name in wanted:
        theirs = QLocale(name)
        for code in LANGUAGES:
            ours = QLocale(code)
            if (theirs.language(), theirs.script()) == (ours.language(), ours.script()):
                return code
    return SOURCE


def alphabetical(name: str) -> QCollatorSortKey:
    """What names are sorted by in a list: Čeština comes before Dansk, not after Türkçe."""
    return QCollator(QLocale("en_US")).sortKey(name)


def tongues(choice: str) -> list[str]:
    """Codes (ISO 639-1) of the languages the person reads, the best first. choice: what the window is set to speak."""
    names = [choice, *QLocale.system().uiLanguages()] if choice in LANGUAGES else QLocale.system().uiLanguages()
    codes = (QLocale.languageToCode(QLocale(name).language()) for name in names)
    return ["no" if code in ("nb", "nn") else code for code in codes]


def _locale(code: str) -> QLocale:
    """How numbers are written: as the system says if it speaks the language, for a Swiss is no German."""
    system = QLocale.system()
    return system if system.language() == QLocale(code).language() else QLocale(code)
