"""Injections that need no run, or share one: by what the fault-free run does with their place next.

A register or byte that is overwritten before anything reads it cannot matter (masked); one that nothing touches again is
wrong at the end and nowhere else (latent); and all moments since the last access to a place lead to the same run: the
one with the fault just before the access. Reads count whoever makes them: instructions, the walker of page tables,
devices. Outcomes and intervals are those of a campaign without pruning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    return [Chosen(insns, fault, insns) for insns, fault in rows]


def prune(session: Session, rows: Sequence[tuple[int, Fault]]) -> list[Chosen]:
    """The machine is at its start, before and after."""
    followed = {i: bank for i, (_, fault) in enumerate(rows) if (bank := _bank_of(fault)) is not None}
    if not followed:
        return chosen_as_they_are(rows)
    queries = [(*bank, session.start_icount + rows[i][0]) for i, bank in followed.items()]
    probe = session.machine._guest.probe_liveness(queries)
    try:
        session.play_to_end()
        answers = dict(zip(followed, probe.answers, strict=True))
    finally:
        probe.stop()
    session.restart()
    return [_chosen(session, insns, fault, answers.get(i)) for i, (insns, fault) in enumerate(rows)]


def _chosen(session: Session, insns: int, fault: Fault, answer: tuple[str, int] | None) -> Chosen:
    if answer is None:
        return Chosen(insns, fault, insns)
    what, icount = answer
    if what == "none":
        # What changes nothing (set of a bit that is set) leaves nothing either: only a run can tell.
        return Chosen(insns, fault, insns, "latent", "nothing touches it again") if fault.action == "flip" else Chosen(
            insns, fault, session.length - 1 if session.length - 1 >= insns else insns)
    at = icount - session.start_icount
    if what == "overwritten":
        return Chosen(insns, fault, insns, "masked", f"instruction {at} overwrites it before anything reads it")
    return Chosen(insns, fault, at)


__all__ = ["Chosen", "chosen_as_they_are", "prune"]
