"""Random user-mode programs over every extension, for comparing two emulators.

Instructions come from the emulator's own table (emu/isa/isa.inc): names and bit patterns only, so a
wrong body or decoder shows as a difference. A program is a list of items (an instruction, or a few
that belong together); `ecall` is a checkpoint, at which the frame's trap handler dumps every
register, fcsr and the trap CSRs. Every other trap dumps too, and execution goes on behind it.

A program is a stream of instructions and, for each pass through it, registers to begin with.

The same seed gives the same program; checkpoints are chosen apart, so that a difference can be
found again with a checkpoint after every item.
"""

import random
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path

ISA_TABLE = Path(__file__).resolve().parents[2] / "emu" / "isa" / "isa.inc"

BASE = 0x8000_0000
CODE = BASE + 0x1000
DATA = BASE + 0x20_0000
DATA_BYTES = 0x1_0000
HOLE = 0x4000_0000  # no memory on either board
DUMPS = BASE + 0x40_0000
RECORD_BYTES = 72 * 8  # x0..x31 (slot 0: unused), f0..f31, fcsr, mcause, mepc, mtval, 4 spare

INTERESTING = [0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 63, (1 << 63) - 1, (1 << 64) - 1,
               (1 << 64) - 2, 63, 31, 0x5555555555555555, 0xFFFFFFFF80000000]  # fmt: skip
DOUBLES = [0, 1 << 63, 0x3FF0000000000000, 0xBFF8000000000000, 0x7FF0000000000000, 0xFFF0000000000000,
           0x7FF8000000000000, 0x7FF0000000000001, 1, 0x000FFFFFFFFFFFFF, 0x7FEFFFFFFFFFFFFF,
           0x41DFFFFFFFC00000, 0xC3E0000000000000, 0x43F0000000000000, 0x3810000000000000,
           0x47EFFFFFF0000000, 0x36A0000000000000]  # fmt: skip
SINGLES = [0, 0x80000000, 0x3F800000, 0xBFC00000, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001, 1,
           0x007FFFFF, 0x7F7FFFFF, 0x4EFFFFFF, 0xDF000000, 0x5F800000, 0x00800000]  # fmt: skip

HALVES = [0, 0x8000, 0x3C00, 0xBE00, 0x7C00, 0xFC00, 0x7E00, 0x7C01, 1, 0x83FF, 0x7BFF, 0x3555, 0x5BFF, 0x0400,
          0x6400, 0x77FF]  # fmt: skip


@dataclass(frozen=True)
class Row:
    name: str
    pattern: str
    format: str
    extension: str
    flags: str
    bytes: int


def read_table(path: Path = ISA_TABLE) -> list[Row]:
    text = path.read_text()
    rows = []
    for name, pattern, fmt, ext, flags in re.findall(
        r'^QUIRE_INSN\((\w+), "([^"]+)", (\w+), (\w+), ([^)]*)\)', text, re.MULTILINE
    ):
        rows.append(Row(name, pattern.replace(" ", ""), fmt, ext, flags, 4))
    for name, pattern, fmt, op, _ in re.findall(
        r'^QUIRE_CINSN\((\w+), "([^"]+)", (\w+), (\w+), ([^)]*)\)', text, re.MULTILINE
    ):
        rows.append(Row(name, pattern.replace(" ", ""), fmt, "C", op, 2))
    if len(rows) < 150:
        raise SystemExit(f"lockstep: only {len(rows)} instructions found in {path}")
    return rows




# Not for random streams: they end it, leave it, or read what differs by nature.
LEFT_OUT = {"ecall", "ebreak", "mret", "sret", "wfi", "sfence_vma", "fence_i", "c_ebreak"}
# Of the privileged groups, whatever is in them.
PRIVILEGED_GROUPS = {"Priv", "Svinval"}
# QEMU drops these, flags and all, where their result is overwritten unread (programs/manual/zfa_dead_result.S).
DROPPED_WHEN_UNREAD = ("fround", "fcvtmod")
FP_CSRS = [0x001, 0x002, 0x003]


def put(word: int, high: int, low: int, value: int) -> int:
    mask = ((1 << (high - low + 1)) - 1) << low
    return (word & ~mask) | ((value << low) & mask)


