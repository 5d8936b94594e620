"""Counters of a machine, as plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TlbStats:
    """The architectural TLB since reset. Hits are counted when a policy is named (tlb="policy=lru"), else 0."""

    hits: int
    misses: int
    walks: int
    evictions: int
    flushes_all: int
    flushes_asid: int
    flushes_page: int


@dataclass(frozen=True, slots=True)
class Stats:
    """What the machine counted, and what the supervisor told of itself.

    `faults` and `events` count by name; `minor_faults` are those answered without reading a backing
    store, those that ended in a signal count in `faults` alone.
    """

    icount: int
    minstret: int
    traps: int
    interrupts: int
    page_fault_traps: int
    minor_faults: int
    major_faults: int
    faults: dict[str, int] = field(repr=False)
    events: dict[str, int] = field(repr=False)
    tlb: TlbStats

    @classmethod
    def from_core(cls, raw: dict[str, Any]) -> Stats:
        return cls(**{**raw, "tlb": TlbStats(**raw["tlb"])})
