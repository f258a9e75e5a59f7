"""The menus, made anew each time they open, so that they show what is so now."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QAction, QGuiApplication, QIcon, QKeySequence, QPainterPath, QRegion, QResizeEvent
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

from app.capture.camera import Rotation
from app.capture.sources import address
from app.chat.conversation import Turn
from app.library.disk import STARTER, Installed
from app.modes.translate.languages import LANGUAGES
from app.ui import icons, theme
from app.ui.actions import Actions
from app.ui.camera_view import CameraFeed
from app.ui.i18n import alphabetical, as_tip, isolated, shown
from app.wording import Wording

Offer = tuple[Wording, Callable[[], object]]
"""Something that can be done, and what does it."""

_TURNED: dict[Rotation, Rotation] = {0: 90, 90: 180, 180: 270, 270: 0}
_ROUND = 8.0
_LONGEST = 360
"""Pixels of words in a menu of offers: names of pictures are as long as they like."""
_MAIN = (
    ("new", "history", "save", "find"),
    ("open", "paste", "screen", "camera", "network"),
    ("model", "settings"),
    ("keys",),
)


class _Menu(QMenu):
    """A menu with round corners, cut out: transparent ones are black where no compositor runs."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowFlag(Qt.WindowType.FramelessWindowHint)
        self.setToolTipsVisible(True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()), _ROUND, _ROUND)
        self.setMask(QRegion(shape.toFillPolygon().toPolygon()))


def open_at(menu: QMenu, place: QPoint, end: bool = False) -> None:
    """Open a menu so that it begins, or ends, at `place`, in the direction of writing."""
    to_the_left = menu.isRightToLeft() != end
    menu.popup(place - QPoint(menu.sizeHint().width(), 0) if to_the_left else place)


def main(parent: QWidget, actions: Actions, about: Callable[[], None]) -> QMenu:
    """The menu of the program."""
    menu = _Menu(parent)
    colours = theme.current()
    for group in _MAIN:
        for name in group:
            action = actions[name]
            action.setIcon(icons.icon(action.property("iconName"), colours.soft, colours.line, 18))
            _add(menu, action)
        menu.addSeparator()
    menu.addAction(icons.icon("info", colours.soft, size=18), shown(Wording("About Spyglass")), about)
    _add(menu, actions["quit"])
    return menu


def _add(menu: QMenu, action: QAction, with_icon: bool = True) -> None:
    """An action as an entry. Qt would write "Ctrl+," from the right as ",+Ctrl"."""
    keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    words = f"{action.text()}\t{isolated(keys)}" if keys else action.text()
    icon = action.icon() if with_icon else QIcon()
    menu.addAction(icon, words, action.trigger).setEnabled(action.isEnabled())


def models(
    parent: QWidget, installed: Sequence[Installed], chosen: str, choose: Callable[[str], None], open_file: QAction
) -> QMenu:
    """The models on this machine; those that cannot be used say why."""
    menu = _Menu(parent)
    names = {str(model.path): model.name for model in installed}
    for model in installed:
        action = menu.addAction(f"{_title(model)}\t{_size(model.size)}".replace("&", "&&"))
        action.setCheckable(True)
        action.setChecked(chosen in (model.name, str(model.path)))
        action.setEnabled(not model.problem)
        action.setToolTip(as_tip(model.problem or str(model.path)))
        name = model.name if model.name == STARTER else str(model.path)
        action.triggered.connect(lambda _=False, n=name: choose(n))
    if chosen not in (*names, *names.values()):
        action = menu.addAction(chosen.replace("\\", "/").rsplit("/", 1)[-1].replace("&", "&&"))
        action.setCheckable(True)
        action.setChecked(True)
    menu.addSeparator()
    _add(menu, open_file, with_icon=False)
    return menu


