"""Everything the person can do, as data: what it is called, its keys, and when it can be done."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from app.modes.base import Mode
from app.ui.i18n import say
from app.wording import Wording

Actions = Mapping[str, QAction]


@dataclass(frozen=True)
class Action:
    """needs: what must be so (see `enable`) for the action to make sense."""

    id: str
    title: Wording
    keys: str = ""
    icon: str = ""
    needs: frozenset[str] = frozenset()


def _needs(*facts: str) -> frozenset[str]:
    return frozenset(facts)


ACTIONS: tuple[Action, ...] = (
    Action("new", Wording("New conversation"), "Ctrl+N", "message-circle-plus"),
    Action("history", Wording("Earlier conversations…"), "Ctrl+H", "history"),
    Action("open", Wording("Open picture…"), "Ctrl+O", "image"),
    Action("paste", Wording("Paste"), "Ctrl+V", "clipboard-paste"),
    Action("screen", Wording("Part of the screen…"), "Ctrl+Shift+S", "scan"),
    Action("camera", Wording("Camera"), "Ctrl+Shift+C", "camera"),
    Action("network", Wording("Network camera…"), icon="cctv"),
    Action("save", Wording("Save conversation…"), "Ctrl+S", "download", _needs("turns")),
    Action("find", Wording("Find in this conversation"), "Ctrl+F", "search", _needs("turns")),
    Action("model", Wording("Open model file…"), "Ctrl+Shift+O", "file-box"),
    Action("settings", Wording("Settings…"), "Ctrl+,", "settings"),
    Action("keys", Wording("Keys"), "F1", "keyboard"),
    Action("escape", Wording("Stop"), "Esc", "stop"),
    Action("focus", Wording("Go to the question"), "Ctrl+L"),
    Action("quit", Wording("Quit"), "Ctrl+Q"),
)

MORE_KEYS: tuple[tuple[Wording, str], ...] = (
    (Wording("Take the picture (camera on the stage)"), "Space"),
    (Wording("Zoom in, zoom out, fit (stage)"), "+  -  0"),
    (Wording("Move the picture (stage)"), "← → ↑ ↓"),
    (Wording("Choose and move a part of the picture (stage)"), "Shift+← → ↑ ↓"),
    (Wording("Size that part (stage)"), "Ctrl+Shift+← → ↑ ↓"),
    (Wording("Go to a name on the picture, to the next, ask about it (stage)"), "Tab  ← → ↑ ↓  Enter"),
)
"""Keys that are no actions of the window, for the sheet of keys."""


_NAMED = re.compile(r"(?:(?:Ctrl|Shift)\+)+(?=\S)|Enter|Space|Tab")


def native_keys(keys: str) -> str:
    """Keys as this system names them in the window's language, several beside one another too."""
    form = QKeySequence.SequenceFormat.NativeText
    whole = QKeySequence(keys).toString(form)
    if whole:
        return whole

    def name(found: re.Match[str]) -> str:
        held = found[0].endswith("+")
        native = QKeySequence(f"{found[0]}A" if held else found[0]).toString(form)
        return native.removesuffix("A") if held else native

    return _NAMED.sub(name, keys)


def mode_actions(modes: Sequence[Mode]) -> tuple[Action, ...]:
    """One action a mode, Ctrl+1 and so on; a single mode needs none."""
    if len(modes) < 2:
        return ()
    return tuple(Action(f"mode.{mode.id}", mode.title, f"Ctrl+{i}") for i, mode in enumerate(modes, 1))


def build(parent: QObject, actions: Sequence[Action]) -> dict[str, QAction]:
    """Qt's actions for ours."""
    built = {}
    for action in actions:
        one = QAction(parent)
        say(one.setText, action.title)
        one.setShortcut(QKeySequence(action.keys))
        one.setProperty("iconName", action.icon)
        built[action.id] = one
    return built


def connect(built: Actions, handlers: Mapping[str, Callable[[], object]]) -> None:
    """Let each action call its handler. Raises KeyError if one has none."""
    for name, action in built.items():
        action.triggered.connect(lambda _=False, h=handlers[name]: h())


def enable(built: Actions, actions: Sequence[Action], facts: frozenset[str]) -> None:
    """Allow what can be done given what is so now."""
    for action in actions:
        built[action.id].setEnabled(action.needs <= facts)
