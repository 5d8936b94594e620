"""Which of the times that something could go wrong it does: the 1st, the 3rd, from the 2nd on, one in ten."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import UsageError

_FORM = re.compile(r"(?:(?P<nth>[0-9]+)(?P<ever>\+?)|p(?P<chance>[0-9.eE-]+)(?:#(?P<seed>[0-9]+))?)")


@dataclass(frozen=True, slots=True)
class Times:
    """As text: "3" is the third alone, "3+" that and every later one, "p0.1" each with that probability, "p0.1#7" by
    the chance of seed 7."""

    nth: int = 1
    ever: bool = False
    probability: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.nth < 1 << 63:
            raise UsageError(f"the {self.nth}th time never comes: times count from 1")
        if not 0 < self.probability <= 1:
            raise UsageError(f"{self.probability!r} is no probability: it is above 0 and at most 1")
        if not 0 <= self.seed < 1 << 64:
            raise UsageError(f"{self.seed} is no seed: it has 64 bits")

    @classmethod
    def parse(cls, text: str) -> Times:
        """From the form that str() gives.

        >>> fi.Times.parse("3+")
        Times(nth=3, ever=True, probability=1.0, seed=0)
        >>> str(fi.Times.parse("p0.1#7"))
        'p0.1#7'
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise UsageError(f"'{text}' does not say which time: it reads like 3, 3+, p0.1 or p0.1#7")
        if found["nth"] is not None:
            return cls(int(found["nth"]), bool(found["ever"]))
        try:
            probability = float(found["chance"])
        except ValueError:
            raise UsageError(f"'{found['chance']}' is no probability, as in p0.1") from None
        return cls(1, True, probability, int(found["seed"] or 0))

    def native(self) -> tuple[int, bool, float, int]:
        """As the native side takes it."""
        return self.nth, self.ever, self.probability, self.seed

    def __str__(self) -> str:
        if self.probability < 1 or self.seed:
            return f"p{self.probability!r}" + (f"#{self.seed}" if self.seed else "")
        return f"{self.nth}{'+' if self.ever else ''}"


FIRST = Times()

__all__ = ["FIRST", "Times"]
