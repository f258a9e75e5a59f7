"""What several answers called one thing: a weak model says "horse" once and "dog" ever after."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.modes.objects import Found


@dataclass(frozen=True)
class Votes:
    """names: for each name what the answers with it count, times its probability in them. weight: what all of them
    count."""

    names: Mapping[str, float] = field(default_factory=dict)
    weight: float = 0.0

    def and_then(self, one: Found) -> "Votes":
        """With one answer more, which counts 1."""
        return Votes({**self.names, one.name: self.names.get(one.name, 0.0) + one.probability}, self.weight + 1)

    def with_more(self, one: Found, count: int) -> "Votes":
        """As if `count` answers had said so."""
        votes = self
        for _ in range(count):
            votes = votes.and_then(one)
        return votes

    def worth(self, share: float) -> "Votes":
        """The same, counting only this share."""
        return Votes({name: vote * share for name, vote in self.names.items()}, self.weight * share)

    def elected(self) -> tuple[str, float]:
        """The name with most, and its mean probability: 0 in answers that said another. At least one must be there."""
        name = max(self.names, key=lambda one: self.names[one])
        return name, self.names[name] / self.weight
