"""Injections that need no run, or share one: by what the fault-free run does with their place next.

A register or byte that is overwritten before anything reads it cannot matter (masked); one that nothing touches again is
wrong at the end and nowhere else (latent); and all moments since the last access to a place lead to the same run: the
one with the fault just before the access. Reads count whoever makes them: instructions, the walker of page tables,
devices. Outcomes and intervals are those of a campaign without pruning.

A byte of a process and a page-table entry are bytes of RAM, and which ones is known once the fault-free run is at their
moment: what is run for them is the change of that RAM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from . import places
from .models import Fault

if TYPE_CHECKING:
    from .session import Session

_CHANGES = ("flip", "set", "clear", "overwrite")


@dataclass(frozen=True, slots=True)
class Chosen:
    """An injection as it was drawn, and the one that is run for it. `outcome` is known where none need be."""

    insns: int
    fault: Fault
    run_insns: int
    run_fault: Fault
    outcome: str | None = None
    detail: str | None = None


def _bank_of(fault: Fault) -> tuple[str, int] | None:
    """The register or byte of a fault that changes one at once, for what can be followed."""
    if fault.action not in _CHANGES:
        return None
    if places.is_register(fault.place):
        return fault.place[0], int(fault.place[1:])
    if places.split(fault.place)[0] == "ram":
        return "ram", places.address_of(fault.place)
    return None


def chosen_as_they_are(rows: Sequence[tuple[int, Fault]]) -> list[Chosen]:
    return [Chosen(insns, fault, insns, fault) for insns, fault in rows]


def _in_ram(session: Session, rows: Sequence[tuple[int, Fault]]) -> dict[int, Fault | None]:
    """By number of the row: what virt: and pte: faults are as changes of RAM; None: the place does not exist then."""
    moments: dict[int, list[int]] = {}
    for i, (insns, fault) in enumerate(rows):
        kind = places.split(fault.place)[0]
        one_byte = kind == "virt" or len({bit // 8 for bit in fault.bits}) == 1
        if kind in ("virt", "pte") and fault.action in _CHANGES and one_byte:
            moments.setdefault(insns, []).append(i)
    found: dict[int, Fault | None] = {}
    for insns in sorted(moments):
        session.run_on_to(insns)
        for i in moments[insns]:
            found[i] = _change_of_ram(session, rows[i][1])
    if moments:
        session.restart()
    return found


def _change_of_ram(session: Session, fault: Fault) -> Fault | None:
    machine, process = session.machine, session.process
    try:
        if places.split(fault.place)[0] == "virt":
            address, bits = places.byte_address(machine, process, fault.place), fault.bits
        else:
            entry = places.pte_address(machine, process, places.address_of(fault.place))
            address, bits = entry + fault.bits[0] // 8, tuple(bit % 8 for bit in fault.bits)
    except places.NotThere:
        return None
    if not machine.phys.base <= address < machine.phys.base + machine.phys.size:
        return fault  # a device's
    return replace(fault, place=f"ram:{address:#x}", bits=bits)


def prune(session: Session, rows: Sequence[tuple[int, Fault]]) -> list[Chosen]:
    """The machine is at its start, before and after."""
    in_ram = _in_ram(session, rows)
    run_faults = [in_ram.get(i, fault) for i, (_, fault) in enumerate(rows)]
    followed = {i: bank for i, fault in enumerate(run_faults) if fault is not None and (bank := _bank_of(fault)) is not None}
    if not followed and None not in run_faults:
        return chosen_as_they_are(rows)
    queries = [(*bank, session.start_icount + rows[i][0]) for i, bank in followed.items()]
    probe = session.machine._guest.probe_liveness(queries)
    try:
        session.play_to_end()
        answers = dict(zip(followed, probe.answers, strict=True))
    finally:
        probe.stop()
    session.restart()
    return [_chosen(session, insns, fault, run_faults[i], answers.get(i)) for i, (insns, fault) in enumerate(rows)]


def _chosen(session: Session, insns: int, fault: Fault, run_fault: Fault | None, answer: tuple[str, int] | None) -> Chosen:
    if run_fault is None:
        return Chosen(insns, fault, insns, fault, "not_activated", "it is not mapped at that moment")
    if answer is None:
        return Chosen(insns, fault, insns, fault)
    what, icount = answer
    if what == "none":
        # What changes nothing (set of a bit that is set) leaves nothing either: only a run can tell.
        if fault.action == "flip":
            return Chosen(insns, fault, insns, run_fault, "latent", "nothing touches it again")
        return Chosen(insns, fault, max(insns, session.length - 1), run_fault)
    at = icount - session.start_icount
    if what == "overwritten":
        return Chosen(insns, fault, insns, run_fault, "masked", f"instruction {at} overwrites it before anything reads it")
    return Chosen(insns, fault, at, run_fault)


__all__ = ["Chosen", "chosen_as_they_are", "prune"]
