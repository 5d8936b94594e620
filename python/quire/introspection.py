"""What the supervisor knows, as objects: areas of an address space, frames of memory.

It is read from the supervisor's own memory by the description that it publishes of itself. No instruction of the guest
runs for it and nothing changes, so it can be asked at any stop. A stop in the middle of a change shows what is there: see
Vmas.locked and Vmas.trouble.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, overload

from . import _core, html
from .checks import count
from .errors import UsageError

if TYPE_CHECKING:
    from .machine import Machine

_PAGE = 4096
#: Where the name begins in /proc/PID/maps.
_NAME_COLUMN = 73


@dataclass(frozen=True, slots=True)
class Vma:
    """A range of a process' address space, and what may be there. What is there, the page table says."""

    start: int
    end: int  #: the first address behind it
    permissions: str  #: as in /proc/PID/maps: "rw-p", the last letter s for shared
    offset: int  #: in the file, in bytes; 0 without one
    major: int  #: of the file's device
    minor: int
    inode: int
    name: str  #: a path as the process sees it, "[heap]", "[vdso]", ""; os.fsencode() gives its bytes
    kind: str  #: "anonymous", "file", "heap", "stack", "device" or "special"
    locked: bool  #: by mlock(2)
    grows_down: bool

    @property
    def bytes(self) -> int:
        """Its size."""
        return self.end - self.start

    @property
    def pages(self) -> int:
        """How many pages fit in."""
        return self.bytes // _PAGE

    @property
    def shared(self) -> bool:
        """MAP_SHARED; else private."""
        return self.permissions[3] == "s"

    @property
    def file(self) -> str | None:
        """The path of what is mapped; None where no file is."""
        return self.name if self.kind in ("file", "device") else None

    def __contains__(self, va: object) -> bool:
        return isinstance(va, int) and self.start <= va < self.end

    def maps_line(self) -> str:
        """Its line of /proc/PID/maps."""
        line = (f"{self.start:08x}-{self.end:08x} {self.permissions} {self.offset:08x} {self.major:02x}:{self.minor:02x} {self.inode} ")
        if self.name:
            line = line.ljust(_NAME_COLUMN) + self.name.replace("\n", "\\012")
        return line + "\n"

    def _row(self) -> tuple[object, ...]:
        return (f"{self.start:#x}", f"{self.end:#x}", self.permissions, self.kind, self.pages, f"{self.offset:#x}" if self.inode else "", self.name)

    def _repr_html_(self) -> str:
        return html.table(_VMA_HEAD, [self._row()])

    def __repr__(self) -> str:
        name = f" {html.name_text(self.name)}" if self.name else ""
        return f"<Vma {self.start:#x}-{self.end:#x} {self.permissions} {self.kind}{name}>"


_VMA_HEAD = ["start", "end", "permissions", "kind", "pages", "offset", "name"]


class Vmas(Sequence[Vma]):
    """The areas of one process at one moment, by address. A sequence; find() looks by address."""

    __slots__ = ("_areas", "locked", "pid", "trouble")

    def __init__(self, pid: int, areas: Sequence[Vma], locked: bool = False, trouble: str = "") -> None:
        self.pid = pid
        #: A thread of the guest holds the lock under which they change: it may be in the middle of a change.
        self.locked = locked
        #: Why these are not all there are; "" when they are.
        self.trouble = trouble
        self._areas = tuple(areas)

    def __len__(self) -> int:
        return len(self._areas)

    @overload
    def __getitem__(self, key: int) -> Vma: ...
    @overload
    def __getitem__(self, key: slice) -> Vmas: ...
    def __getitem__(self, key: int | slice) -> Vma | Vmas:
        if isinstance(key, slice):
            return Vmas(self.pid, self._areas[key], self.locked, self.trouble)
        if not isinstance(key, int):
            raise UsageError(f"vmas[{key!r}]: areas are numbered from 0; vmas.find(va) looks by address, and `vma.name` by name")
        return self._areas[key]

    def find(self, va: int) -> Vma | None:
        """The area that holds `va`, or None."""
        address = count(va, "va")
        return next((area for area in self._areas if address in area), None)

    def named(self, name: str) -> Vmas:
        """Those of that name: "[heap]", or a path of the guest."""
        return Vmas(self.pid, [area for area in self._areas if area.name == name], self.locked, self.trouble)

    @property
    def maps(self) -> str:
        """The text of /proc/PID/maps."""
        return "".join(area.maps_line() for area in self._areas)

    def _repr_html_(self) -> str:
        rows = [area._row() for area in self._areas[:html.SHOWN_ROWS]]
        return html.table(_VMA_HEAD, rows, str(self), len(self))

    def __str__(self) -> str:
        note = f"; {self.trouble}" if self.trouble else "; about to change" if self.locked else ""
        return f"{len(self)} areas of process {self.pid}{note}"

    def __repr__(self) -> str:
        return f"<Vmas: {self}>"


