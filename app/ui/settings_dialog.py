"""The settings, made from their list: one page a section, one row a setting."""

from collections.abc import Callable
from typing import cast

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.errors import SpyglassError
from app.settings.schema import SETTINGS, Plain, Setting
from app.settings.store import SettingsStore
from app.ui import theme
from app.ui.sheets import SmallWindow

translate = QCoreApplication.translate

_FIRST = ("Window", "Answers")


class SettingsDialog(SmallWindow):
    """Each change holds at once. changed: the key of a setting. failed: a SpyglassError."""

    changed = Signal(str)
    failed = Signal(object)

    def __init__(self, store: SettingsStore, parent: QWidget) -> None:
        super().__init__(translate("Settings", "Settings"), parent)
        self._store = store
        tabs = QTabWidget()
        tabs.setDocumentMode(True)
        tabs.tabBar().setDrawBase(False)
        for section in dict.fromkeys((*_FIRST, *(setting.section for setting in SETTINGS))):
            settings = [setting for setting in SETTINGS if setting.section == section]
            tabs.addTab(self._page(settings), translate("Settings", section))
        self.column.addWidget(tabs, 1)
        self.finish(focus=tabs.tabBar())
        self.resize(min(560, parent.width()), min(600, max(400, parent.height())))

    def _page(self, settings: list[Setting]) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.setContentsMargins(4, 16, 16, 16)
        form.setHorizontalSpacing(24)
        form.setVerticalSpacing(6)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for setting in settings:
            form.addRow(translate("Settings", setting.title), self._field(setting))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(page)
        return area

    def _field(self, setting: Setting) -> QWidget:
        editor = self._editor(setting)
        editor.setAccessibleName(translate("Settings", setting.title))
        editor.setAccessibleDescription(translate("Settings", setting.help))
        editor.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        field = QWidget()
        column = QVBoxLayout(field)
        column.setContentsMargins(0, 0, 0, 12)
        column.setSpacing(4)
        column.addWidget(editor)
        words = QLabel(translate("Settings", setting.help))
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
            for choice, label in setting.choices:
                box.addItem(translate("Settings", label), choice)
            box.setCurrentIndex(box.findData(value))
            box.currentIndexChanged.connect(lambda: save(box.currentData()))
            return box
        if isinstance(value, bool):
            check = QCheckBox(translate("Settings", "On"))
            check.setChecked(value)
            check.toggled.connect(save)
            return check
        if isinstance(value, int | float):
            return _number(setting, value, save)
        line = QLineEdit(value)
        line.editingFinished.connect(lambda: save(line.text()))
        return line

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


def _number(setting: Setting, value: int | float, save: Callable[[Plain], None]) -> QWidget:
    if isinstance(setting.default, float):
        real = QDoubleSpinBox()
        real.setDecimals(2)
        real.setSingleStep(0.05)
        real.setRange(max(setting.low, -1e9), min(setting.high, 1e9))
        real.setValue(value)
        real.editingFinished.connect(lambda: save(real.value()))
        return real
    whole = QSpinBox()
    whole.setRange(int(max(setting.low, -(2**31))), int(min(setting.high, 2**31 - 1)))
    whole.setValue(cast(int, value))
    whole.setSuffix(f" {translate('Settings', setting.unit)}" if setting.unit else "")
    whole.editingFinished.connect(lambda: save(whole.value()))
    return whole
