"""Sentences for people: the template and its values kept apart, so that the window can say them in another language.

    Wording("{name} is empty.", name="a.png")

is the string "a.png is empty." wherever a string is wanted: on the command line, in logs and in tests. The window
(app/ui/i18n.py) looks the template up in its catalogue instead and puts the values in as that language writes them.
A sentence without values may be a plain string, since it is its own template.
"""

import re
from collections.abc import Callable, Mapping

Filling = str | int | float
"""What a template may hold; a Wording too, being a str."""

_PLACE = re.compile(r"\{(\w+)(?::\.(\d)([f%]))?\}")


class Wording(str):
    """A sentence, or a part of one.

    template: places are written `{name}`, `{name:.1f}` or `{name:.0%}`, nothing else. A whole number called `n` decides
    between singular and plural. What has no value stays as it is written.
    """

    template: str
    values: Mapping[str, Filling]

    def __new__(cls, template: str, /, **values: Filling) -> "Wording":
        self = super().__new__(cls, fill(template, values, _plain))
        self.template, self.values = template, values
        return self

    @classmethod
    def of(cls, text: str) -> "Wording":
        """`text` itself if it is one, else one without values."""
        return text if isinstance(text, Wording) else cls(text)

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self.template, self.values)


def fill(template: str, values: Mapping[str, Filling], show: Callable[[Filling, str], str]) -> str:
    """The template with its values, each as `show` writes it. show: a value, and its format: "", ".1f", ".0%"..."""

    def put(place: re.Match[str]) -> str:
        name, digits, kind = place.groups()
        if name not in values:
            return place.group()
        return show(values[name], f".{digits}{kind}" if digits else "")

    # Templates also come from the engine process, so str.format, which follows attributes, is not used.
    return _PLACE.sub(put, template) if values else template


def places(template: str) -> list[str]:
    """The places of a template as they are written, sorted."""
    return sorted(place.group() for place in _PLACE.finditer(template))


def _plain(value: Filling, spec: str) -> str:
    return format(value, spec) if spec and isinstance(value, int | float) else str(value)


def _again(template: str, values: Mapping[str, Filling]) -> Wording:
    return Wording(template, **values)
