"""Bare-metal programs, one an instruction group or trap cause: `quire bare` against QEMU's spike machine.

Both run the same binary; exit status and signature (every result that the program stored) must be equal.
"""

import os
import re
import struct
import subprocess
from pathlib import Path

import pytest
from shared import bare

HERE = Path(__file__).resolve().parent
PROGRAMS = sorted((HERE / "programs").glob("*.S"))
# Where QEMU departs from the manual: the header gives the section and what it asks for.
MANUAL = sorted((HERE / "programs" / "manual").glob("*.S"))
BUILD = Path(os.environ.get("QUIRE_BUILD_DIR", HERE.parents[1] / "build"))
QUIRE = BUILD / "quire"
TOOLS = subprocess.run([HERE.parents[1] / "tools/riscv-binutils"], capture_output=True, text=True, check=True)
NEWER_ASSEMBLER = f"-B{TOOLS.stdout.strip()}"  # which knows every extension
RAM = "64M"
# The translator translates what these short programs run but once, too.
ENGINES = ["interp", "jit,threshold=0,hot=0"]
# What QEMU's rv64 has not by itself.
QEMU_CPU = "rv64,zbkb=on,zicond=on,zacas=on,zfh=on,zfhmin=on,zfa=on,zawrs=on,zicbom=on,zicboz=on"


def build(source: Path, out: Path, *defines: str) -> Path:
    return bare.build(source, out / f"{source.stem}.elf", HERE / "programs" / "link.ld", NEWER_ASSEMBLER, *defines)


def run_quire(elf: Path, signature: Path, isa: str = "", engine: str = "interp") -> int:
    options = ["--engine", engine, *(["--isa", isa] if isa else [])]
    command = [QUIRE, "bare", "--ram", RAM, "--max-insns", "10000000", *options, "--signature", signature, elf]
    return subprocess.run(command, timeout=60).returncode


def option(source: Path, name: str) -> str:
    """A line of a program's header: `// cpu: svnapot=on`, `// machine: virt`, `// isa: rv64gc_svade`."""
    found = re.search(rf"^// {name}: (\S+)$", source.read_text(), re.MULTILINE)
    return found[1] if found else ""


def cpu_options(source: Path) -> str:
    """What the program needs of QEMU's hart beyond what all have."""
    needs = option(source, "cpu")
    return f"{QEMU_CPU},{needs}" if needs else QEMU_CPU


def run_qemu(elf: Path, signature: Path, cpu: str = QEMU_CPU) -> int:
    return bare.qemu_spike(elf, signature, ram=RAM, cpu=cpu)


def run_qemu_virt(elf: Path, signature: Path, cpu: str) -> int:
    """For what spike's machine lacks (`time`, Sstc)."""
    ram = signature.with_suffix(".ram")
    status = bare.qemu_virt(elf, ram, ram=RAM, cpu=cpu)
    symbols = subprocess.run(["riscv64-linux-gnu-nm", elf], capture_output=True, text=True, check=True).stdout
    begin, end = (int(re.search(rf"^(\w+) \w {name}$", symbols, re.MULTILINE)[1], 16) for name in ("begin_signature", "end_signature"))
    words = struct.unpack(f"<{(end - begin) // 4}I", bare.read_ram(ram, begin, end - begin))
    signature.write_text("".join(f"{word:08x}\n" for word in words))
    return status


def build_and_run_qemu(source: Path, out: Path, signature: Path) -> tuple[Path, int]:
    if option(source, "machine") == "virt":
        elf = build(source, out, "-DFINISHER")
        return elf, run_qemu_virt(elf, signature, cpu_options(source))
    elf = build(source, out)
    return elf, run_qemu(elf, signature, cpu_options(source))


def test_there_are_programs_for_every_group():
    groups = {path.stem.split("_")[0] for path in PROGRAMS}
    assert len(PROGRAMS) >= 140
    assert groups == {
        "i", "m", "a", "f", "d", "c", "zicsr", "zifencei", "p", "cause", "zba", "zbb", "zbc", "zbkb", "zbs", "zicond",
        "zicbom", "zicbop", "zicboz", "zihintpause", "zacas", "zawrs", "zfa", "zfh", "zfhmin",
    }  # fmt: skip


