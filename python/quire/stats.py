"""Counters of a machine, as plain frozen values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from . import html


@dataclass(frozen=True, slots=True)
class TlbStats:
    """The architectural TLB since reset. Hits are counted when a policy is named (tlb="policy=lru"), else None.

    Accesses are 'r', 'w' and 'x'. A store that must set D walks although it hits; `pte_reads` are the
    entries that walks looked at. Flushes are counted by what the fence named.
    """

    hits: int | None
    misses: int
    walks: int
    evictions: int
    flushes_all: int
    flushes_asid: int
    flushes_page: int
    flushes_page_asid: int
    hits_by_access: dict[str, int] | None = field(repr=False)
    misses_by_access: dict[str, int] = field(repr=False)
    pte_reads: int


    def _repr_html_(self) -> str:
        rows: list[tuple[str, Any]] = [(name.replace("_", " "), getattr(self, name)) for name in
                                       ("hits", "misses", "walks", "evictions", "flushes_all", "flushes_asid", "flushes_page", "flushes_page_asid", "pte_reads")]
        if self.hits is None:
            rows[0] = ("hits", "not counted; name a policy, as tlb=\"policy=lru\"")
        return html.facts(rows, "TLB")


@dataclass(frozen=True, slots=True)
class FenceFinding:
    """All uses of a page's stale TLB entry by one instruction: an sfence.vma is missing before them."""

    kind: str  #: 'unmapped', 'remapped', 'permission' or 'dirty-cleared'
    access: str
    privilege: str
    asid: int
    pc: int
    va: int
    page_bytes: int
    cached_physical: int
    cached_flags: int
    table_physical: int
    table_pte: int
    table_pte_address: int
    table_reason: str
    first_icount: int
    count: int
    text: str = field(repr=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class FenceReport:
    """What the fence checker saw (tlb="check=fences").

    `spurious_faults` (the entry refuses what the table now allows) and `accessed_cleared` (A was cleared, and
    the entry answers) are stale uses that the architecture leaves open; they are counted and no findings.
    """

    enabled: bool
    hits_checked: int
    stale_uses: int
    unlisted: int
    spurious_faults: int
    accessed_cleared: int
    findings: tuple[FenceFinding, ...]

    @classmethod
    def from_core(cls, raw: dict[str, Any]) -> FenceReport:
        """Of the native side's own names."""
        fields: dict[str, Any] = {**raw, "findings": tuple(FenceFinding(**finding) for finding in raw["findings"])}
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class EngineStats:
    """What the engine did on the host since the machine was made; all but the first four are the translator's alone.

    `instead` says why the interpreter runs although the translator might have. `dropped_by` has why blocks were
    dropped: they were 'written' to, their page was taken for 'data', a 'stop' may come in them, there was no 'room'
    (`flushes` counts how often all were given up for it), or, 'remade', they were made anew for speed; these are
    `blocks_remade`, the others `blocks_dropped`. `links` are jumps from block to block that were made direct.
    Translated code enters C++ for `calls` (instructions, by kind in `calls_by`), `misses` (jumps to pages that must be
    looked up), `cold_jumps` (to where there is no code yet) and `too_long` (blocks that would run past the end of a
    slice). `cold_insns` ran one by one, as their block had not run often enough. `code_bytes` and `table_bytes` are
    what there is now. `run_ns` is the host's time in the engine; of it, `translate_ns` went into making code and
    `outside_ns` into C++ (sampled: every 61st entry); the rest is translated code's. Times, and what depends on where
    runs were cut, differ from run to run: engine statistics count for no comparison of Stats.
    """

    name: str  #: 'interp' or 'jit'
    instead: str
    blocks_built: int
    blocks_dropped: int
    blocks_remade: int
    dropped_by: dict[str, int] = field(repr=False)
    links: int
    calls: int
    calls_by: dict[str, int] = field(repr=False)
    misses: int
    cold_jumps: int
    too_long: int
    cold_insns: int
    flushes: int
    code_bytes: int
    table_bytes: int
    run_ns: int
    translate_ns: int
    outside_ns: int

    def _repr_html_(self) -> str:
        values = [(one.name.replace("_", " "), getattr(self, one.name)) for one in dataclasses.fields(self)]
        rows: list[tuple[str, Any]] = [(name, value) for name, value in values if isinstance(value, int)]
        rows += [(f"calls: {kind}", number) for kind, number in self.calls_by.items() if number]
        rows += [(f"dropped: {why}", number) for why, number in self.dropped_by.items() if number]
        return html.facts(rows, f"Engine {self.name}")


@dataclass(frozen=True, slots=True)
class Stats:
    """What the machine counted, and what the supervisor told of itself.

    `faults` and `events` count by name; `minor_faults` are those answered without reading a backing
    store, those that ended in a signal count in `faults` alone. `engine` is of the host's doing, and no two runs'
    are the same.
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
    engine: EngineStats = field(repr=False, compare=False)

    def _repr_html_(self) -> str:
        rows = [(name.replace("_", " "), getattr(self, name)) for name in
                ("icount", "minstret", "traps", "interrupts", "page_fault_traps", "minor_faults", "major_faults")]
        rows += [(f"faults: {kind}", number) for kind, number in self.faults.items() if number]
        rows += [(f"events: {name}", number) for name, number in self.events.items() if number]
        return html.facts(rows) + self.tlb._repr_html_() + self.engine._repr_html_()

    @classmethod
    def from_core(cls, raw: dict[str, Any]) -> Stats:
        """Of the native side's own names."""
        fields: dict[str, Any] = {**raw, "tlb": TlbStats(**raw["tlb"]), "engine": EngineStats(**raw["engine"])}
        return cls(**fields)
