"""Physical and virtual memory: two kinds of object, so that no call has to guess."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import _core
from .checks import buffer_of, count
from .errors import UsageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_FORMATS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i8": "b", "i16": "h", "i32": "i", "i64": "q"}


class Memory:
    """Bytes by address: memory[a] is a number, memory[a:b] bytes; both can be assigned."""

    __slots__ = ("_read", "_write", "_what")

    def __init__(self, read: Callable[[int, int], bytes], write: Callable[[int, Buffer], None], what: str) -> None:
        self._read = read
        self._write = write
        self._what = what

    @staticmethod
    def _range(key: slice) -> tuple[int, int]:
        if key.start is None or key.stop is None or key.step not in (None, 1):
            raise UsageError("memory slices need a start and an end address and no step, as in memory[a:b]")
        if not isinstance(key.start, int) or not isinstance(key.stop, int):
            raise UsageError(f"[{key.start!r}:{key.stop!r}] is no range of addresses: they are whole numbers")
        if not 0 <= key.start <= key.stop <= 1 << 64:
            raise UsageError(f"[{key.start:#x}:{key.stop:#x}] is no range of addresses")
        return key.start, key.stop - key.start

    def __getitem__(self, key: int | slice) -> bytes | int:
        if isinstance(key, slice):
            return self.read(*self._range(key))
        return self._read(count(key, "address"), 1)[0]

    def __setitem__(self, key: int | slice, value: int | Buffer) -> None:
        if not isinstance(key, slice):
            if not isinstance(value, int) or not 0 <= value < 256:
                raise UsageError(f"{value!r} is not a byte; assign 0 to 255, or bytes to memory[a:b]")
            self._write(count(key, "address"), bytes([value]))
            return
        start, size = self._range(key)
        data = buffer_of("data", value)
        if len(data) != size:
            raise UsageError(f"{len(data)} bytes do not fill a range of {size}")
        self._write(start, data)

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes from `address` on."""
        return self._read(count(address, "address"), count(size, "size")) if size else b""

    def write(self, address: int, data: Buffer) -> None:
        """The guest sees it at once, as instructions too."""
        self._write(count(address, "address"), buffer_of("data", data))

    def u8(self, address: int) -> int:
        return self._number(address, 1)

    def u16(self, address: int) -> int:
        return self._number(address, 2)

    def u32(self, address: int) -> int:
        return self._number(address, 4)

    def u64(self, address: int) -> int:
        return self._number(address, 8)

    def _number(self, address: int, size: int) -> int:
        return int.from_bytes(self._read(count(address, "address"), size), "little")

    def string(self, address: int, limit: int = 4096) -> bytes:
        """Bytes up to a NUL (not included) or `limit`; read page by page."""
        parts = []
        address, limit = count(address, "address"), count(limit, "limit")
        while limit > 0:
            part = self._read(address, min(limit, 4096 - address % 4096))
            head, nul, _ = part.partition(b"\0")
            parts.append(head)
            if nul:
                break
            address += len(part)
            limit -= len(part)
        return b"".join(parts)

    def __repr__(self) -> str:
        return f"<{self._what}>"


class PhysicalMemory(Memory):
    """RAM by physical address."""

    __slots__ = ("_guest",)

    def __init__(self, guest: _core.Guest) -> None:
        super().__init__(guest.read_phys, guest.write_phys, "physical memory")
        self._guest = guest

    @property
    def base(self) -> int:
        return self._guest.ram_base

    @property
    def size(self) -> int:
        return self._guest.ram_bytes

    def view(self, dtype: str = "u8", start: int | None = None, stop: int | None = None) -> memoryview:
        """RAM itself, read-only and without a copy; index 0 is `start` (by default the base).

        Elements are little-endian numbers of type u8..u64 or i8..i64. The view shows what the guest
        does later, and keeps the memory alive after the machine is closed.
        """
        if dtype not in _FORMATS:
            raise UsageError(f"dtype '{dtype}' is not one of {', '.join(_FORMATS)}")
        if sys.byteorder != "little" and dtype not in ("u8", "i8"):
            raise UsageError("this host is big-endian: only views of bytes can share the guest's memory")
        first = self.base if start is None else start
        last = self.base + self.size if stop is None else stop
        if not self.base <= first <= last <= self.base + self.size:
            raise UsageError(f"[{first:#x}:{last:#x}] is not wholly RAM")
        item_bytes = int(dtype[1:]) // 8
        if (last - first) % item_bytes:
            raise UsageError(f"[{first:#x}:{last:#x}] are {last - first} bytes, which are no whole number of {dtype} of {item_bytes}")
        ram: Any = self._guest.ram_view()  # a buffer, which 3.11 has no type for
        return memoryview(ram)[first - self.base : last - self.base].cast(_FORMATS[dtype])

    def __repr__(self) -> str:
        if self._guest.closed or self._guest.running:
            return f"<{self._what}>"
        return f"<{self._what} {self.base:#x}..{self.base + self.size:#x}>"


__all__ = ["Memory", "PhysicalMemory"]