def encode_b(word: int, offset: int) -> int:
    word = put(word, 31, 31, offset >> 12)
    word = put(word, 30, 25, offset >> 5)
    word = put(word, 11, 8, offset >> 1)
    return put(word, 7, 7, offset >> 11)


def encode_j(word: int, offset: int) -> int:
    word = put(word, 31, 31, offset >> 20)
    word = put(word, 30, 21, offset >> 1)
    word = put(word, 20, 20, offset >> 11)
    return put(word, 19, 12, offset >> 12)


def encode_cb(word: int, offset: int) -> int:
    word = put(word, 12, 12, offset >> 8)
    word = put(word, 11, 10, offset >> 3)
    word = put(word, 6, 5, offset >> 6)
    word = put(word, 4, 3, offset >> 1)
    return put(word, 2, 2, offset >> 5)


def encode_cj(word: int, offset: int) -> int:
    for high, low, shift in ((12, 12, 11), (11, 11, 4), (10, 9, 8), (8, 8, 10), (7, 7, 6), (6, 6, 7), (5, 3, 1), (2, 2, 5)):
        word = put(word, high, low, offset >> shift)
    return word


def lui_addi(rd: int, value: int) -> list[tuple[int, int]]:
    """rd := value, a number of 32 bits that is not negative (lui of bit 31 would sign-extend: shifted out)."""
    words = [(put(0x37, 11, 7, rd) | ((value >> 1) + 0x800) >> 12 << 12, 4)]
    low = (value >> 1) & 0xFFF
    words.append((0x13 | rd << 7 | rd << 15 | low << 20, 4))
    words.append((0x00101013 | rd << 7 | rd << 15, 4))  # slli rd, rd, 1
    if value & 1:
        words.append((0x00100013 | rd << 7 | rd << 15, 4))  # addi rd, rd, 1
    return words


@dataclass
class Item:
    words: list[tuple[int, int]]  # (bits, bytes)
    target: int | None = None  # index of the item that the last word jumps to
    kind: str = ""  # how the target is encoded: b, j, cb, cj, address; patched: it is not jumped to

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self.words)


@dataclass
class Program:
    seed: int
    items: list[Item]
    user_mode: bool
    data: bytes
    registers: list[list[int]]  # x and f, for each pass
    count: int = field(default=0)  # instructions in the stream, checkpoints apart


