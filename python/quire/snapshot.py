"""A machine at one moment: to go back to, to compare, to keep in a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from . import _core, html
from .checks import wrong
from .errors import UsageError

StrPath = str | os.PathLike[str]


def _path(value: Any) -> str:
    try:
        return os.fsdecode(value)
    except TypeError:
        raise wrong("path", value, "the path of a file") from None


@dataclass(frozen=True, slots=True)
class MemoryDifference:
    """`changed` bytes of RAM that differ, in the `bytes` from physical `address` on; within one page."""

    address: int
    bytes: int
    changed: int

    def __repr__(self) -> str:
        return f"<{self.changed} of {self.bytes} bytes at {self.address:#x}>"


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """A register, CSR or counter that differs."""

    name: str
    before: int
    after: int

    def __repr__(self) -> str:
        return f"<{self.name}: {self.before:#x} -> {self.after:#x}>"


@dataclass(frozen=True, slots=True)
class SnapshotDiff:
    """What differs between two snapshots; false when nothing does.

    `parts` names what else has another state: devices, streams, virtual time.
    """

    values: tuple[ValueDifference, ...]
    memory: tuple[MemoryDifference, ...]
    parts: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.values or self.memory or self.parts)

    def _repr_html_(self) -> str:
        if not self:
            return "<p>no difference</p>"
        values = [(value.name, f"{value.before:#x}", f"{value.after:#x}") for value in self.values]
        places = [(f"{place.address:#x}", place.bytes, place.changed) for place in self.memory[:html.SHOWN_ROWS]]
        return (html.table(["value", "before", "after"], values) +
                html.table(["memory at", "bytes", "of which differ"], places, total=len(self.memory)) +
                html.table(["part that differs"], [(part,) for part in self.parts]))

    def __repr__(self) -> str:
        if not self:
            return "<SnapshotDiff: the same>"
        names = ", ".join(value.name for value in self.values[:8]) + (", ..." if len(self.values) > 8 else "")
        return (f"<SnapshotDiff: {len(self.values)} values ({names}), {len(self.memory)} pages, "
                f"parts: {', '.join(self.parts) or 'none'}>")


class Snapshot:
    """All of a machine at one moment. Made by Machine.snapshot() or Snapshot.load(); immutable."""

    __slots__ = ("__weakref__", "_core", "config")

    def __init__(self, core: _core.Snapshot, config: dict[str, Any] | None = None) -> None:
        self._core = core
        #: Of the machine it was taken of; empty when it comes from a file.
        self.config = dict(config or {})

    @classmethod
    def load(cls, path: StrPath) -> Snapshot:
        """From a file that save() wrote."""
        return cls(_core.Snapshot.load(_path(path)))

    def save(self, path: StrPath) -> None:
        """To a file, compressed and with a checksum; replaces one that is there."""
        self._core.save(_path(path))

    @property
    def icount(self) -> int:
        """The count of instructions at which it was taken."""
        return self._core.icount

    @property
    def time_ns(self) -> int:
        """Virtual time at that moment."""
        return self._core.time_ns

    @property
    def pc(self) -> int:
        """Of hart 0 at that moment."""
        return self._core.pc

    @property
    def ram_bytes(self) -> int:
        """RAM of its machine."""
        return self._core.ram_bytes

    @property
    def pages(self) -> int:
        """Pages of RAM that are not all zero."""
        return self._core.pages

    @property
    def digest(self) -> str:
        """What Machine.digest was at this moment."""
        return f"{self._core.digest():016x}"

    def same(self, other: Snapshot) -> bool:
        """Whether both hold the same state, to the last bit: devices, streams and counters too."""
        if not isinstance(other, Snapshot):
            raise UsageError(f"same() takes a Snapshot, not {type(other).__name__}")
        return self._core.same(other._core)

    def diff(self, other: Snapshot) -> SnapshotDiff:
        """What is different in `other`."""
        if not isinstance(other, Snapshot):
            raise UsageError(f"diff() takes a Snapshot, not {type(other).__name__}")
        values, memory, parts = self._core.diff(other._core)
        return SnapshotDiff(tuple(ValueDifference(*value) for value in values),
                            tuple(MemoryDifference(*place) for place in memory), tuple(parts))

    def __repr__(self) -> str:
        return f"<Snapshot at icount {self.icount}, pc {self.pc:#x}, {self.pages} pages>"


__all__ = ["MemoryDifference", "Snapshot", "SnapshotDiff", "ValueDifference"]
