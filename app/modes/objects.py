"""Objects that a model named in a picture."""

from dataclasses import dataclass

from app.values import Box


@dataclass(frozen=True)
class Found:
    """An object, or several of a kind that were counted and not pointed at (`count` above 1 has no box).

    probability: that of the name, 0..1.
    """

    name: str
    probability: float = 1.0
    count: int = 1
    box: Box | None = None


@dataclass(frozen=True)
class ObjectsBlock:
    """Labels and boxes to draw on the picture."""

    objects: tuple[Found, ...]


def counts(found: tuple[Found, ...]) -> list[tuple[str, int, float]]:
    """Names in the order of their first appearance, how many of each, and the highest probability of each."""
    table: dict[str, tuple[int, float]] = {}
    for one in found:
        number, sure = table.get(one.name, (0, 0.0))
        table[one.name] = (number + one.count, max(sure, one.probability))
    return [(name, number, sure) for name, (number, sure) in table.items()]
