"""Arguments that the native side takes as they are: checked here, so that errors name them."""

from __future__ import annotations

import math
from operator import index

from .errors import UsageError

_MAX_SECONDS = 1e9


def count(value: int, name: str, *, bits: int = 64) -> int:
    """A whole number of `bits` bits without a sign."""
    try:
        number = index(value)
    except TypeError:
        raise UsageError(f"{name}={value!r} is not a whole number") from None
    if not 0 <= number < 1 << bits:
        raise UsageError(f"{name}={number} is not between 0 and 2**{bits} - 1")
    return number


def seconds(value: float | None, name: str = "timeout") -> float:
    """Seconds of the host; 0 stands for no limit."""
    if value is None:
        return 0.0
    if not isinstance(value, (int, float)) or math.isnan(value) or not 0 < value < _MAX_SECONDS:
        raise UsageError(f"{name}={value!r} is not a number of seconds above 0 and below 1e9; leave it out for no limit")
    return float(value)
