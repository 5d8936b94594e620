"""A process of the guest: who it is, how it ended, and its memory as its page table has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _core, html
from .checks import count, text_of
from .errors import PageFault, UsageError
from .events import Condition
from .introspection import Frame, Vmas, vmas_of
from .memory import Memory
from .symbols import read_symbols

if TYPE_CHECKING:
    from .machine import Machine


@dataclass(frozen=True, slots=True)
class Page:
    """One mapped page: where it is, with which flags, and who else maps its frame."""

    va: int
    pfn: int
    bytes: int
    flags: str
    sharers: tuple[tuple[Process, int], ...]  # (process, va), this one included
    frame: Frame | None  #: as the supervisor's books have it; None for a device's memory

    @property
    def dirty(self) -> bool:
        """The page-table entry says so: it was written through this mapping."""
        return "d" in self.flags

    def _repr_html_(self) -> str:
        rows = [(process.pid, process.name, f"{va:#x}") for process, va in self.sharers]
        return html.table(["pid", "program", "mapped at"], rows, repr(self))

    def __repr__(self) -> str:
        use = "a device's memory" if self.frame is None else f"frame {self.pfn:#x} ({self.frame.use})"
        return f"<Page {self.va:#x}: {use}, {self.flags}, mapped {len(self.sharers)} times>"


class Process:
    """Known by its pid; what it answers is what the machine has recorded up to now."""

    __slots__ = ("_machine", "_guest", "pid")

    def __init__(self, machine: Machine, guest: _core.Guest, pid: int) -> None:
        self._machine = machine
        self._guest = guest
        self.pid = pid

    def _info(self) -> _core.ProcessInfo:
        info = self._guest.process(self.pid)
        if info is None:
            raise UsageError(f"the supervisor has not told of a process {self.pid}")
        return info

    def _live_satp(self) -> int:
        info = self._info()
        if info.exited:
            raise UsageError(f"process {self.pid} has exited: its address space is gone; stop before, with run(until=process.ending)")
        return info.satp

    @property
    def satp(self) -> int:
        """The value of satp that translates its addresses; 0 once it has exited."""
        return self._info().satp

    @property
    def asid(self) -> int:
        """Its address space as the TLB tags it; 0 once it has exited."""
        return (self.satp >> 44) & 0xFFFF

    @property
    def parent(self) -> int:
        """Pid of its parent; 0 when it was started from outside."""
        return self._info().parent

    @property
    def name(self) -> str:
        """Of the program that it runs (at most 15 bytes, as in /proc/PID/comm)."""
        return self._info().comm

    @property
    def exited(self) -> Condition:
        """True once it has exited; run(until=process.exited) runs up to there."""
        return Condition([_core.Condition("exit", [("pid", self.pid)])], lambda: self._info().exited, self._guest)

    @property
    def ending(self) -> Condition:
        """The moment at which it ends, however it does, and still has its memory: run(until=process.ending)."""
        return Condition([_core.Condition("exiting", [("pid", self.pid)])], lambda: False, self._guest)

    @property
    def returncode(self) -> int | None:
        """None while it lives; its exit status, or minus the signal that killed it."""
        info = self._info()
        if not info.exited:
            return None
        signal = info.wait_status & 0x7F
        return -signal if signal else (info.wait_status >> 8) & 0xFF

    @property
    def virt(self) -> Memory:
        """Its virtual memory, translated page by page; what it could not access raises PageFault.

        Nothing is faulted in: a page that the process has not touched yet is not there.
        """
        guest = self._guest
        return Memory(lambda va, size: guest.read_virt(self._live_satp(), va, size),
                      lambda va, data: guest.write_virt(self._live_satp(), va, data),
                      f"virtual memory of process {self.pid}")

    @property
    def vmas(self) -> Vmas:
        """Its address space as the supervisor has it, by address; vmas.find(va) looks one up."""
        self._live_satp()
        found = vmas_of(self._guest, self.pid)
        if found is None:
            raise UsageError(f"process {self.pid} is about to exit and has given its memory up; stop before, with run(until=process.ending)")
        return found

    @property
    def maps(self) -> str:
        """The text that it would read in /proc/self/maps now."""
        return self.vmas.maps

    def symbol(self, name: str) -> int | None:
        """Where a symbol of its program is, or of another file that was put in from the host and that it maps.

        None when none of them has it.
        """
        text_of("name", name)
        for area in self.vmas:
            path = self._machine._host_files.get(area.name) if area.offset == 0 and area.kind == "file" else None
            symbols = read_symbols(path) if path is not None else None
            if symbols is not None and name in symbols.addresses:
                return symbols.addresses[name] + (area.start - symbols.first_page if symbols.movable else 0)
        return None

    def _pid_on(self, guest: _core.Guest) -> int:
        """Its number, for a filter of that machine."""
        if guest is not self._guest:
            raise UsageError(f"process {self.pid} belongs to another machine")
        return self.pid

    @property
    def mappings(self) -> list[_core.Mapping]:
        """The leaves of its page table with the U bit, in the order of addresses."""
        return self._guest.mappings(self._live_satp())

    def walk(self, va: int, access: str = "r") -> _core.Walk:
        """How an access ('r', 'w', 'x') of its own at `va` is translated, without making it."""
        return self._guest.walk(count(va, "va"), self._live_satp(), text_of("access", access), "u")

    def page(self, va: int) -> Page:
        """The page that holds `va`; raises PageFault when none is mapped there."""
        for access in ("r", "x", "w"):
            walk = self.walk(va, access)
            if walk:
                break
        else:
            raise PageFault(va, "r", self.walk(va, "r").reason)
        leaf = walk.steps[-1]
        assert walk.physical_address is not None and walk.page_bytes is not None
        pfn = walk.physical_address >> 12
        sharers = tuple((Process(self._machine, self._guest, pid), at) for pid, at in self._guest.sharers(pfn))
        frames = self._machine.frames
        return Page(va & ~0xFFF, pfn, walk.page_bytes, leaf.flags, sharers, frames[pfn] if pfn in frames else None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Process) and (self._guest, self.pid) == (other._guest, other.pid)

    def __hash__(self) -> int:
        return hash((id(self._guest), self.pid))

    def __repr__(self) -> str:
        info = None if self._guest.closed or self._guest.running else self._guest.process(self.pid)
        if info is None:
            return f"<Process {self.pid}>"
        state = "alive" if not info.exited else f"ended with {self.returncode}"
        return f"<Process {self.pid} '{html.name_text(info.comm)}' {state}>"


__all__ = ["Page", "Process"]