def test_the_documentation_has_a_row_for_every_extension():
    root = HERE.parents[1]
    table = (root / "emu/isa/extensions.inc").read_text()
    names = re.findall(r'^QUIRE_EXTENSION\(\w+, "(\w+)"', table, re.MULTILINE)
    assert re.findall(r"^\| `(\w+)` \|", (root / "docs/isa.md").read_text(), re.MULTILINE) == names


def test_every_trap_cause_has_its_program():
    header = (HERE.parents[1] / "include" / "quire" / "arch" / "cause.h").read_text()
    causes = {int(number) for number in re.findall(r"^  k\w+ = (\d+),$", header.split("enum class Exception")[1].split("};")[0], re.MULTILINE)}
    programs = {int(path.stem.split("_")[1]) for path in PROGRAMS + MANUAL if path.stem.startswith("cause_")}
    # Instructions are aligned to 16 bits, so that no jump can be misaligned (Privileged ISA 20240411, 3.1.15).
    assert programs == causes - {0}


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda path: path.stem)
def test_program_agrees_with_qemu(source, tmp_path):
    theirs, ours = tmp_path / "qemu.sig", tmp_path / "quire.sig"
    elf, status = build_and_run_qemu(source, tmp_path, theirs)
    assert status == 0
    expected = theirs.read_text().split()
    written = [word for word in expected if word != "deadbeef"]
    assert written, "the program stored nothing"
    assert expected[-1] == "deadbeef", "the signature is full: raise SIGNATURE_WORDS"
    for engine in ENGINES:
        assert run_quire(elf, ours, option(source, "isa"), engine) == 0
        found = ours.read_text().split()
        assert len(found) == len(expected)
        wrong = [(i, e, f) for i, (e, f) in enumerate(zip(expected, found)) if e != f]
        assert not wrong, f"{engine}: word, QEMU's, ours: " + ", ".join(f"{i} {e} {f}" for i, e, f in wrong[:8])


@pytest.mark.parametrize("source", MANUAL, ids=lambda path: path.stem)
def test_program_agrees_with_the_manual_where_qemu_does_not(source, tmp_path):
    theirs, ours = tmp_path / "qemu.sig", tmp_path / "quire.sig"
    elf, status = build_and_run_qemu(source, tmp_path, theirs)
    # When QEMU comes to agree, the program belongs with the others.
    assert status == 0
    expected = re.search(r"^// expect: (.*)$", source.read_text(), re.MULTILINE)[1].split()
    for engine in ENGINES:
        assert run_quire(elf, ours, option(source, "isa"), engine) == 0
        found = values(ours)
        assert len(found) == len(expected)
        assert all(want in ("*", have) for want, have in zip(expected, found)), f"{engine}: {expected}\n{found}"
        assert values(theirs) != found


def values(signature: Path) -> list[str]:
    """The 64-bit values that a program stored, in hex without leading zeros."""
    words = signature.read_text().split()
    pairs = [(low, high) for low, high in zip(words[::2], words[1::2]) if (low, high) != ("deadbeef", "deadbeef")]
    return [f"{int(high + low, 16):x}" for low, high in pairs]


@pytest.mark.parametrize("status", [0, 1, 7, 127])
def test_tohost_hands_the_status_over(status, tmp_path):
    source = tmp_path / "status.S"
    source.write_text(f'#include "bare.inc"\n  BEGIN\n  li a0, {status}\n  j finish\n  FRAME\n')
    elf = build(source, tmp_path, f"-I{HERE / 'programs'}")
    assert run_quire(elf, tmp_path / "ours") == run_qemu(elf, tmp_path / "theirs") == status


@pytest.mark.parametrize("status", [0, 3, 255])
def test_finisher_hands_the_status_over(status, tmp_path):
    value = 0x5555 if status == 0 else status << 16 | 0x3333
    source = tmp_path / "finisher.S"
    source.write_text(
        f'#include "bare.inc"\n  BEGIN\n  li a0, {value}\n  li a1, 0x100000\n  sw a0, 0(a1)\n1:\n  j 1b\n  FRAME\n'
    )
    elf = build(source, tmp_path, f"-I{HERE / 'programs'}")
    assert run_quire(elf, tmp_path / "ours") == status
