import os
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("QUIRE_BUILD_DIR", ROOT / "build"))

# AddressSanitizer takes terabytes of addresses, keeps what was freed, and is slower to load.
SANITIZED = "libasan" in Path("/proc/self/maps").read_text()

# A bare-metal program: sets registers, stores a signature, and ends through tohost with status 5.
BARE_SOURCE = """
    .globl _start
_start:
    li a0, 0x1234
    li t0, 0x6000  // mstatus.FS: floating point on
    csrs mstatus, t0
    li t0, -2
    fcvt.d.l fa0, t0
    la t1, begin_signature
    li t2, 0x11223344
    sw t2, 0(t1)
    sw a0, 4(t1)
    li a1, 100000
1:  addi a1, a1, -1
    bnez a1, 1b
    la t1, tohost
    li t0, 11
    sd t0, 0(t1)
2:  j 2b
    .data
    .balign 16
    .globl begin_signature, end_signature
begin_signature: .word 0, 0, 7
end_signature:
    .section .tohost, "aw", @progbits
    .balign 64
    .globl tohost, fromhost
tohost: .dword 0
fromhost: .dword 0
"""

LINKER_SCRIPT = """
OUTPUT_ARCH(riscv)
ENTRY(_start)
SECTIONS { . = 0x80000000; .text : { *(.text*) } .data : { *(.data*) } .tohost : { *(.tohost) } }
"""


@pytest.fixture(scope="session", autouse=True)
def heeded_interrupts():
    """A shell's background job ignores SIGINT, and so does what it starts: a test of Ctrl-C would wait for ever."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def quire_command():
    return BUILD / "quire"


@pytest.fixture(scope="session")
def compile_c(tmp_path_factory):
    """compile_c(TEXT, *flags): a static riscv64 Linux program of the stock toolchain."""
    out = tmp_path_factory.mktemp("programs")
    built = {}

    def build(text: str, *flags: str) -> Path:
        key = (text, flags)
        if key not in built:
            program = out / f"program{len(built)}"
            command = ["riscv64-linux-gnu-gcc", "-O2", "-static", *flags, "-x", "c", "-", "-o", str(program)]
            subprocess.run(command, input=text.encode(), check=True)
            built[key] = program
        return built[key]

    return build


@pytest.fixture(scope="session")
def link_bare(tmp_path_factory):
    """link_bare(ASSEMBLY): a bare-metal ELF that starts at the base of RAM."""

    def build(text: str) -> Path:
        out = tmp_path_factory.mktemp("bare")
        (out / "link.ld").write_text(LINKER_SCRIPT)
        (out / "start.S").write_text(text)
        command = ["riscv64-linux-gnu-gcc", "-nostdlib", "-static", "-fno-pic", "-march=rv64gc", "-mno-relax",
                   "-Wl,--build-id=none", "-T", str(out / "link.ld"), str(out / "start.S"), "-o", str(out / "bare")]
        subprocess.run(command, check=True)
        return out / "bare"

    return build


@pytest.fixture(scope="session")
def bare_program(link_bare):
    return link_bare(BARE_SOURCE)


@pytest.fixture(scope="session")
def compile_bare(tmp_path_factory):
    """compile_bare(SOURCE, *flags): a bare-metal ELF of a C file or text, laid out as examples/faults does."""
    out = tmp_path_factory.mktemp("bare-c")
    built = {}

    def build(source, *flags):
        key = (str(source), flags)
        if key not in built:
            file = source if isinstance(source, Path) else out / f"program{len(built)}.c"
            if not isinstance(source, Path):
                file.write_text(source)
            program = out / f"program{len(built)}"
            command = ["riscv64-linux-gnu-gcc", "-O1", "-nostdlib", "-static", "-ffreestanding", "-fno-pic", "-mcmodel=medany",
                       "-march=rv64gc", "-mno-relax", "-Wl,--build-id=none,--no-warn-rwx-segments", "-T", str(ROOT / "examples/faults/bare.ld"),
                       *flags, str(file), "-o", str(program)]
            subprocess.run(command, check=True)
            built[key] = program
        return built[key]

    return build
