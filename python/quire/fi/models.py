"""Faults: what goes wrong, as text that campaigns keep and people write.

State that changes (quire.fi.places says what PLACE can be):
    PLACE flip|set|clear BITS      x10 flip 3     pte:0x7f0010 clear W     tlb:0x12000 flip PPN+2
    PLACE overwrite VALUE          x10 overwrite 0     mmio:0xc000004 overwrite 7 (written to the device, 4 bytes)
    PLACE stuck0|stuck1 BITS [for N]   held for N instructions, or to the end: x, f, pc, csr, ram, virt, pte, mmio
    skip                           the instruction about to run is passed over
Things that happen, or do not (TIMES: "3" the third from now on, "3+" it and all later ones, "p0.1" by chance):
    mmio:ADDRESS flip|set|clear BITS [TIMES]   what passes between the hart and the register
    irq:SOURCE lose [TIMES]        SOURCE is a number of the PLIC's, or timer, software, external, mtimer, ...
    irq:SOURCE raise               an interrupt that nobody asked for
    clock jump NS                  `time` goes forward, or back
    blk:DRIVE error|short|torn [read|write|flush|any][:BYTES] [TIMES]   a request fails; does a part and fails; or does a
                                   part and claims to have done all
    power cut [SEED]               the machine is off: drives hold what was flushed, and by chance some of the rest
    fence lose [TIMES]             sfence.vma does nothing
    alloc|heap|io fail [TIMES]     in the supervisor: blocks of frames, pieces of the heap (ENOMEM), transfers (EIO)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import UsageError
from . import places
from .places import MASK, PTE_BITS, NotThere, all_bits, check_bits, split, width_of
from .times import FIRST, Times

if TYPE_CHECKING:
    from .._core import Mapping
    from ..machine import Machine
    from ..process import Process

_CHANGES = ("flip", "set", "clear")
_STUCK = ("stuck0", "stuck1")
_BLK = ("error", "short", "torn")
_REQUESTS = ("any", "read", "write", "flush")
_FAILING = {"alloc": 0, "heap": 1, "io": 2}
#: Interrupts of the hart by name (include/quire/arch/cause.h).
HART_LINES = {"software": 1, "msoftware": 3, "timer": 5, "mtimer": 7, "external": 9, "mexternal": 11}
_NEVER = (1 << 64) - 1
_MMIO_BYTES = 4


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; Fault.parse(text) and str() are each other's inverse. `value` is what overwrite writes, the nanoseconds
    of a jump, or the seed of a power cut; `window` in instructions, None: to the end."""

    place: str
    action: str
    bits: tuple[int, ...] = ()
    value: int = 0
    times: Times = FIRST
    window: int | None = None
    requests: str = "any"
    bytes: int = 0

    def __post_init__(self) -> None:
        kind = split(self.place)[0]
        self._check_numbers()
        if self.action == "skip" or (self.place, self.action) in (("fence", "lose"), ("power", "cut"), ("clock", "jump")):
            return
        if kind == "irq":
            self._check_irq()
        elif kind == "blk":
            self._check_blk()
        elif self.place in _FAILING:
            if self.action != "fail":
                raise UsageError(f"'{self.place}' can only fail, as in '{self.place} fail 3'")
        else:
            self._check_state(kind)

    def _check_numbers(self) -> None:
        if self.action == "jump" and not -1 << 63 <= self.value < 1 << 63:
            raise UsageError(f"time cannot jump by {self.value} ns: give 64 bits, sign included")
        if self.action == "cut" and not 0 <= self.value < 1 << 64:
            raise UsageError(f"{self.value} is no seed: it has 64 bits")
        if not 0 <= self.bytes < 1 << 64:
            raise UsageError(f"a drive has no {self.bytes} bytes")
        if self.window is not None and self.window >= 1 << 62:
            raise UsageError(f"no run has {self.window} instructions; leave out 'for' for ever")

    def _check_irq(self) -> None:
        where = split(self.place)[1]
        if where not in HART_LINES and not where.isdecimal():
            raise UsageError(f"'{self.place}': an interrupt is a source's number or one of {', '.join(HART_LINES)}")
        if self.action not in ("lose", "raise"):
            raise UsageError(f"an interrupt cannot '{self.action}'; it can lose or raise, as in 'irq:10 lose'")

    def _check_blk(self) -> None:
        if not split(self.place)[1].isdecimal():
            raise UsageError(f"'{self.place}': a drive has a number, as in 'blk:0'")
        if self.action not in _BLK:
            raise UsageError(f"a drive cannot '{self.action}'; it can {', '.join(_BLK)}")
        if self.requests not in _REQUESTS:
            raise UsageError(f"'{self.requests}' is none of a drive's requests: {', '.join(_REQUESTS)}")

    def _check_state(self, kind: str) -> None:
        if self.action not in (*_CHANGES, *_STUCK, "overwrite"):
            raise UsageError(f"a fault cannot '{self.action}'; it can {', '.join((*_CHANGES, *_STUCK))}, overwrite or skip")
        width = width_of(self.place)
        if self.action != "overwrite" and not self.bits:
            raise UsageError(f"'{self.place} {self.action}' names no bits")
        check_bits(self.place, self.bits)
        if not 0 <= self.value < 1 << width:
            raise UsageError(f"{self.value:#x} does not fit the {width} bits of {self.place}")
        if self.action in _STUCK and kind in ("tlb", "insn"):
            raise UsageError(f"{self.place} cannot be stuck: x, f, pc, csr:, ram:, virt:, pte: and mmio: can")
        if kind == "tlb" and self.action == "overwrite":
            raise UsageError("entries of the TLB have bits to flip, set and clear; none is overwritten as a whole")
        if self.window is not None and self.window <= 0:
            raise UsageError(f"stuck for {self.window} instructions is not stuck: give 1 or more, or none for ever")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """From the form that str() gives; bits of page-table and TLB entries may be named (W, PPN+3).

        >>> fault = fi.Fault.parse("x10 flip 3")
        >>> fault.place, fault.action, fault.bits
        ('x10', 'flip', (3,))
        >>> str(fi.Fault.parse("pte:0x7f0010 clear W"))
        'pte:0x7f0010 clear 2'
        >>> fi.Fault.parse("x10 flip 64")
        Traceback (most recent call last):
          ...
        quire.errors.UsageError: 'x10 flip 64': ...
        """
        words = text.split()
        if words == ["skip"]:
            return cls("", "skip")
        window = None
        if len(words) > 2 and words[-2] == "for":
            window = _number(text, words[-1])
            words = words[:-2]
        if len(words) < 2:
            raise UsageError(f"'{text}' is no fault; one reads like 'x10 flip 3'")
        place, action, *rest = words
        try:
            fault = _parse_rest(cls(place, action) if not _is_state(place) else None, place, action, rest)
        except UsageError as error:
            raise UsageError(f"'{text}': {error}") from None
        if window is not None and fault.action not in _STUCK:
            raise UsageError(f"'{text}': only what is stuck is so for a while")
        return replace(fault, window=window) if window is not None else fault

    @property
    def waits(self) -> bool:
        """Whether it is armed now and comes, if it does, later."""
        kind = split(self.place)[0]
        if kind == "mmio":
            return self.action != "overwrite"
        return self.action in (*_STUCK, "lose", "fail") or kind == "blk"

    @property
    def ends_run(self) -> bool:
        """Whether nothing is executed after it: the power is gone."""
        return self.action == "cut"

    # --- doing it ---

    def apply(self, machine: Machine, process: Process | None = None) -> None:
        """Now, or from now on. NotThere when the place does not exist at this moment."""
        kind = split(self.place)[0]
        guest = machine._guest
        if self.action == "skip":
            machine.harts[0].pc += 2 * len(places.insn_places(machine))
        elif self.action in _STUCK or (kind == "mmio" and self.action != "overwrite") or self.action == "lose" or kind == "blk":
            self._arm(machine, process)
        elif self.action == "raise":
            where = split(self.place)[1]
            guest.raise_interrupt(HART_LINES[where]) if where in HART_LINES else guest.raise_irq(int(where))
        elif self.action == "jump":
            guest.jump_clock(self.value)
        elif self.action == "cut":
            guest.cut_power(self.value)
        elif self.action == "fail":
            guest.fail_in_guest(_FAILING[self.place], self.times.native())
        elif kind == "mmio":
            if not guest.write_device(places.address_of(self.place), _MMIO_BYTES, self.value):
                raise NotThere(f"no device takes {_MMIO_BYTES} bytes at {split(self.place)[1]}")
        elif kind == "tlb":
            self._change_tlb(machine, process)
        else:
            self._change(machine, process)

    def has_come(self, machine: Machine) -> bool:
        """Of one that waits: whether it has made a difference yet."""
        if self.action == "fail":
            return machine._guest.has_failed_in_guest(_FAILING[self.place])
        return machine._guest.faults_fired() > 0

    def _change(self, machine: Machine, process: Process | None) -> None:
        if self.place == "insn" and len(places.insn_places(machine)) == 1 and any(bit >= 16 for bit in self.bits):
            raise NotThere("the instruction has 16 bits")
        old = places.read(machine, process, self.place)
        mask = sum(1 << bit for bit in self.bits)
        new = {"flip": old ^ mask, "set": old | mask, "clear": old & ~mask & MASK, "overwrite": self.value}[self.action]
        places.write(machine, process, self.place, new)

    def _masks(self, first: int = 0, width: int = 64) -> tuple[int, int, int]:
        """set, clear, flip: of the bits from `first` on."""
        mask = sum(1 << bit for bit in self.bits) >> first & (1 << width) - 1
        return (mask if self.action in ("set", "stuck1") else 0, mask if self.action in ("clear", "stuck0") else 0,
                mask if self.action == "flip" else 0)

    def _change_tlb(self, machine: Machine, process: Process | None) -> None:
        satp = places.space_of(machine, process)
        if not machine._guest.change_tlb_entry(satp, places.address_of(self.place), self._masks(), self._masks(places.VPN_BIT, 48),
                                               self._masks(places.ASID_BIT, 16)):
            raise NotThere(f"the TLB has no entry for {split(self.place)[1]}")

    def _arm(self, machine: Machine, process: Process | None) -> None:
        kind, where = split(self.place)
        if kind == "irq":
            native, at = ("lose-interrupt", HART_LINES[where]) if where in HART_LINES else ("lose-irq", int(where))
        elif kind == "blk":
            native, at = f"blk-{self.action}", int(where)
        elif kind == "fence":
            native, at = "lose-fence", 0
        elif kind == "mmio":
            native, at = "device", places.address_of(self.place)
        elif kind == "csr":
            native, at = "stuck-csr", places.CSR_NUMBERS[where]
        elif kind == "pc":
            native, at = "stuck-pc", 0
        elif kind == "pte":
            entry = places.pte_address(machine, process, places.address_of(self.place))
            for byte in sorted({bit // 8 for bit in self.bits}):
                self._arm_native(machine, "stuck-ram", entry + byte, self._masks(8 * byte, 8))
            return
        elif kind in ("ram", "virt"):
            native, at = "stuck-ram", places.byte_address(machine, process, self.place)
        else:
            native, at = f"stuck-{kind[0]}", int(kind[1:])
        self._arm_native(machine, native, at, self._masks())

    def _arm_native(self, machine: Machine, native: str, at: int, masks: tuple[int, int, int]) -> None:
        until = _NEVER if self.window is None else machine.icount + self.window
        times = Times(1, True) if self.action in _STUCK else self.times
        machine._guest.arm(native, at, masks, until, times.native(), self.bytes, self.requests)

    def __str__(self) -> str:
        if self.action == "skip":
            return "skip"
        words = [self.place, self.action]
        if split(self.place)[0] == "blk":
            words.append(f"{self.requests}:{self.bytes}" if self.bytes else self.requests)
        elif self.action in ("jump", "cut"):
            words.append(str(self.value))
        elif self.action == "overwrite":
            words.append(f"{self.value:#x}")
        elif self.bits:
            words.append(",".join(map(str, self.bits)))
        if self.times != FIRST:
            words.append(str(self.times))
        if self.window is not None:
            words += ["for", str(self.window)]
        return " ".join(words)


def _is_state(place: str) -> bool:
    return place not in ("fence", "power", "clock", *_FAILING) and split(place)[0] not in ("irq", "blk")


def _number(text: str, word: str) -> int:
    try:
        return int(word, 0)
    except ValueError:
        raise UsageError(f"'{text}': '{word}' is not a number") from None


def _parse_rest(fault: Fault | None, place: str, action: str, rest: list[str]) -> Fault:
    if fault is None:
        if not rest or len(rest) > (2 if split(place)[0] == "mmio" else 1):
            width_of(place)
            raise UsageError("this is no fault; one reads like 'x10 flip 3'")
        times = Times.parse(rest[1]) if len(rest) == 2 else FIRST
        if action == "overwrite":
            return Fault(place, action, value=_number(rest[0], rest[0]))
        return Fault(place, action, places.bits_of(place, rest[0]), times=times)
    if split(place)[0] == "blk" and rest and rest[0].partition(":")[0] in _REQUESTS:
        requests, _, count = rest.pop(0).partition(":")
        fault = replace(fault, requests=requests, bytes=_number(count, count) if count else 0)
    if action in ("jump", "cut"):
        if len(rest) > 1 or (action == "jump" and not rest):
            raise UsageError("one reads like 'clock jump 1000000' or 'power cut 7'")
        return replace(fault, value=_number(rest[0], rest[0]) if rest else 0)
    if len(rest) > 1 or (rest and action == "raise"):
        raise UsageError(f"'{rest[-1]}' is one word too many")
    return replace(fault, times=Times.parse(rest[0])) if rest else fault


def flips(*chosen: str, bits: Iterable[int] | None = None) -> list[Fault]:
    """Every single-bit flip of the places; "x" stands for x1..x31, "f" for f0..f31."""
    if not chosen:
        raise UsageError("flips() takes places, as flips('x', 'pc')")
    given = None if bits is None else list(bits)
    result = []
    for name in chosen:
        group = {"x": [f"x{i}" for i in range(1, 32)], "f": [f"f{i}" for i in range(32)]}.get(name, [name])
        for place in group:
            result += [Fault(place, "flip", (bit,)) for bit in (all_bits(place) if given is None else given)]
    return result


def page_table_flips(mappings: Iterable[Mapping], roles: str = "VRWXUGAD", ppn_bits: Iterable[int] = range(16)) -> list[Fault]:
    """Flips in the entries of these pages (process.mappings): of the bits that have these roles, and of the frame number."""
    bits = [PTE_BITS[role] for role in roles if role in PTE_BITS]
    if len(bits) != len(roles):
        raise UsageError(f"'{roles}' are not roles of an entry's bits: V, R, W, X, U, G, A and D are")
    bits += [PTE_BITS["PPN"] + bit for bit in ppn_bits]
    return [Fault(f"pte:{mapping.va:#x}", "flip", (bit,)) for mapping in mappings for bit in bits]


def role_of(fault: Fault) -> str:
    """What the bits of a fault in a page-table or TLB entry are for: "W", "PPN"; several as "R W"; "" elsewhere."""
    if split(fault.place)[0] not in ("pte", "tlb"):
        return ""
    names = {bit: name for name, bit in PTE_BITS.items() if name != "PPN"}
    roles = [names.get(bit, "reserved" if bit in (8, 9) or 54 <= bit < 64 else "PPN" if bit < 54 else "VPN" if bit < places.ASID_BIT else "ASID")
             for bit in fault.bits]
    return " ".join(dict.fromkeys(roles))


__all__ = ["HART_LINES", "PTE_BITS", "Fault", "NotThere", "flips", "page_table_flips", "role_of"]
