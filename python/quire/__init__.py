"""Quire: a RISC-V machine and a supervisor of its own, to run Linux programs on and to look into.

    import quire

    r = quire.run("./primes", "1000")
    with quire.Machine.supervisor(seed=1) as m:
        p = m.spawn(["./forktest"])
        faults = m.record("page_fault", "cow")
        m.run(until=p.exited)
"""

from . import _core, plot
from ._core import AccessEvent, InsnEvent, Mapping, Stop, Walk, WalkStep
from .console import Console, NotSeen, Output
from .device import Device, IrqLine
from .errors import Busy, DmaError, Error, FileError, MissingPackage, PageFault, ProgramFailed, UsageError
from .events import EVENTS, FAULT_KINDS, MACHINE_EVENTS, Condition, Event, Recording, happens
from .hart import Hart
from .hooks import Arming, Hook, On
from .introspection import CachedPage, Frame, Frames, FrameStats, Vma, Vmas
from .machine import Machine
from .mmu import TlbEntry
from .process import Page, Process
from .running import CompletedRun, run
from .snapshot import MemoryDifference, Snapshot, SnapshotDiff, ValueDifference
from .stats import EngineStats, FenceFinding, FenceReport, Stats, TlbStats
from .sweeping import SweepTable, sweep

__version__: str = _core.__version__

__all__ = [
    "EVENTS",
    "AccessEvent",
    "Arming",
    "FAULT_KINDS",
    "MACHINE_EVENTS",
    "Busy",
    "CachedPage",
    "CompletedRun",
    "Condition",
    "Console",
    "Device",
    "DmaError",
    "EngineStats",
    "Error",
    "Event",
    "FenceFinding",
    "FenceReport",
    "FileError",
    "Frame",
    "FrameStats",
    "Frames",
    "Hart",
    "Hook",
    "InsnEvent",
    "IrqLine",
    "Machine",
    "Mapping",
    "MemoryDifference",
    "MissingPackage",
    "NotSeen",
    "On",
    "Output",
    "Page",
    "PageFault",
    "Process",
    "ProgramFailed",
    "Recording",
    "Snapshot",
    "SnapshotDiff",
    "Stats",
    "Stop",
    "SweepTable",
    "TlbEntry",
    "TlbStats",
    "UsageError",
    "ValueDifference",
    "Vma",
    "Vmas",
    "Walk",
    "WalkStep",
    "__version__",
    "happens",
    "plot",
    "run",
    "sweep",
]
