"""The fault space: every fault at every moment, by number.

Moments are counts of instructions after the start, told by the fault-free run: triggers by event are resolved while
planning, since the run repeats up to the injection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..errors import UsageError
from .models import Fault

#: Given the machine at its start and its run to the end, the counts (from the start) before which faults may come.
Moments = Callable[[Any, Callable[[], int]], Sequence[int]]


def every_insn() -> Moments:
    """Before every instruction of the run."""
    return lambda machine, play: range(play())


def at_icounts(icounts: Iterable[int]) -> Moments:
    """Before these instructions, counted from the start."""
    chosen = sorted(set(icounts))

    def moments(machine: Any, play: Callable[[], int]) -> Sequence[int]:
        length = play()
        for icount in chosen:
            if not 0 <= icount < length:
                raise UsageError(f"instruction {icount} is not one of the run's {length}")
        return chosen

    return moments


def at_events(*events: str, **fields: Any) -> Moments:
    """After each such event: at_events("page_fault", pid=2), at_events("syscall_enter", nr=64)."""

    def moments(machine: Any, play: Callable[[], int]) -> Sequence[int]:
        recording = machine.record(*events, **fields)
        start = machine.icount
        length = play()
        found = sorted({event.icount + 1 - start for event in recording})  # it tells within its instruction
        recording.stop()
        if not found:
            raise UsageError(f"the run has no event {' or '.join(events)}{f' with {fields}' if fields else ''}: "
                             "there is no moment to inject at")
        return [icount for icount in found if icount < length]

    return moments


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


__all__ = ["Moments", "Space", "at_events", "at_icounts", "every_insn"]
