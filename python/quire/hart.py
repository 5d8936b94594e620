"""Registers of a hart: by ABI name as attributes, by number as items."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from operator import index
from typing import Any, Generic, TypeVar

from . import _core
from .checks import count
from .errors import Busy, UsageError

X_NAMES = ("zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 "
           "s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6").split()
F_NAMES = ("ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 "
           "fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11").split()
_X_NUMBERS = {name: i for i, name in enumerate(X_NAMES)} | {f"x{i}": i for i in range(32)} | {"fp": 8}
_F_NUMBERS = {name: i for i, name in enumerate(F_NAMES)} | {f"f{i}": i for i in range(32)}
_CSR_NUMBERS = _core.csr_numbers()
_CSR_NAMES = {number: name for name, number in _CSR_NUMBERS.items()}
_CSR_SATP = 0x180
_MASK = (1 << 64) - 1

Value = TypeVar("Value", int, float)


class RegisterFile(Generic[Value]):
    """Registers as attributes and items; assignments go to the hart."""

    __slots__ = ("_kind", "_numbers", "_names", "_get", "_set")
    _kind: str
    _numbers: dict[str, int]
    _names: list[str]
    # Types of attributes of the class itself, which calls as they are: not methods.
    _get: Callable[[int], Value]
    _set: Callable[[int, Value], None]

    def __init__(self, kind: str, numbers: dict[str, int], names: list[str],
                 get: Callable[[int], Value], set_: Callable[[int, Value], None]) -> None:
        for slot, value in zip(self.__slots__, (kind, numbers, names, get, set_), strict=True):
            object.__setattr__(self, slot, value)

    def _number(self, key: str | int) -> int:
        if isinstance(key, int):
            return count(key, f"number of a {self._kind}", bits=16)
        try:
            return self._numbers[key]
        except KeyError:
            raise AttributeError(f"no {self._kind} is called '{key}'; there are {', '.join(self._names[:40])}"
                                 f"{' ...' if len(self._names) > 40 else ''}") from None

    def __getattr__(self, name: str) -> Value:
        return self._get(self._number(name))

    def __setattr__(self, name: str, value: Value) -> None:
        self._set(self._number(name), value)

    def __getitem__(self, key: str | int) -> Value:
        return self._get(self._number(key))

    def __setitem__(self, key: str | int, value: Value) -> None:
        self._set(self._number(key), value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __dir__(self) -> list[str]:
        return sorted(self._numbers)

    def to_dict(self) -> dict[str, Value]:
        return {name: self._get(self._numbers[name]) for name in self._names}

    def __repr__(self) -> str:
        try:
            values = self.to_dict()
        except Busy as error:
            return f"<{self._kind}s: {error}>"
        shown = " ".join(f"{n}={v:#x}" if isinstance(v, int) else f"{n}={v!r}" for n, v in values.items())
        return f"<{self._kind}s {shown}>"


def _unsigned(value: Any, name: str) -> int:
    try:
        number = index(value)
    except TypeError:
        raise UsageError(f"{name}={value!r} is not a whole number; give the register's 64 bits") from None
    if not -(1 << 63) <= number <= _MASK:
        raise UsageError(f"{name}={number:#x} does not fit a register of 64 bits")
    return number & _MASK


class Hart:
    """One hart. Reading changes nothing; assigning takes effect before the next instruction."""

    __slots__ = ("_guest", "index")

    def __init__(self, guest: _core.Guest, index: int) -> None:
        self._guest = guest
        self.index = index

    @property
    def pc(self) -> int:
        """The address of the instruction that comes next; can be assigned."""
        return self._guest.pc(self.index)

    @pc.setter
    def pc(self, value: int) -> None:
        self._guest.set_pc(self.index, _unsigned(value, "pc"))

    @property
    def priv(self) -> str:
        """Privilege: 'u', 's' or 'm'."""
        return self._guest.privilege(self.index)

    @property
    def icount(self) -> int:
        """Instructions retired plus instructions that trapped."""
        return self._guest.icount

    @property
    def asid(self) -> int:
        """The address space that satp names now."""
        return (self._guest.csr(self.index, _CSR_SATP) >> 44) & 0xFFFF

    @property
    def x(self) -> RegisterFile[int]:
        """Integer registers: hart.x.a0, hart.x['sp'], hart.x[10]."""
        guest, hart = self._guest, self.index
        return RegisterFile("integer register", _X_NUMBERS, X_NAMES, lambda i: guest.x(hart, i),
                            lambda i, v: guest.set_x(hart, i, _unsigned(v, X_NAMES[i] if i < 32 else f"x{i}")))

    @property
    def f(self) -> RegisterFile[float]:
        """Floating-point registers as doubles."""
        return self._floats("<d", boxed=False)

    @property
    def f32(self) -> RegisterFile[float]:
        """Floating-point registers as singles: NaN when the register does not hold a boxed one."""
        return self._floats("<f", boxed=True)

    @property
    def fbits(self) -> RegisterFile[int]:
        """Floating-point registers as raw 64 bits."""
        guest, hart = self._guest, self.index
        return RegisterFile("floating-point register", _F_NUMBERS, F_NAMES, lambda i: guest.f(hart, i),
                            lambda i, v: guest.set_f(hart, i, _unsigned(v, F_NAMES[i] if i < 32 else f"f{i}")))

    @property
    def csr(self) -> RegisterFile[int]:
        """CSRs as M-mode would read them: hart.csr.satp, hart.csr[0x180]."""
        guest, hart = self._guest, self.index
        return RegisterFile("CSR", _CSR_NUMBERS, list(_CSR_NUMBERS), lambda i: guest.csr(hart, i),
                            lambda i, v: guest.set_csr(hart, i, _unsigned(v, _CSR_NAMES.get(i, f"{i:#x}"))))

    def _floats(self, form: str, boxed: bool) -> RegisterFile[float]:
        guest, hart = self._guest, self.index

        def get(number: int) -> float:
            bits = guest.f(hart, number)
            if not boxed:
                return float(struct.unpack("<d", struct.pack("<Q", bits))[0])
            if bits >> 32 != 0xFFFF_FFFF:
                return float("nan")
            return float(struct.unpack("<f", struct.pack("<I", bits & 0xFFFF_FFFF))[0])

        def set_(number: int, value: float) -> None:
            try:
                raw = int.from_bytes(struct.pack(form, value), "little")
            except (struct.error, OverflowError):
                name = F_NAMES[number] if number < 32 else f"f{number}"
                raise UsageError(f"{name}={value!r} is not a number that fits; fbits takes raw bits") from None
            guest.set_f(hart, number, raw | 0xFFFF_FFFF_0000_0000 if boxed else raw)

        return RegisterFile("floating-point register", _F_NUMBERS, F_NAMES, get, set_)

    def __repr__(self) -> str:
        if self._guest.closed or self._guest.running:
            return f"<Hart {self.index}>"
        return f"<Hart {self.index}: pc={self.pc:#x} priv={self.priv} icount={self.icount}>"


def hart_list(guest: _core.Guest) -> tuple[Hart, ...]:
    return (Hart(guest, 0),)


__all__ = ["Hart", "RegisterFile", "F_NAMES", "X_NAMES"]
