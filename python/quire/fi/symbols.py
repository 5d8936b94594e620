"""Names of an ELF file's symbols, for triggers: the 64-bit little-endian ones that riscv64 has (System V ABI, "Symbol Table")."""

from __future__ import annotations

import struct
from pathlib import Path

from ..errors import FileError, UsageError

_SYMTAB = 2
_ET_DYN = b"\3\0"
_MAGIC = b"\x7fELF\x02\x01"  # of 64 bits, little-endian


def symbols_of(path: str) -> dict[str, int]:
    """Empty for a stripped file. FileError when it is not there; UsageError when its addresses are known only as it runs."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}; check the path") from None
    if data[:6] == _MAGIC and data[16:18] == _ET_DYN:
        raise UsageError(f"{path}: it is position-independent: give addresses, not symbols, or link it with -no-pie")
    try:
        return _read(data)
    except (struct.error, IndexError, ValueError):
        return {}


def _read(data: bytes) -> dict[str, int]:
    if data[:6] != _MAGIC:
        return {}
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


__all__ = ["symbols_of"]