def translators(
    parent: QWidget,
    installed: Sequence[Installed],
    chosen: str,
    choose: Callable[[str], None],
    open_file: Callable[[], None],
) -> QMenu:
    """The models that can translate a text: the one that reads the pictures (chosen: ""), and all that read text."""
    menu = _Menu(parent)
    usable = [model for model in installed if not model.problem or model.text_only]
    entries = [("", shown(Wording("The model that reads the picture")), "")]
    entries += [(str(m.path), f"{_title(m)}\t{_size(m.size)}", str(m.path)) for m in usable]
    names = {str(m.path): m.name for m in usable}
    if chosen and chosen not in (*names, *names.values()):
        entries.append((chosen, chosen.replace("\\", "/").rsplit("/", 1)[-1], chosen))
    for path, words, tip in entries:
        action = menu.addAction(words.replace("&", "&&"))
        action.setCheckable(True)
        action.setChecked(chosen in (path, names.get(path, path)))
        action.setToolTip(as_tip(tip))
        action.triggered.connect(lambda _=False, p=path: choose(p))
    menu.addSeparator()
    menu.addAction(shown(Wording("Another model file…")), open_file)
    return menu


def offers(parent: QWidget, found: Sequence[Offer]) -> QMenu:
    """A menu of things that can be done here."""
    menu = _Menu(parent)
    for words, do in found:
        short = menu.fontMetrics().elidedText(shown(words), Qt.TextElideMode.ElideMiddle, _LONGEST)
        menu.addAction(short.replace("&", "&&"), do)
    return menu


def _title(model: Installed) -> str:
    return shown(Wording("Starter (ships with Spyglass)")) if model.name == STARTER else model.title or model.name


def languages(parent: QWidget, newest: str, turn: Turn, choose: Callable[[str], None]) -> QMenu:
    """The languages an answer can be translated into, that chosen last first. choose("") takes the translation away."""
    menu = _Menu(parent)
    there = turn.translated
    if there is not None:
        copy = partial(QGuiApplication.clipboard().setText, shown(there.text))
        menu.addAction(shown(Wording("Copy the translation")), copy)
        menu.addAction(shown(Wording("Take the translation away")), lambda: choose(""))
        menu.addSeparator()
    others = sorted(LANGUAGES.values(), key=lambda one: alphabetical(one.native))
    for language in sorted(others, key=lambda one: one.code != newest):
        action = menu.addAction(language.native)
        action.setCheckable(True)
        action.setChecked(there is not None and there.language == language.code)
        action.triggered.connect(lambda _=False, code=language.code: choose(code))
        if language.code == newest:
            menu.addSeparator()
    return menu


def cameras(parent: QWidget, feed: CameraFeed) -> QMenu:
    """The cameras found last, those in the network, and how the picture stands."""
    menu = _Menu(parent)
    for device in feed.devices:
        action = menu.addAction(device.name.replace("&", "&&"))
        action.setCheckable(True)
        action.setChecked(device == feed.source)
        action.triggered.connect(lambda _=False, d=device: feed.start(d))
    if not feed.devices:
        menu.addAction(shown(Wording("No other camera"))).setEnabled(False)
    menu.addAction(shown(Wording("Network camera…")), lambda: ask_address(parent, feed))
    menu.addSeparator()
    mirror = menu.addAction(shown(Wording("Mirror")))
    mirror.setCheckable(True)
    mirror.setChecked(feed.mirror)
    mirror.toggled.connect(lambda on: feed.set_view(on, feed.rotate))
    menu.addAction(shown(Wording("Turn by 90°")), lambda: feed.set_view(feed.mirror, _TURNED[feed.rotate]))
    return menu


def ask_address(parent: QWidget, feed: CameraFeed) -> None:
    """Phones and network cameras: the person types where they are, or mends what was typed before."""
    dialog = QInputDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(shown(Wording("Network camera")))
    dialog.setLabelText(shown(Wording("Its address, for example http://192.168.0.20:8080/video or rtsp://…")))
    dialog.setTextValue(feed.address or "http://")
    dialog.textValueSelected.connect(lambda text: feed.start(address(text)) if text.strip() else None)
    dialog.open()


def _size(size: int) -> str:
    giga = Wording("{size:.1f} GB", size=size / 1e9)
    return shown(giga if size >= 1e9 else Wording("{size:.0f} MB", size=size / 1e6))
