"""What goes wrong, by who must act. A guest that crashes is a result, never an exception."""

from __future__ import annotations

import importlib
from typing import Any


class Error(Exception):
    """The emulator or its host failed; the base of all of Quire's exceptions."""


class UsageError(Error, ValueError):
    """An impossible setting or argument; the message names it."""


class FileError(Error):
    """A file that is missing, unreadable or malformed; the message names the file and the cause."""


class Busy(Error):
    """A call that the machine's state forbids: it is running elsewhere, or closed."""


class PageFault(Error):
    """A virtual address that its process could not have accessed so."""

    def __init__(self, va: int, access: str, reason: str) -> None:
        super().__init__(f"no access '{access}' at virtual address {va:#x}: {reason}")
        self.va = va
        self.access = access
        self.reason = reason

    def __reduce__(self) -> tuple[type[PageFault], tuple[int, str, str]]:
        """Made anew of its parts: a pool of processes that cannot read a worker's exception is broken for good."""
        return PageFault, (self.va, self.access, self.reason)


class DmaError(Error):
    """A device's DMA to or from bytes that are not all RAM; nothing was written."""

    def __init__(self, address: int, size: int, access: str) -> None:
        super().__init__(f"DMA cannot {access} {size} bytes at {address:#x}: not all of them are RAM; a device tells its driver "
                         "so in a register, and catches quire.DmaError for it")
        self.address = address
        self.size = size
        self.access = access

    def __reduce__(self) -> tuple[type[DmaError], tuple[int, int, str]]:
        return DmaError, (self.address, self.size, self.access)


class ProgramFailed(Error):
    """Raised by run(check=True) for a status that is not 0; `completed` is the run."""

    def __init__(self, completed: object, message: str) -> None:
        super().__init__(message)
        self.completed = completed

    def __reduce__(self) -> tuple[type[ProgramFailed], tuple[object, str]]:
        return ProgramFailed, (self.completed, str(self))


class MissingPackage(Error, ImportError):
    """A part that needs a package which is not installed; nothing else does."""


def optional(package: str, what: str) -> Any:
    """A package that only `what` needs, imported when it is."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.partition(".")[0]
        raise MissingPackage(f"{what} needs {name}, which is not installed: pip install {name}, or Debian's python3-{name}") from None
