"""What a fault changes: a place and what happens to its bits.

A fault is text too ("x10 flip 3", "pte:0x7f001000 clear 0"): that is how campaigns keep it and how it is read back.

| place | is | bits |
|---|---|---|
| x1..x31, f0..f31, pc | a register | 64 |
| csr:NAME | a CSR, as M-mode writes it: fields that the CSR does not have stay as they are | 64 |
| ram:ADDRESS | a byte of physical memory | 8 |
| virt:ADDRESS | a byte of the process's virtual memory | 8 |
| insn | the instruction about to run, in RAM: it stays changed | 32, or 16 of a compressed one |
| pte:ADDRESS | the entry that maps the process's virtual address, in RAM: the TLB may still hold the old one | 64 |

`skip` takes no place: the instruction about to run is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import _core
from ..errors import UsageError
from ..hart import F_NAMES, X_NAMES

if TYPE_CHECKING:
    from ..machine import Machine
    from ..process import Process

_MASK = (1 << 64) - 1
_CSR_NUMBERS = _core.csr_numbers()
_ACTIONS = ("flip", "set", "clear", "overwrite")
#: Bits of a page-table entry by name (Privileged ISA, "Sv39"); its frame number begins at PPN.
PTE_BITS = {"V": 0, "R": 1, "W": 2, "X": 3, "U": 4, "G": 5, "A": 6, "D": 7, "PPN": 10}


class NotThere(Exception):
    """The place does not exist at that moment (a page that is not mapped)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`action` is flip, set or clear, of `bits`; overwrite, with `value`; or skip."""

    place: str
    action: str
    bits: tuple[int, ...] = ()
    value: int = 0

    def __post_init__(self) -> None:
        if self.action == "skip":
            return
        if self.action not in _ACTIONS:
            raise UsageError(f"a fault cannot '{self.action}'; it can {', '.join(_ACTIONS)} or skip")
        width = _width(self.place)
        if self.action != "overwrite" and not self.bits:
            raise UsageError(f"'{self.place} {self.action}' names no bits")
        for bit in self.bits:
            if not 0 <= bit < width:
                raise UsageError(f"{self.place} has no bit {bit}: its bits are 0 to {width - 1}")
        if not 0 <= self.value < 1 << width:
            raise UsageError(f"{self.value:#x} does not fit the {width} bits of {self.place}")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """From the form that str() gives; bits of a `pte:` may be named (V, R, W, X, U, G, A, D, PPN)."""
        words = text.split()
        if words == ["skip"]:
            return cls("", "skip")
        if len(words) != 3:
            raise UsageError(f"'{text}' is no fault; one reads like 'x10 flip 3'")
        place, action, what = words
        names = PTE_BITS if place.startswith("pte:") else {}
        try:
            numbers = [names[word] if word in names else int(word, 0) for word in what.split(",")]
        except ValueError:
            raise UsageError(f"'{text}': '{what}' is neither a number nor a list of bits") from None
        if action == "overwrite":
            return cls(place, action, value=numbers[0])
        return cls(place, action, tuple(numbers))

    def apply(self, machine: Machine, process: Process | None = None) -> None:
        """Now. NotThere when the place does not exist at this moment."""
        if self.action == "skip":
            machine.harts[0].pc += 2 * len(_insn_places(machine))
            return
        if self.place == "insn" and len(_insn_places(machine)) == 1 and any(bit >= 16 for bit in self.bits):
            raise NotThere("the instruction has 16 bits")
        old = _read(machine, process, self.place)
        mask = sum(1 << bit for bit in self.bits)
        new = {"flip": old ^ mask, "set": old | mask, "clear": old & ~mask & _MASK, "overwrite": self.value}[self.action]
        _write(machine, process, self.place, new)

    def __str__(self) -> str:
        if self.action == "skip":
            return "skip"
        what = f"{self.value:#x}" if self.action == "overwrite" else ",".join(map(str, self.bits))
        return f"{self.place} {self.action} {what}"


def flips(*places: str, bits: Iterable[int] | None = None) -> list[Fault]:
    """Every single-bit flip of the places; "x" stands for x1..x31, "f" for f0..f31."""
    if not places:
        raise UsageError("flips() takes places, as flips('x', 'pc')")
    chosen = None if bits is None else list(bits)
    result = []
    for name in places:
        group = {"x": [f"x{i}" for i in range(1, 32)], "f": [f"f{i}" for i in range(32)]}.get(name, [name])
        for place in group:
            result += [Fault(place, "flip", (bit,)) for bit in (range(_width(place)) if chosen is None else chosen)]
    return result


# --- places ---


def _split(place: str) -> tuple[str, str]:
    kind, _, where = place.partition(":")
    return kind, where


def _address(place: str, where: str) -> int:
    try:
        return int(where, 0)
    except ValueError:
        raise UsageError(f"'{place}' has no address, as in '{_split(place)[0]}:0x80200000'") from None


def _width(place: str) -> int:
    """In bits. UsageError for what is no place."""
    kind, where = _split(place)
    if kind in ("ram", "virt", "pte"):
        _address(place, where)
        return 64 if kind == "pte" else 8
    if kind == "csr":
        if where not in _CSR_NUMBERS or _CSR_NUMBERS[where] >> 10 == 3:
            raise UsageError(f"'{where}' is no CSR that can be written")
        return 64
    if place == "insn":
        return 32
    if place == "pc" or (place[:1] in ("x", "f") and place[1:].isdigit() and int(place[1:]) < 32 and place != "x0"):
        return 64
    hint = f"; {place} is x{X_NAMES.index(place)}" if place in X_NAMES[1:] else ""
    hint = hint or (f"; {place} is f{F_NAMES.index(place)}" if place in F_NAMES else "")
    raise UsageError(f"'{place}' is no place for a fault{hint}: x1..x31, f0..f31, pc, csr:NAME, ram:ADDRESS, virt:ADDRESS, "
                     "pte:ADDRESS and insn are")


def _insn_places(machine: Machine) -> list[int]:
    """Physical addresses of the halves of the instruction about to run: one, or two that need not be neighbours."""
    pc = machine.harts[0].pc
    first = _code_address(machine, pc)
    compressed = machine.phys.read(first, 1)[0] & 3 != 3
    return [first] if compressed else [first, _code_address(machine, pc + 2)]


def _code_address(machine: Machine, va: int) -> int:
    hart = machine.harts[0]
    if hart.priv == "m":
        address: int | None = va
    else:
        address = machine.mmu.walk(va, access="x", priv=hart.priv).physical_address
    if address is None or not machine.phys.base <= address <= machine.phys.base + machine.phys.size - 2:
        raise NotThere(f"no instruction is at {va:#x}")
    return address


def _of(process: Process | None) -> Process:
    if process is None:
        raise UsageError("faults in virtual memory and page tables need a process")
    if process.returncode is not None:
        raise NotThere(f"process {process.pid} has ended")
    return process


def _pte_address(process: Process | None, va: int) -> int:
    steps = _of(process).walk(va).steps
    if not steps or not steps[-1].leaf:
        raise NotThere(f"{va:#x} is not mapped")
    return steps[-1].pte_address


def _byte_address(process: Process | None, va: int) -> int:
    walk = _of(process).walk(va)
    if walk.physical_address is None:
        raise NotThere(f"{va:#x} is not mapped")
    return walk.physical_address


def _read(machine: Machine, process: Process | None, place: str) -> int:
    kind, where = _split(place)
    hart = machine.harts[0]
    if place == "pc":
        return hart.pc
    if place == "insn":
        return int.from_bytes(b"".join(machine.phys.read(at, 2) for at in _insn_places(machine)), "little")
    if kind == "csr":
        return hart.csr[where]
    if kind == "ram":
        return machine.phys.read(_address(place, where), 1)[0]
    if kind == "virt":
        return machine.phys.read(_byte_address(process, _address(place, where)), 1)[0]
    if kind == "pte":
        return int.from_bytes(machine.phys.read(_pte_address(process, _address(place, where)), 8), "little")
    return (hart.x if place[0] == "x" else hart.fbits)[int(place[1:])]


def _write(machine: Machine, process: Process | None, place: str, value: int) -> None:
    kind, where = _split(place)
    hart = machine.harts[0]
    if place == "pc":
        hart.pc = value & ~1  # IALIGN is 16: the lowest bit of pc does not exist
    elif place == "insn":
        for half, at in enumerate(_insn_places(machine)):
            machine.phys.write(at, (value >> 16 * half & 0xFFFF).to_bytes(2, "little"))
    elif kind == "csr":
        hart.csr[where] = value
    elif kind == "ram":
        machine.phys.write(_address(place, where), bytes([value]))
    elif kind == "virt":
        machine.phys.write(_byte_address(process, _address(place, where)), bytes([value]))
    elif kind == "pte":
        machine.phys.write(_pte_address(process, _address(place, where)), value.to_bytes(8, "little"))
    elif place[0] == "x":
        hart.x[int(place[1:])] = value
    else:
        hart.fbits[int(place[1:])] = value


__all__ = ["PTE_BITS", "Fault", "NotThere", "flips"]
