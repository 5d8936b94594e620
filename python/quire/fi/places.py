"""Places that hold bits: registers, memory, instructions, page-table entries. Read and written by name.

| place | is | bits |
|---|---|---|
| x1..x31, f0..f31, pc | a register | 64 |
| csr:NAME | a CSR, as M-mode writes it: fields that the CSR does not have stay as they are | 64 |
| ram:ADDRESS | a byte of physical memory | 8 |
| virt:ADDRESS | a byte of the process's virtual memory | 8 |
| insn | the instruction about to run, in RAM: it stays changed | 32, or 16 of a compressed one |
| pte:ADDRESS | the entry that maps the process's virtual address, in RAM: the TLB may still hold the old one | 64 |
| tlb:ADDRESS | the TLB's entry for that virtual address: V to D and PPN as in an entry, then VPN and ASID | 128 |
| mmio:ADDRESS | a device's register: the value that the hart reads or writes next | 64 |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import _core
from ..errors import PageFault, UsageError
from ..hart import F_NAMES, X_NAMES

if TYPE_CHECKING:
    from ..machine import Machine
    from ..process import Process

MASK = (1 << 64) - 1
CSR_NUMBERS = _core.csr_numbers()
_CSR_SATP = CSR_NUMBERS["satp"]
#: Bits of a page-table entry by name (Privileged ISA, "Sv39"); its frame number begins at PPN.
PTE_BITS = {"V": 0, "R": 1, "W": 2, "X": 3, "U": 4, "G": 5, "A": 6, "D": 7, "PPN": 10}
VPN_BIT, _VPN_WIDTH = 64, 45
ASID_BIT, _ASID_WIDTH = 112, 16
TLB_BITS = {**PTE_BITS, "VPN": VPN_BIT, "ASID": ASID_BIT}
_PPN_WIDTH = 44
_WIDTHS = {"csr": 64, "ram": 8, "virt": 8, "pte": 64, "tlb": 128, "mmio": 64}
#: Kinds of places that lie in a process.
OF_PROCESS = ("virt", "pte", "tlb")


class NotThere(Exception):
    """The place does not exist at that moment (a page that is not mapped)."""


def split(place: str) -> tuple[str, str]:
    kind, _, where = place.partition(":")
    return kind, where


def address_of(place: str) -> int:
    kind, where = split(place)
    try:
        address = int(where, 0)
    except ValueError:
        raise UsageError(f"'{place}' has no address, as in '{kind}:0x80200000'") from None
    if not 0 <= address <= MASK:
        raise UsageError(f"'{place}': an address has 64 bits")
    return address


def is_register(place: str) -> bool:
    return place[:1] in ("x", "f") and place[1:].isdecimal() and int(place[1:]) < 32 and place != "x0"


def width_of(place: str) -> int:
    """In bits. UsageError for what is no place."""
    kind, where = split(place)
    if kind == "csr":
        if where not in CSR_NUMBERS or CSR_NUMBERS[where] >> 10 == 3:
            raise UsageError(f"'{where}' is no CSR that can be written")
        return 64
    if kind in _WIDTHS and where:
        address_of(place)
        return _WIDTHS[kind]
    if place == "insn":
        return 32
    if place == "pc" or is_register(place):
        return 64
    if kind in _WIDTHS:
        address_of(place)  # says what is missing
    hint = f"; {place} is x{X_NAMES.index(place)}" if place in X_NAMES[1:] else ""
    hint = hint or (f"; {place} is f{F_NAMES.index(place)}" if place in F_NAMES else "")
    raise UsageError(f"'{place}' is no place for a fault{hint}: x1..x31, f0..f31, pc, csr:NAME, ram:ADDRESS, virt:ADDRESS, "
                     "pte:ADDRESS, tlb:ADDRESS, mmio:ADDRESS and insn are")


def bits_of(place: str, text: str) -> tuple[int, ...]:
    """"3", "3,17", and for entries of page tables and the TLB "W", "PPN", "PPN+3,A"."""
    names = {"pte": PTE_BITS, "tlb": TLB_BITS}.get(split(place)[0], {})
    bits = []
    for word in text.split(","):
        name, plus, more = word.partition("+")
        try:
            bits.append(names[name] + (int(more, 0) if plus else 0) if name in names else int(word, 0))
        except ValueError:
            raise UsageError(f"'{text}' is neither a number nor a list of bits"
                             + (f" ({', '.join(names)}, PPN+3)" if names else "")) from None
    return tuple(bits)


def check_bits(place: str, bits: tuple[int, ...]) -> None:
    width = width_of(place)
    for bit in bits:
        if not 0 <= bit < width:
            raise UsageError(f"{place} has no bit {bit}: its bits are 0 to {width - 1}")
        if split(place)[0] == "tlb" and not (bit < 8 or 10 <= bit < 10 + _PPN_WIDTH or VPN_BIT <= bit < VPN_BIT + _VPN_WIDTH
                                             or ASID_BIT <= bit < ASID_BIT + _ASID_WIDTH):
            raise UsageError(f"{place} has no bit {bit}: an entry of the TLB holds V to D, PPN (44 bits), VPN (45) and ASID (16)")


def all_bits(place: str) -> list[int]:
    """Every bit that a fault can be of."""
    if split(place)[0] != "tlb":
        return list(range(width_of(place)))
    # The 27 bits of Sv39's page numbers: higher ones follow from them.
    return [*range(8), *range(10, 10 + _PPN_WIDTH), *range(VPN_BIT, VPN_BIT + 27), *range(ASID_BIT, ASID_BIT + _ASID_WIDTH)]


# --- where they are now ---


def insn_places(machine: Machine) -> list[int]:
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


def space_of(machine: Machine, process: Process | None) -> int:
    """The satp of the process, or of a whole machine the one in force."""
    if process is None:
        return machine._guest.csr(0, _CSR_SATP)
    if process.returncode is not None:
        raise NotThere(f"process {process.pid} has ended")
    return process.satp


def pte_address(machine: Machine, process: Process | None, va: int) -> int:
    steps = machine.mmu.walk(va, satp=space_of(machine, process)).steps
    if not steps or not steps[-1].leaf:
        raise NotThere(f"{va:#x} is not mapped")
    return steps[-1].pte_address


def byte_address(machine: Machine, process: Process | None, place: str) -> int:
    """Physical, of a ram: or virt: place."""
    address = address_of(place)
    if split(place)[0] == "ram":
        return address
    satp = space_of(machine, process)
    walk = machine.mmu.walk(address, satp=satp) or machine.mmu.walk(address, satp=satp, priv="s")
    if walk.physical_address is None:
        raise NotThere(f"{address:#x} is not mapped")
    return walk.physical_address


def read(machine: Machine, process: Process | None, place: str) -> int:
    kind, where = split(place)
    hart = machine.harts[0]
    if place == "pc":
        return hart.pc
    if place == "insn":
        return int.from_bytes(b"".join(machine.phys.read(at, 2) for at in insn_places(machine)), "little")
    if kind == "csr":
        return hart.csr[where]
    if kind in ("ram", "virt"):
        return machine.phys.read(byte_address(machine, process, place), 1)[0]
    if kind == "pte":
        return int.from_bytes(machine.phys.read(pte_address(machine, process, address_of(place)), 8), "little")
    return (hart.x if place[0] == "x" else hart.fbits)[int(place[1:])]


def write(machine: Machine, process: Process | None, place: str, value: int) -> None:
    kind, where = split(place)
    hart = machine.harts[0]
    if place == "pc":
        hart.pc = value & ~1  # IALIGN is 16: the lowest bit of pc does not exist
    elif place == "insn":
        for half, at in enumerate(insn_places(machine)):
            machine.phys.write(at, (value >> 16 * half & 0xFFFF).to_bytes(2, "little"))
    elif kind == "csr":
        hart.csr[where] = value
    elif kind in ("ram", "virt"):
        machine.phys.write(byte_address(machine, process, place), bytes([value]))
    elif kind == "pte":
        machine.phys.write(pte_address(machine, process, address_of(place)), value.to_bytes(8, "little"))
    elif place[0] == "x":
        hart.x[int(place[1:])] = value
    else:
        hart.fbits[int(place[1:])] = value


__all__ = ["PTE_BITS", "TLB_BITS", "NotThere", "PageFault", "all_bits", "bits_of", "width_of"]
