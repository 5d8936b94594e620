"""Random privileged programs for comparing two emulators (frame: priv_frame.S).

A program is a stream of items that run in M, S or U under random address spaces: accesses to and calls into test
pages, changes of page-table entries, satp, protection, delegation, status and counters, mode changes.
Whatever traps is recorded by the frame and skipped. Every change of a translation is followed by a fence that
covers it, so that a TLB's staleness, which is an emulator's own, never shows.

What the two are free to do differently, or is known to differ and has a program of its own in
tests/isa/programs/manual, is left out: misaligned amo and sc, reserved NAPOT encodings without A and D, memory
type 3, sfence.w.inval and sfence.inval.ir in U, mret below M (its tval), sip in M, which of several
interrupts comes first, wfi at the end of a page, STIP around stimecmp with Sstc off, page tables that PMP lets S read and not write, reserved
bits of PMP entries, empty ranges that end at zero; values of counters that run.

Map: the handlers at 0x80000000, the stream at STREAM and, for U, COPY higher; fixed tables at FIXED, test
tables at TEST, test pages at POOL. Test pages hold the 16-bit instruction `c.jr x27`, and what stores may
write there is made of the same bytes, so that a call into any of them comes back.
"""

import random
import struct
from dataclasses import dataclass

STREAM = 0x8001_0000
COPY = 0x10_0000
FIXED = 0x801F_0000
TEST = 0x8020_0000
POOL = 0x8021_0000
POOL_PAGES = 16
TABLES_END = 0x8022_1000
RECORD_WORDS = 16
SPACES = 3

V, R, W, X, U, G, A, D = (1 << bit for bit in range(8))
LEAF_BITS = R | W | X
USER, SUPERVISOR, MACHINE = 0, 1, 3
RETURN_PATTERN = 0x8D82_8D82_8D82_8D82
STORED = [0, RETURN_PATTERN]
SLOT = 0x10  # index of the first test page in its table of 4 KiB pages

# Virtual addresses of the first test page: by way of level-2 entries 5, 3 and 511, of level-3 and level-4 entries
# 1, one to one, and one that no mode can express.
WINDOWS = [0x1_4021_0000, 0xC021_0000, 0xFFFF_FFFF_C021_0000, (1 << 39) + 0x1_4021_0000, (1 << 39) + POOL,
           (1 << 48) + POOL, POOL, 0x4000_0000_4021_0000]  # fmt: skip
ALIASES = WINDOWS[:4]  # those that end in the tables of 4 KiB pages
TEST_L2 = (5, 3, 511)


def identity_l0() -> int:
    return FIXED


def identity_l1() -> int:
    return FIXED + 0x1000


def level2(space: int) -> int:
    return FIXED + 0x2000 + space * 0x3000


def level3(space: int) -> int:
    return level2(space) + 0x1000


def level4(space: int) -> int:
    return level2(space) + 0x2000


def test_l1(space: int, which: int) -> int:
    return TEST + space * 0x4000 + which * 0x1000


def test_l0(space: int, which: int) -> int:
    return test_l1(space, which) + 0x2000


NAPOT_TABLE = TEST + 2 * 0x4000 + 0x3000  # the second one of the last space


def pointer(table: int) -> int:
    return table >> 2 | V


def leaf(frame: int, flags: int) -> int:
    return frame >> 2 | flags


def satp(space: int, mode: int) -> int:
    """Each (space, mode) has an ASID of its own: a mode gives the same address another meaning."""
    if mode == 0:
        return 0
    root = {8: level2, 9: level3, 10: level4}[mode](space)
    asid = 0x8000 + space * 0x1111 + mode
    return mode << 60 | asid << 44 | root >> 12


# --- encoding ---

