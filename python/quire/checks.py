"""Arguments that the native side takes as they are: checked here, so that errors name them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import index
from typing import Any

from .errors import UsageError

_MAX_SECONDS = 1e9


def wrong(name: str, value: object, wanted: str) -> UsageError:
    """An argument of a type that cannot be, for people."""
    return UsageError(f"{name}={value!r} is a {type(value).__name__}; give {wanted}")


def text_of(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise wrong(name, value, "text")
    return value


def buffer_of(name: str, value: Any) -> memoryview:
    try:
        return memoryview(value).cast("B")
    except TypeError:
        raise wrong(name, value, "bytes; encode() makes them of text") from None


def shown_number(number: int) -> str:
    """Python writes no number of more than 4300 digits, and nobody reads one."""
    return str(number) if abs(number) < 1 << 256 else f"{'-' if number < 0 else ''}2**{abs(number).bit_length() - 1} or more"


def _pair(option: str, between: str, form: str, text: str) -> tuple[str, str]:
    left, found, right = text.partition(between)
    if not found or not left:
        raise UsageError(f"{option} {text}: it reads like {form}")
    return left, right


def files_of(words: Sequence[str]) -> dict[str, str]:
    """What a command's --file HOST:GUEST say, as spawn() takes them."""
    return {guest: host for host, guest in (_pair("--file", ":", "HOST:GUEST", text) for text in words)}


def env_of(words: Sequence[str]) -> dict[str, str]:
    """What a command's --env K=V say."""
    return dict(_pair("--env", "=", "K=V", text) for text in words)


def count(value: int, name: str, *, bits: int = 64) -> int:
    """A whole number of `bits` bits without a sign."""
    try:
        number = index(value)
    except TypeError:
        raise UsageError(f"{name}={value!r} is not a whole number") from None
    if not 0 <= number < 1 << bits:
        raise UsageError(f"{name}={shown_number(number)} is not between 0 and 2**{bits} - 1")
    return number


def seconds(value: float | None, name: str = "timeout") -> float:
    """Seconds of the host; 0 stands for no limit."""
    if value is None:
        return 0.0
    if not isinstance(value, (int, float)) or math.isnan(value) or not 0 < value < _MAX_SECONDS:
        raise UsageError(f"{name}={value!r} is not a number of seconds above 0 and below 1e9; leave it out for no limit")
    return float(value)
