"""What the suite measures: its programs, their classes, and the speed that each class is to have.

Rounds are chosen so that QEMU takes one to three seconds on a 2.5 GHz Xeon.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Program:
    """`rounds` is what the program is given; `name` is also that of its source in programs/."""

    name: str
    group: str
    rounds: int


@dataclasses.dataclass(frozen=True)
class Goal:
    """QEMU's time over ours, or else a share of native speed."""

    ratio: float
    native: float | None = None


GOALS = {
    "integer": Goal(2, native=0.6),
    "branches": Goal(4),
    "float": Goal(5),
    "tlb": Goal(5),
    "streams": Goal(2),
    "system": Goal(3),
    "code": Goal(2),
    "boot": Goal(3),
}
OVERALL = Goal(3)
WARM, WARM_PERCENT = "warm", 60  # run first and not measured, so that the guest's memory is there
LEAST = 1.0  # no program may be slower than on QEMU
BOOT = "boot"  # not a program: from the emulator's start to init's first word

ABOUT = {
    "integer": "integers and cryptography",
    "branches": "branches, calls, indirect jumps",
    "float": "floating point",
    "tlb": "more pages than a TLB holds",
    "streams": "streams through memory",
    "system": "faults, processes, pipes, signals, calls of the kernel",
    "code": "code that is generated or changed",
    "boot": "Debian's Linux from the emulator's start to init",
}

PROGRAMS = [
    Program("sha256", "integer", 250),
    Program("aes", "integer", 3500),
    Program("crc", "integer", 2500),
    Program("bignum", "integer", 35),
    Program("sieve", "integer", 130),
    Program("matrix", "integer", 750),
    Program("compress", "integer", 150),
    Program("divide", "integer", 2000),
    Program("bytecode", "branches", 75),
    Program("recursion", "branches", 450),
    Program("sorting", "branches", 60),
    Program("shell", "branches", 3000),
    Program("lexer", "branches", 350000),
    Program("matcher", "branches", 4000),
    Program("objects", "branches", 1500),
    Program("nbody", "float", 200000),
    Program("mandelbrot", "float", 80),
    Program("fft", "float", 600),
    Program("lu", "float", 400),
    Program("spectral", "float", 600),
    Program("stencil", "float", 2500),
    Program("polynomial", "float", 25000),
    Program("strides", "tlb", 5000),
    Program("chase", "tlb", 4000),
    Program("hashing", "tlb", 1500),
    Program("transpose", "tlb", 3),
    Program("copies", "streams", 600),
    Program("triad", "streams", 100),
    Program("fills", "streams", 850),
    Program("scans", "streams", 650),
    Program("faults", "system", 25),
    Program("cow", "system", 55),
    Program("forks", "system", 800),
    Program("execs", "system", 200),
    Program("pipes", "system", 150),
    Program("signals", "system", 650),
    Program("calls", "system", 1000),
    Program("mappings", "system", 65),
    Program("files", "system", 1000),
    Program("jit", "code", 35000),
    Program("patch", "code", 25000),
]
BY_NAME = {program.name: program for program in PROGRAMS}


def select(words: list[str]) -> tuple[list[Program], bool]:
    """The programs that names and classes ask for, in the suite's order, and whether the boot is measured.

    No words: all. Raises KeyError with a word that is neither.
    """
    for word in words:
        if word not in BY_NAME and word not in GOALS:
            raise KeyError(word)
    chosen = [program for program in PROGRAMS if not words or program.name in words or program.group in words]
    return chosen, not words or BOOT in words
