"""Letters for languages that the system has no font for: those that ship for drawn translations serve the window."""

import logging

from PySide6.QtGui import QFont, QFontDatabase, QFontInfo, QGuiApplication

from app import paths

_log = logging.getLogger(__name__)

_System = QFontDatabase.WritingSystem
_FIXED = QFontDatabase.SystemFont.FixedFont
_FILES = {
    _System.Arabic: "NotoSansArabic-Regular.ttf",
    _System.SimplifiedChinese: "DroidSansFallbackFull.ttf",
    _System.Hebrew: "NotoSansHebrew-Regular.ttf",
    _System.Devanagari: "NotoSansDevanagari-Regular.ttf",
    _System.Thai: "NotoSansThai-Regular.ttf",
    _System.Korean: "NanumSquareR.ttf",
}


def fixed() -> QFont:
    """The system's font for code, by its own name: a substitute for the word "monospace" would stand in for it."""
    font = QFontDatabase.systemFont(_FIXED)
    font.setFamily(QFontInfo(font).family())
    return font


def complete() -> None:
    """Make every language readable that the window, answers and translations may be in. Takes milliseconds."""
    missing = [system for system in _FILES if not QFontDatabase.families(system)]
    if _System.Korean in missing and _System.SimplifiedChinese not in missing:
        # Our letters for Korean are empty in many places of Chinese ones: good ones must come before them.
        missing.insert(0, _System.SimplifiedChinese)
    for system in missing:
        _add(system)


def _add(system: QFontDatabase.WritingSystem) -> None:
    file = paths.assets_dir() / "fonts" / _FILES[system]
    added = QFontDatabase.addApplicationFont(str(file))
    if added < 0:
        _log.warning("the font %s cannot be used", file.name)
        return
    # Named as a substitute, it comes before fonts that happen to have a few of its letters.
    for font in (QGuiApplication.font(), fixed()):
        QFont.insertSubstitutions(font.family(), QFontDatabase.applicationFontFamilies(added))
