"""Unicorn as a second oracle, for user-mode programs over RV64GC: the same stream, its states read from outside.

Debian's Unicorn 2.0 is made of a QEMU of 2020. It checks and makes no NaN boxes, so that singles are left out but
for what takes their bits as they are; its fmin and fmax are those of the manual of 2017; infinity times zero plus a
NaN is not invalid to it (21.6 says it is); and it compares the operands of 32-bit amomin and amomax in 64 bits.
It hands every exception to its caller, without tval.
"""

import random
import struct
from collections.abc import Iterator

import generate as gen
from unicorn import UC_ARCH_RISCV, UC_HOOK_INTR, UC_MODE_RISCV64, Uc
from unicorn import riscv_const as reg

X = [reg.UC_RISCV_REG_X0 + n for n in range(32)]
F = [reg.UC_RISCV_REG_F0 + n for n in range(32)]
NAMES = [f"x{n}" for n in range(1, 32)] + [f"f{n}" for n in range(32)] + ["fcsr", "mcause", "mepc"]
GROUPS = {"I", "M", "A", "D", "C", "Zicsr"}
BITS_ALONE = {"flw", "fsw", "fmv_x_w"}
LEFT_OUT = {"fmin_d", "fmax_d", "fmadd_d", "fmsub_d", "fnmadd_d", "fnmsub_d", "fcvt_s_d", "fcvt_d_s",
            "amomin_w", "amomax_w", "amominu_w", "amomaxu_w"}  # fmt: skip


def rows() -> list[gen.Row]:
    """What Unicorn can be asked about."""
    return [r for r in gen.read_table() if (r.extension in GROUPS and r.name not in LEFT_OUT) or r.name in BITS_ALONE]


def program(seed: int, length: int) -> tuple[gen.Program, bytes]:
    """Without accesses where there is no memory, which end Unicorn's run."""
    made = gen.Generator(seed, rows(), hole_rate=0, only_rows=True).program(length, 1)
    made.user_mode = True
    chooser = random.Random(seed ^ 0x51DE)
    code, _ = gen.link(made, {i for i in range(len(made.items)) if chooser.random() < 0.02})
    return made, code


class Board:
    """A program in Unicorn's U-mode."""

    def __init__(self, made: gen.Program, code: bytes):
        self.uc = Uc(UC_ARCH_RISCV, UC_MODE_RISCV64)
        self.uc.mem_map(gen.BASE, 8 << 20)
        self.uc.mem_write(gen.CODE, code)
        self.uc.mem_write(gen.DATA, made.data)
        self.uc.hook_add(UC_HOOK_INTR, self._trapped)
        self.uc.reg_write(reg.UC_RISCV_REG_MSTATUS, self.uc.reg_read(reg.UC_RISCV_REG_MSTATUS) | 0x6000)
        for number, value in zip([*X[1:], *F], made.registers[0][1:]):
            self.uc.reg_write(number, value)
        self.end = gen.CODE + len(code) - 8
        self.cause = 0

    def _trapped(self, uc: Uc, cause: int, _data: object) -> None:
        self.cause = cause
        uc.emu_stop()

    def states(self) -> Iterator[list[int]]:
        """At every trap, in the order of NAMES."""
        read, pc = self.uc.reg_read, gen.CODE
        while pc < self.end:
            self.uc.emu_start(pc, self.end + 8)
            pc = read(reg.UC_RISCV_REG_PC) - 4  # it has gone on by 4, whatever the instruction's length
            yield [*map(read, X[1:]), *map(read, F), read(reg.UC_RISCV_REG_FCSR), self.cause, pc]
            pc += 2 if self.uc.mem_read(pc, 1)[0] & 3 != 3 else 4

    def data(self) -> list[int]:
        return list(struct.unpack(f"<{gen.DATA_BYTES // 8}Q", self.uc.mem_read(gen.DATA, gen.DATA_BYTES)))
