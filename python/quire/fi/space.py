"""The fault space: every fault at every moment, by number.

Moments are counts of instructions after the start, told by the fault-free run: whatever triggers them is resolved once,
while planning, since the run repeats up to the injection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..checks import count
from ..errors import UsageError
from ..events import EVENTS
from .models import Fault

if TYPE_CHECKING:
    from ..machine import Machine
    from .session import Session

#: Given the session, with its machine at the start, the counts (from the start) before which faults may come.
Moments = Callable[["Session"], Sequence[int]]
Nth = int | Iterable[int] | None


def every_insn() -> Moments:
    """Before every instruction of the run."""
    return lambda session: range(session.length)


def every(n: int, *, first: int = 0) -> Moments:
    """Before every n-th instruction, from `first` on."""
    if n < 1:
        raise UsageError(f"every({n}): the distance is 1 or more")

    def moments(session: Session) -> Sequence[int]:
        if not 0 <= first < session.length:
            raise UsageError(f"instruction {first} is not one of the run's {session.length}")
        return range(first, session.length, n)

    return moments


def at_icounts(icounts: Iterable[int]) -> Moments:
    """Before these instructions, counted from the start."""
    chosen = sorted(set(icounts))

    def moments(session: Session) -> Sequence[int]:
        for icount in chosen:
            if not 0 <= icount < session.length:
                raise UsageError(f"instruction {icount} is not one of the run's {session.length}")
        return chosen

    return moments


def _nth_of(found: list[int], nth: Nth, what: str) -> list[int]:
    """All of them, or the nth: 1 is the first, -1 the last."""
    if not found:
        raise UsageError(f"the run has no {what}: there is no moment to inject at")
    if nth is None:
        return found
    chosen = []
    for number in [nth] if isinstance(nth, int) else nth:
        if number == 0 or abs(number) > len(found):
            raise UsageError(f"the run has no {what} number {number}: it has {len(found)}, counted from 1 (-1 is the last)")
        chosen.append(found[number - 1 if number > 0 else number])
    return sorted(set(chosen))


def _within(session: Session, icounts: Iterable[int]) -> list[int]:
    """From the start, without what comes after the run."""
    return sorted({icount - session.start_icount for icount in icounts if icount - session.start_icount < session.length})


def at_events(*events: str, nth: Nth = None, **fields: Any) -> Moments:
    """After each such event, or the nth: at_events("page_fault", pid=2), at_events("syscall_enter", nth=3, nr=64)."""
    text = f"event {' or '.join(events)}" + (f" with {fields}" if fields else "")

    def moments(session: Session) -> Sequence[int]:
        if session.machine.config["mode"] != "supervisor":
            raise UsageError("events are the supervisor's: on another machine, trigger by at_pc(), at_access() or at_icounts()")
        recording = session.machine.record(*events, **fields)
        try:
            session.play_to_end()
            found = _within(session, (event.icount + 1 for event in recording))  # it tells within its instruction
        finally:
            recording.stop()
        return _nth_of(found, nth, text)

    return moments


def _at_event_of_process(event: str, field: str, nth: Nth, fields: dict[str, Any]) -> Moments:
    def moments(session: Session) -> Sequence[int]:
        chosen = dict(fields)
        if session.process is not None:
            chosen.setdefault(field, session.process.pid)
        return at_events(event, nth=nth, **chosen)(session)

    assert field in EVENTS[event]
    return moments


def at_fault(nth: Nth = None, **fields: Any) -> Moments:
    """After the nth page fault of the process (or all); fields choose, as kind="anon" (quire.FAULT_KINDS)."""
    return _at_event_of_process("page_fault", "pid", nth, fields)


def at_syscall(nth: Nth = None, **fields: Any) -> Moments:
    """At the nth system call of the process (or all); fields choose, as nr="write"."""
    return _at_event_of_process("syscall_enter", "pid", nth, fields)


def at_switch(nth: Nth = None, **fields: Any) -> Moments:
    """At the nth switch to the process (or all)."""
    return _at_event_of_process("context_switch", "next", nth, fields)


def _found_natively(session: Session, pcs: list[int], accesses: list[tuple[int, int, str]], anywhere: bool) -> list[int]:
    satp = None if session.process is None or anywhere else session.process.satp
    finder = session.machine._guest.find_moments(pcs, accesses, satp)
    try:
        session.play_to_end()
        return _within(session, finder.moments)
    finally:
        finder.stop()


def at_pc(*pcs: int, hit: Nth = None, anywhere: bool = False) -> Moments:
    """Before the instruction at that address, each time or the hit-th, in the process or (anywhere) in any address space."""
    if not pcs:
        raise UsageError("at_pc() takes addresses")
    pcs = tuple(count(pc, "address") for pc in pcs)
    text = "instruction at " + " or ".join(hex(pc) for pc in pcs)
    return lambda session: _nth_of(_found_natively(session, list(pcs), [], anywhere), hit, text)


def at_access(address: int, size: int = 1, access: str = "rw", *, nth: Nth = None, anywhere: bool = False) -> Moments:
    """Before each read ("r") of these bytes of virtual memory, after each write ("w"), or the nth of them."""
    if access not in ("r", "w", "rw"):
        raise UsageError(f"access '{access}' is not 'r', 'w' or 'rw'")
    if size < 1 or not 0 <= address <= (1 << 64) - size:
        raise UsageError(f"{size} bytes at {address:#x} are no range of memory")
    text = f"access '{access}' to {size} bytes at {address:#x}"
    return lambda session: _nth_of(_found_natively(session, [], [(address, size, access)], anywhere), nth, text)


def where(moments: Moments, predicate: Callable[[Machine], bool], *, nth: Nth = None) -> Moments:
    """Those moments at which the predicate is true of the machine, which it must leave as it is. Asked while planning."""

    def chosen(session: Session) -> Sequence[int]:
        found = []
        for insns in moments(session):
            session.go_to(insns)
            if predicate(session.machine):
                found.append(insns)
        return _nth_of(found, nth, "moment at which the predicate is true")

    return chosen


class Space:
    """`faults` at each of `moments`."""

    def __init__(self, faults: Iterable[Fault | str] | Fault | str, moments: Moments | None = None) -> None:
        if isinstance(faults, (str, Fault)):
            faults = [faults]
        self.faults = [fault if isinstance(fault, Fault) else Fault.parse(fault) for fault in faults]
        self.moments = moments or every_insn()
        if not self.faults:
            raise UsageError("the fault space has no faults")

    def __repr__(self) -> str:
        return f"<Space of {len(self.faults)} faults a moment>"


__all__ = ["Moments", "Space", "at_access", "at_events", "at_fault", "at_icounts", "at_pc", "at_switch", "at_syscall", "every",
           "every_insn", "where"]
