"""Bare-metal programs, one an instruction group or trap cause: `quire bare` against QEMU's spike machine.

Both run the same binary; exit status and signature (every result that the program stored) must be equal.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PROGRAMS = sorted((HERE / "programs").glob("*.S"))
# Where QEMU departs from the manual: the header gives the section and what it asks for.
MANUAL = sorted((HERE / "programs" / "manual").glob("*.S"))
BUILD = Path(os.environ.get("QUIRE_BUILD_DIR", HERE.parents[1] / "build"))
QUIRE = BUILD / "quire"
TOOLS = subprocess.run([HERE.parents[1] / "tools/riscv-binutils"], capture_output=True, text=True, check=True)
COMPILE = (
    "riscv64-linux-gnu-gcc -march=rv64gc -mabi=lp64d -mcmodel=medany -nostdlib -static -fno-pic "
    "-Wl,--build-id=none -Wl,--no-warn-rwx-segments"
).split() + [f"-B{TOOLS.stdout.strip()}"]  # with an assembler that knows every extension
# What QEMU's rv64 has not by itself.
QEMU_CPU = "rv64,zbkb=on,zicond=on,zacas=on,zfh=on,zfhmin=on,zfa=on,zawrs=on,zicbom=on,zicboz=on"


def build(source: Path, out: Path, *defines: str) -> Path:
    elf = out / f"{source.stem}.elf"
    command = [*COMPILE, *defines, "-T", HERE / "programs" / "link.ld", source, "-o", elf]
    subprocess.run(command, check=True)
    return elf


def run_quire(elf: Path, signature: Path) -> int:
    command = [QUIRE, "bare", "--ram", "64M", "--max-insns", "10000000", "--signature", signature, elf]
    return subprocess.run(command, timeout=60).returncode


def run_qemu(elf: Path, signature: Path) -> int:
    command = [
        "qemu-system-riscv64", "-M", f"spike,signature={signature},signature-granularity=4", "-m", "64M",
        "-cpu", QEMU_CPU, "-display", "none", "-serial", "null", "-monitor", "none", "-bios", "none", "-kernel", elf,
    ]  # fmt: skip
    return subprocess.run(command, timeout=60, stdin=subprocess.DEVNULL).returncode


def test_there_are_programs_for_every_group():
    groups = {path.stem.split("_")[0] for path in PROGRAMS}
    assert len(PROGRAMS) >= 140
    assert groups == {
        "i", "m", "a", "f", "d", "c", "zicsr", "zifencei", "p", "zba", "zbb", "zbc", "zbkb", "zbs", "zicond",
        "zicbom", "zicbop", "zicboz", "zihintpause", "zacas", "zawrs", "zfa", "zfh", "zfhmin",
    }  # fmt: skip


def test_the_documentation_has_a_row_for_every_extension():
    root = HERE.parents[1]
    table = (root / "emu/isa/extensions.inc").read_text()
    names = re.findall(r'^QUIRE_EXTENSION\(\w+, "(\w+)"', table, re.MULTILINE)
    assert re.findall(r"^\| `(\w+)` \|", (root / "docs/isa.md").read_text(), re.MULTILINE) == names


@pytest.mark.parametrize("source", PROGRAMS, ids=lambda path: path.stem)
def test_program_agrees_with_qemu(source, tmp_path):
    elf = build(source, tmp_path)
    theirs, ours = tmp_path / "qemu.sig", tmp_path / "quire.sig"
    assert run_qemu(elf, theirs) == 0
    expected = theirs.read_text().split()
    written = [word for word in expected if word != "deadbeef"]
    assert written, "the program stored nothing"
    assert expected[-1] == "deadbeef", "the signature is full: raise SIGNATURE_WORDS"
    assert run_quire(elf, ours) == 0
    found = ours.read_text().split()
    assert len(found) == len(expected)
    wrong = [(i, e, f) for i, (e, f) in enumerate(zip(expected, found)) if e != f]
    assert not wrong, "word, QEMU's, ours: " + ", ".join(f"{i} {e} {f}" for i, e, f in wrong[:8])


@pytest.mark.parametrize("source", MANUAL, ids=lambda path: path.stem)
def test_program_agrees_with_the_manual_where_qemu_does_not(source, tmp_path):
    elf = build(source, tmp_path)
    expected = re.search(r"^// expect: (.*)$", source.read_text(), re.MULTILINE)[1].split()
    theirs, ours = tmp_path / "qemu.sig", tmp_path / "quire.sig"
    assert run_quire(elf, ours) == 0
    found = values(ours)
    assert len(found) == len(expected)
    assert all(want in ("*", have) for want, have in zip(expected, found)), f"{expected}\n{found}"
    # When QEMU comes to agree, the program belongs with the others.
    assert run_qemu(elf, theirs) == 0
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