CSRS = {
    "sstatus": 0x100, "sie": 0x104, "stvec": 0x105, "scounteren": 0x106, "senvcfg": 0x10A, "sscratch": 0x140,
    "sepc": 0x141, "scause": 0x142, "stval": 0x143, "sip": 0x144, "stimecmp": 0x14D, "satp": 0x180, "mstatus": 0x300,
    "medeleg": 0x302, "mideleg": 0x303, "mie": 0x304, "mtvec": 0x305, "mcounteren": 0x306, "menvcfg": 0x30A,
    "mcountinhibit": 0x320, "mscratch": 0x340, "mepc": 0x341, "mcause": 0x342, "mtval": 0x343, "mip": 0x344,
    "pmpcfg0": 0x3A0, "pmpcfg2": 0x3A2, "mcycle": 0xB00, "minstret": 0xB02, "cycle": 0xC00, "time": 0xC01,
    "instret": 0xC02, "hpmcounter3": 0xC03, "hpmcounter31": 0xC1F, "mhpmcounter3": 0xB03, "mhpmevent3": 0x323,
    "nothing": 0x5A8, "mhartid": 0xF14,
}  # fmt: skip
CSRS |= {f"pmpaddr{i}": 0x3B0 + i for i in range(16)}

ECALL, MRET, SRET, WFI, EBREAK = 0x73, 0x30200073, 0x10200073, 0x10500073, 0x00100073
SFENCE_W_INVAL, SFENCE_INVAL_IR = 0x18000073, 0x18100073
NOP = 0x13


def i_type(opcode: int, funct3: int, rd: int, rs1: int, imm: int) -> int:
    return (imm & 0xFFF) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode


def addi(rd: int, rs1: int, imm: int) -> int:
    return i_type(0x13, 0, rd, rs1, imm)


def slli(rd: int, rs1: int, shift: int) -> int:
    return i_type(0x13, 1, rd, rs1, shift)


def csrrw(rd: int, csr: str, rs1: int) -> int:
    return CSRS[csr] << 20 | rs1 << 15 | 1 << 12 | rd << 7 | 0x73


def csrrs(rd: int, csr: str, rs1: int) -> int:
    return CSRS[csr] << 20 | rs1 << 15 | 2 << 12 | rd << 7 | 0x73


def csrrc(rd: int, csr: str, rs1: int) -> int:
    return CSRS[csr] << 20 | rs1 << 15 | 3 << 12 | rd << 7 | 0x73


def store(size_log2: int, value: int, base: int, offset: int = 0) -> int:
    return offset >> 5 << 25 | value << 20 | base << 15 | size_log2 << 12 | (offset & 31) << 7 | 0x23


def fence(funct7: int, va: int, asid: int) -> int:
    return funct7 << 25 | asid << 20 | va << 15 | 0x73


def li(rd: int, value: int) -> list[int]:
    value &= (1 << 64) - 1
    signed = value - (1 << 64) if value >> 63 else value
    if -2048 <= signed < 2048:
        return [addi(rd, 0, signed)]
    if -(1 << 31) <= signed < (1 << 31) - 2048:
        high = (signed + 0x800) >> 12 & 0xFFFFF
        low = (signed & 0xFFF) - (0x1000 if signed & 0x800 else 0)
        words = [high << 12 | rd << 7 | 0x37]
        return words + ([i_type(0x1B, 0, rd, rd, low)] if low else [])
    low = (signed & 0xFFF) - (0x1000 if signed & 0x800 else 0)
    rest, shift = (signed - low) >> 12, 12
    while not rest & 1:
        rest, shift = rest >> 1, shift + 1
    return [*li(rd, rest), slli(rd, rd, shift), *([addi(rd, rd, low)] if low else [])]


@dataclass
class Program:
    seed: int
    words: list[int]
    starts: list[int]  # index of the first word of each item
    names: list[str]
    tables: bytes


