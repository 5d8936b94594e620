"""Triggers as text, for the command: WHAT[:WHERE][@N], where N counts from 1 and -1 is the last.

every            before every instruction          every:1000         before each thousandth
insn:5,70        before these, from the start      pc:0x10234  pc:main@2   an address or a function's name
read:0x5000+8    before reads of 8 bytes there     write:table+16@1   after writes
syscall:write@3  fault:anon       switch           of the process     event:cow,pid=2@1  any of the supervisor's
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import UsageError
from .space import Moments, at_access, at_events, at_fault, at_icounts, at_pc, at_switch, at_syscall, every, every_insn

FindSymbol = Callable[[str], int | None]


def parse_trigger(text: str, find: FindSymbol) -> Moments:
    """`find` gives the address of a name in the program."""
    what, _, rest = text.partition(":")
    rest, at, number = (rest if rest else what).rpartition("@") if "@" in text else (rest, "", "")
    what = what.partition("@")[0]
    if at and rest == what:
        rest = ""
    nth = _number(text, number) if at else None
    if nth is not None and what in ("every", "insn"):
        raise UsageError(f"'{text}': '{what}' tells its moments by count, and has no nth")
    if what == "every":
        return every(_number(text, rest)) if rest else every_insn()
    if what == "insn":
        return at_icounts(_number(text, word) for word in rest.split(","))
    if what == "pc":
        return at_pc(*(_address(text, word, find) for word in rest.split(",")), hit=nth)
    if what in ("read", "write", "access"):
        place, _, size = rest.partition("+")
        access = {"read": "r", "write": "w", "access": "rw"}[what]
        return at_access(_address(text, place, find), _number(text, size) if size else 1, access, nth=nth)
    if what == "syscall":
        return at_syscall(nth, **({"nr": rest} if rest else {}))
    if what == "fault":
        return at_fault(nth, **({"kind": rest} if rest else {}))
    if what == "switch":
        return at_switch(nth)
    if what == "event":
        name, *fields = rest.split(",")
        return at_events(name, nth=nth, **dict(_field(text, field) for field in fields))
    raise UsageError(f"'{text}' is no trigger: every, insn, pc, read, write, access, syscall, fault, switch and event are")


def _number(text: str, word: str) -> int:
    try:
        return int(word, 0)
    except ValueError:
        raise UsageError(f"'{text}': '{word}' is not a number") from None


def _address(text: str, word: str, find: FindSymbol) -> int:
    if word[:1].isdigit():
        return _number(text, word)
    if (found := find(word)) is None:
        raise UsageError(f"'{text}': the program has no symbol '{word}'")
    return found


def _field(text: str, word: str) -> tuple[str, Any]:
    name, equals, value = word.partition("=")
    if not equals:
        raise UsageError(f"'{text}': '{word}' does not say which value, as pid=2 does")
    return name, _number(text, value) if value[:1].isdigit() else value


__all__ = ["parse_trigger"]