class Generator:
    def __init__(self, seed: int, rows: list[Row], hole_rate: float = 0.01, only_rows: bool = False):
        """`hole_rate` is how many accesses go where there is no memory; `only_rows` leaves out what takes more than rows: functions, code
        that is written to, CSRs of S-mode, FS that is off."""
        self.only_rows = only_rows
        self.seed, self.hole_rate = seed, hole_rate
        self.random = random.Random(seed)
        self.plain, self.memory, self.branches, self.jumps = [], [], [], []
        for row in rows:
            if row.name in LEFT_OUT or row.extension in PRIVILEGED_GROUPS:
                continue
            if row.format in ("Csr", "CsrImm"):
                self.plain.append(row)
            elif row.format == "B" or row.name in ("c_beqz", "c_bnez"):
                self.branches.append(row)
            elif row.format == "J" or row.name in ("jalr", "c_j", "c_jr", "c_jalr"):
                self.jumps.append(row)
            elif "kLoad" in row.flags or "kStore" in row.flags or self.is_compressed_memory(row):
                self.memory.append(row)
            else:
                self.plain.append(row)

    @staticmethod
    def is_compressed_memory(row: Row) -> bool:
        return row.bytes == 2 and row.flags.strip() in {"lw", "ld", "sw", "sd", "fld", "fsd"}

    def fill(self, row: Row) -> int:
        word = 0
        for char in row.pattern:
            word = word << 1 | (self.random.getrandbits(1) if char == "-" else int(char))
        if row.name in ("c_mv", "c_add") and not word >> 2 & 31:
            word |= 4  # rs2 = 0 would make it c.jr or c.jalr
        if "Rm" in row.format and self.random.random() < 0.97:
            word = put(word, 14, 12, self.random.choice((0, 1, 2, 3, 4, 7, 7, 7)))
        if row.format in ("Csr", "CsrImm"):
            word = put(word, 31, 20, self.random.choice(FP_CSRS))
            if self.random.random() < 0.9 and (word >> 20) != 1:
                # Mostly a rounding mode that exists.
                word = 0x00105073 | (word & 0xF80) if row.format == "CsrImm" else 0x00102073 | (word & 0xF80)
                word = put(word, 31, 20, 2)
                word = put(word, 19, 15, self.random.randrange(5)) if row.format == "CsrImm" else word
        return word

    def base(self, alignment: int) -> int:
        if self.random.random() < self.hole_rate:
            return HOLE + self.random.randrange(0, 1 << 20)
        address = self.data_address()
        return address if self.random.random() < 0.1 else address & -alignment

    def data_address(self) -> int:
        return DATA + 4096 + self.random.randrange(DATA_BYTES - 8192)

    def memory_item(self) -> Item:
        row = self.random.choice(self.memory)
        word = self.fill(row)
        if row.bytes == 4:
            if row.name.startswith("cbo_"):
                # Where there is no memory is left to tests/isa/programs/manual.
                register = self.random.randrange(1, 32)
                return Item([*lui_addi(register, self.data_address()), (put(word, 19, 15, register), 4)])
            if row.name.startswith("amocas_"):
                return self.compare_and_swap_item(row, word)
            atomic = row.extension == "A"
            register = self.random.randrange(1, 32)
            word = put(word, 19, 15, register)
            words = lui_addi(register, self.base(8))
            if row.name.startswith("lr_") and self.random.random() < 0.9:
                # Where sc fails for want of a reservation, looking at its address at all is the hart's choice.
                words = lui_addi(register, self.data_address() & -8)
                size = row.name[-1]
                sc = 0x1800302F if size == "d" else 0x1800202F
                other = self.random.choice([r for r in range(1, 32) if r != register])
                word = put(word, 11, 7, other)
                sc |= register << 15 | self.random.randrange(32) << 20 | self.random.randrange(32) << 7
                return Item([*words, (word, 4), (sc, 4)])
            if row.name.startswith("sc_"):
                words = lui_addi(register, self.data_address() & -8)
            elif atomic and not (row.name.startswith("lr_") and self.random.random() < 0.1):
                # Misaligned sc and amo are left to tests/isa/programs/manual: QEMU departs from the manual there.
                words = lui_addi(register, self.base(8) & -8)
            return Item([*words, (word, 4)])
        if row.name.endswith("sp"):
            return Item([*lui_addi(2, self.base(8)), (word, 2)])
        return Item([*lui_addi(8 + (word >> 7 & 7), self.base(8)), (word, 2)])

    def compare_and_swap_item(self, row: Row, word: int) -> Item:
        """Half of them after a load of what is compared. x0 as what is compared is left to programs/manual."""
        size = {"w": 4, "d": 8, "q": 16}[row.name[-1]]
        even = 2 if size == 16 else 1
        compared = self.random.randrange(even, 32, even)
        base = self.random.choice([r for r in range(1, 32) if r not in (compared, compared + even - 1)])
        words = lui_addi(base, self.data_address() & -size)
        word = put(put(word, 19, 15, base), 11, 7, compared)
        if self.random.random() < 0.5:
            load = 0x2003 if size == 4 else 0x3003  # lw, ld
            words.append((load | base << 15 | compared << 7, 4))
            if size == 16:
                words.append((load | 8 << 20 | base << 15 | (compared + 1) << 7, 4))
        return Item([*words, (word, 4)])

    def branch_item(self, index: int, jump: bool) -> Item:
        row = self.random.choice(self.jumps if jump else self.branches)
        word = self.fill(row)
        target = index + self.random.randrange(1, 8)
        if row.name in ("jalr", "c_jr", "c_jalr"):
            register = self.random.randrange(1, 32)
            if row.name == "jalr":
                word = put(put(word, 19, 15, register), 31, 20, 0)
            else:
                word = put(word, 11, 7, register)
            return Item([*lui_addi(register, 0xFFFF_FFFE), (word, row.bytes)], target, "address")
        kind = {"B": "b", "J": "j"}.get(row.format) or ("cj" if row.name == "c_j" else "cb")
        return Item([(word, row.bytes)], target, kind)

    def loop_item(self) -> Item:
        counter = self.random.randrange(1, 32)
        words = [(0x13 | counter << 7 | self.random.randrange(1, 12) << 20, 4)]
        body = []
        while len(body) < 3:
            row = self.random.choice(self.plain)
            if row.bytes == 4 and row.format in ("R", "R1", "I", "RRm", "R1Rm", "R4Rm"):
                word = self.fill(row)
                if (word >> 7 & 31) != counter and not row.name.startswith(DROPPED_WHEN_UNREAD):
                    body.append((word, 4))
        words += body
        words.append((0x13 | counter << 7 | counter << 15 | 0xFFF << 20, 4))
        words.append((encode_b(0x1063 | counter << 15, -4 * (len(body) + 1)), 4))
        return Item(words)

    def call_item(self) -> Item:
        """A call of the function behind it, directly or through a register, and a jump past it, where it returns to or 4 bytes before that."""
        link, pointer = self.random.choice((1, 1, 5)), self.random.choice((6, 7, 28))
        indirect, shifted = self.random.random() < 0.3, self.random.random() < 0.2
        body = []
        while len(body) < 3:
            row = self.random.choice(self.plain)
            if row.bytes == 4 and row.format in ("R", "R1", "I", "RRm", "R1Rm", "R4Rm") and not row.name.startswith(DROPPED_WHEN_UNREAD):
                word = self.fill(row)
                if (word >> 7 & 31) != link:
                    body.append((word, 4))
        if shifted:
            body.append((0x13 | link << 7 | link << 15 | 4 << 20, 4))  # addi link, link, 4
        body.append((0x67 | link << 15, 4))  # jalr x0, (link)
        head, skips = 2 if indirect else 1, 2 if shifted else 1
        function, end = 4 * (head + skips), 4 * (head + skips + len(body))
        call = [(encode_j(0x6F | link << 7, function), 4)]
        if indirect:
            call = [(0x17 | pointer << 7, 4), (0x67 | link << 7 | pointer << 15 | function << 20, 4)]  # auipc, jalr
        skip = [(encode_j(0x6F, end - 4 * (head + at)), 4) for at in range(skips)]
        return Item([*call, *skip, *body])

    def patch_items(self, index: int) -> list[Item]:
        """A store into the addi that comes next: its immediate and four bits of rs1 become what a register has; fence.i."""
        base, value = self.random.randrange(1, 32), self.random.randrange(32)
        words = [*lui_addi(base, 0xFFFF_FFFE), (0x1023 | 2 << 7 | base << 15 | value << 20, 4), (0x100F, 4)]
        patched = 0x13 | self.random.randrange(32) << 7 | self.random.randrange(1 << 17) << 15
        return [Item(words, index + 1, "patched"), Item([(patched, 4)])]

    def csr_item(self) -> Item:
        """sscratch or stval read into what it is written from, which another register may have as well (sepc differs in QEMU)."""
        csr, same, other = self.random.choice((0x140, 0x143)), self.random.randrange(1, 32), self.random.randrange(32)
        move = (0x13 | other << 7 | same << 15, 4)
        access = self.random.choice((1, 2, 3)) << 12 | 0x73 | same << 7 | same << 15 | csr << 20
        return Item([move, (access, 4), (0x2073 | self.random.randrange(32) << 7 | csr << 20, 4)])

    def fs_off_item(self) -> Item:
        """One instruction of floating point, or of its CSRs, while FS is off; the frame's handler sets it, too."""
        register = self.random.randrange(1, 32)
        floats = [row for row in self.plain if row.bytes == 4 and (row.extension in ("F", "D") or row.format in ("Csr", "CsrImm"))]
        fs = 0x73 | 0x300 << 20 | register << 15
        return Item([(0x6037 | register << 7, 4), (fs | 0x3000, 4), (self.fill(self.random.choice(floats)), 4), (fs | 0x2000, 4)])

    def special_items(self, index: int, user_mode: bool) -> list[Item]:
        choice = self.random.random()
        if choice < 0.6:
            return [self.call_item()]
        if choice < 0.8:
            return self.patch_items(index)
        if user_mode:
            return [self.plain_item()]
        return [self.csr_item() if choice < 0.95 else self.fs_off_item()]

    def plain_item(self) -> Item:
        if self.random.random() < 0.004:
            return Item([(self.random.getrandbits(32) & ~0x7F | 0x5B, 4)])  # custom-2: nobody's instruction
        row = self.random.choice(self.plain)
        word = self.fill(row)
        if row.name.startswith(DROPPED_WHEN_UNREAD):
            return Item([(word, 4), (0x00102073 | self.random.randrange(32) << 7, 4)])  # csrr rd, fflags
        return Item([(word, row.bytes)])

    def value(self) -> int:
        choice = self.random.random()
        if choice < 0.25:
            return self.random.choice(INTERESTING)
        if choice < 0.5:
            return self.random.choice(DOUBLES) ^ (self.random.getrandbits(3) if self.random.random() < 0.3 else 0)
        if choice < 0.7:
            return 0xFFFFFFFF_00000000 | self.random.choice(SINGLES)
        if choice < 0.75:
            return 0xFFFFFFFF_00000000 | self.random.getrandbits(32)
        if choice < 0.85:
            half = self.random.choice(HALVES) if self.random.random() < 0.5 else self.random.getrandbits(16)
            return 0xFFFFFFFF_FFFF0000 | half
        if choice < 0.9:  # a double of ordinary size
            return self.random.getrandbits(52) | (1023 + self.random.randrange(-70, 70)) << 52 | self.random.getrandbits(1) << 63
        return self.random.getrandbits(64)

    def program(self, length: int, passes: int) -> Program:
        items, count = [], 0
        user_mode = self.random.random() < 0.5
        while count < length:
            choice = self.random.random()
            if choice < 0.03 and not self.only_rows:
                special = self.special_items(len(items), user_mode)
                items += special
                count += sum(len(item.words) for item in special)
                continue
            if choice < 0.12:
                item = self.memory_item()
            elif choice < 0.20:
                item = self.branch_item(len(items), jump=False)
            elif choice < 0.23:
                item = self.branch_item(len(items), jump=True)
            elif choice < 0.24:
                item = self.loop_item()
            else:
                item = self.plain_item()
            items.append(item)
            count += len(item.words)
        data = struct.pack(f"<{DATA_BYTES // 8}Q", *(self.value() for _ in range(DATA_BYTES // 8)))
        registers = [[self.value() for _ in range(64)] for _ in range(passes)]
        return Program(self.seed, items, user_mode, data, registers, count)


def link(program: Program, checkpoints: set[int]) -> tuple[bytes, list[int]]:
    """The code with a checkpoint before each item of `checkpoints` and at the end, and each item's address."""
    addresses, at = [], CODE
    for index, item in enumerate(program.items):
        if index in checkpoints:
            at += 4
        addresses.append(at)
        at += item.bytes
    end = at
    code = bytearray()
    for index, item in enumerate(program.items):
        if index in checkpoints:
            code += struct.pack("<I", 0x73)
        words = list(item.words)
        if item.target is not None:
            target = addresses[item.target] if item.target < len(addresses) else end
            word, size = words[-1]
            offset = target - (addresses[index] + item.bytes - size)
            if item.kind == "patched":
                words[:3] = lui_addi(words[0][0] >> 7 & 31, target)
            elif item.kind == "address":
                register = words[0][0] >> 7 & 31
                # Always an even address: three instructions, as lui_addi made for the placeholder.
                words = [*lui_addi(register, target), (word, size)]
                assert len(words) == len(item.words)
            else:
                encode = {"b": encode_b, "j": encode_j, "cb": encode_cb, "cj": encode_cj}[item.kind]
                if item.kind == "cb" and offset >= 256:
                    word, offset = 0x0001, 0  # too far with checkpoints between: a c.nop
                words[-1] = (encode(word, offset) if offset else word, size)
        for word, size in words:
            code += word.to_bytes(size, "little")
    return bytes(code) + struct.pack("<II", 0x73, 0x00000013), addresses