class Generator:
    def __init__(self, seed: int):
        self.seed = seed
        self.random = random.Random(seed)
        self.mode = MACHINE
        self.tsr = self.tw = False
        # QEMU 10 does an amo as a load and a store when there is one hart: where the load is denied by PMP or finds no
        # memory, it says so before it looks at W and D. So a program has either amos or memory that cannot be read.
        self.amos = seed % 2 == 0
        # A page that is global in one space is not in the others, so such programs fence at each switch.
        self.globals = seed % 4 < 2
        self.at = 0  # words so far
        self.stce = False
        self.protected = 0  # the region that PMP entries are about
        self.maybe_global: set[int] = set()  # addresses of entries that may have been global

    def chance(self, p: float) -> bool:
        return self.random.random() < p

    # --- page-table entries ---

    def flags(self) -> int:
        """Mostly a leaf that allows something."""
        value = self.random.choice((R | W, R | W | X, R, X, R | X, R | W, R | W | X, W, W | X))
        value |= V if self.chance(0.95) else 0
        value |= U if self.chance(0.5) else 0
        value |= G if self.globals and self.chance(0.1) else 0
        # (An amo of QEMU's sets A where it may read and not write; both are allowed.)
        value |= A if self.chance(0.7) or (self.amos and not value & W) else 0
        value |= D if self.chance(0.6) else 0
        return value | self.random.getrandbits(2) << 8

    def hole_flags(self) -> int:
        """For what may lead to no memory."""
        flags = self.flags()
        return flags | R | W | A | D if self.amos else flags

    def page_entry(self) -> int:
        choice = self.random.random()
        frame = POOL + self.random.randrange(POOL_PAGES) * 0x1000
        if choice < 0.03:
            return pointer(frame)  # where only a leaf may be
        if choice < 0.06:
            # No memory. With A and D: whether an amo that faults behind the translation has set D is left open.
            return leaf(0x70_0000_0000, self.hole_flags() | A | D)
        value = leaf(frame, self.flags())
        if choice < 0.10:
            return value | 1 << self.random.randrange(54, 61)
        if choice < 0.18:
            return value | self.random.randrange(3) << 61
        if choice < 0.20:  # reserved NAPOT encodings; with A and D, as QEMU 10 sets these before it looks
            return leaf(frame & ~0xF000 | self.random.choice((0, 0x1000, 0x4000, 0xC000)), self.flags() | A | D) | 1 << 63
        return value

    def napot_entry(self) -> int:
        """All sixteen of a table are the same: a TLB may hold any as one entry of 64 KiB. With A and D for that."""
        return leaf(POOL | 0x8000, self.flags() | A | D) | 1 << 63

    def upper_entry(self, level: int, below: int) -> int:
        """An entry of level 1 to 4 over the test pages; `below` is the table it should point to."""
        choice = self.random.random()
        aligned = {1: TEST, 2: 0x8000_0000, 3: 0, 4: 0}[level]
        if choice < 0.5:
            return pointer(below) | (G if self.globals and self.chance(0.1) else 0)
        if choice < 0.58:
            return pointer(below) | self.random.choice((A, D, U, 1 << 54, 1 << 61, 1 << 63))
        if choice < 0.63:
            return 0
        value = leaf(aligned, self.hole_flags() if level > 2 else self.flags())
        if choice < 0.72:  # a misaligned superpage
            return value | 1 << self.random.randrange(10, 10 + 9 * level)
        if choice < 0.76:
            return value | self.random.choice((1 << 55, 1 << 61, 2 << 61))
        if choice < 0.78:
            return leaf(aligned, self.flags() | A | D) | 1 << 63
        return value

    def entries(self, space: int) -> list[tuple[int, int, int]]:
        """(address, level, table below) of every entry that may change."""
        found = [(level2(space) + 8 * index, 2, test_l1(space, index >> 1 & 1)) for index in TEST_L2]
        found += [(level3(space) + 8, 3, level2(space)), (level4(space) + 8, 4, level3(space))]
        for which in (0, 1):
            found.append((test_l1(space, which) + 8, 1, test_l0(space, which)))
            found += [(test_l0(space, which) + 8 * (SLOT + page), 0, 0) for page in range(POOL_PAGES)]
        return found

    def tables(self) -> bytes:
        image = bytearray(TABLES_END - FIXED)

        def put(address: int, value: int) -> None:
            struct.pack_into("<Q", image, address - FIXED, value)

        for page in range(512):
            address = 0x8000_0000 + page * 0x1000
            user = STREAM + COPY <= address < 0x801E_0000
            put(identity_l0() + 8 * page, leaf(address, V | R | X | A | D | (U if user else W)))
        put(identity_l1(), pointer(identity_l0()))
        put(identity_l1() + 8, leaf(TEST, V | R | W | A | D))
        for space in range(SPACES):
            put(level2(space) + 16, pointer(identity_l1()))
            for slot in (0, 511):
                put(level3(space) + 8 * slot, pointer(level2(space)))
                put(level4(space) + 8 * slot, pointer(level3(space)))
            for address, level, below in self.entries(space):
                if address & ~0xFFF == NAPOT_TABLE:
                    continue
                usual = pointer(below) if level else self.page_entry()
                value = usual if self.chance(0.8) else self.entry(level, below)
                put(address, value)
                self.note(address, value)
        napot = self.napot_entry()
        for page in range(POOL_PAGES):
            put(NAPOT_TABLE + 8 * (SLOT + page), napot)
            self.note(NAPOT_TABLE + 8 * (SLOT + page), napot)
        for page in range(POOL_PAGES):
            start = POOL - FIXED + page * 0x1000
            image[start : start + 0x1000] = struct.pack("<Q", RETURN_PATTERN) * 512
            # An instruction over each page's end: addi x0, ...
            image[start : start + 2] = b"\0\0"
            image[start + 0xFFE : start + 0x1000] = b"\x13\0"
        return bytes(image)

    def entry(self, level: int, below: int) -> int:
        return self.upper_entry(level, below) if level else self.page_entry()

    def note(self, address: int, value: int) -> None:
        if value & G:
            self.maybe_global.add(address)

    # --- items ---

    def address(self, size: int) -> int:
        window = POOL if self.mode == MACHINE and self.chance(0.5) else self.random.choice(WINDOWS)
        page = self.random.randrange(POOL_PAGES - 1)
        if self.chance(0.12):
            offset = 0x1000 - self.random.randrange(1, 8)
        elif self.chance(0.1):
            offset = self.random.randrange(0, 0xFF8)
        else:
            offset = self.random.randrange(0, 0x1000 // size) * size
        return window + page * 0x1000 + offset

    def result(self) -> int:
        return self.random.randrange(10, 16)

    def load(self) -> list[int]:
        funct3 = self.random.randrange(7)
        return [*li(6, self.address(1 << (funct3 & 3))), i_type(3, funct3, self.result(), 6, 0)]

    def store(self) -> list[int]:
        size_log2 = self.random.randrange(4)
        return [*li(6, self.address(1 << size_log2)), store(size_log2, self.random.choice((16, 17)), 6)]

    def atomic(self) -> list[int]:
        """amoswap, amomin(u), amomax(u), aligned; lr of any alignment."""
        size_log2 = self.random.choice((2, 3))
        address = self.address(1 << size_log2)
        if self.chance(0.3) or not self.amos:
            return [*li(6, address), 2 << 27 | 6 << 15 | size_log2 << 12 | self.result() << 7 | 0x2F]
        funct5 = self.random.choice((1, 16, 20, 24, 28))
        value = self.random.choice((16, 17))
        word = funct5 << 27 | value << 20 | 6 << 15 | size_log2 << 12 | self.result() << 7 | 0x2F
        return [*li(6, address & -(1 << size_log2)), word]

    def call(self) -> list[int]:
        address = self.address(2) & ~1
        return [*li(6, address), i_type(0x67, 0, 27, 6, 0)]

    def poke(self) -> list[int]:
        """Changes a page-table entry and fences."""
        if self.mode == USER and self.chance(0.8):  # it traps, word by word
            return self.load()
        space = self.random.randrange(SPACES)
        address, level, below = self.random.choice(self.entries(space))
        if self.chance(0.3):  # the upper levels are few among many
            address, level, below = self.random.choice([e for e in self.entries(space) if e[1]])
        old_global = address in self.maybe_global
        if address & ~0xFFF == NAPOT_TABLE:
            return self.poke_napot()
        value = self.entry(level, below)
        self.note(address, value)
        words = [*li(6, address), *li(7, value), store(3, 7, 6)]
        return words + self.fences(space, address, level, old_global or bool(value & G))

    def poke_napot(self) -> list[int]:
        words = [*li(6, NAPOT_TABLE + 8 * SLOT), *li(7, self.napot_entry() if self.chance(0.8) else self.page_entry())]
        words += [store(3, 7, 6, 8 * page) for page in range(POOL_PAGES)]
        return [*words, fence(9, 0, 0)]

    def fences(self, space: int, address: int, level: int, is_global: bool) -> list[int]:
        everything = [fence(9, 0, 0)]
        if level or is_global or self.chance(0.5):
            batch = [fence(11, 0, 0)] if self.mode == USER else [SFENCE_W_INVAL, fence(11, 0, 0), SFENCE_INVAL_IR]
            return everything if self.chance(0.7) else batch
        page = (address & 0xFFF) // 8 - SLOT
        with_asid = self.chance(0.5)
        words = []
        for mode in (8, 9, 10) if with_asid else (0,):
            if with_asid:
                words += li(7, satp(space, mode) >> 44 & 0xFFFF)
            if with_asid and self.chance(0.3):
                words.append(fence(9, 0, 7))
                continue
            for window in ALIASES:
                words += li(6, window + page * 0x1000)
                words.append(fence(self.random.choice((9, 11)), 6, 7 if with_asid else 0))
        return words

    def switch_space(self) -> list[int]:
        mode = self.random.choice((0, 8, 8, 8, 9, 9, 10, 10))
        value = satp(self.random.randrange(SPACES), mode)
        if self.chance(0.03):
            value = value & ~(15 << 60) | self.random.choice((1, 5, 7, 11, 15)) << 60
        words = [*li(6, value), csrrw(self.result(), "satp", 6)]
        return [*words, fence(9, 0, 0)] if self.globals else words

    def protect(self) -> list[int]:
        """Entries 1 to 14; 0 and 15 are the frame's. All are about one region at a time, so that no range reaches
        from one into the other: over page tables, what can be read can be written."""
        words = []
        region = self.random.choice((TEST, POOL, POOL))
        entries = [self.random.randrange(1, 15) for _ in range(2)]
        if region != self.protected:
            if self.mode == MACHINE:
                self.protected = region
            words += [*li(6, 0x1F), csrrw(0, "pmpcfg0", 6), *li(6, 0x1F << 56), csrrw(0, "pmpcfg2", 6)]
            entries = list(range(1, 15))
        for entry in entries:
            start = region + self.random.randrange(0, 0x8000, 4)
            if self.chance(0.5):
                start &= ~0xFFF
            # At most 64 KiB, or a locked entry could shut the frame out of its records.
            words += li(6, (start >> 2 | (1 << self.random.randrange(0, 13)) - 1) & ~(1 << 13))
            words.append(csrrw(0, f"pmpaddr{entry}", 6))
        low = self.chance(0.5)
        value = 0
        for at in range(8):
            if self.chance(0.25):
                config = self.random.choice(self.permissions(region))
                config |= (self.random.choice((0, 2, 3)) if low and at == 1 else self.random.randrange(4)) << 3
                config |= 0x80 if region == POOL and self.chance(0.01) else 0
                value |= config << 8 * at
        value = value & ~0xFF | 0x1F if low else value & ~(0xFF << 56) | 0x1F << 56
        return [*words, *li(6, value), csrrw(self.result(), "pmpcfg0" if low else "pmpcfg2", 6), fence(9, 0, 0)]

    def permissions(self, region: int) -> tuple[int, ...]:
        if region == TEST:  # superpages lead here, too
            return (3, 7) if self.amos else (0, 3, 7, 4)
        return (1, 3, 5, 7) if self.amos else (0, 1, 3, 5, 7, 4)

    def status(self) -> list[int]:
        if self.mode != MACHINE and self.chance(0.9):
            value = 0x6000
            for bits in (1 << 18, 1 << 19, 1 << 8, 1 << 5):  # SUM MXR SPP SPIE
                value |= bits if self.chance(0.5) else 0
            value |= 2 if self.chance(0.3) else 0
            return [*li(6, value), csrrw(self.result(), "sstatus", 6)]
        value = 0x6000
        for bits, p in ((1 << 18, 0.5), (1 << 19, 0.5), (1 << 20, 0.15), (1 << 21, 0.2), (1 << 22, 0.15),
                        (1 << 17, 0.4), (1 << 8, 0.5), (1 << 5, 0.5), (1 << 7, 0.5), (2, 0.3), (8, 0.2)):  # fmt: skip
            value |= bits if self.chance(p) else 0
        value |= self.random.choice((USER, SUPERVISOR, MACHINE, 2)) << 11
        if self.mode == MACHINE:
            self.tw, self.tsr = bool(value >> 21 & 1), bool(value >> 22 & 1)
        return [*li(6, value), csrrw(self.result(), "mstatus", 6)]

    def delegate(self) -> list[int]:
        words = li(6, self.random.getrandbits(16) & 0xB1FF)  # never ecall from S: its handler's way to M
        words.append(csrrw(0, "medeleg", 6))
        if self.chance(0.4):
            words += [csrrw(0, "mie", 0), *li(6, self.random.getrandbits(12) & 0x222), csrrw(0, "mideleg", 6)]
        return words

    def interrupts(self) -> list[int]:
        one = self.random.choice((0x2, 0x20, 0x200))
        if self.mode == MACHINE and self.chance(0.5):  # one that will be taken sooner or later
            return [*li(6, one), csrrw(0, "mie", 6), csrrw(0, "mip", 6)]
        csr = self.random.choice(("mie", "mie", "mip", "mip", "sie", "sip"))
        if csr in ("mie", "sie"):  # one at a time: of several, QEMU 10 takes the lowest
            return [*li(6, one), self.random.choice((csrrw, csrrc))(self.result(), csr, 6)]
        operation = self.random.choice((csrrw, csrrs, csrrc))
        # QEMU 10 hides stimecmp's STIP from sip in M-mode.
        result = 0 if csr == "sip" and self.mode == MACHINE else self.result()
        words = [*li(6, self.random.getrandbits(12) & 0x222), operation(result, csr, 6)]
        if self.chance(0.15):  # software's STIP first: QEMU 10 clears it then, with Sstc off too
            words += [*li(6, 0x20), csrrc(0, "mip", 6), *li(6, self.random.choice((0, -1)) if self.stce else -1)]
            words.append(csrrw(self.result(), "stimecmp", 6))
        return words

    def environment(self) -> list[int]:
        value = 0
        for bit in (0, 61, 61, 62, 63):
            value |= 1 << bit if self.chance(0.5) else 0
        if self.mode == MACHINE:
            self.stce = bool(value >> 63)
        # Nothing of STIP is pending when it changes hands.
        calm = [*li(6, 0x20), csrrc(0, "mip", 6), *li(6, -1), csrrw(0, "stimecmp", 6)]
        return [*calm, *li(6, value), csrrw(self.result(), "menvcfg", 6), fence(9, 0, 0)]

    def counters(self) -> list[int]:
        choice = self.random.random()
        if choice < 0.4:
            csr = self.random.choice(("mcounteren", "scounteren"))
            return [*li(6, self.random.randrange(8)), csrrw(self.result(), csr, 6)]
        if choice < 0.75:
            csr = self.random.choice(("cycle", "time", "instret", "hpmcounter3"))
            return [csrrs(0, csr, 0)]
        csr, user = self.random.choice((("mcycle", "cycle"), ("minstret", "instret")))
        return [*li(6, 5), csrrw(0, "mcountinhibit", 6), *li(7, self.random.getrandbits(40)), csrrw(0, csr, 7),
                csrrs(self.result(), csr, 0), csrrs(self.result(), user, 0), csrrs(self.result(), "mcountinhibit", 0),
                csrrw(0, "mcountinhibit", 0)] if self.mode == MACHINE else [csrrs(0, csr, 0)]  # fmt: skip

    def read_csr(self) -> list[int]:
        csr = self.random.choice(
            ("sstatus", "sie", "sip", "scounteren", "sscratch", "sepc", "scause", "stval", "satp", "mstatus", "medeleg",
             "mideleg", "mie", "mip", "mcounteren", "mepc", "mcause", "mtval", "pmpcfg0", "pmpcfg2", "pmpaddr3", "nothing",
             "mhpmcounter3", "mhpmevent3", "mhartid", "stimecmp", "menvcfg", "stvec")
        )  # fmt: skip
        if csr == "sip" and self.mode == MACHINE:
            csr = "mip"
        return [csrrs(self.result(), csr, 0)]

    def scratch_csr(self) -> list[int]:
        choice = self.random.random()
        if choice < 0.3:  # direct or vectored
            return [csrrs(6, "stvec", 0), i_type(0x13, 4, 6, 6, 1), csrrw(0, "stvec", 6)]
        csr = self.random.choice(("sscratch", "sepc", "scause", "stval", "mepc", "mcause", "mtval"))
        value = self.random.getrandbits(64) & ~1
        return [*li(6, value), csrrw(self.result(), csr, 6)]

    def privileged(self) -> list[int]:
        choices = [EBREAK, 0x9002, fence(9, 0, 0), fence(11, 0, 0), fence(9, 16, 0), 0xFFFFFFFF, csrrw(0, "cycle", 0)]
        if self.mode != USER:
            choices += [SFENCE_W_INVAL, SFENCE_INVAL_IR]
        # Where it traps: elsewhere it would wait. At the end of a page QEMU 10 gives a page too much as its epc.
        if (self.mode == USER or (self.mode == SUPERVISOR and self.tw)) and self.at % 1024 != 1023:
            choices += [WFI, WFI]
        if self.mode == USER or (self.mode == SUPERVISOR and self.tsr):
            choices += [SRET, SRET]
        word = self.random.choice(choices)
        return [word] if word > 0xFFFF else [word | 0x0001 << 16]  # with a c.nop behind it

    def trap_return(self) -> list[int]:
        """mret or sret to the instruction behind it, in the mode it leads to."""
        machine = self.mode == MACHINE and self.chance(0.6)
        allowed = self.mode == MACHINE or (self.mode == SUPERVISOR and not self.tsr)
        target = self.random.choice((USER, SUPERVISOR, MACHINE) if machine else (USER, SUPERVISOR))
        csr, field, status = ("mepc", 0x1800, "mstatus") if machine else ("sepc", 0x100, "sstatus")
        tail = [*li(7, field), csrrc(0, status, 7)]
        bits = target << 11 if machine else target << 8
        if bits:
            tail += [*li(7, bits), csrrs(0, status, 7)]
        tail += [csrrw(0, csr, 6), MRET if machine else SRET]
        distance = [0x100 << 12 | 7 << 7 | 0x37, 7 << 20 | 6 << 15 | 6 << 7 | 0x33] if target == USER else []
        length = 4 * (2 + len(distance) + len(tail))
        words = [6 << 7 | 0x17, addi(6, 6, length), *distance, *tail]  # auipc
        if allowed:
            self.mode = target
        return words

    def switch_mode(self) -> list[int]:
        target = self.random.choice((USER, USER, SUPERVISOR, SUPERVISOR, MACHINE))
        self.mode = target
        return [addi(28, 0, target + 1), ECALL]

    def checkpoint(self) -> list[int]:
        return [ECALL]

    ITEMS = [("load", 20), ("store", 16), ("atomic", 8), ("call", 10), ("poke", 12), ("switch_space", 6), ("protect", 3),
             ("status", 8), ("delegate", 3), ("interrupts", 5), ("environment", 2), ("counters", 4), ("read_csr", 6),
             ("scratch_csr", 3), ("privileged", 5), ("trap_return", 4), ("switch_mode", 6), ("checkpoint", 2)]  # fmt: skip

    def program(self, length: int) -> Program:
        tables = self.tables()
        words: list[int] = []
        starts, names = [], []
        kinds, weights = zip(*self.ITEMS)
        while len(words) < length:
            name = self.random.choices(kinds, weights)[0]
            # What only M may do is tried elsewhere now and then.
            if name in ("protect", "delegate", "environment") and self.mode != MACHINE and self.chance(0.8):
                continue
            self.at = len(words)
            starts.append(self.at)
            names.append(name)
            words += getattr(self, name)()
        return Program(self.seed, [*words, ECALL], starts, names, tables)
