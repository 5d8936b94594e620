"""Random bare-metal programs that go round and round, so that all of them is translated; for comparing the engines.

`machine_program`: M-mode with everything that a block may take for granted and lose: FS and rounding modes that change,
CSRs read and written, atomics, branches, calls that do not return where they came from, code that writes code.
`paging_program`: S- and U-mode over Sv39 tables that change all the time: address spaces, superpages, global pages, fences
that come late or never, SUM and MXR, functions that go from one page to the next, drops to U-mode and system calls, traps that
are delegated and traps that are not.

They are text for GNU as. What they compute is nobody's business but both engines'; a program that breaks the manual's rules
(a fence that is missing) is still deterministic here. None ends by itself for sure: runs are bounded by instruction counts.
"""

import random

LINK_SCRIPT = """OUTPUT_ARCH(riscv)
ENTRY(_start)
SECTIONS {
  . = 0x80000000; .text : { *(.text*) }
  . = ALIGN(4096); .data : { *(.data*) }
}
"""
HEAD = ".option norvc\n.text\n.globl _start\n_start:\n"
BYTES = {"d": 8, "w": 4, "h": 2}
SPECIAL = [0x7FF8000000000000, 0x7FF0000000000001, 0xFFFFFFFF7FC00000, 0xFFFFFFFF7F800001, 1, 0, 1 << 63,
           0x41DFFFFFFFC00000, 0xC1E0000000000000]  # fmt: skip


class _Writer:
    """Registers and labels at random; `weights` of kinds of instructions differ from program to program."""

    registers: list[str]

    def __init__(self, seed: int, kinds: int):
        self.random = random.Random(seed)
        self.weights = [self.random.random() + 0.05 for _ in range(kinds)]
        self.labels = 0

    def x(self) -> str:
        return self.random.choice(self.registers)

    def x0(self) -> str:
        return self.random.choice([*self.registers, "zero"])

    def label(self) -> str:
        self.labels += 1
        return f"L{self.labels}"

    def one_of(self, *texts: str) -> str:
        return self.random.choice(texts)

    def pick(self, makers: list) -> str:
        return self.random.choices(makers, self.weights[: len(makers)])[0]()

    def inner_loop(self, makers: list) -> str:
        """Of few instructions, one block where there is no call; gp counts."""
        label = self.label()
        body = "\n ".join(self.pick(makers) for _ in range(self.random.randint(1, 5)))
        return f"li gp, {self.random.choice([2, 9, 60])}\n{label}:\n {body}\n addi gp, gp, -1\n bnez gp, {label}"

    def integer(self) -> str:
        imm = self.random.randint(-2048, 2047)
        op = self.one_of("add", "xor", "mul", "mulh", "divu", "rem", "sllw", "sltu", "sub", "and")
        return self.one_of(f"{op} {self.x()}, {self.x()}, {self.x()}", f"addi {self.x()}, {self.x()}, {imm}",
                           f"mv {self.x()}, {self.x()}", f"li {self.x()}, {imm}")  # fmt: skip


