"""Translation, seen from outside: walks and the TLB's counters. Looking changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _core, html
from .checks import count, text_of
from .errors import UsageError
from .stats import FenceReport, TlbStats

if TYPE_CHECKING:
    from .process import Process

_CSR_SATP = 0x180


@dataclass(frozen=True, slots=True)
class TlbEntry:
    """A translation that the TLB holds; `asid` is None for global ones."""

    va: int
    physical_address: int
    bytes: int
    asid: int | None
    flags: str

    def _row(self) -> tuple[object, ...]:
        return (f"{self.va:#x}", f"{self.physical_address:#x}", f"{self.bytes:#x}", self.flags, "global" if self.asid is None else str(self.asid))

    def _repr_html_(self) -> str:
        return html.table(_HEAD, [self._row()])

    def __repr__(self) -> str:
        space = "global" if self.asid is None else f"asid {self.asid}"
        return f"<TlbEntry {self.va:#x} -> {self.physical_address:#x}, {self.bytes:#x} bytes, {self.flags}, {space}>"


_HEAD = ["va", "physical address", "bytes", "flags", "asid"]


class TlbEntries(list[TlbEntry]):
    """A list, which notebooks show as a table."""

    def _repr_html_(self) -> str:
        rows = [entry._row() for entry in self[:html.SHOWN_ROWS]]
        return html.table(_HEAD, rows, f"{len(self)} entries of the TLB", len(self))


class Tlb:
    """The architectural TLB."""

    __slots__ = ("_guest",)

    def __init__(self, guest: _core.Guest) -> None:
        self._guest = guest

    @property
    def stats(self) -> TlbStats:
        return TlbStats(**self._guest.stats()["tlb"])

    def entries(self) -> TlbEntries:
        """Every valid entry, by address."""
        return TlbEntries(TlbEntry(*entry) for entry in self._guest.tlb_entries())

    @property
    def fences(self) -> FenceReport:
        """What the fence checker has seen so far (tlb="check=fences")."""
        return FenceReport.from_core(self._guest.fence_report())

    @property
    def config(self) -> dict[str, int | str]:
        """entries, ways, policy and check."""
        return self._guest.tlb_config()

    def _repr_html_(self) -> str:
        return self.stats._repr_html_() + self.entries()._repr_html_()

    def __repr__(self) -> str:
        idle = not self._guest.closed and not self._guest.running
        return f"<Tlb {self.config}>" if idle else "<Tlb>"


class Mmu:
    __slots__ = ("_guest", "tlb")

    def __init__(self, guest: _core.Guest) -> None:
        self._guest = guest
        self.tlb = Tlb(guest)

    def walk(self, va: int, access: str = "r", *, process: Process | None = None, satp: int | None = None,
             asid: int | None = None, priv: str = "u") -> _core.Walk:
        """Walks a page table for `access` ('r', 'w', 'x') with privilege `priv` ('u', 's').

        The table is the one of `process`, of the value `satp`, of the live process whose ASID is
        `asid`, or, with none of them, the one in force on hart 0.
        """
        if sum(choice is not None for choice in (process, satp, asid)) > 1:
            raise UsageError("walk() takes one of process=, satp= and asid=")
        if process is not None:
            satp = process.satp
        elif asid is not None:
            satp = self._satp_of_asid(asid)
        elif satp is None:
            satp = self._guest.csr(0, _CSR_SATP)
        return self._guest.walk(count(va, "va"), count(satp, "satp"), text_of("access", access),
                                text_of("priv", priv))

    def _satp_of_asid(self, asid: int) -> int:
        current = self._guest.csr(0, _CSR_SATP)
        for satp in [current, *(p.satp for p in self._guest.processes() if not p.exited)]:
            if satp and (satp >> 44) & 0xFFFF == asid:
                return satp
        raise UsageError(f"no live process has ASID {asid}")


__all__ = ["Mmu", "Tlb", "TlbEntries", "TlbEntry"]
