"""What one setting is, and which values it takes."""

import math
from dataclasses import dataclass
from typing import cast

from app.errors import UsageError
from app.wording import Wording

Plain = bool | int | float | str


@dataclass(frozen=True)
class Setting:
    """One setting: what it is called in the file, what it may be, and what a person reads about it.

    choices: the values it may take, each with its label. low, high: the range of a number, both ends included.
    unit: shown behind a number. stays: it is not reset with the others, since it names what the person has or says what
    may be on disk: something could be lost.
    """

    key: str
    section: str
    default: Plain
    title: str
    help: str
    choices: tuple[tuple[str, str], ...] = ()
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    stays: bool = False

    def check(self, value: object) -> Plain:
        """`value` as this setting keeps it (whole numbers are accepted where fractions are). Raises UsageError."""
        if isinstance(self.default, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not type(self.default) or not _can_be_written(value):
            raise self._refusal(_KINDS[type(self.default)], value)
        if self.choices and value not in dict(self.choices):
            raise self._refusal(Wording("one of {names}", names=", ".join(dict(self.choices))), value)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return cast(Plain, value)
        if not self.low <= value <= self.high:  # NaN compares with nothing, so it is refused too
            raise self._refusal(Wording("between {low} and {high}", low=str(self.low), high=str(self.high)), value)
        return value

    def _refusal(self, rule: Wording, value: object) -> UsageError:
        what = Wording("The setting {key} must be {rule}.", key=self.key, rule=rule)
        return UsageError(what, Wording("Its default is {value}.", value=repr(self.default)), f"given: {value!r}")


def _can_be_written(value: object) -> bool:
    """Whether a text is Unicode: file names may hold bytes that are none, and no file could keep them."""
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return False
    return True


_KINDS = {
    bool: Wording("true or false"),
    int: Wording("a whole number"),
    float: Wording("a number"),
    str: Wording("text"),
}