def vmas_of(guest: _core.Guest, pid: int) -> Vmas | None:
    """None for a process that has no memory (any more)."""
    alive, locked, trouble, areas = guest.areas(pid)
    if not alive:
        return None
    return Vmas(pid, [Vma(*area[:7], os.fsdecode(area[7]), *area[8:]) for area in areas], locked, trouble)


@dataclass(frozen=True, slots=True)
class FrameStats:
    """Frames of 4096 bytes by what they are used for, of those that the supervisor ever had to give.

    As /proc/meminfo has it: MemTotal, MemFree, AnonPages, Cached, PageTables, Slab, KernelStack; Dirty and Writeback are
    part of the page cache.
    """

    total: int
    free: int
    anonymous: int
    page_cache: int
    page_tables: int
    slab: int
    stacks: int
    vmalloc: int
    kernel: int
    dirty: int
    writing: int

    def _repr_html_(self) -> str:
        return html.table(["use", "frames", "KiB"], [(name.replace("_", " "), frames, frames * _PAGE // 1024) for name, frames in asdict(self).items()])


@dataclass(frozen=True, slots=True)
class CachedPage:
    """Which page of which file a frame of the page cache holds; device and inode as Vma has them."""

    major: int
    minor: int
    inode: int
    page: int  #: its number in the file


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of RAM as the supervisor's books have it."""

    pfn: int
    use: str  #: "free", "anonymous", "page_cache", "page_table", "slab", "stack", "vmalloc", "kernel" or "reserved"
    references: int  #: page-table entries of programs that map it, one more in the page cache, and pins
    dirty: bool  #: page cache: newer than its backing store
    cached: CachedPage | None

    @property
    def address(self) -> int:
        """Of its first byte, physical."""
        return self.pfn * _PAGE

    def __repr__(self) -> str:
        place = "" if self.cached is None else f", page {self.cached.page} of inode {self.cached.inode}"
        return f"<Frame {self.pfn:#x}: {self.use}, {self.references} references{', dirty' if self.dirty else ''}{place}>"


class Frames:
    """Frames by number: m.frames[pfn]; m.frames.stats counts them. Only the supervisor keeps such books."""

    __slots__ = ("_machine",)

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    @property
    def _guest(self) -> _core.Guest:
        return self._machine._guest

    @property
    def stats(self) -> FrameStats:
        """How many there are for what."""
        return FrameStats(**self._guest.frame_counts())

    def __getitem__(self, pfn: int) -> Frame:
        number = count(pfn, "pfn")
        use, references, dirty, cached = self._guest.frame(number)
        return Frame(number, use, references, dirty, None if cached is None else CachedPage(*cached))

    def __len__(self) -> int:
        return self._guest.frame_range()[1]

    def __contains__(self, pfn: object) -> bool:
        first, number = self._guest.frame_range()
        return isinstance(pfn, int) and first <= pfn < first + number

    def __iter__(self) -> Iterator[Frame]:
        first, number = self._guest.frame_range()
        return (self[pfn] for pfn in range(first, first + number))

    def _repr_html_(self) -> str:
        return self.stats._repr_html_()

    def __repr__(self) -> str:
        if self._guest.closed or self._guest.running or self._machine.config["mode"] != "supervisor":
            return "<Frames>"
        stats = self.stats
        return f"<Frames: {stats.total}, of which {stats.free} are free>"


__all__ = ["CachedPage", "Frame", "FrameStats", "Frames", "Vma", "Vmas"]
