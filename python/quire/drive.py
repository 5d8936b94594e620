"""Drives of a machine, seen from outside: what they hold now, whatever their file holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from .checks import count
from .errors import FileError

if TYPE_CHECKING:
    from . import _core
    from .snapshot import StrPath

_STEP_BYTES = 1 << 20


class Drive:
    """One drive, by its number."""

    __slots__ = ("_guest", "number")

    def __init__(self, guest: _core.Guest, number: int) -> None:
        self._guest = guest
        self.number = number

    @property
    def size(self) -> int:
        """In bytes."""
        return self._guest.drive_bytes(self.number)

    def read(self, offset: int, size: int) -> bytes:
        """What the guest would read there; zeros behind the end."""
        return self._guest.read_drive(self.number, count(offset, "offset"), count(size, "size", bits=40))

    def save(self, path: StrPath) -> None:
        """Writes an image of it as it is now; blocks of zeros become holes."""
        name = Path(path)
        try:
            with name.open("wb") as file:
                size = self.size
                for offset in range(0, size, _STEP_BYTES):
                    data = self.read(offset, min(_STEP_BYTES, size - offset))
                    if data.count(0) == len(data):
                        file.seek(len(data), os.SEEK_CUR)
                    else:
                        file.write(data)
                file.truncate(size)
        except OSError as error:
            raise FileError(f"{name}: {error.strerror}; check the path") from None

    @property
    def unflushed(self) -> int:
        """Writes that a power cut would put at risk; 0 unless they are tracked (quire.fi does)."""
        return self._guest.unflushed_writes(self.number)

    def __repr__(self) -> str:
        return f"<Drive {self.number} of {self.size} bytes>"


__all__ = ["Drive"]
