"""Names of the program's symbols, for triggers."""

from __future__ import annotations

from ..errors import UsageError
from ..symbols import read_symbols


def symbols_of(path: str) -> dict[str, int]:
    """Empty for a stripped file. FileError when it is not there; UsageError when its addresses are known only as it runs."""
    symbols = read_symbols(path)
    if symbols.movable:
        raise UsageError(f"{path}: it is position-independent: give addresses, not symbols, or link it with -no-pie")
    return symbols.addresses


__all__ = ["symbols_of"]
