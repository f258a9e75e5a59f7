"""Every setting, once: this list makes the defaults, checks the file, and builds the dialog.

A new setting is one entry here. Its type is the type of its default.
"""

from collections.abc import Mapping
from typing import Any

from app.errors import UsageError
from app.settings.setting import Plain, Setting
from app.wording import Wording

SETTINGS: tuple[Setting, ...] = (
    Setting("model.path", "Model", "starter", "Model", "A model's name, or the path of its GGUF file.", stays=True),
    Setting(
        "model.projector",
        "Model",
        "",
        "Projector",
        "The path of the projector (mmproj) file; empty: the one that lies beside the model.",
        stays=True,
    ),
    Setting(
        "engine.context",
        "Engine",
        0,
        "Context",
        "Tokens of conversation and pictures the model keeps in view; 0: as many as fit, up to the model's default.",
        low=0,
        high=1 << 20,
        unit="tokens",
    ),
    Setting(
        "engine.kv",
        "Engine",
        "f16",
        "KV cache",
        "How keys and values are stored; 8 bits take half the memory and lose a little precision.",
        choices=(("f16", "16 bits"), ("q8_0", "8 bits")),
    ),
    Setting(
        "engine.flash",
        "Engine",
        "auto",
        "Flash attention",
        "Attention without the whole score matrix in memory.",
        choices=(("auto", "Automatic"), ("on", "On"), ("off", "Off")),
    ),
    Setting(
        "engine.threads",
        "Engine",
        0,
        "Threads",
        "Processor threads; 0: chosen from the machine.",
        low=0,
        high=512,
    ),
    Setting(
        "engine.gpu_layers",
        "Engine",
        -1,
        "Layers on the GPU",
        "-1: as many as fit if there is a GPU; 0: none.",
        low=-1,
        high=1000,
    ),
    Setting(
        "engine.vision",
        "Engine",
        "exact",
        "Vision tower",
        "Llama 3.2 Vision only: fast leaves a picture's missing tiles out, which is quicker and slightly different.",
        choices=(("exact", "Exact"), ("fast", "Fast")),
    ),
    Setting(
        "engine.memory_limit",
        "Engine",
        0,
        "Memory limit",
        "Memory the engine process may take before it is ended; 0: no limit of its own.",
        low=0,
        high=1 << 22,
        unit="MiB",
    ),
    Setting(
        "cache.memory",
        "Engine",
        512,
        "Picture cache in memory",
        "Pictures looked at are remembered, so that a second question need not look again.",
        low=0,
        high=1 << 20,
        unit="MiB",
    ),
    Setting(
        "cache.disk",
        "Engine",
        2048,
        "Picture cache on disk",
        "The same between two starts of the program; 0: pictures leave no trace on disk.",
        low=0,
        high=1 << 22,
        unit="MiB",
        stays=True,
    ),
    Setting(
        "answer.temperature",
        "Answers",
        0.0,
        "Temperature",
        "0: always the likeliest word, so the same question gets the same answer; higher: more varied.",
        low=0.0,
        high=2.0,
    ),
    Setting(
        "answer.top_p",
        "Answers",
        1.0,
        "Top-p",
        "Only the likeliest words that together have this probability; 1: all. Needs a temperature above 0.",
        low=0.0,
        high=1.0,
    ),
    Setting(
        "answer.min_p",
        "Answers",
        0.05,
        "Min-p",
        "Only words at least this likely relative to the likeliest; 0: all. Needs a temperature above 0.",
        low=0.0,
        high=1.0,
    ),
    Setting(
        "answer.seed",
        "Answers",
        0,
        "Seed",
        "The same seed gives the same answer again; 0: another one each time. Needs a temperature above 0.",
        low=0,
        high=(1 << 31) - 1,
    ),
    Setting(
        "answer.max_tokens",
        "Answers",
        1024,
        "Longest answer",
        "An answer ends here at the latest.",
        low=1,
        high=1 << 16,
        unit="tokens",
    ),
    Setting(
        "translate.to",
        "Translate",
        "",
        "Translate into",
        "The code of a language, such as fr. Translate keeps the one chosen last here. Empty: your own.",
        stays=True,
    ),
    Setting(
        "translate.model",
        "Translate",
        "",
        "Translator",
        "Another model for the text, by name or path; it need not see. Empty: the one that reads the picture.",
        stays=True,
    ),
    Setting(
        "translate.check",
        "Translate",
        False,
        "Check by translating back",
        "Every translation is translated back, to show where the meaning may have changed. Takes twice as long.",
    ),
    Setting(
        "window.send",
        "Window",
        "enter",
        "Send with",
        "The other one begins a new line.",
        choices=(("enter", "Enter"), ("ctrl+enter", "Ctrl+Enter")),
    ),
    Setting(
        "window.theme",
        "Window",
        "system",
        "Theme",
        "Light, dark, or as the system says.",
        choices=(("system", "As the system"), ("light", "Light"), ("dark", "Dark")),
    ),
    Setting(
        "camera.size",
        "Camera",
        "1280x720",
        "Resolution",
        "What the camera is asked for; it takes what comes nearest.",
        choices=(("640x480", "640 × 480"), ("1280x720", "1280 × 720"), ("1920x1080", "1920 × 1080")),
    ),
    Setting(
        "camera.fps",
        "Camera",
        30.0,
        "Frames a second",
        "Fewer keep the machine cooler.",
        low=1.0,
        high=120.0,
    ),
    Setting(
        "camera.speak",
        "Camera",
        False,
        "Speak",
        "Hints such as “hold still”, the names that are found and what was watched for are said aloud.",
    ),
    Setting(
        "camera.figures",
        "Camera",
        False,
        "Show figures",
        "How fast the camera and the model are, and why frames were left out, in a corner of the live picture.",
    ),
    Setting(
        "watch.keep",
        "Camera",
        True,
        "Keep what was watched for",
        "A picture of it goes into the conversation, with the time.",
    ),
    Setting(
        "window.language",
        "Window",
        "system",
        "Language",
        "The language of menus and messages.",
        choices=(
            ("system", "As the system"),
            ("ar", "العربية"),
            ("de", "Deutsch"),
            ("en", "English"),
            ("es", "Español"),
            ("fr", "Français"),
            ("zh_CN", "简体中文"),
        ),
        stays=True,
    ),
    Setting(
        "chat.disk",
        "Window",
        1024,
        "Conversations on disk",
        "Conversations and their pictures are kept on this machine; the oldest go when this is full. 0: none is kept.",
        low=0,
        high=1 << 22,
        unit="MiB",
        stays=True,
    ),
)

BY_KEY: Mapping[str, Setting] = {setting.key: setting for setting in SETTINGS}


class Settings:
    """What a person chose, over the defaults. Immutable; `changed` gives another one."""

    def __init__(self, chosen: Mapping[str, object] | None = None) -> None:
        """Raises UsageError for an unknown key or a value that its setting does not take."""
        self._chosen = {key: setting_of(key).check(value) for key, value in (chosen or {}).items()}

    def __getitem__(self, key: str) -> Any:
        """The value of `key`, of the type of its default. Raises UsageError for an unknown key."""
        return self._chosen.get(key, setting_of(key).default)

    def changed(self, key: str, value: object) -> "Settings":
        """These settings with one changed. Raises UsageError."""
        return Settings({**self._chosen, key: value})

    def chosen(self) -> dict[str, Plain]:
        """What differs from the defaults."""
        return {key: value for key, value in self._chosen.items() if value != BY_KEY[key].default}


def setting_of(key: str) -> Setting:
    """The setting called `key`. Raises UsageError if there is none."""
    if key not in BY_KEY:
        names = ", ".join(BY_KEY)
        raise UsageError(
            Wording("There is no setting {key}.", key=key), Wording("The settings are {names}.", names=names)
        )
    return BY_KEY[key]