class _MachineProgram(_Writer):
    registers = ["t1", "t2", "t3", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s3", "s4", "sp"]
    floats = ["ft0", "ft1", "fa0", "fa1", "fs0", "fs1"]
    bases = ["s0", "s1", "s2"]

    def __init__(self, seed: int):
        super().__init__(seed, 12)
        self.makers = [self.integer, self.access, self.float_access, self.arithmetic, self.float_to_float, self.conversion,
                       self.atomic, self.csr, self.odd, self.status, self.call, self.rewrite]  # fmt: skip
        self.weights[10] *= 0.3
        self.weights[11] *= 0.1

    def f(self) -> str:
        return self.random.choice(self.floats)

    def rm(self) -> str:
        return self.random.choice(["rne", "rtz", "rdn", "rup", "rmm"] + ["dyn"] * 6)

    def base(self) -> str:
        return self.random.choice(self.bases)

    def access(self) -> str:
        op = self.one_of("ld", "lw", "lwu", "lb", "lhu", "sd", "sw", "sb", "sd", "ld")
        size = BYTES.get(op[1], 1)
        at = self.random.randint(-20, 20) * size if self.random.random() < 0.93 else self.random.randint(-100, 100)
        return f"{op} {self.x()}, {at}({self.base()})"

    def float_access(self) -> str:
        op = self.one_of("fld", "flw", "fsd", "fsw")
        return f"{op} {self.f()}, {self.random.randint(-15, 15) * BYTES[op[2]]}({self.base()})"

    def arithmetic(self) -> str:
        form, f = self.one_of("s", "d"), self.f
        fused = self.one_of("fmadd", "fmsub", "fnmadd", "fnmsub")
        return self.one_of(f"fsqrt.{form} {f()}, {f()}, {self.rm()}", f"{fused}.{form} {f()}, {f()}, {f()}, {f()}, {self.rm()}",
                           *(f"{op}.{form} {f()}, {f()}, {f()}, {self.rm()}" for op in ("fadd", "fsub", "fmul", "fdiv")))  # fmt: skip

    def float_to_float(self) -> str:
        form, f, x = self.one_of("s", "d"), self.f, self.x
        bits = "d" if form == "d" else "w"
        signs, compares = self.one_of("fsgnj", "fsgnjn", "fsgnjx", "fmin"), self.one_of("feq", "flt", "fle")
        return self.one_of(f"{signs}.{form} {f()}, {f()}, {f()}", f"fmv.{form} {f()}, {f()}", f"{compares}.{form} {x()}, {f()}, {f()}",
                           f"fmv.x.{bits} {x()}, {f()}", f"fmv.{bits}.x {f()}, {x()}", f"fclass.{form} {x()}, {f()}")  # fmt: skip

    def conversion(self) -> str:
        form, kind = self.one_of("s", "d"), self.one_of("w", "l", "wu", "lu")
        exact = form == "d" and kind in ("w", "wu")
        return self.one_of(f"fcvt.{kind}.{form} {self.x()}, {self.f()}, {self.rm()}",
                           f"fcvt.{form}.{kind} {self.f()}, {self.x()}" + ("" if exact else f", {self.rm()}"),
                           f"fcvt.d.s {self.f()}, {self.f()}", f"fcvt.s.d {self.f()}, {self.f()}, {self.rm()}")  # fmt: skip

    def atomic(self) -> str:
        size = self.one_of("w", "d")
        op = self.one_of("amoadd", "amoswap", "amoxor", "amoand", "amoor", "amomax", "amominu", "lr", "lr", "sc", "sc")
        address = "" if self.random.random() < 0.1 else f"addi t5, {self.base()}, {self.random.randint(-4, 4) * 8}\n "
        if op == "lr":
            return f"{address}lr.{size} {self.x()}, (t5)"
        return f"{address}{op}.{size} {self.x0()}, {self.x0()}, (t5)"

    def csr(self) -> str:
        op, name = self.one_of("csrrw", "csrrs", "csrrc"), self.one_of("sscratch", "sepc", "scause", "stval")
        same = self.x()  # read into what is written from, also where another register has the same value
        return self.one_of(f"{op} {self.x0()}, {name}, {self.x0()}", f"mv {self.x()}, {same}\n {op} {same}, {name}, {same}")

    def status(self) -> str:
        """t4 has bits of interrupts, s5 to s7 values of FS, s8 SUM."""
        fs = self.one_of("s5", "s6", "s6", "s7", "s8")
        return self.one_of(f"csrr {self.x()}, sstatus", f"csrrs {self.x0()}, sstatus, t4", f"csrrc {self.x0()}, sstatus, t4",
                           f"csrrsi {self.x()}, sstatus, 2", f"csrrci {self.x()}, sstatus, 2", f"csrrs {self.x0()}, sstatus, {fs}",
                           f"csrrs {self.x0()}, mstatus, {fs}", f"csrrc {self.x0()}, sstatus, {fs}", f"csrrc zero, mstatus, {fs}",
                           f"csrrw {self.x()}, sstatus, {self.x()}", "csrs sstatus, s6", "csrs sstatus, s6")  # fmt: skip

    def odd(self) -> str:
        return self.one_of(f"csrr {self.x()}, fflags", f"csrrw {self.x()}, fcsr, zero", f"csrr {self.x()}, minstret",
                           f"csrr {self.x()}, mcycle", f"fsrmi {self.random.randint(0, 4)}", f"csrr {self.x()}, fcsr",
                           f"fsflagsi {self.random.randint(0, 31)}", f"csrr {self.x()}, mepc", ".word 0", "ebreak", "fence.i")  # fmt: skip

    def call(self) -> str:
        """Functions return where they were called from, behind that, or jump on to another function."""
        link, name = self.one_of("ra", "ra", "t0"), f"function{self.random.randrange(6)}"
        skipped = self.integer().split("\n")[0]
        return self.one_of(f"jal ra, {name}", f"lla t5, {name}\n jalr ra, (t5)", f"lla t5, {name}\n jalr t0, (t5)\n {skipped}",
                           f"jal {link}, 1f\n 1: {skipped}", f"jal ra, {name}\n {skipped}\n jal ra, {name}")  # fmt: skip

    def rewrite(self) -> str:
        """An instruction of a function becomes another."""
        imm, register = self.random.randrange(1, 100), self.random.choice([10, 11, 12])
        word = imm << 20 | register << 15 | register << 7 | 0x13
        return f"lla t5, function{self.random.randrange(6)}\n li t6, {word:#x}\n sw t6, {self.random.choice([0, 4])}(t5)"

    def functions(self) -> str:
        """Two pages of them, of which one begins in the first and goes on in the second."""
        text = []
        for index in range(6):
            if index == 3:
                text.append(".balign 4096\n .space 4096 - 14\n .option rvc\n c.nop\n .option norvc")
            ways = ["jr ra", "jr ra", "jr t0", "addi ra, ra, 4\n jr ra", f"j function{(index + 1) % 6}", "jalr t0, (t0)\n jr ra"]
            body = "\n ".join(self.integer() for _ in range(self.random.randint(2, 5)))
            text.append(f"function{index}:\n addi a0, a0, {index}\n addi a1, a1, 1\n {body}\n {self.random.choice(ways)}")
        return "\n".join(text)

    def body(self) -> str:
        lines = []
        for _ in range(self.random.randint(20, 200)):
            chance = self.random.random()
            if chance < 0.06:
                label, op = self.label(), self.one_of("beq", "bne", "bltu", "bge")
                skipped = [self.pick(self.makers) for _ in range(self.random.randint(1, 5))]
                lines += [f"{op} {self.x()}, {self.x()}, {label}", *skipped, f"{label}:"]
            elif chance < 0.12:
                lines.append(self.inner_loop(self.makers[: self.random.choice([2, 4, 12])]))
            elif chance < 0.14:
                lines.append(f"addi {self.base()}, s9, {self.random.randint(-1, 1) * 1000 + self.random.randint(-30, 30) * 8}")
            else:
                lines.append(self.pick(self.makers))
        return "\n ".join(lines)

    def data(self) -> str:
        values = (self.random.choice([self.random.getrandbits(64), 0x3FF0000000000000 + self.random.getrandbits(52),
                                      0xFFFFFFFF00000000 | self.random.getrandbits(32), *SPECIAL]) for _ in range(1024))  # fmt: skip
        return "\n".join(f" .dword {value:#x}" for value in values)

    def text(self) -> str:
        start = " ".join(f"fld {f}, {8 * i + 256}(s9);" for i, f in enumerate(self.floats))
        start += " ".join(f" ld {x}, {8 * i + 1024}(s9);" for i, x in enumerate(self.registers))
        return f"""{HEAD} lla t0, trap
 csrw mtvec, t0
 li t0, 0x6000
 csrs mstatus, t0
 lla s9, data + 4096
 addi s0, s9, -64
 addi s1, s9, 512
 mv s2, s9
 li t4, 0x122
 li s5, 0x2000
 li s6, 0x6000
 li s7, 0x4000
 li s8, 0x40000
 li s11, 0
 lla t0, loop
 lla ra, loop
 {start}
loop:
 {self.body()}
 j loop
 .balign 4
trap:
 addi s11, s11, 1
 csrr t6, mcause
 add s11, s11, t6
 addi t6, t6, -1
 beqz t6, astray
 csrr t6, mtval
 xor s11, s11, t6
 csrr t6, mepc
 addi t6, t6, 4
 csrw mepc, t6
 mret
astray:
 lla t6, loop
 csrw mepc, t6
 mret
{self.functions()}
.data
.balign 4096
data:
{self.data()}
"""


VIRTUAL = 0x4000_0000
FRAMES = 8
ROOTS = 3


class _PagingProgram(_Writer):
    registers = ["t1", "t2", "a0", "a1", "a2", "a3", "a4", "a5", "s3", "s4"]

    def __init__(self, seed: int):
        super().__init__(seed, 11)
        self.makers = [self.accesses, self.set_entry, self.fence, self.switch, self.permissions, self.call, self.rewrite,
                       self.atomic, self.integer, self.user, self.straddle]  # fmt: skip
        for kind in range(1, 8):
            self.weights[kind] *= 0.45
        self.global_share = self.random.choice([0, 0, 0.2, 0.5])
        self.delegated = self.random.choice([0, 0, 0xB100, 0xB104, 0x100, 0x3000])

    def flags(self) -> int:
        bits = 0xCF if self.random.random() < 0.5 else self.random.choice([1, 3, 7, 11, 15, 9]) | self.random.choice([0, 0x40, 0xC0, 0xC0])
        bits |= 0x10 if self.random.random() < 0.3 else 0
        return bits | (0x20 if self.random.random() < self.global_share else 0)

    def address(self) -> int:
        small = self.random.random() < 0.8
        return VIRTUAL + self.random.randrange(FRAMES) * 4096 if small else VIRTUAL + 0x200000 + self.random.randrange(4) * 4096

    @staticmethod
    def entry(place: str, target: str, flags: int) -> str:
        return f"lla t3, {target}\n srli t3, t3, 2\n ori t3, t3, {flags}\n lla t4, {place}\n sd t3, 0(t4)"

    def frame(self) -> str:
        return f"frames + {self.random.randrange(FRAMES)} * 4096"

    def accesses(self) -> str:
        lines = [f"li s0, {self.address() + self.random.choice([0, 0, 0, 4096 - 16])}"]
        for _ in range(self.random.choice([1, 1, 2, 3])):
            op = self.one_of("ld", "lw", "lb", "sd", "sw", "sb", "ld", "sd")
            lines.append(f"{op} {self.x()}, {self.random.randrange(6) * 8}(s0)")
        return "\n ".join(lines)

    def set_entry(self) -> str:
        root, chance = self.random.randrange(ROOTS), self.random.random()
        if chance < 0.8:
            text = self.entry(f"level0_{root} + {8 * self.random.randrange(FRAMES)}", self.frame(), self.flags())
        elif chance < 0.9:
            text = self.entry(f"level1_{root} + 8", "frames", self.flags())
        else:  # small pages where the superpage was
            text = self.entry(f"level1_{root} + 8", f"other_{root}", 1)
        return text + ("\n " + self.fence() if self.random.random() < 0.5 else "")

    def fence(self) -> str:
        asid, address = f"li t4, {self.random.randrange(4)}\n ", f"li t3, {self.address()}\n "
        return self.one_of("sfence.vma", address + "sfence.vma t3", address + "sfence.vma t3", asid + "sfence.vma zero, t4",
                           address + asid + "sfence.vma t3, t4")  # fmt: skip

    def switch(self) -> str:
        asid = self.random.choice([0, 1, 1, 2, 2, 3, 7])
        return f"lla t3, root_{self.random.randrange(ROOTS)}\n srli t3, t3, 12\n li t4, {8 << 60 | asid << 44}\n or t3, t3, t4\n csrw satp, t3"

    def permissions(self) -> str:
        return f"li t3, {self.random.choice([0x40000, 0x80000])}\n {self.one_of('csrs', 'csrs', 'csrc')} sstatus, t3"

    def call(self) -> str:
        at = self.address() + 0xF00
        return self.one_of(f"li t4, {at}\n jalr ra, (t4)", f"li t4, {at}\n jalr ra, (t4)\n li t4, {self.address() + 0xF00}\n jalr ra, (t4)")

    def rewrite(self) -> str:
        word = self.random.randrange(1, 100) << 20 | 10 << 15 | 10 << 7 | 0x13
        return f"li s0, {self.address() + 0xF00}\n li t3, {word}\n sw t3, {self.random.choice([0, 0, 4])}(s0)"

    def atomic(self) -> str:
        size, x = self.one_of("w", "d"), self.x
        return f"li s0, {self.address() + self.random.randrange(6) * 8}\n " + self.one_of(
            f"lr.{size} {x()}, (s0)", f"sc.{size} {x()}, {x()}, (s0)", f"amoadd.{size} {x()}, {x()}, (s0)",
            f"amoswap.{size} {x()}, {x()}, (s0)", f"lr.{size} {x()}, (s0)\n sc.{size} {x()}, {x()}, (s0)")  # fmt: skip

    def user(self) -> str:
        """To U-mode, whence a system call or a fault comes back."""
        label = self.label()
        return (f"lla ra, {label}\n li t3, {self.address() + 0xF40}\n csrw sepc, t3\n li t3, 0x100\n csrc sstatus, t3\n sret\n"
                f"{label}:")  # fmt: skip

    def straddle(self) -> str:
        """A function whose third instruction is in two pages, and whose rest is in the second."""
        return f"li t4, {self.address() + 0xFF6}\n jalr ra, (t4)"

    def tables(self) -> str:
        text = []
        for root in range(ROOTS):
            kernel = 0x80000000 >> 2 | 0xCF | (0x20 if self.random.random() < self.global_share else 0)
            text += [f"li t3, {kernel}\n lla t4, root_{root}\n sd t3, 16(t4)", self.entry(f"root_{root} + 8", f"level1_{root}", 1),
                     self.entry(f"level1_{root}", f"level0_{root}", 1),
                     self.entry(f"level1_{root} + 8", "frames", self.random.choice([0xCF, 0x4F, 0xEF]))]  # fmt: skip
            text += [self.entry(f"level0_{root} + {8 * i}", self.frame(), self.flags()) for i in range(FRAMES)]
        return "\n ".join(text)

    @staticmethod
    def frame_text(index: int) -> str:
        """Data and code behind a jump: the rest of a straddling function, a function, user code, the start of the former."""
        return f""".balign 4096
frame{index}:
 .short 0x0113, 0x0001
 addi a3, a3, {index}
 ret
 .dword {index * 111}
 .space 0xf00 - 20
 addi a0, a0, {index + 1}
 addi a1, a1, {index * 3}
 ret
 .space 0xf40 - 0xf0c
 addi a2, a2, {index}
 ecall
 sd a2, -0x780(s0)
 ecall
 jr ra
 .space 0xff6 - 0xf54
 addi a4, a4, 1
 addi a5, a5, {index}
 .short 0x0693
"""

    def handler(self, mode: str, status: str, previous: int) -> str:
        """To what stands in ra, in S-mode, after a fetch that failed, and after every other system call; else behind it."""
        return f""" addi s11, s11, 1
 csrr s10, {mode}cause
 add s11, s11, s10
 slli s11, s11, 1
 csrr t6, {mode}tval
 xor s11, s11, t6
 li t6, 12
 beq s10, t6, {mode}_back
 li t6, 2
 beq s10, t6, {mode}_back
 li t6, 8
 bne s10, t6, {mode}_behind
 addi s7, s7, 1
 andi t6, s7, 1
 beqz t6, {mode}_back
{mode}_behind:
 csrr t6, {mode}epc
 addi t6, t6, 4
 csrw {mode}epc, t6
 {mode}ret
{mode}_back:
 li t6, {previous}
 csrs {status}, t6
 csrw {mode}epc, ra
 {mode}ret
"""

    def text(self) -> str:
        body = "\n ".join(self.pick(self.makers) if self.random.random() < 0.93 else self.inner_loop(self.makers)
                          for _ in range(self.random.randint(15, 90)))  # fmt: skip
        pages = "\n".join(f".balign 4096\n{name}_{root}: .space 4096" for root in range(ROOTS)
                          for name in ("root", "level1", "level0", "other"))  # fmt: skip
        return f"""{HEAD} lla t0, m_trap
 csrw mtvec, t0
 lla t0, s_trap
 csrw stvec, t0
 li t0, {self.delegated}
 csrw medeleg, t0
 li t0, -1
 csrw pmpaddr0, t0
 li t0, 0x1f
 csrw pmpcfg0, t0
 {self.tables()}
 lla t3, root_0
 srli t3, t3, 12
 li t4, {8 << 60}
 or t3, t3, t4
 csrw satp, t3
 li t0, 0x1800
 csrc mstatus, t0
 li t0, 0x800
 csrs mstatus, t0
 lla t0, loop
 csrw mepc, t0
 mv ra, t0
 li s0, {VIRTUAL + 0x800}
 mret
loop:
 {body}
 j loop
.balign 4
m_trap:
{self.handler("m", "mstatus", 0x800)}
.balign 4
s_trap:
{self.handler("s", "sstatus", 0x100)}
.data
{pages}
.balign 0x200000
frames:
{"".join(self.frame_text(index) for index in range(FRAMES))}
.balign 4096
"""


def machine_program(seed: int) -> str:
    return _MachineProgram(seed).text()


def paging_program(seed: int) -> str:
    return _PagingProgram(seed).text()


PROGRAMS = {"machine": machine_program, "paging": paging_program}
