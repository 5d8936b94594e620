"""Names of an ELF file's symbols: the 64-bit little-endian ones that riscv64 has (System V ABI, "Symbol Table")."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from .errors import FileError

_SYMTAB = 2
_ET_DYN = 3
_PT_LOAD = 1
_MAGIC = b"\x7fELF\x02\x01"  # of 64 bits, little-endian


@dataclass(frozen=True, slots=True)
class Symbols:
    """What a file names, as linked."""

    addresses: dict[str, int]  #: empty for a stripped file
    movable: bool  #: position-independent: where it is loaded adds to the addresses
    first_page: int  #: of its first segment, as linked


def read_symbols(path: str) -> Symbols:
    """Nothing of what is no such file, or is damaged. FileError when it is not there."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}; check the path") from None
    try:
        return _read(data)
    except (struct.error, IndexError, ValueError):
        return Symbols({}, False, 0)


def _read(data: bytes) -> Symbols:
    if data[:6] != _MAGIC:
        return Symbols({}, False, 0)
    (kind,) = struct.unpack_from("<H", data, 16)
    return Symbols(_addresses(data), kind == _ET_DYN, _first_page(data))


def _first_page(data: bytes) -> int:
    (segments,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for at in range(segments, segments + size * count, size):
        kind, _, _, address = struct.unpack_from("<IIQQ", data, at)
        if kind == _PT_LOAD:
            return int(address) & ~0xFFF
    return 0


def _addresses(data: bytes) -> dict[str, int]:
    (sections,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    headers = [struct.unpack_from("<IIQQQQIIQQ", data, sections + i * size) for i in range(count)]
    found: dict[str, int] = {}
    for header in headers:
        if header[1] != _SYMTAB:
            continue
        _, _, _, _, offset, length, link, _, _, entry = header
        names = headers[link][4]
        for at in range(offset, offset + length, entry):
            name, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", data, at)
            if section != 0:
                end = data.index(b"\0", names + name)
                found.setdefault(data[names + name:end].decode(errors="replace"), value)
    return found


__all__ = ["Symbols", "read_symbols"]
