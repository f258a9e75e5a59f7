"""The settings, made from their list: one heading a section, one row a setting."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

from PySide6.QtCore import QEvent, QLocale, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.errors import SpyglassError
from app.settings.schema import SETTINGS
from app.settings.setting import Plain, Setting
from app.settings.store import SettingsStore
from app.ui import theme
from app.ui.buttons import push
from app.ui.i18n import say
from app.ui.sheets import SmallWindow
from app.ui.undo_bar import UndoBar
from app.wording import Wording

_NARROW = 560
_LABEL = 176
"""Pixels, so that the fields of all sections begin at one line."""
_FIRST = ("Window", "Answers")


class SettingsDialog(SmallWindow):
    """Each change holds at once. changed: the key of a setting. failed: a SpyglassError."""

    changed = Signal(str)
    failed = Signal(object)

    def __init__(self, store: SettingsStore, parent: QWidget) -> None:
        super().__init__(Wording("Settings"), parent)
        self._store = store
        self._narrow = parent.width() < _NARROW
        self._editors: dict[str, QWidget] = {}
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(self._page())
        say(self._area.setAccessibleName, Wording("Settings"))
        self.column.addWidget(self._area, 1)
        self._before: dict[str, Plain] = {}
        self._undo = UndoBar(self._take_back)
        self.column.addWidget(self._undo)
        self.finish(push(Wording("Reset to defaults"), self._reset, "link"), focus=self._area)
        self.resize(min(600, parent.width()), min(720, max(400, parent.height())))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange:
            self.setLocale(QLocale())  # the numbers

    def _page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 16, 0)
        column.setSpacing(8)
        for section in dict.fromkeys((*_FIRST, *(setting.section for setting in SETTINGS))):
            column.addLayout(self._section(section))
        column.addStretch()
        return page

    def _section(self, section: str) -> QVBoxLayout:
        column = QVBoxLayout()
        head = QLabel()
        say(head.setText, Wording(section))
        head.setFont(theme.scaled(self.font(), 1.1, bold=True))
        head.setContentsMargins(0, 16, 0, 8)
        column.addWidget(head)
        form = QFormLayout()
        form.setHorizontalSpacing(24)
        form.setVerticalSpacing(6)
        wrap = QFormLayout.RowWrapPolicy
        form.setRowWrapPolicy(wrap.WrapAllRows if self._narrow else wrap.DontWrapRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for setting in SETTINGS:
            if setting.section == section:
                label = QLabel()
                say(label.setText, Wording(setting.title))
                label.setWordWrap(True)
                if not self._narrow:
                    label.setFixedWidth(_LABEL)
                form.addRow(label, self._field(setting))
        column.addLayout(form)
        return column

    def _field(self, setting: Setting) -> QWidget:
        editor = self._editors[setting.key] = self._editor(setting)
        say(editor.setAccessibleName, Wording(setting.title))
        say(editor.setAccessibleDescription, Wording(setting.help))
        editor.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        field = QWidget()
        column = QVBoxLayout(field)
        column.setContentsMargins(0, 0, 0, 12)
        column.setSpacing(4)
        column.addWidget(editor)
        words = QLabel()
        say(words.setText, Wording(setting.help))
        words.setObjectName("soft")
        words.setWordWrap(True)
        words.setFont(theme.scaled(self.font(), 0.88))
        column.addWidget(words)
        return field

    def _editor(self, setting: Setting) -> QWidget:
        value = self._store.settings[setting.key]
        save = self._saver(setting.key)
        if setting.choices:
            box = QComboBox()
            for i, (choice, label) in enumerate(setting.choices):
                box.addItem("", choice)
                say(partial(box.setItemText, i), Wording(label))
            box.setCurrentIndex(box.findData(value))
            box.currentIndexChanged.connect(lambda: save(box.currentData()))
            return box
        if isinstance(value, bool):
            check = QCheckBox()
            say(check.setText, Wording("On"))
            check.setChecked(value)
            check.toggled.connect(save)
            return check
        if isinstance(value, int | float):
            return _number(setting, value, save)
        line = QLineEdit(value)
        line.editingFinished.connect(lambda: save(line.text()))
        return line

    def _reset(self) -> None:
        settings = self._store.settings
        other = {s.key: s for s in SETTINGS if not s.stays and settings[s.key] != s.default}
        if other:
            self._before = {key: settings[key] for key in other}
            self._put({key: setting.default for key, setting in other.items()})
        self._undo.tell(
            Wording("The defaults hold again. Your models and languages, and what is kept on disk, stay as they are."),
            undoable=bool(self._before),
        )

    def _take_back(self) -> None:
        before, self._before = self._before, {}
        self._put(before)
        self._undo.tell(Wording("The settings are as they were."), undoable=False)
        self._area.setFocus()

    def _put(self, values: Mapping[str, Plain]) -> None:
        for key, value in values.items():
            _show(self._editors[key], value)
            self._saver(key)(value)

    def _saver(self, key: str) -> Callable[[Plain], None]:
        def save(value: Plain) -> None:
            if value == self._store.settings[key]:
                return
            try:
                self._store.set(key, value)
            except SpyglassError as error:
                self.failed.emit(error)
            self.changed.emit(key)

        return save


def _show(editor: QWidget, value: Plain) -> None:
    match editor:
        case QComboBox():
            editor.setCurrentIndex(editor.findData(value))
        case QCheckBox():
            editor.setChecked(bool(value))
        case QSpinBox() | QDoubleSpinBox():
            editor.setValue(cast(int, value))
        case QLineEdit():
            editor.setText(str(value))


def _number(setting: Setting, value: int | float, save: Callable[[Plain], None]) -> QWidget:
    spin: QDoubleSpinBox | QSpinBox
    if isinstance(setting.default, float):
        spin = QDoubleSpinBox()
        spin.setDecimals(2)
        spin.setSingleStep(0.05)
        spin.setRange(max(setting.low, -1e9), min(setting.high, 1e9))
        spin.setValue(value)
    else:
        spin = QSpinBox()
        spin.setRange(int(max(setting.low, -(2**31))), int(min(setting.high, 2**31 - 1)))
        spin.setValue(cast(int, value))
    spin.lineEdit().setTextMargins(8, 0, 0, 0)
    if setting.unit:
        say(spin.setSuffix, Wording(setting.unit))
    spin.editingFinished.connect(lambda: save(spin.value()))
    return spin
